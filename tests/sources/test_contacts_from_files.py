"""Rows from files: every line counted, none misread, whatever writes files in practice."""

from __future__ import annotations

import csv
import gzip
import io
import json
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_callkaro.calls.row import RowReader
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.files.reading.csv_file import csv_rows
from airflow_provider_callkaro.files.reading.row_count import RowCount
from airflow_provider_callkaro.sources import FileContacts

ASHA = {"to_number": "+919876543210", "name": "Asha"}
RAVI = {"to_number": "+919876543211", "name": "Ravi"}


def read(path: Any, **options: Any) -> list[Any]:
    return list(FileContacts(path, **options).rows({}))


@pytest.fixture
def csv_file(tmp_path: Path) -> Any:
    """Writes a CSV of the given bytes and says where."""

    def write(content: str | bytes, *, name: str = "contacts.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"to_number,name\n+919876543210,Asha\n+919876543211,Ravi\n", id="plain"),
        pytest.param(b"\xef\xbb\xbfto_number,name\r\n+919876543210,Asha\r\n+919876543211,Ravi", id="a spreadsheet"),
        pytest.param(b"to_number,name\r+919876543210,Asha\r+919876543211,Ravi\r", id="old line ends"),
        pytest.param(b"\n to_number , name\n\n+919876543210,Asha\n  \n+919876543211,Ravi\n\n\n", id="blank lines"),
        pytest.param(b"to_number,name\n+919876543210,Asha,,\n+919876543211,Ravi,\n", id="trailing commas"),
        pytest.param(b'to_number,"name"\n"+919876543210",Asha\n+919876543211,"Ravi"\n', id="quoted"),
    ],
)
def test_a_csv_reads_the_same_whatever_wrote_it(csv_file: Any, content: bytes) -> None:
    assert read(csv_file(content)) == [ASHA, RAVI]


def test_cells_may_hold_commas_quotes_and_line_breaks(csv_file: Any) -> None:
    path = csv_file('to_number,note\n+919876543210,"due, ""today""\nor tomorrow"\n+919876543211,अगले हफ्ते\n')
    assert read(path) == [
        {"to_number": "+919876543210", "note": 'due, "today"\nor tomorrow'},
        {"to_number": "+919876543211", "note": "अगले हफ्ते"},
    ]


def test_missing_cells_are_none(csv_file: Any) -> None:
    assert read(csv_file("to_number,name,city\n+919876543210\n")) == [
        {"to_number": "+919876543210", "name": None, "city": None}
    ]


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"Sharma, Asha,+919876543210,500", id="an unquoted comma shifts the cells"),
        pytest.param(b'"Asha"x,+919876543210', id="stray quote"),
        pytest.param(b"Andr\xe9,+919876543210", id="not UTF-8"),
    ],
)
def test_a_line_that_cannot_be_read_is_a_row_to_reject_and_the_rest_goes_on(csv_file: Any, line: bytes) -> None:
    path = csv_file(b"name,to_number\nAsha,+919876543210\n" + line + b"\nRavi,+919876543211\n")
    assert read(path) == [ASHA, None, RAVI]


def test_a_quotation_that_swallows_lines_costs_its_own_line_and_no_other(csv_file: Any) -> None:
    path = csv_file('to_number,name\n+919876543210,Asha\n+919876543219,"Meera\n+919876543211,Ravi\n')
    assert read(path) == [ASHA, None, RAVI]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param("", "must name the columns", id="empty"),
        pytest.param("\n\n", "must name the columns", id="blank"),
        pytest.param("to_number,name\n".encode("utf-16-le"), "must name the columns: .* encoding=", id="utf-16"),
        pytest.param("to_number,,name\n", "column 2 of .* has no name", id="no name"),
        pytest.param("to_number,name,to_number\n", "columns 1 and 3 of .* have the same name", id="twice"),
    ],
)
def test_a_header_that_cannot_name_the_columns_is_refused(csv_file: Any, content: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as caught:
        read(csv_file(content))
    assert "contacts.csv" in str(caught.value)


@pytest.mark.parametrize(
    "first", ["+919876543210,+919876543210", "+919876543210,Asha,Asha", "Asha,+919876543210,Pune", "Asha;9876543210"]
)
def test_a_missing_header_does_not_spill_the_first_customer_into_the_log(csv_file: Any, first: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        RowReader(agent_id="a").read(read(csv_file(f"{first}\n{first}\n"))[0])
    for part in ("987654", "Asha", "Pune"):
        assert part not in str(caught.value)


cells = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=8)


@given(st.lists(st.tuples(cells.filter(str.strip), cells), max_size=8), st.sampled_from(["excel", "unix"]))
def test_what_a_csv_writer_writes_is_read_back(rows: list[tuple[str, str]], dialect: str) -> None:
    written = io.StringIO(newline="")
    csv.writer(written, dialect=dialect).writerows([("to_number", "name"), *rows])
    file = io.BytesIO(written.getvalue().encode())
    assert list(csv_rows(file, name="contacts.csv", delimiter=",", count=RowCount())) == [
        {"to_number": number, "name": name} for number, name in rows
    ]


def test_json_lines_keep_their_types(tmp_path: Path) -> None:
    path = tmp_path / "contacts.jsonl"
    path.write_text(
        '\ufeff{"to_number": "+919876543210", "priority": 5, "metadata": {"due": ["a"]}}\n\n"+919876543211"\r\n'
    )
    assert read(path) == [{"to_number": "+919876543210", "priority": 5, "metadata": {"due": ["a"]}}, "+919876543211"]


@pytest.mark.parametrize(
    "line", [b'{"to_number": "+9198', b"+919876543210", b"\xff\xfe\xff", b"[" * 100_000, b"null"], ids=range(5)
)
def test_a_json_line_that_is_no_row_is_rejected_and_the_rest_goes_on(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "contacts.ndjson"
    path.write_bytes(json.dumps(ASHA).encode() + b"\n" + line + b"\n" + json.dumps(RAVI).encode())
    assert read(path) == [ASHA, None, RAVI]


@pytest.mark.parametrize("name", ["a.json", "a.json.gz", "a.jsonl"])
@pytest.mark.parametrize("indent", [None, 2])
def test_a_json_list_is_read_as_its_elements(tmp_path: Path, name: str, indent: int | None) -> None:
    rows = [{**ASHA, "due": [1, 2.5, {"a": None}], "id": 919876543210}, "+919876543211", None, RAVI]
    content = b"\xef\xbb\xbf \n" + json.dumps(rows, indent=indent, ensure_ascii=False).encode()
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    assert read(tmp_path / name) == rows


def test_a_json_file_may_hold_lines(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(f"{json.dumps(ASHA)}\n{json.dumps(RAVI)}\n")
    assert read(tmp_path / "a.json") == [ASHA, RAVI]
    assert read(tmp_path / "a.json", format="jsonl") == [ASHA, RAVI]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (json.dumps([ASHA, RAVI])[:-9], "cannot be read behind row 1: it is not whole"),
        (json.dumps([ASHA]) + "[]", "cannot be read behind row 0: it is no JSON"),  # nor is what came in its piece
        ('[{"to_number": "+919876543210"}, {"name": Asha}]', "it is no JSON"),
        (json.dumps({"data": [ASHA]}, indent=1), "neither a list of rows nor a row in each line"),
        ("to_number\n+919876543210", "neither a list of rows nor a row in each line"),
    ],
)
def test_json_that_is_no_list_of_rows_says_how_far_it_came(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(ConfigurationError, match=message) as caught:
        read(tmp_path / "a.json")
    assert "98765" not in str(caught.value)
    assert "Asha" not in str(caught.value)
    assert caught.value.__context__ is None


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    path = tmp_path / "contacts.parquet"
    rows = [{"to_number": f"+9198{i:08}", "priority": i, "tags": ["a"] if i else None} for i in range(2_500)]
    write_parquet(pyarrow.Table.from_pylist(rows), path)
    assert read(path) == rows


def write_parquet(table: Any, path: Path, **options: Any) -> None:
    from pyarrow import parquet

    parquet.write_table(table, path, **options)


def test_a_parquet_with_two_columns_of_one_name_is_refused(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    path = tmp_path / "contacts.parquet"
    write_parquet(pyarrow.table([["+919876543210"], ["+919876543211"]], names=["to_number", "to_number"]), path)
    with pytest.raises(ConfigurationError, match=r"columns 1 and 2 of .* have the same name"):
        read(path)


def test_without_pyarrow_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    path = tmp_path / "contacts.parquet"
    path.write_bytes(b"PAR1")
    with pytest.raises(ConfigurationError, match=r"airflow-provider-callkaro\[parquet\]"):
        read(path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("contacts.parquet", b"this is no parquet file"),
        ("contacts.csv.gz", b"this is no gzip file"),
        ("contacts.jsonl.gz", gzip.compress(b'"+919876543210"\n' * 1000, mtime=0)[:-12]),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigurationError, match=name):
        read(tmp_path / name)


def test_packed_files_are_unpacked_on_the_way(tmp_path: Path) -> None:
    (tmp_path / "contacts.csv.gz").write_bytes(gzip.compress(b"to_number,name\n+919876543210,Asha\n"))
    (tmp_path / "contacts.JSONL.GZ").write_bytes(gzip.compress(json.dumps(RAVI).encode()))
    assert read(tmp_path / "contacts.csv.gz") == [ASHA]
    assert read(tmp_path / "contacts.JSONL.GZ") == [RAVI]


def test_a_format_may_be_said_where_the_ending_tells_none(csv_file: Any) -> None:
    path = csv_file("to_number,name\n+919876543210,Asha\n", name="export_20260601")
    with pytest.raises(ConfigurationError, match="format= "):
        read(path)
    assert read(path, format="csv") == [ASHA]


@pytest.mark.parametrize(
    "wrong",
    [
        {"format": "docx"},
        {"delimiter": ";;"},
        {"delimiter": ""},
        {"delimiter": '"'},
        {"encoding": "utf-9"},
        {"encoding": "base64"},
        {"encoding": ""},
    ],
)
def test_a_wrong_option_is_refused_when_the_dag_is_parsed(wrong: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        FileContacts("contacts.csv", **wrong)


MANY = 200_000  # rows
BOUND = 8_000_000  # bytes


@pytest.mark.parametrize(
    "name", ["contacts.csv", "contacts.csv.gz", "contacts.jsonl", "contacts.json", "contacts.parquet"]
)
def test_all_of_a_long_file_comes_and_never_stands_in_memory(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    write_many(path, rows=1)
    read(path)  # imports what reading needs
    write_many(path, rows=MANY)
    tracemalloc.start()
    count = sum(1 for _ in FileContacts(path).rows({}))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == MANY
    assert peak < BOUND


def write_many(path: Path, *, rows: int) -> None:
    note = "0" * 60
    if path.suffix == ".parquet":
        pyarrow = pytest.importorskip("pyarrow")
        numbers = [f"+9198{i:08}" for i in range(rows)]
        write_parquet(pyarrow.table({"to_number": numbers, "note": [note] * rows}), path)
        return
    if path.suffix == ".json":
        with path.open("w") as file:
            file.write("[")
            file.writelines(f'{", " if i else ""}{{"to_number": "+9198{i:08}", "note": "{note}"}}' for i in range(rows))
            file.write("]")
        return
    lines = (
        (f'{{"to_number": "+9198{i:08}", "note": "{note}"}}\n' for i in range(rows))
        if path.suffix == ".jsonl"
        else (f"+9198{i:08},{note}\n" if i else "to_number,note\n" for i in range(rows + 1))
    )
    with gzip.open(path, "wt", compresslevel=1) if path.suffix == ".gz" else path.open("w") as file:
        file.writelines(lines)


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.jsonl", "a.parquet"])
def test_stopping_early_closes_the_file(tmp_path: Path, name: str) -> None:
    content = {
        ".csv": b"to_number,name\n+919876543210,Asha\n+919876543211,Ravi\n",
        ".gz": gzip.compress(b"to_number,name\n+919876543210,Asha\n+919876543211,Ravi\n"),
        ".jsonl": b'"+919876543210"\n"+919876543211"\n',
    }
    if name == "a.parquet":
        write_parquet(pytest.importorskip("pyarrow").Table.from_pylist([ASHA, RAVI]), tmp_path / name)
    else:
        (tmp_path / name).write_bytes(content[Path(name).suffix])
    rows = FileContacts(tmp_path / name).rows({})
    next(rows)
    opened = open_files(tmp_path)
    rows.close()
    assert (opened, open_files(tmp_path)) == ([name], [])


def open_files(folder: Path) -> list[str]:
    """The names of the files below ``folder`` that this process holds open."""
    import psutil

    return [Path(file.path).name for file in psutil.Process().open_files() if file.path.startswith(str(folder))]


TWICE = [
    '{"to_number": "+919876543210", "to_number": "+919876543211"}',
    '{"to_number": "+919876543210", "metadata": {"city": "Pune", "city": "Kochi"}}',
    '{"to_number": "+919876543210", "metadata": {"all": [{"a": 1, "a": 2}]}}',
]
ONCE = '{"to_number": "+919876543210", "metadata": {"a": {"a": [{"a": 1}, {"a": 1}]}}}'


@pytest.mark.parametrize("twice", TWICE)
@pytest.mark.parametrize(("name", "form"), [("a.json", "[{}, {}]"), ("a.jsonl", "{}\n{}\n")])
def test_an_object_that_says_something_twice_is_no_row_for_one_of_the_numbers_is_somebody_elses(
    tmp_path, name, form, twice
) -> None:
    (tmp_path / name).write_text(form.replace("{}", "%s") % (twice, ONCE))
    assert read(tmp_path / name) == [None, json.loads(ONCE)]
