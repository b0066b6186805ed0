"""One value that cannot be read costs its own row: every other is given, under the same number in every try."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_callkaro.exceptions import ConfigurationError, SourceBroken
from airflow_provider_callkaro.files.reading.csv_file import csv_rows
from airflow_provider_callkaro.files.reading.row_count import RowCount
from airflow_provider_callkaro.sources import FileContacts

pyarrow = pytest.importorskip("pyarrow")
ROWS = 2_500  # three batches of a Parquet file, five blocks of a CSV
BAD = 1_500
NUMBERS = [f"+9198765{place:05d}" for place in range(ROWS)]


def read(path: Path, **options: Any) -> list[Any]:
    return list(FileContacts(path, **options).rows({}))


def not_utf8(kind: Any) -> Any:
    binary = pyarrow.large_binary() if kind == pyarrow.large_string() else pyarrow.binary()
    return pyarrow.array([b"\xff\xfe" if place == BAD else b"ok" for place in range(ROWS)], binary).view(kind)


def whole(kind: Any, bad: int, *, width: Any = None) -> Any:
    """Values that are kept as whole numbers, of which one means nothing in Python."""
    numbers = [bad if place == BAD else 0 for place in range(ROWS)]
    return pyarrow.array(numbers, width or pyarrow.int64()).view(kind)


TEXT = not_utf8(pyarrow.string())
PARQUET = {
    "nanoseconds": whole(pyarrow.timestamp("ns"), 1_700_000_000_000_000_001),
    "a year beyond 9999": whole(pyarrow.timestamp("ms"), 253_402_300_800_000),
    "a year with a zone": whole(pyarrow.timestamp("us", tz="Asia/Kolkata"), 2**62),
    "a date far away": whole(pyarrow.date32(), 2**30, width=pyarrow.int32()),
    "a time with nanoseconds": whole(pyarrow.time64("ns"), 1),
    "a duration with nanoseconds": whole(pyarrow.duration("ns"), 1),
    "a duration of ages": whole(pyarrow.duration("ms"), 2**62),
    "text": TEXT,
    "long text": not_utf8(pyarrow.large_string()),
    "text in a dictionary": pyarrow.DictionaryArray.from_arrays(
        pyarrow.array([int(place == BAD) for place in range(ROWS)], pyarrow.int32()), TEXT.slice(BAD - 1, 2)
    ),
    "text in a list": pyarrow.ListArray.from_arrays(list(range(ROWS + 1)), TEXT),
    "text in a struct": pyarrow.StructArray.from_arrays([TEXT], ["inside"]),
    "text in a map": pyarrow.MapArray.from_arrays(list(range(ROWS + 1)), TEXT, TEXT),
}


def without_pandas(monkeypatch: pytest.MonkeyPatch) -> None:
    """With pandas installed, nanoseconds become one of its own kinds, and are no such value."""
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)


@pytest.mark.parametrize("name", PARQUET)
def test_a_parquet_value_that_python_cannot_have_rejects_its_row_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    from pyarrow import parquet

    without_pandas(monkeypatch)
    path = tmp_path / "contacts.parquet"
    parquet.write_table(pyarrow.table({"to_number": NUMBERS, "odd": PARQUET[name], "last": NUMBERS}), path)
    first, again = read(path), read(path)
    assert [place for place, row in enumerate(first) if row is None] == [BAD]
    assert [row["to_number"] for row in first if row] == NUMBERS[:BAD] + NUMBERS[BAD + 1 :]
    assert all(row["last"] == row["to_number"] for row in first if row)
    assert len({tuple(row) for row in first if row}) == 1
    assert again == first


def test_a_parquet_column_in_a_zone_that_nobody_knows_rejects_the_rows_that_have_a_value(tmp_path: Path) -> None:
    from pyarrow import parquet

    path = tmp_path / "contacts.parquet"
    due = pyarrow.array([None, 1, None], pyarrow.timestamp("us", tz="Nowhere/City"))
    parquet.write_table(pyarrow.table({"to_number": NUMBERS[:3], "due": due}), path)
    assert read(path) == [{"to_number": NUMBERS[0], "due": None}, None, {"to_number": NUMBERS[2], "due": None}]


def csv_with(line: bytes, *, lines: int = ROWS, bad: int = BAD) -> bytes:
    rows = [b"to_number,note,city"] + [f"{number},n,Pune".encode() for number in NUMBERS[:lines]]
    rows[bad + 1] = line
    return b"\n".join(rows) + b"\n"


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"+919876599999,Andr\xe9,Pune", id="not UTF-8"),
        pytest.param(b"+919876599999,a\0b,Pune", id="NUL"),
        pytest.param(b"\0" * 40, id="a hole of NULs"),
        pytest.param(b"+919876599999,n,Pune,India", id="too many fields"),
        pytest.param(b'+919876599999,"a" b,Pune', id="a stray quote"),
        pytest.param(b'+919876599999,"n,Pune', id="a quote that never closes"),
        pytest.param(b'"+919876599999,n,Pune', id="a quote around the number that never closes"),
        pytest.param(b"+919876599999," + b"x" * 200_000 + b",Pune", id="a field beyond every length"),
    ],
)
@pytest.mark.parametrize("bad", [0, 498, 499, 500, BAD, ROWS - 1])
def test_a_csv_line_that_cannot_be_read_rejects_its_row_only(tmp_path: Path, line: bytes, bad: int) -> None:
    path = tmp_path / "contacts.csv"
    path.write_bytes(csv_with(line, bad=bad))
    first = read(path)
    assert [place for place, row in enumerate(first) if row is None] == [bad]
    assert [row["to_number"] for row in first if row] == NUMBERS[:bad] + NUMBERS[bad + 1 :]
    assert read(path) == first


def test_a_quotation_that_runs_over_the_lines_held_together_is_still_one_cell(tmp_path: Path) -> None:
    path = tmp_path / "contacts.csv"
    note = "\n".join(f"line {number}" for number in range(1_200))
    path.write_bytes(csv_with(f'+919876599999,"{note}",Pune'.encode(), bad=490))
    rows = read(path)
    assert rows[490] == {"to_number": "+919876599999", "note": note, "city": "Pune"}
    assert len(rows) == ROWS


def test_too_few_fields_are_missing_ones_and_too_many_quotes_no_reason_to_lose_a_line(tmp_path: Path) -> None:
    path = tmp_path / "contacts.csv"
    path.write_bytes(b'to_number,note,city\n+911,n\n"+912,n\n"+913,n\n+914,n,"Pune\n+915,n,Pune\n+916\n')
    rows = read(path)
    assert rows == [
        {"to_number": "+911", "note": "n", "city": None},
        None,
        None,
        None,
        {"to_number": "+915", "note": "n", "city": "Pune"},
        {"to_number": "+916", "note": None, "city": None},
    ]


def test_what_may_be_the_rest_of_a_note_rings_nobody(tmp_path: Path) -> None:
    """The note of one customer names another's number, on a line of its own."""
    path = tmp_path / "contacts.csv"
    path.write_bytes(b'to_number,note\n+911,"said "no", call\n+919876500000\ninstead"\n+912,n\n')
    assert read(path) == [None, None, None, {"to_number": "+912", "note": "n"}]


def test_lines_swallowed_by_a_quotation_that_ends_in_another_row_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "contacts.csv"
    path.write_bytes(b'name,to_number\nAsha,+911\n"Ravi,+912\nMeera,+913\n",x,+914\nAmit,+915\n')
    assert [row and row["to_number"] for row in read(path)] == ["+911", None, "+913", None, "+915"]


@given(st.lists(st.sampled_from(['"', ",", "a", "b\n", '""', "\r\n", "\n", "\0", "é"]), max_size=60).map("".join))
def test_no_csv_however_broken_breaks_the_reading_and_lines_that_are_whole_come(mess: str) -> None:
    content = f"to_number,note\n{mess}\n" + "+911,whole\n" * 3

    def rows() -> list[Any]:
        file = io.BytesIO(content.encode())
        return list(csv_rows(file, name="contacts.csv", delimiter=",", count=RowCount()))

    first = rows()
    assert first == rows()
    # An open quotation of the mess may end at a quote of the mess only: none of the last lines has one.
    assert first[-3:] == [{"to_number": "+911", "note": "whole"}] * 3


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b'{"to_number": "+9198', id="broken"),
        pytest.param(b'{"to_number": "+919876599999", "note": ' + b"[" * 100_000, id="too deep"),
        pytest.param(b'{"to_number": "+919876599999", "due": ' + b"1" * 5_000 + b"}", id="a number too long"),
        pytest.param(b'{"to_number": "+919876599999", "note": "\xff"}', id="not UTF-8"),
        pytest.param(b'{"to_number": "+919876599999", "note": "\0"}', id="NUL"),
        pytest.param(b'{"to_number": "+919876599999"} {}', id="two in one line"),
    ],
)
def test_a_json_line_that_cannot_be_read_rejects_its_row_only(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "contacts.jsonl"
    lines = [json.dumps({"to_number": number}).encode() for number in NUMBERS]
    lines[BAD] = line
    path.write_bytes(b"\n".join(lines))
    first = read(path)
    assert [row and row["to_number"] for row in first] == [*NUMBERS[:BAD], None, *NUMBERS[BAD + 1 :]]
    assert read(path) == first


def test_nan_is_a_value_that_the_reading_of_rows_judges(tmp_path: Path) -> None:
    path = tmp_path / "contacts.jsonl"
    path.write_bytes(b'{"to_number": "+911", "score": NaN}\n{"to_number": "+912", "score": 1e999}\n')
    assert [row["to_number"] for row in read(path)] == ["+911", "+912"]


class CutShort(io.BytesIO):
    """A storage whose connection is lost in the middle."""

    def __init__(self, content: bytes, *, after: int) -> None:
        super().__init__(content)
        self._after = after

    def read(self, size: int | None = -1) -> bytes:
        return self._some(super().read(size))

    def readinto(self, buffer: Any) -> int:
        data = self._some(super().read(len(buffer)))
        buffer[: len(data)] = data
        return len(data)

    read1 = read

    def _some(self, data: bytes) -> bytes:
        if self.tell() > self._after:
            raise ConnectionResetError(104, "peer of key SECRET went away while reading +919876543210")
        return data


@pytest.mark.parametrize("name", ["contacts.csv", "contacts.jsonl"])
def test_a_connection_lost_on_the_way_says_how_far_it_came_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    from fsspec.implementations.local import LocalFileSystem

    path = tmp_path / name
    if name.endswith("csv"):
        path.write_bytes(csv_with(b"+919876599999,n,Pune"))
    else:
        path.write_bytes(b"".join(json.dumps({"to_number": number}).encode() + b"\n" for number in NUMBERS))
    content = path.read_bytes()

    def lost(self: Any, path: str, mode: str = "rb", **options: Any) -> Any:
        return CutShort(content, after=len(content) * 2 // 3)

    monkeypatch.setattr(LocalFileSystem, "open", lost)
    source = FileContacts(path).rows({})
    given = []
    with pytest.raises(SourceBroken) as caught:
        given.extend(source)
    assert f"{path} broke off behind row {len(given)} (ConnectionResetError, Connection reset by peer)" in str(
        caught.value
    )
    assert 1_000 < len(given) < ROWS
    assert "SECRET" not in str(caught.value)
    assert "98765" not in str(caught.value)
    assert caught.value.__context__ is None


def test_a_file_cut_short_says_how_far_it_came(tmp_path: Path) -> None:
    path = tmp_path / "contacts.csv.gz"
    packed = gzip.compress(
        b"to_number\n" + "\n".join(f"+9198765{(i * 7919) % 100_000:05d}" for i in range(4_000)).encode()
    )
    path.write_bytes(packed[: len(packed) // 2])
    source = FileContacts(path).rows({})
    given = []
    with pytest.raises(ConfigurationError, match=r"contacts\.csv\.gz is damaged: mend it") as caught:
        given.extend(source)
    assert f"behind row {len(given)}" in str(caught.value)
    assert 1_000 < len(given) < 4_000


@pytest.mark.parametrize("hole", [0.3, 0.6, 0.9])
def test_a_damaged_parquet_says_how_far_it_came(tmp_path: Path, hole: float) -> None:
    from pyarrow import parquet

    path = tmp_path / "contacts.parquet"
    parquet.write_table(pyarrow.table({"to_number": NUMBERS}), path, row_group_size=500, compression="zstd")
    content = bytearray(path.read_bytes())
    begin = int(parquet.ParquetFile(path).metadata.row_group(4).column(0).dictionary_page_offset * hole)
    content[begin : begin + 400] = b"\xff" * 400
    path.write_bytes(content)
    given = []
    with pytest.raises((ConfigurationError, SourceBroken), match=r"contacts\.parquet") as caught:
        given.extend(FileContacts(path).rows({}))
    told = str(caught.value)
    assert f"behind row {len(given)}" in told or (told.endswith("; none of its rows was read") and not given)


def test_a_signed_address_stays_out_of_messages_and_of_what_airflow_shows() -> None:
    source = FileContacts("https://key:secret@files.example/contacts.csv?X-Amz-Signature=secret")
    assert str(source) == "rows of https://files.example/contacts.csv"
    with pytest.raises((ConfigurationError, SourceBroken), match=r"//files\.example/contacts\.csv") as caught:
        list(source.rows({}))
    assert "secret" not in str(caught.value)
