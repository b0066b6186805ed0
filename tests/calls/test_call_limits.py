"""A Call that exists can be sent: whatever is out of the vendor's limits, or cannot be said in JSON, is no Call."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from types import MappingProxyType
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_callkaro.calls import Call, InvalidCall, Reason
from airflow_provider_callkaro.calls.call import plain_metadata
from airflow_provider_callkaro.vendors.callkaro.api import CallKaro

NUMBER = "+919876543210"
HUGE = pytest.param(10**5000, id="more digits than Python writes")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("to_number", "+10"),
        ("to_number", "+123456789012345"),
        ("agent_id", "a" * 200),
        ("agent_id", "agent_sales_id"),
        ("batch_id", "68433b7b0dee98e59245ebab"),
        ("schedule_at", datetime(2026, 1, 1, 10, tzinfo=UTC)),
        ("min_trigger_time", "9:00"),
        ("max_trigger_time", "23:59"),
        ("carry_over", False),
        ("number_of_retries", 0),
        ("number_of_retries", 10),
        ("gap_between_retries", 0),
        ("gap_between_retries", [30, 60]),
        ("gap_between_retries", (1,) * 10),
        ("priority", -100),
        ("priority", 100),
        ("language", "hi"),
        ("call_key", "customer 42"),
        ("metadata", {}),
    ],
)
def test_everything_within_the_limits_can_be_asked_for(field, value):
    assert getattr(Call(**{"to_number": NUMBER, field: value}), field) == value


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("to_number", "919876543210", Reason.BAD_NUMBER),
        ("to_number", "+91 98765 43210", Reason.BAD_NUMBER),
        ("to_number", "+919876543210\n", Reason.BAD_NUMBER),
        ("to_number", None, Reason.BAD_NUMBER),
        ("to_number", 919876543210, Reason.BAD_NUMBER),
        ("agent_id", "", Reason.BAD_AGENT),
        ("agent_id", "a" * 201, Reason.BAD_AGENT),
        ("agent_id", "agent\n1", Reason.BAD_AGENT),
        ("agent_id", 7, Reason.BAD_AGENT),
        ("batch_id", "", Reason.BAD_BATCH),
        ("batch_id", 7, Reason.BAD_BATCH),
        ("metadata", ["name"], Reason.BAD_METADATA),
        ("metadata", {"photo": b"\x89PNG"}, Reason.BAD_METADATA),
        ("schedule_at", datetime(2026, 1, 1, 10), Reason.BAD_SCHEDULE_AT),
        ("schedule_at", "2026-01-01T10:00:00", Reason.BAD_SCHEDULE_AT),
        ("schedule_at", date(2026, 1, 1), Reason.BAD_SCHEDULE_AT),
        ("schedule_at", datetime.max.replace(tzinfo=UTC), Reason.BAD_SCHEDULE_AT),
        ("schedule_at", datetime.min.replace(tzinfo=UTC), Reason.BAD_SCHEDULE_AT),
        ("min_trigger_time", "24:00", Reason.BAD_TRIGGER_TIME),
        ("min_trigger_time", "09:60", Reason.BAD_TRIGGER_TIME),
        ("max_trigger_time", "9 am", Reason.BAD_TRIGGER_TIME),
        ("max_trigger_time", time(9), Reason.BAD_TRIGGER_TIME),
        ("carry_over", "yes", Reason.BAD_CARRY_OVER),
        ("carry_over", 1, Reason.BAD_CARRY_OVER),
        ("number_of_retries", -1, Reason.BAD_NUMBER_OF_RETRIES),
        ("number_of_retries", 11, Reason.BAD_NUMBER_OF_RETRIES),
        ("number_of_retries", True, Reason.BAD_NUMBER_OF_RETRIES),
        ("number_of_retries", 3.0, Reason.BAD_NUMBER_OF_RETRIES),
        ("gap_between_retries", -1, Reason.BAD_GAP_BETWEEN_RETRIES),
        ("gap_between_retries", 525_601, Reason.BAD_GAP_BETWEEN_RETRIES),
        ("gap_between_retries", [], Reason.BAD_GAP_BETWEEN_RETRIES),
        ("gap_between_retries", [1] * 11, Reason.BAD_GAP_BETWEEN_RETRIES),
        ("gap_between_retries", [30, "60"], Reason.BAD_GAP_BETWEEN_RETRIES),
        ("gap_between_retries", [True], Reason.BAD_GAP_BETWEEN_RETRIES),
        ("gap_between_retries", "30", Reason.BAD_GAP_BETWEEN_RETRIES),
        ("priority", -101, Reason.BAD_PRIORITY),
        ("priority", 101, Reason.BAD_PRIORITY),
        ("priority", "5", Reason.BAD_PRIORITY),
        ("language", "fr", Reason.BAD_LANGUAGE),
        ("language", ["hi"], Reason.BAD_LANGUAGE),
        ("call_key", "", Reason.BAD_CALL_KEY),
        ("call_key", "half a pair \ud800", Reason.BAD_CALL_KEY),
    ],
)
def test_nothing_beyond_the_limits_becomes_a_call(field, value, reason):
    with pytest.raises(InvalidCall) as refusal:
        Call(**{"to_number": NUMBER, field: value})
    assert refusal.value.reason is reason
    assert "98765" not in str(refusal.value)
    assert field in str(refusal.value)


@pytest.mark.parametrize("field", ["number_of_retries", "gap_between_retries", "priority"])
def test_a_number_too_long_to_be_written_becomes_no_call(field):
    with pytest.raises(InvalidCall):
        Call(**{"to_number": NUMBER, field: 10**5000})


def test_a_person_is_known_by_the_number_or_by_the_rows_own_key():
    assert Call(to_number=NUMBER).key == NUMBER
    assert Call(to_number=NUMBER, call_key="42").key == "key:42"
    assert Call(to_number="+12", call_key="+12").key != Call(to_number="+12").key


def test_neither_a_call_nor_its_refusal_shows_metadata():
    assert "Asha" not in repr(Call(to_number=NUMBER, metadata={"name": "Asha"}))
    with pytest.raises(InvalidCall) as refusal:
        Call(to_number=NUMBER, metadata={"name": b"Asha"})
    assert "Asha" not in str(refusal.value)


def test_a_callers_mapping_cannot_change_a_call_afterwards():
    given_metadata = {"name": "Asha"}
    call = Call(to_number=NUMBER, metadata=given_metadata)
    given_metadata["name"] = "Binod"
    assert call.metadata == {"name": "Asha"}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("Asha", "Asha"),
        (None, None),
        (True, True),
        (12, 12),
        (1.5, 1.5),
        (date(2026, 3, 1), "2026-03-01"),
        (datetime(2026, 3, 1, 9, 30, tzinfo=UTC), "2026-03-01T09:30:00+00:00"),
        (time(9, 30), "09:30:00"),
        (timedelta(minutes=2), 120.0),
        (Decimal("12"), 12),
        (Decimal("12.50"), "12.50"),
        (Decimal("12.00"), "12.00"),
        (Decimal("1E+999999999"), "1E+999999999"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (MappingProxyType({"a": 1}), {"a": 1}),
        ([date(2026, 3, 1)], ["2026-03-01"]),
        ((1, 2), [1, 2]),
        ("half a pair \ud800", "half a pair \ud800"),
        (2**63, 2**63),
    ],
)
def test_metadata_is_said_as_a_prompt_would_show_it(value, said):
    assert plain_metadata({"it": value}) == {"it": said}


def endless():
    inside: dict = {}
    inside["again"] = inside
    return inside


def deep():
    nested: list = []
    for _ in range(100_000):
        nested = [nested]
    return nested


@pytest.mark.parametrize(
    "value",
    [
        b"bytes",
        float("nan"),
        float("inf"),
        Decimal("NaN"),
        {1, 2},
        object(),
        {"inner": {"worse": object()}},
        {(1, 2): "a key that is no text"},
        {float("nan"): 1},
        HUGE,
        pytest.param([10**5000], id="the same in a list"),
        pytest.param(endless(), id="a mapping in itself"),
        pytest.param(deep(), id="lists a hundred thousand deep"),
    ],
)
def test_metadata_that_json_cannot_hold_costs_one_row_not_the_run(value):
    with pytest.raises(InvalidCall) as refusal:
        plain_metadata({"it": value})
    assert refusal.value.reason is Reason.BAD_METADATA


@pytest.mark.parametrize("name", [b"name", (1,), float("nan")])
def test_a_name_in_metadata_that_json_cannot_hold_costs_one_row_not_the_run(name):
    with pytest.raises(InvalidCall):
        plain_metadata({name: "value"})


def test_a_number_as_a_name_in_metadata_becomes_text():
    assert plain_metadata({1: "one"}) == {"1": "one"}


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.dates()
    | st.datetimes()
    | st.times()
    | st.timedeltas()
    | st.decimals()
    | st.uuids(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers() | st.binary(), inner),
    max_leaves=10,
)


@pytest.mark.slow
@given(metadata=st.dictionaries(st.text() | st.integers() | st.none() | st.binary(), VALUES))
def test_whatever_metadata_was_taken_reaches_the_vendor_unchanged(metadata):
    try:
        call = Call(to_number=NUMBER, metadata=metadata)
    except InvalidCall:
        return
    sent = json.loads(CallKaro().place_call(call).body)
    assert sent.get("metadata", {}) == call.metadata
