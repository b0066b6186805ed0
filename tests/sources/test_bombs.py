"""Small files, and long values, that unfold to much more than a list of contacts may take."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_callkaro.calls.row_size import MAX_ROW_BYTES, is_too_long
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.sources import FileContacts

BOUND = 64  # MB
ENDLESS = "does not end: see that the file is what its name"
FULL = "would fill the memory once it is unpacked"
BECOMES = {  # rows, those that cannot be read, and what the error says
    "columns.parquet": (0, 0, FULL),
    "delta.parquet": (2_000, 0, ""),
    "dense.jsonl.gz": (12, 0, ""),
    "dictionary.parquet": (2_000, 0, ""),
    "header.csv.gz": (8, 0, ""),
    "line.csv.gz": (1, 0, f"the line behind row 1 of {{folder}}/line.csv.gz {ENDLESS}"),
    "line.jsonl.gz": (0, 0, ENDLESS),
    "deep.json.gz": (1, 0, "behind row 1: a value is too deep or too long"),
    "text.json.gz": (1, 0, "behind row 1: a text is too long"),
    "wide.json.gz": (1, 0, "behind row 1: a value is too deep or too long"),
    "list.parquet": (0, 0, FULL),
    "long_lines.csv.gz": (101, 100, ""),
    "many_cells.csv.gz": (9, 8, ""),
    "no_header.csv.gz": (0, 0, ENDLESS),
    "page.parquet": (0, 0, FULL),
    "plain.parquet": (600, 0, ""),
    "quotation.csv.gz": (524_289, 524_288, ""),
    "skipped.csv.gz": (3, 1, ""),
    "a long cell": (0, 0, "SQLITE_TOOBIG"),
    "long rows": (300, 0, ""),
    "rows too long": (300, 300, ""),
    "a long XCom row": (2, 1, ""),
    "export, JSON": (0, 0, "cannot be read to its end"),
    "export, CSV": (0, 0, "cannot be read to its end"),
    "export, lines": (1, 0, "cannot be read to its end"),
    "export, written": (1, 0, ""),
}


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="measures memory as Linux tells it")
def test_no_bomb_takes_much_memory_and_each_is_counted_or_refused(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    script = Path(__file__).with_name("bombs.py")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    ran = subprocess.run(
        [sys.executable, script, tmp_path], capture_output=True, text=True, check=True, timeout=600, env=environment
    )
    results = [json.loads(line) for line in ran.stdout.splitlines() if line.startswith('["')]
    assert {name for name, *_ in results} == BECOMES.keys()
    for name, came, bad, error, grown in results:
        rows, unreadable, words = BECOMES[name]
        assert (name, came, bad) == (name, rows, unreadable)
        assert words.format(folder=tmp_path) in error, name
        assert bool(words) == bool(error), name
        assert (name, grown) < (name, BOUND)


@pytest.mark.parametrize(
    ("name", "begin"),
    [
        ("a.csv", b"\x1f\x8b"),
        ("a.csv.gz", None),
        ("a.csv", b"PK\x03\x04"),
        ("a.jsonl", b"BZh9"),
        ("a.jsonl", b"\xfd7zXZ\x00"),
        ("a.ndjson", b"\x28\xb5\x2f\xfd"),
    ],
)
def test_what_is_packed_otherwise_is_refused_and_not_read_as_rows(tmp_path: Path, name: str, begin: Any) -> None:
    import gzip

    path = tmp_path / name
    path.write_bytes(gzip.compress(gzip.compress(b"to_number\n")) if begin is None else begin + b"rows\n" * 9)
    with pytest.raises(ConfigurationError, match=r"is packed with \w+: unpack it, or pack it with gzip"):
        list(FileContacts(path).rows({}))


@pytest.mark.parametrize("codec", ["none", "snappy", "gzip", "zstd", "brotli", "lz4"])
@pytest.mark.parametrize("options", [{}, {"data_page_version": "2.0"}, {"use_dictionary": False}, {"version": "1.0"}])
def test_an_ordinary_parquet_file_is_read_a_thousand_rows_at_a_time(
    tmp_path: Path, codec: str, options: dict[str, Any]
) -> None:
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    from airflow_provider_callkaro.files.reading.parquet_pages import rows_at_once

    count = 30_000
    table = pa.table(
        {
            "to_number": [f"+9198{number:08d}" for number in range(count)],
            "city": [f"city {number % 50}" for number in range(count)],
            "due": [None if number % 3 else float(number) for number in range(count)],
            "tags": [["a"] * (number % 3) for number in range(count)],
            "extra": [{"a": number, "b": str(number)} for number in range(count)],
        }
    )
    path = tmp_path / "a.parquet"
    parquet.write_table(table, path, compression=codec, row_group_size=10_000, **options)
    with path.open("rb") as file:
        assert rows_at_once(file, parquet.ParquetFile(path).schema) == 1_000
    assert list(FileContacts(path).rows({})) == table.to_pylist()


@pytest.mark.parametrize(
    ("row", "too_long"),
    [
        ({"to_number": "+919876543210", "note": "a" * 1_000}, False),
        ({"to_number": "+919876543210", "note": "a" * MAX_ROW_BYTES}, True),
        ({"a": {"b": [{"c": "a" * MAX_ROW_BYTES}]}}, True),
        ({"a": [{}] * MAX_ROW_BYTES}, True),
        ({"a": {"a" * MAX_ROW_BYTES: 1}}, True),
        ("a" * (MAX_ROW_BYTES + 1), True),
        (None, False),
        (12, False),
    ],
)
def test_a_row_is_as_long_as_all_that_it_holds(row: Any, too_long: bool) -> None:
    assert is_too_long(row) is too_long
