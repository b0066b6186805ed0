"""Files for users: whole, or what stood there before still stands."""

from __future__ import annotations

import os
import resource
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_callkaro.calls.outcome import Outcome
from airflow_provider_callkaro.dispatch.preflight import Preflight
from airflow_provider_callkaro.dispatch.tally import RowOutcome, Summary
from airflow_provider_callkaro.exceptions import ConfigurationError, NotWritten
from airflow_provider_callkaro.files.formats import FileFormat
from airflow_provider_callkaro.files.writing.publishing import published
from airflow_provider_callkaro.files.writing.result_file import ResultFile
from airflow_provider_callkaro.tasks.preflight_page import write_page
from airflow_provider_callkaro.tasks.run_output import new_report

YESTERDAY = b"yesterday's, whole"
NOBODY = Summary(total=0, accepted=0, rejected=0, skipped=0, unknown=0, pending=0, reasons={}, dialled=0, resumed=0)
TOO_LITTLE = 3_000  # bytes that a file may have where the disk is "full"


def write_report(path: str) -> None:
    report = new_report(path)
    assert report is not None
    for number in range(1, 501):
        report.add(RowOutcome(row_number=number, outcome=Outcome.ACCEPTED, call_id=f"call-{number}"))
    try:
        report.publish()
    finally:
        report.close()


def write_export(kind: FileFormat) -> Callable[[str], None]:
    def write(path: str) -> None:
        with ResultFile(path, kind=kind) as file:
            file.add_all({"name": f"{number:x}" * 9, "row": number} for number in range(2_000))
            file.publish()

    return write


def write_preflight_page(path: str) -> None:
    preflight = Preflight(policy=None, pace=None, waits=True)
    write_page(path, preflight.report(NOBODY), title="x" * 2 * TOO_LITTLE)


WRITERS = [
    pytest.param("report.csv", write_report, id="report"),
    pytest.param("page.html", write_preflight_page, id="preflight page"),
    pytest.param("rows.csv", write_export(FileFormat.CSV), id="export as CSV"),
    pytest.param("rows.jsonl", write_export(FileFormat.JSONL), id="export as JSON Lines"),
    pytest.param("rows.parquet", write_export(FileFormat.PARQUET), id="export as Parquet"),
]


@contextmanager
def full_disk() -> Iterator[None]:
    """No file can grow beyond some bytes: what a full disk does to a long one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (TOO_LITTLE, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize(("name", "write"), WRITERS)
def test_what_breaks_off_leaves_what_stood_there(tmp_path: Path, name: str, write: Callable[[str], None]) -> None:
    path = tmp_path / name
    path.write_bytes(YESTERDAY)
    with full_disk(), pytest.raises(NotWritten) as caught:
        write(str(path))
    assert path.read_bytes() == YESTERDAY
    assert os.listdir(tmp_path) == [name]
    assert str(path) in str(caught.value)
    assert "File too large" in str(caught.value)


@pytest.mark.parametrize(("name", "write"), WRITERS)
def test_a_missing_folder_is_made_and_nothing_else_is_left(
    tmp_path: Path, name: str, write: Callable[[str], None]
) -> None:
    path = tmp_path / "new" / "folder" / name
    write(str(path))
    assert path.stat().st_size > 100
    assert os.listdir(path.parent) == [name]


@pytest.mark.parametrize(("name", "write"), WRITERS)
def test_an_upload_that_fails_leaves_what_stood_there(bucket: Any, name: str, write: Callable[[str], None]) -> None:
    bucket.pipe(f"/outreach/{name}", YESTERDAY)
    bucket.write_error = RuntimeError("signature of secret-key does not match")
    with pytest.raises(NotWritten, match=f"memory:///?outreach/{name}") as caught:
        write(f"memory://outreach/{name}")
    assert "secret" not in str(caught.value)
    assert bucket.cat(f"/outreach/{name}") == YESTERDAY
    bucket.write_error = None
    write(f"memory://outreach/{name}")
    assert bucket.info(f"/outreach/{name}")["size"] > 100


def test_lines_that_end_in_the_middle_are_not_uploaded(bucket: Any) -> None:
    bucket.pipe("/outreach/a.csv", YESTERDAY)

    def half() -> None:
        with published("memory://outreach/a.csv") as file:
            file.write(b"half of")
            raise KeyError

    with pytest.raises(KeyError):
        half()
    assert bucket.cat("/outreach/a.csv") == YESTERDAY


def test_a_reader_never_sees_a_part(tmp_path: Path) -> None:
    path = tmp_path / "report.csv"
    path.write_bytes(YESTERDAY)
    with published(str(path)) as file:
        file.write(b"today's")
        file.flush()
        assert path.read_bytes() == YESTERDAY
    assert path.read_bytes() == b"today's"


def test_a_name_as_long_as_a_name_can_be_is_written(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 251 + ".csv")
    with published(str(path)) as file:
        file.write(b"rows")
    assert path.read_bytes() == b"rows"


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    came: list[bytes] = []
    reader = threading.Thread(target=lambda: came.append(pipe.read_bytes()), daemon=True)
    reader.start()
    with published(str(pipe)) as file:
        file.write(b"rows")
    reader.join(timeout=60)
    assert came == [b"rows"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_home_folder_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with published("~/report.csv") as file:
        file.write(b"rows")
    assert (tmp_path / "report.csv").read_bytes() == b"rows"


@pytest.mark.parametrize("path", ["s3://bucket/a.csv?X-Amz-Signature=secret", "nosuch://bucket/a.csv#secret"])
def test_a_storage_that_is_not_there_is_named_without_what_opens_it(path: str) -> None:
    with pytest.raises(ConfigurationError, match=r"//bucket/a\.csv here: install") as caught, published(path):
        pass
    assert "secret" not in str(caught.value)
