"""What of a body is taken as JSON, and in which shape it goes on."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_callkaro.exceptions import UnreadableEvent
from airflow_provider_callkaro.vendors.webhook_json import MAX_DEPTH, read_webhook_json

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"<html>",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": 1e999}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b"\xff\xfe{\x00}\x00",
        b'{"a": "\xff"}',
        b"[" * 100_000,
        b"[" * (MAX_DEPTH + 2) + b"]" * (MAX_DEPTH + 2),
    ],
    ids=["empty", "cut", "html", "nan", "infinity", "too large", "digits", "utf-16", "latin-1", "deep cut", "deep"],
)
def test_what_no_vendor_sends_is_malformed(body):
    with pytest.raises(UnreadableEvent):
        read_webhook_json(body)


def test_what_no_database_takes_is_left_out():
    assert read_webhook_json(rb'{"a\u0000b": ["x\u0000y", "\ud83d", 123456789012345678901]}') == {
        "ab": ["xy", "?", "123456789012345678901"]
    }


@given(JSON)
def test_everything_else_goes_on_as_it_is(value):
    read = read_webhook_json(json.dumps(value).encode())
    if "\\u0000" not in json.dumps(value) and all(abs(each) < 2**63 for each in numbers(value)):
        assert read == value


def numbers(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [number for each in value for number in numbers(each)]
    return [value] if isinstance(value, int) else []


@given(st.binary(max_size=300))
def test_no_bytes_make_it_fail_otherwise(body):
    with suppress(UnreadableEvent):
        json.dumps(read_webhook_json(body)).encode()
