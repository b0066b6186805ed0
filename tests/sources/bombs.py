"""Opens one bomb after the other, each in a process of its own, and prints what became of it and the memory it took.

Run as ``python bombs.py FOLDER``. Lines of JSON come out: the bomb's name, how many rows came, how many of them could
not be read, the error that ended it, and by how many MB the memory grew.
"""

from __future__ import annotations

import gzip
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

MUCH = 100  # MB that each bomb would take, or more
MB = 1 << 20
LONG = MB - 100  # a line that is just short enough
HEADER = b"to_number,note\n+919876543210,first\n"


def packed(path: Path, pieces: Iterator[bytes]) -> None:
    with gzip.open(path, "wb", compresslevel=1) as file:
        for piece in pieces:
            file.write(piece)


def line_of(size: int) -> Iterator[bytes]:
    yield HEADER
    for _ in range(size):
        yield b"a" * MB
    yield b"\n+919876543211,last\n"


def quotation() -> Iterator[bytes]:
    yield HEADER + b'+919876543211,"'
    for _ in range(4):
        yield b"aaaaaaa\n" * (MB // 8)


def long_lines() -> Iterator[bytes]:
    yield HEADER
    for _ in range(MUCH):
        yield b"+919876543211," + b"b" * LONG + b"\n"


def many_cells() -> Iterator[bytes]:
    yield HEADER
    for _ in range(8):
        yield b"ab," * (LONG // 3) + b"\n"


def header() -> Iterator[bytes]:
    yield b",".join(b"%x" % number for number in range(LONG // 6)) + b"\n"
    for _ in range(8):
        yield b"," * LONG + b"\n"


def json_line() -> Iterator[bytes]:
    yield b'{"to_number": "+919876543210", "note": "'
    for _ in range(MUCH):
        yield b"a" * MB


def dense_json() -> Iterator[bytes]:
    for _ in range(12):
        yield b'{"to_number": [' + b"{}," * (LONG // 3 - 10) + b"{}]}\n"


def json_list(value: bytes) -> Iterator[bytes]:
    yield b'[{"to_number": "+919876543210"}, {"note": ' + value[:1]
    for _ in range(MUCH):
        yield value[1:] * (MB // len(value[1:]))


def write_parquet(path: Path, kind: str) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    if kind == "page":
        table = pa.table({"to_number": ["a" * MUCH * MB]})
        parquet.write_table(table, path, compression="zstd", use_dictionary=False, write_statistics=False)
    elif kind == "dictionary":
        table = pa.table({"to_number": ["a" * (MB // 2)] * 2_000})
        parquet.write_table(table, path, compression="zstd", write_statistics=False)
    elif kind == "plain":
        table = pa.table({"to_number": [str(number) + "a" * (MB // 2) for number in range(600)]})
        parquet.write_table(
            table, path, compression="zstd", use_dictionary=False, write_statistics=False, write_batch_size=1
        )
    elif kind == "delta":
        table = pa.table({"to_number": ["a" * (MB // 2)] * 2_000})
        parquet.write_table(
            table, path, use_dictionary=False, column_encoding="DELTA_BYTE_ARRAY", write_statistics=False
        )
    elif kind == "list":
        values = pa.array([0] * 1_000, pa.int64()).take(pa.array([0] * 1_000)).to_pylist()
        table = pa.table({"to_number": pa.array([values * 20_000], pa.list_(pa.int64()))})
        parquet.write_table(table, path, compression="zstd", write_statistics=False)
    else:
        table = pa.table({f"c{number}": ["a" * MB] for number in range(MUCH)})
        parquet.write_table(table, path, compression="zstd", use_dictionary=False, write_statistics=False)


def make(folder: Path) -> None:
    packed(folder / "line.csv.gz", line_of(MUCH))
    packed(folder / "skipped.csv.gz", line_of(30))
    packed(folder / "quotation.csv.gz", quotation())
    packed(folder / "long_lines.csv.gz", long_lines())
    packed(folder / "many_cells.csv.gz", many_cells())
    packed(folder / "header.csv.gz", header())
    packed(folder / "no_header.csv.gz", (b"a" * MB for _ in range(MUCH)))
    packed(folder / "line.jsonl.gz", json_line())
    packed(folder / "dense.jsonl.gz", dense_json())
    packed(folder / "text.json.gz", json_list(b'"a'))
    packed(folder / "deep.json.gz", json_list(b"[["))
    packed(folder / "wide.json.gz", json_list(b"[{},"))
    for kind in ("page", "dictionary", "plain", "delta", "list", "columns"):
        write_parquet(folder / f"{kind}.parquet", kind)


def bombs(folder: Path) -> dict[str, Callable[[], Iterator[Any]]]:
    from airflow_provider_callkaro.files.formats import FileFormat
    from airflow_provider_callkaro.files.writing.result_file import ResultFile
    from airflow_provider_callkaro.sources import FileContacts, SqlContacts
    from airflow_provider_callkaro.sources.inline import RowContacts
    from airflow_provider_callkaro.tasks.callaro.export_rows import ExportRows

    os.environ["AIRFLOW_CONN_WAREHOUSE"] = f"sqlite://{folder / 'warehouse.db'}"
    many = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 300) select {} as to_number from n"

    def export(pieces: Callable[[], Iterator[bytes]], content_type: str) -> Iterator[Any]:
        return iter(ExportRows(lambda page: _Download(pieces(), content_type), vendor="Callaro"))

    def written() -> Iterator[Any]:
        with ResultFile(str(folder / "written.parquet"), kind=FileFormat.PARQUET) as file:
            for number in range(MUCH):
                file.add({"number": number, "nested": [{}] * (MB // 4)})
            file.publish()
        yield {}

    found: dict[str, Callable[[], Iterator[Any]]] = {
        path.name: lambda path=path: FileContacts(path).rows({}) for path in sorted(folder.iterdir())
    }
    found["a long cell"] = lambda: SqlContacts(f"select hex(zeroblob({MUCH * MB})) as n", conn_id="warehouse").rows({})
    found["long rows"] = lambda: SqlContacts(many.format("hex(zeroblob(150000))"), conn_id="warehouse").rows({})
    found["rows too long"] = lambda: SqlContacts(many.format("zeroblob(1100000)"), conn_id="warehouse").rows({})
    found["a long XCom row"] = lambda: RowContacts([{"to_number": "a" * (MB + 1)}, {"n": [["+9198"]]}]).rows({})
    found["export, JSON"] = lambda: export(lambda: iter([b'{"data": [{"n": "', *[b"a" * 65536] * 1600]), "")
    found["export, CSV"] = lambda: export(lambda: iter([b"n,m\n1,", *[b"a" * 65536] * 1600]), "text/csv")
    found["export, lines"] = lambda: export(lambda: iter([b'{"n": 1}\n{"n": "', *[b"a" * 65536] * 1600]), "")
    found["export, written"] = written
    return found


class _Download:
    def __init__(self, pieces: Iterator[bytes], content_type: str) -> None:
        self._pieces = pieces
        self.headers = {"content-type": content_type}

    def __enter__(self) -> _Download:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def chunks(self) -> Iterator[bytes]:
        return self._pieces


def memory(line: str) -> int:
    with open("/proc/self/status") as status:
        return next(int(each.split()[1]) for each in status if each.startswith(line)) // 1024


def open_one(name: str, rows: Callable[[], Iterator[Any]]) -> None:
    with open("/proc/self/clear_refs", "w") as peak:
        peak.write("5")  # the highest reached so far is forgotten
    before, came, bad, error = memory("VmRSS"), 0, 0, ""
    try:
        for row in rows():
            came += 1
            bad += row is None
    except Exception as caught:
        error = f"{type(caught).__name__}: {caught}"
    print(json.dumps([name, came, bad, error, memory("VmHWM") - before]), flush=True)


def main(folder: Path) -> None:
    in_a_process_of_its_own(lambda: make(folder))
    found = bombs(folder)
    for warm_up in ("skipped.csv.gz", "delta.parquet", "a long XCom row"):  # imports what they need
        next(iter(found[warm_up]()), None)
    next(iter(found["rows too long"]()), None)
    for name, rows in found.items():
        in_a_process_of_its_own(lambda name=name, rows=rows: open_one(name, rows))


def in_a_process_of_its_own(work: Callable[[], None]) -> None:
    child = os.fork()
    if not child:
        work()
        os._exit(0)
    os.waitpid(child, 0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
