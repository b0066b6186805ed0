"""One JSON document, however its bytes are cut and whichever of ijson's backends reads it."""

from __future__ import annotations

import json
import math
import warnings
from itertools import pairwise
from typing import Any

import ijson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_callkaro.calls.row_size import MAX_ROW_BYTES
from airflow_provider_callkaro.files.reading.json_file import MAX_DEPTH
from airflow_provider_callkaro.tasks.callaro.export_document import MAX_META, ExportDocument

TEXTS = st.text(st.sampled_from(list('a\\"NaN Infinity-,]}€😀\n')), max_size=9)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


@pytest.fixture(params=["yajl2_c", "python"], autouse=True)
def backend(request, monkeypatch):
    """The backend in C, and the one in Python that ijson takes where there is no wheel."""
    monkeypatch.setattr(ijson, "basic_parse_coro", ijson.get_backend(request.param).basic_parse_coro)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """The pieces of a body; as in a download, none of them is empty."""
    bounds = [0, *sorted({place % (len(data) + 1) for place in places}), len(data)]
    return [data[start:end] for start, end in pairwise(bounds) if end > start]


def read(document: str | bytes, places: list[int] | None = None) -> tuple[list[Any], ExportDocument]:
    data = document.encode() if isinstance(document, str) else document
    read = ExportDocument(cut(data, places or []))
    return list(read.rows()), read


def without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_nan(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [without_nan(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    rows=st.lists(VALUES, max_size=3),
    wrapped=st.sampled_from([None, "results", "data"]),
    ascii_only=st.booleans(),
    mark=st.sampled_from([b"", b"\xef\xbb\xbf"]),
    places=st.lists(st.integers(0, 300), max_size=40),
)
def test_rows_are_read_however_the_bytes_are_cut(rows, wrapped, ascii_only, mark, places):
    document = json.dumps(rows if wrapped is None else {wrapped: rows}, ensure_ascii=ascii_only)
    found, _ = read(mark + document.encode(), places)
    assert found == without_nan(rows)


def test_a_number_that_is_cut_at_its_point_is_one_number():
    assert read('[{"cost":0.25}]', [11])[0] == [{"cost": 0.25}]
    assert read('[{"cost":1e-7}]', [11])[0] == [{"cost": 1e-7}]


@pytest.mark.parametrize(
    "document",
    [
        "",
        "[",
        '[{"id":1}',
        '[{"id":1}] trailing',
        '[{"id":1}][]',
        '[{"id":1},]',
        '"a text"',
        "7",
        '{"data":[1],"meta":{' + ",".join(f'"{n}":1' for n in range(MAX_META + 1)) + "}}",
        '[{"a":' + "[" * MAX_DEPTH + "]" * MAX_DEPTH + "}]",
        "[" * 100_000,
        '["' + "a" * 2 * MAX_ROW_BYTES + '"]',
        "[[" + "1," * MAX_ROW_BYTES + "1]]",
        "[" + "9" * 5_000 + "]",
        b'["\xe9"]',
    ],
    ids=lambda document: repr(document[:24]),
)
def test_what_is_no_sound_document_is_refused_and_not_quoted(document):
    size = 64 * 1024
    with pytest.raises(ValueError, match=r"it is|value|text|behind|it says") as error:
        read(document, list(range(size, len(document), size)))
    assert error.value.__context__ is None
    assert "trailing" not in str(error.value)


def test_a_reader_that_is_left_early_says_nothing(capsys):
    document = ExportDocument(cut(b'[{"phone":"+919876543210"},{"phone":"+91987', [30]))
    next(document.rows())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        del document
    assert capsys.readouterr() == ("", "")


def test_it_tells_what_stands_beside_the_rows():
    rows, document = read('{"data":{"items":[1],"none":[]},"meta":{"pages":2},"has_more":false,"x":{}}')
    assert (rows, document.lists, document.fields) == ([1], 1, 6)
    assert (document.meta, document.said) == ({"pages": 2}, {"has_more": False})
