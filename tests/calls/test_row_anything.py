"""Whatever lies in a warehouse, a row either becomes a call that can be sent or is refused with a reason."""

from __future__ import annotations

import json
import re
from collections import UserDict
from contextlib import suppress
from datetime import UTC
from enum import Enum
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_callkaro.calls import Call, InvalidCall, Reason
from airflow_provider_callkaro.calls.phone import NumberReader
from airflow_provider_callkaro.calls.row import RowReader
from airflow_provider_callkaro.calls.row_schema import CALL_FIELDS, PERSONAL_FIELDS
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.sandbox.callkaro.reading import OutboundCall
from airflow_provider_callkaro.vendors.callkaro.api import CallKaro

KOLKATA = ZoneInfo("Asia/Kolkata")


class Array:
    """Stands for a numpy array: compares element by element, and has no truth."""

    def __init__(self, *values):
        self.values = values

    def __eq__(self, other):
        return Array(*(value == other for value in self.values))

    __ne__ = __eq__
    __hash__ = None

    def __bool__(self):
        raise ValueError("the truth value of an array is ambiguous")

    def __len__(self):
        return len(self.values)

    def __index__(self):
        raise TypeError("only integer scalar arrays can be converted to a scalar index")


class Hostile:
    """Whatever is asked of it fails."""

    def __getattr__(self, name):
        raise RuntimeError(name)

    def __eq__(self, other):
        raise KeyError("no")

    __ne__ = __str__ = __repr__ = __hash__ = __iter__ = __len__ = __bool__ = __float__ = __index__ = __eq__


class Colour(Enum):
    RED = "red"


class Shouting(str):
    def strip(self, *args):
        raise OSError("no")


class BrokenRow(UserDict):
    def __getitem__(self, key):
        raise LookupError("the cursor is closed")


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.just(5000).map(lambda digits: 10**digits),
    st.floats(),
    st.decimals(),
    st.fractions(),
    st.complex_numbers(),
    st.text(),
    st.text(alphabet=st.characters(categories=["Cs"])),
    st.binary(),
    st.dates(),
    st.datetimes(),
    st.datetimes(timezones=st.sampled_from([UTC, KOLKATA])),
    st.times(timezones=st.none() | st.just(UTC)),
    st.timedeltas(),
    st.uuids(),
    st.sampled_from(
        ["+919876543210", "+91 98765-43210", "09:30", "2026-01-05T10:00:00", "[30, 60]", "true", "3.0", "{}"]
    ),
    st.builds(Array, st.integers(), st.integers()),
    st.builds(Hostile),
    st.builds(object),
    st.builds(Shouting),
    st.sampled_from([Colour.RED, SimpleNamespace(), Colour, print, ..., NotImplemented, KOLKATA]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text() | st.integers() | st.none() | st.binary(), inner, max_size=4)
        | st.builds(UserDict, st.dictionaries(st.text(), inner, max_size=3))
    ),
    max_leaves=6,
)
RENDERED = st.recursive(  # what a template can render to
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.datetimes(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=6,
)
COLUMNS = (
    st.sampled_from(CALL_FIELDS)
    | st.sampled_from(["TO_NUMBER", "Phone", "name", "batch_id", ""])
    | st.text(max_size=5)
    | st.integers()
    | st.none()
    | st.binary(max_size=3)
    | st.tuples(st.integers())
)
# half of the rows are good but for one or two columns, so that every reader is reached
GOOD = {"to_number": "+919876543210", "agent_id": "agent"}
ROWS = (
    st.dictionaries(COLUMNS, VALUES, max_size=8)
    | st.dictionaries(st.sampled_from(CALL_FIELDS[1:]), VALUES, max_size=3).map(lambda row: GOOD | row)
    | st.dictionaries(COLUMNS, VALUES, max_size=5).map(UserDict)
    | st.dictionaries(COLUMNS, VALUES, max_size=3).map(BrokenRow)
    | VALUES
)
READERS = st.sampled_from(
    [
        {"agent_id": "agent", "schedule_timezone": KOLKATA},
        {"agent_id": "agent", "schedule_timezone": KOLKATA, "row_fields": CALL_FIELDS},
        {"agent_id": "agent", "column_map": {"Phone": "to_number", "": None}},
        {"agent_id": "agent", "schedule_timezone": KOLKATA, "numbers": NumberReader(default_region="IN")},
        {"row_fields": CALL_FIELDS, "metadata_columns": ["name", "phone", "0"]},
        {"batch_id": "68433b7b0dee98e59245ebab", "options": {"metadata": {"shop": 1}, "priority": 5}},
    ]
)


def check_call_can_be_sent(call: Call) -> None:
    """Every limit again, by the rules that the sandbox wrote down for itself."""
    assert re.fullmatch(r"\+[1-9][0-9]{1,14}", call.to_number)
    assert call.agent_id
    assert len(call.key) <= 204
    request = CallKaro(schedule_timezone=KOLKATA).place_call(call)
    OutboundCall.read(request.body)  # raises what the vendor would refuse
    assert json.loads(request.body).get("metadata", {}) == call.metadata


@given(options=READERS, rows=st.lists(ROWS, max_size=3))
@pytest.mark.slow
def test_whatever_a_row_is_it_becomes_a_sendable_call_or_a_reason(options, rows):
    reader = RowReader(**options)
    for row in rows:
        try:
            call = reader.read(row)
        except InvalidCall as refusal:
            reason = refusal.reason
        except ConfigurationError:
            return
        else:
            check_call_can_be_sent(call)
            continue
        assert isinstance(reason, Reason)


@given(row=ROWS)
def test_after_a_good_first_row_no_row_breaks_off_the_run(row):
    reader = RowReader(agent_id="agent", schedule_timezone=KOLKATA, row_fields=CALL_FIELDS)
    reader.read(GOOD)
    try:
        check_call_can_be_sent(reader.read(row))
    except InvalidCall:
        return


@given(field=st.sampled_from(sorted(set(CALL_FIELDS) - PERSONAL_FIELDS)), value=RENDERED)
def test_whatever_is_said_for_all_calls_works_or_is_refused_at_once(field, value):
    try:
        reader = RowReader(agent_id="agent", options={field: value}, schedule_timezone=KOLKATA)
    except ConfigurationError:
        return
    check_call_can_be_sent(reader.read("+919876543210"))


@given(row=st.dictionaries(st.sampled_from(["to_number", "priority", "name"]), SCALARS))
def test_reading_changes_nothing_in_the_row(row):
    before = dict(row)
    with suppress(InvalidCall, ConfigurationError):
        RowReader(agent_id="agent").read(row)
    assert all(row[name] is before[name] for name in before)
    assert len(row) == len(before)
