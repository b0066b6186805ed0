"""Rows, files, paths and exports, broken in all ways: no error shows who stands in them, and none takes long or much.

The suite runs some hundred examples; ``LEAK_EXAMPLES=100000`` runs as many.
"""

from __future__ import annotations

import gzip
import io
import json
import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hostile_inputs import (
    ANSWER_FIELDS,
    EXAMPLES,
    KEY,
    NUMBER,
    PERSON,
    mutated,
    nested,
    planted,
    told,
    told_of,
    within_bounds,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_callkaro.calls.row import RowReader
from airflow_provider_callkaro.files.formats import FileFormat
from airflow_provider_callkaro.files.path_confinement import path_below
from airflow_provider_callkaro.sources.contact_file import ContactFile
from airflow_provider_callkaro.sources.inline import RowContacts
from airflow_provider_callkaro.tasks.callaro.export_rows import ExportRows
from airflow_provider_callkaro.vendors.mrassistant.fields import CALL_ROW_SCHEMA

ZONE = ZoneInfo("Asia/Kolkata")
STEPS = ["s3://", "S3:", "//", "/", "..", ".", "%2e", "\\", "::", "file:", f"{KEY}@", f"u:{KEY}@", "lists", "in", "?"]
FIELDS = ["schedule_at", "min_trigger_time", "priority", "language", "number_of_retries", "call_key", "metadata", "x"]


def rows_of(chance: random.Random) -> list[dict[str, Any]]:
    return [
        {
            "to_number": NUMBER,
            **PERSON,
            **{chance.choice(FIELDS): planted(chance) for _ in range(chance.randrange(3))},
        }
        for _ in range(chance.randrange(1, 4))
    ]


def read_rows(chance: random.Random, rows: Any) -> None:
    row_schema = chance.choice([{}, {"row_schema": CALL_ROW_SCHEMA}])
    reader = RowReader(agent_id="agent-7", schedule_timezone=chance.choice([None, ZONE]), **row_schema)
    for row in rows:
        try:
            told(repr(reader.read(row)))
        except Exception as error:
            told_of(error)


def rows(chance: random.Random, bits: bytes) -> None:
    found: list[Any] = [nested(chance, ["to_number", *FIELDS]) for _ in range(2)]
    found += [*rows_of(chance), {PERSON["name"]: NUMBER, NUMBER: 1}, NUMBER, PERSON["name"], bits, None]
    chance.shuffle(found)
    read_rows(chance, RowContacts(found).rows({}))


def csv_of(rows: list[dict[str, Any]], *, header: bool) -> bytes:
    names = list(rows[0])
    lines = [",".join(names)] if header else []
    lines += [",".join(f'"{row.get(name)}"' for name in names) for row in rows]
    return "\n".join(lines).encode("utf-8", "surrogatepass")


@cache
def parquet_of(number: int) -> bytes:
    import pyarrow as pa
    from pyarrow import parquet

    row = {"to_number": NUMBER, **PERSON}
    columns: dict[str, Any] = {name: [value] * (number % 3 + 1) for name, value in row.items()}
    columns["odd"] = pa.array([2**62] * (number % 3 + 1), [pa.timestamp("ns"), pa.date64(), pa.int64()][number % 3])
    file = io.BytesIO()
    codec = ["none", "snappy", "zstd", "gzip"][number % 4]
    parquet.write_table(pa.table(columns), file, compression=codec, use_dictionary=number % 2 == 0)
    return file.getvalue()


@cache
def bomb(kind: str) -> bytes:
    begin = b"to_number\n+919876543210\n" if kind == "csv" else b'{"to_number": "'
    return gzip.compress(begin + b"Zebulon Quaxworth" * 2_000_000, 1)


def files(chance: random.Random, bits: bytes) -> None:
    chosen = chance.choice([*FileFormat])
    given_rows = rows_of(chance)
    if chosen is FileFormat.CSV:
        content = csv_of(given_rows, header=chance.random() < 0.7)
    elif chosen is FileFormat.JSONL:
        content = "\n".join(map(json.dumps, given_rows)).encode()
    else:
        content = parquet_of(chance.randrange(12))
    content = mutated(chance, content, bits)
    compressed = chosen is not FileFormat.PARQUET and chance.random() < 0.3
    if compressed:
        content = gzip.compress(content, 1)
        content = mutated(chance, content, bits) if chance.random() < 0.5 else content
        if chance.random() < 0.003:
            content = bomb(chosen.value)
    storage = SimpleNamespace(open=lambda path, mode: io.BytesIO(content))
    file = ContactFile(
        filesystem=storage, path="/lists/a", format=chosen, compressed=compressed, delimiter=chance.choice(",;")
    )
    read_rows(chance, file.rows())


def paths(chance: random.Random, bits: bytes) -> None:
    parts = [
        "s3://",
        "S3:",
        "//",
        "/",
        "..",
        ".",
        "%2e",
        "\\",
        "::",
        "file:",
        f"{KEY}@",
        f"u:{KEY}@",
        "lists",
        "in",
        "?",
    ]
    path = "".join(chance.choice(parts) for _ in range(chance.randrange(1, 8))) + bits[:4].decode("latin-1")
    below = path_below(path, "s3://lists/in", whose="an event", way_out="set base_path")
    assert below.startswith("s3://lists/in/") or below == "s3://lists/in"
    assert "/../" not in f"{below}/"


def exports(chance: random.Random, bits: bytes) -> None:
    content = chance.choice(
        [
            lambda: json.dumps(nested(chance, ANSWER_FIELDS)).encode(),
            lambda: json.dumps({"data": rows_of(chance), "meta": nested(chance, ANSWER_FIELDS)}).encode(),
            lambda: csv_of(rows_of(chance), header=chance.random() < 0.7),
            lambda: "\n".join(map(json.dumps, rows_of(chance))).encode(),
        ]
    )()
    content = mutated(chance, content, bits)
    kind = chance.choice(["", "text/csv", "application/json", "application/x-ndjson", "text/html", PERSON["name"]])
    list(ExportRows(lambda page: _Download(content, kind), vendor="Callaro"))


class _Download:
    def __init__(self, content: bytes, kind: str) -> None:
        self._content = content
        self.headers = {"content-type": kind}

    def __enter__(self) -> _Download:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def chunks(self) -> Iterator[bytes]:
        for at in range(0, len(self._content), 64):
            yield self._content[at : at + 64]


@pytest.fixture(scope="module", autouse=True)
def _all_is_imported_and_made() -> None:
    pytest.importorskip("pyarrow")
    for kind in ("csv", "jsonl"):
        bomb(kind)
    for number in range(12):
        parquet_of(number)
    for work in (rows, files, exports):
        for seed in range(50):
            with suppress(Exception):
                work(random.Random(seed), b"")


@settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(
    work=st.sampled_from([rows, files, files, paths, exports]),
    seed=st.integers(0, 2**64),
    bits=st.binary(max_size=24),
)
def test_no_row_and_no_file_shows_who_stands_in_it(
    work: Callable[[random.Random, bytes], None], seed: int, bits: bytes
) -> None:
    with within_bounds():
        try:
            work(random.Random(seed), bits)
        except (AssertionError, TimeoutError):
            raise
        except Exception as error:
            told_of(error)


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_line_without_end_shows_nothing_and_takes_little(kind: str) -> None:
    content = bomb(kind)
    storage = SimpleNamespace(open=lambda path, mode: io.BytesIO(content))
    file = ContactFile(filesystem=storage, path="/a", format=FileFormat(kind), compressed=True, delimiter=",")
    with within_bounds():
        read_rows(random.Random(1), file.rows())
