"""What a campaign came to, as a file: whole or not there, read back as it was sent, and nowhere else."""

from __future__ import annotations

import gzip
import importlib
import json
import tracemalloc
from collections.abc import Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pyarrow.parquet as pq
import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, ObjectStoragePath
from fsspec.implementations.memory import MemoryFileSystem
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_callkaro.exceptions import ConfigurationError, OutcomeUnknown
from airflow_provider_callkaro.files.writing.result_file import ResultFile, file_format
from airflow_provider_callkaro.operators.callaro.export import CallaroExportResultsOperator
from airflow_provider_callkaro.sources import FileContacts

CSV = "text/csv; charset=utf-8"
JSON = "application/json"
ENDINGS = (".csv", ".jsonl", ".parquet")
PEOPLE = [
    {"phone": "+919876543210", "name": 'Åsa, called "A"', "seconds": 31, "cost": 0.25, "human": True, "note": None},
    {"phone": "+919876543211", "name": "line\none", "seconds": 0, "cost": 1.0, "human": False, "note": "call back"},
    {
        "phone": "+919876543212",
        "name": "अमित",
        "seconds": 2**53 + 1,
        "cost": 3.5,
        "human": True,
        "note": "",
    },
]


class Exporter:
    """A vendor that exports whatever the test says.

    :ivar answers: by path, what is sent: a status, headers, and the pieces of the body.
    :ivar asked: the path and query of every request.
    """

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                parts = urlsplit(self.path)
                answer = outer.answers[parts.path.rpartition("/")[2]]
                status, content_type, pieces = answer(parse_qs(parts.query)) if callable(answer) else answer
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                for piece in pieces:
                    if piece is None:  # the connection breaks
                        self.close_connection = True
                        return
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                self.wfile.write(b"0\r\n\r\n")

            def log_message(self, *arguments: Any) -> None:
                pass

        Handler.protocol_version = "HTTP/1.1"
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def connection(self) -> str:
        host, port = self._server.server_address[:2]
        return json.dumps({"conn_type": "callaro", "host": f"http://{host}:{port}", "password": "secret-key"})

    def send(self, path: str, body: bytes | str, content_type: str = CSV, *, status: int = 200) -> None:
        data = body.encode() if isinstance(body, str) else body
        self.answers[path] = (status, content_type, [data] if data else [])

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def exporter(monkeypatch: pytest.MonkeyPatch) -> Iterator[Exporter]:
    exporter = Exporter()
    monkeypatch.setenv("AIRFLOW_CONN_CALLARO_DEFAULT", exporter.connection)
    yield exporter
    exporter.close()


@pytest.fixture
def storage() -> Iterator[MemoryFileSystem]:
    """An object storage that Airflow reaches as ``memory://`` through connection ``minio``."""

    class Private(MemoryFileSystem):
        store: ClassVar[dict[str, Any]] = {}
        pseudo_dirs: ClassVar[list[str]] = [""]

    stores = importlib.import_module(ObjectStoragePath.__module__.rpartition(".")[0] + ".store")
    storage = Private(skip_instance_cache=True)
    stores.attach("memory", "minio", fs=storage)
    yield storage
    del stores._STORE_CACHE["memory-minio"]


def export(path: Any, **options: Any) -> dict[str, Any]:
    operator = CallaroExportResultsOperator(task_id="export", path=str(path), **{"campaign_id": 123} | options)
    return operator.execute({})


def rows_of(path: Any) -> list[Any]:
    """What a later task reads, with this package's own reader of files."""
    return list(FileContacts(str(path)).rows({}))


def as_csv(rows: list[dict[str, Any]]) -> str:
    return "".join(
        ",".join('"' + str(cell).replace('"', '""') + '"' for cell in line) + "\r\n"
        for line in [list(rows[0]), *(["" if value is None else value for value in row.values()] for row in rows)]
    )


def as_lines(rows: list[Any]) -> str:
    return "\n".join(json.dumps(row) for row in rows) + "\n"


JSON_SHAPES = [
    pytest.param(lambda rows: json.dumps(rows), id="list"),
    pytest.param(lambda rows: json.dumps({"data": rows, "meta": {"pages": 1}, "request_id": "r"}), id="envelope"),
    pytest.param(lambda rows: json.dumps({"meta": {"pages": 1}, "errors": [], "data": rows}, indent=2), id="indented"),
    pytest.param(lambda rows: json.dumps({"data": {"count": 3, "results": rows}}) + "\n", id="list inside data"),
    pytest.param(lambda rows: json.dumps({"results": rows}), id="another name"),
    pytest.param(as_lines, id="lines"),
]


@pytest.mark.parametrize("ending", ENDINGS)
def test_rows_come_out_of_a_file_as_the_vendor_sent_them(exporter, tmp_path, ending):
    text = [{name: "" if value is None else str(value) for name, value in row.items()} for row in PEOPLE]
    exporter.send("results_export", as_csv(PEOPLE))
    path = tmp_path / f"results{ending}"
    assert export(path) == {"path": str(path), "rows": 3, "format": ending[1:]}
    assert rows_of(path) == text


@pytest.mark.parametrize("shape", JSON_SHAPES)
def test_rows_in_json_keep_their_kinds_however_they_are_wrapped(exporter, tmp_path, shape):
    exporter.send("results_export", shape(PEOPLE), JSON)
    for ending in (".jsonl", ".ndjson", ".parquet"):
        export(tmp_path / f"results{ending}")
        assert rows_of(tmp_path / f"results{ending}") == PEOPLE
    types = {field.name: str(field.type) for field in pq.read_schema(tmp_path / "results.parquet")}
    assert types == {
        "phone": "string",
        "name": "string",
        "seconds": "int64",
        "cost": "double",
        "human": "bool",
        "note": "string",
    }
    export(tmp_path / "results.csv")
    assert rows_of(tmp_path / "results.csv")[0]["human"] == "true"
    assert [row["seconds"] for row in rows_of(tmp_path / "results.csv")] == ["31", "0", "9007199254740993"]


def test_values_that_fit_no_column_are_text_and_lose_nothing(exporter, tmp_path):
    rows = [
        {"nested": {"a": [1, "å"]}, "mixed": 1, "long": 2**70, "exact": 2**53 + 1, "nan": float("nan")},
        {"nested": None, "mixed": "one", "long": 1, "exact": 0.5, "nan": 2.5, "late": True},
        {"mixed": [True], "half": "\ud83d"},
    ]
    exporter.send("results_export", json.dumps(rows), JSON)
    export(tmp_path / "results.parquet")
    assert rows_of(tmp_path / "results.parquet") == [
        {
            "nested": '{"a":[1,"å"]}',
            "mixed": "1",
            "long": str(2**70),
            "exact": str(2**53 + 1),
            "nan": None,
            "late": None,
            "half": None,
        },
        {"nested": None, "mixed": "one", "long": "1", "exact": "0.5", "nan": 2.5, "late": True, "half": None},
        {"nested": None, "mixed": "[true]", "long": None, "exact": None, "nan": None, "late": None, "half": "?"},
    ]
    export(tmp_path / "results.csv")
    assert rows_of(tmp_path / "results.csv")[0]["nested"] == '{"a":[1,"å"]}'
    export(tmp_path / "results.jsonl")
    assert rows_of(tmp_path / "results.jsonl")[0]["nested"] == {"a": [1, "å"]}
    assert "NaN" not in (tmp_path / "results.jsonl").read_text()


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_export_without_rows_still_names_its_columns(exporter, tmp_path, ending):
    exporter.send("results_export", "\ufefftask_id, phone_e164\r\n")
    path = tmp_path / f"results{ending}"
    assert export(path)["rows"] == 0
    assert rows_of(path) == [] if ending != ".jsonl" else path.read_bytes() == b""
    if ending == ".csv":
        assert path.read_text() == "task_id,phone_e164\n"
    if ending == ".parquet":
        assert pq.read_schema(path).names == ["task_id", "phone_e164"]


def test_a_semicolon_and_a_gzip_are_understood(exporter, tmp_path):
    packed = gzip.compress(b"id;phone\n1;+919876543210\n")

    def packed_answer(_query: Any) -> Any:
        return 200, "text/csv\r\nContent-Encoding: gzip", [packed]

    exporter.answers["results_export"] = packed_answer
    export(tmp_path / "results.csv")
    assert (tmp_path / "results.csv").read_text() == "id,phone\n1,+919876543210\n"


def paged(rows: list[Any], *, pages: int) -> Any:
    size = -(-len(rows) // pages)

    def answer(query: dict[str, list[str]]) -> Any:
        page = int(query.get("page", ["1"])[0])
        part = rows[(page - 1) * size : page * size]
        body = {"data": part, "meta": {"page": page, "pages": pages, "per_page": size, "count": len(rows)}}
        return 200, JSON, [json.dumps(body).encode()]

    return answer


def test_every_page_of_an_export_is_fetched(exporter, tmp_path):
    rows = [{"id": number} for number in range(25)]
    exporter.answers["results_export"] = paged(rows, pages=4)
    assert export(tmp_path / "results.jsonl")["rows"] == 25
    assert rows_of(tmp_path / "results.jsonl") == rows
    assert [parse_qs(urlsplit(path).query).get("page") for path in exporter.asked] == [None, ["2"], ["3"], ["4"]]


@pytest.mark.parametrize("beside", [{"has_more": True}, {"next_page": 2}, {"pagination": {"next": "/x?page=2"}}])
def test_an_export_that_says_that_it_goes_on_is_read_to_its_end(exporter, tmp_path, beside):
    def answer(query: dict[str, list[str]]) -> Any:
        page = int(query.get("page", ["1"])[0])
        ends: dict[str, Any] = {"has_more": False} if "has_more" in beside else {}
        body = {"status": "success", "data": [{"id": page}], **(beside if page == 1 else ends)}
        return 200, JSON, [json.dumps(body).encode()]

    exporter.answers["results_export"] = answer
    assert export(tmp_path / "results.jsonl")["rows"] == 2
    assert rows_of(tmp_path / "results.jsonl") == [{"id": 1}, {"id": 2}]


@pytest.mark.parametrize("says_page", [True, False])
def test_a_vendor_that_sends_one_page_again_and_again_is_not_believed(exporter, tmp_path, says_page):
    body: dict[str, Any] = {"data": [{"id": 1}], "meta": {"pages": 3} | ({"page": 1} if says_page else {})}
    exporter.send("results_export", json.dumps(body), JSON)
    with pytest.raises(OutcomeUnknown, match="page 2 cannot be had"):
        export(tmp_path / "results.jsonl")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "more",
    [
        {"data": {"items": [{"id": 1}], "next_cursor": "abc"}},
        {"data": [{"id": 1}], "meta": {"count": 100}},
        {"data": [{"id": 1}], "meta": {"has_more": True}},
        {"data": [{"id": 1}], "pagination": {"next": "abc"}},
    ],
)
def test_half_an_export_is_not_written_as_a_whole_one(exporter, tmp_path, more):
    exporter.send("results_export", json.dumps(more), JSON)
    with pytest.raises(OutcomeUnknown, match=r"there is more of it|page 2 cannot be had"):
        export(tmp_path / "results.jsonl")
    assert list(tmp_path.iterdir()) == []


def test_pages_that_another_name_tells_of_are_fetched_too(exporter, tmp_path):
    body = {"data": [{"id": 1}], "pagination": {"pages": 1, "count": 1}}
    exporter.send("results_export", json.dumps(body), JSON)
    assert export(tmp_path / "results.jsonl")["rows"] == 1


NO_EXPORTS = {
    "a web page": ("<!doctype html><p>Please wait", "text/html"),
    "a web page that says it is CSV": ("\n <html><body>Please sign in", CSV),
    "nothing": ("", CSV),
    "no export": ('{"message":"The export has been started","request_id":"r"}\n', JSON),
    "a link": ('{"data":{"url":"https://storage.example/file.csv"}}', JSON),
    "two lists": ('{"data":{"columns":["a","b"],"rows":[[1,2]]}}', JSON),
    "numbers": ("[1,2,3]", JSON),
    "half a list": ('[{"id":1},{"id":2', JSON),
    "more behind": ('[{"id":1}] trailing', JSON),
    "a word": ("Accepted", "text/plain"),
    "a text in JSON": ('"Accepted"', JSON),
    "a picture": (b"\x89PNG\r\n\x1a\n\0\0\0,\0", "image/png"),
    "a broken line": ('{"id":1}\n{"id":2\n{"id":3}\n', "application/x-ndjson"),
    "a line with too many cells": ("id,phone\n1,2,3\n", CSV),
    "a quotation without end": ('id,phone\n1,"2\n3\n', CSV),
    "columns of one name": ("phone,phone\n1,2\n", CSV),
    "bytes that are no UTF-8": (b"id,name\n1,\xe9\n", CSV),
    "a list in a list in a list": ("[" * 100_000, JSON),
}


@pytest.mark.parametrize("what", NO_EXPORTS)
def test_what_is_no_export_fails_says_so_and_leaves_the_old_file_alone(exporter, tmp_path, what):
    body, content_type = NO_EXPORTS[what]
    exporter.send("results_export", body, content_type)
    path = tmp_path / "results.csv"
    path.write_text("of yesterday")
    with pytest.raises(OutcomeUnknown, match="cannot be used"):
        export(path)
    assert path.read_text() == "of yesterday"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_download_that_is_cut_off_leaves_the_old_file_alone(exporter, tmp_path, ending):
    lines = b"id,phone\n" + 20_000 * b"1,+919876543210\n"
    exporter.answers["results_export"] = (200, CSV, [lines, None])
    path = tmp_path / f"results{ending}"
    path.write_text("of yesterday")
    with pytest.raises(OutcomeUnknown, match="cut short"):
        export(path)
    assert path.read_text() == "of yesterday"
    assert list(tmp_path.iterdir()) == [path]
    exporter.send("results_export", lines)
    assert export(path)["rows"] == 20_000 == len(rows_of(path))


def test_storage_that_refuses_leaves_nothing_half_written(exporter, tmp_path):
    exporter.send("results_export", as_csv(PEOPLE))
    folder = tmp_path / "results.csv"
    folder.mkdir()
    with pytest.raises(ConfigurationError, match=r"results\.csv: it is a folder"):
        export(folder)
    assert list(tmp_path.rglob("*")) == [folder]


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_file_goes_to_object_storage(exporter, storage, ending):
    exporter.send("results_export", as_csv(PEOPLE))
    path = f"memory://minio@bucket/2026/results{ending}"
    assert export(path)["path"] == path
    assert storage.find("/") == [f"/bucket/2026/results{ending}"]
    assert rows_of(path)[2]["phone"] == "+919876543212"


def test_folders_are_made(exporter, tmp_path):
    exporter.send("results_export", as_csv(PEOPLE))
    assert export(tmp_path / "new" / "folder" / "results.csv")["rows"] == 3


def test_analytics_are_one_row_of_the_days_that_were_asked_for(exporter, tmp_path):
    exporter.send("analytics", '{"data":{"calls":12,"answered":{"human":7}},"request_id":"r"}', JSON)
    export(tmp_path / "a.jsonl", what="analytics", from_date="2026-04-01", to_date=date(2026, 4, 30))
    assert rows_of(tmp_path / "a.jsonl") == [{"calls": 12, "answered": {"human": 7}}]
    assert exporter.asked == ["/api/v1/bulk_call_campaigns/123/analytics?from=2026-04-01&to=2026-04-30"]


def test_tasks_and_the_list_of_campaigns_can_be_exported_too(exporter, tmp_path):
    exporter.answers["tasks"] = paged(PEOPLE, pages=3)
    exporter.send("export", "id,name\n123,Renewals\n")
    assert export(tmp_path / "tasks.parquet", what="tasks")["rows"] == 3
    assert rows_of(tmp_path / "tasks.parquet") == PEOPLE
    assert export(tmp_path / "all.csv", what="campaigns", campaign_id=None)["rows"] == 1
    assert rows_of(tmp_path / "all.csv") == [{"id": "123", "name": "Renewals"}]


@pytest.mark.parametrize("status", [401, 404])
def test_a_refusal_fails_for_good(exporter, tmp_path, status):
    exporter.send("results_export", '{"error":"no such campaign"}', JSON, status=status)
    with pytest.raises(AirflowFailException, match="no such campaign"):
        export(tmp_path / "results.csv")
    assert len(exporter.asked) == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"path": "results.xlsx"}, "path must end in .csv, .jsonl, .ndjson, .parquet, or format"),
        ({"path": "ftp9://somewhere/results.csv"}, "install the provider of its storage"),
        ({"path": "results.csv.gz"}, "path must end in"),
        ({"format": "xlsx"}, "'xlsx' is unknown"),
        ({"what": "recordings"}, "results, tasks, analytics, campaigns"),
        ({"campaign_id": ""}, "campaign_id is empty"),
        ({"from_date": "2026-04-01"}, "days of analytics, not of results"),
        ({"what": "analytics", "from_date": "first of April"}, "from_date must be a date"),
    ],
)
def test_what_cannot_work_is_said_before_anything_is_fetched(exporter, tmp_path, options, said):
    with pytest.raises(ConfigurationError, match=said):
        export(options.pop("path", tmp_path / "results.csv"), **options)
    assert exporter.asked == []


def test_a_format_can_be_named_where_the_ending_tells_none(exporter, tmp_path):
    exporter.send("results_export", as_csv(PEOPLE))
    assert export(tmp_path / "part-0001", format="jsonl")["format"] == "jsonl"
    assert json.loads((tmp_path / "part-0001").read_text().splitlines()[0])["phone"] == "+919876543210"


def test_no_number_reaches_a_log_an_xcom_or_an_error(exporter, tmp_path, caplog):
    exporter.send("results_export", as_csv(PEOPLE))
    returned = export(tmp_path / "results.csv")
    exporter.send("results_export", '{"+919876543210": "x"}', JSON)
    with pytest.raises(OutcomeUnknown) as error:
        export(tmp_path / "results.csv")
    assert "98765432" not in f"{returned} {caplog.text} {error.value}"


SHAPES = {
    "csv": (CSV, b"task_id,phone_e164,outcome,seconds\r\n", b"%d,+9198%08d,answered,31\r\n", b""),
    "json": (
        JSON,
        b'{"data":[',
        b'{"task_id":%d,"phone_e164":"+9198%08d","outcome":"answered","seconds":31},',
        b'{"task_id":0,"phone_e164":"","outcome":"","seconds":0}],"meta":{"pages":1}}',
    ),
    "lines": (
        "application/x-ndjson",
        b"",
        b'{"task_id":%d,"phone_e164":"+9198%08d","outcome":"answered","seconds":31}\n',
        b"",
    ),
}


@pytest.mark.parametrize(
    ("shape", "ending", "count"),
    [("json", ".parquet", 200_000), ("csv", ".csv", 40_000), ("lines", ".jsonl", 40_000)],
)
def test_ten_times_the_rows_take_no_more_memory(exporter, tmp_path, shape, ending, count):
    content_type, head, line, tail = SHAPES[shape]
    path = tmp_path / f"results{ending}"

    def peak_of(rows: int) -> int:
        def pieces() -> Iterator[bytes]:
            yield from [head] if head else []
            for start in range(0, rows, 1_000):
                yield b"".join(line % (number, number) for number in range(start, start + 1_000))
            yield from [tail] if tail else []

        exporter.answers["results_export"] = lambda query: (200, content_type, pieces())
        tracemalloc.start()
        try:
            assert export(path)["rows"] == rows + bool(tail)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    small = peak_of(count // 10)
    large = peak_of(count)
    assert large < small + 3_000_000
    numbers = FileContacts(str(path)).rows({})
    assert sum(int(row["task_id"]) for row in numbers) == count * (count - 1) // 2


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=8)
)
NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Z"]), min_size=1, max_size=4)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kinds=st.lists(
        st.sampled_from([st.booleans(), st.integers(-(2**63), 2**63 - 1), st.text(st.characters(codec="utf-8"))]),
        min_size=1,
        max_size=3,
    ),
    data=st.data(),
)
def test_columns_of_one_kind_come_back_from_parquet_as_they_were(tmp_path, kinds, data):
    row = st.fixed_dictionaries({f"c{place}": st.none() | kind for place, kind in enumerate(kinds)})
    rows = data.draw(st.lists(row, max_size=5))
    path = tmp_path / "rows.parquet"
    with ResultFile(str(path), kind=file_format(str(path), None)) as file:
        for each in rows:
            file.add(each)
        file.publish()
    assert rows_of(path) == rows


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.dictionaries(NAMES, SCALARS | st.lists(SCALARS, max_size=2), max_size=3), max_size=4))
@pytest.mark.parametrize("ending", ENDINGS)
def test_any_rows_whatever_can_be_written(tmp_path, rows, ending):
    path = tmp_path / f"rows{ending}"
    with ResultFile(str(path), kind=file_format(str(path), None)) as file:
        for row in rows:
            file.add(row)
        file.publish()
    if ending == ".jsonl":
        assert rows_of(path) == rows
    elif ending == ".parquet":
        assert pq.read_metadata(path).num_rows == (len(rows) if any(rows) else 0)
