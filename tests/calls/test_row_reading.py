"""From a row as it lies in a warehouse to a call: which column means what, and what a row is refused for."""

from __future__ import annotations

from collections import OrderedDict
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from airflow_provider_callkaro.calls import InvalidCall, Reason
from airflow_provider_callkaro.calls.phone import NumberReader
from airflow_provider_callkaro.calls.row import RowReader
from airflow_provider_callkaro.calls.row_schema import CALLKARO
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.vendors.mrassistant.fields import ROW_SCHEMA

NUMBER = "+919876543210"
KOLKATA = ZoneInfo("Asia/Kolkata")
NAN = float("nan")


class NAType:
    """Stands for pandas.NA, which refuses to be compared."""

    def __eq__(self, other):
        return self

    def __ne__(self, other):
        return self

    def __bool__(self):
        raise TypeError("boolean value of NA is ambiguous")

    __hash__ = object.__hash__


class NumpyInteger:
    """Stands for numpy.int64: a whole number that is no int."""

    def __index__(self):
        return 5


class NumpyNothing:
    """Stands for numpy.datetime64("NaT"): nothing, which compares with numpy's own booleans."""

    def __ne__(self, other):
        return type("bool_", (), {"__bool__": lambda self: True})()

    def __eq__(self, other):
        return False

    __hash__ = object.__hash__


def read(row, **options):
    """Read a row that may set whatever the vendor knows."""
    words = options.get("row_schema", CALLKARO).columns
    return RowReader(
        **{"agent_id": "agent", "schedule_timezone": KOLKATA, "row_fields": words, **options},
    ).read(row)


def reason_for(row, **options):
    with pytest.raises(InvalidCall) as refusal:
        read(row, **options)
    return refusal.value.reason


def test_columns_that_are_fields_are_taken_as_such_and_the_rest_is_metadata():
    call = read(
        {
            "to_number": "+91 98765-43210",
            "agent_id": " agent_sales_id ",
            "schedule_at": "2026-01-05T10:00:00",
            "min_trigger_time": "09:00",
            "max_trigger_time": "20:30",
            "carry_over": "true",
            "number_of_retries": "3",
            "gap_between_retries": "30,60",
            "priority": "-5",
            "language": "HI",
            "call_key": 42,
            "name": "Asha",
            "due_on": date(2026, 1, 31),
        },
        batch_id="68433b7b0dee98e59245ebab",
    )
    assert call.to_number == NUMBER
    assert call.agent_id == "agent_sales_id"
    assert call.batch_id == "68433b7b0dee98e59245ebab"
    assert call.schedule_at == datetime(2026, 1, 5, 10, tzinfo=KOLKATA)
    assert (call.min_trigger_time, call.max_trigger_time, call.carry_over) == ("09:00", "20:30", True)
    assert (call.number_of_retries, call.gap_between_retries, call.priority) == (3, [30, 60], -5)
    assert (call.language, call.call_key) == ("hi", "42")
    assert call.metadata == {"name": "Asha", "due_on": "2026-01-31"}


@pytest.mark.parametrize("mapping", [dict, OrderedDict, MappingProxyType])
def test_a_row_may_be_any_mapping(mapping):
    assert read(mapping({"to_number": NUMBER, "name": "Asha"})).metadata == {"name": "Asha"}


def test_a_row_may_be_a_plain_number():
    assert read("+91 98765 43210").to_number == NUMBER
    assert read(9876543210, numbers=NumberReader(default_region="IN")).to_number == NUMBER
    assert reason_for(9876543210) is Reason.BAD_NUMBER


@pytest.mark.parametrize("row", [None, True, 1.5, b"+919876543210", [NUMBER], (NUMBER,), object()])
def test_what_is_neither_mapping_nor_number_costs_one_row(row):
    assert reason_for(row) is Reason.NOT_A_ROW


def test_a_database_that_shouts_its_column_names_is_understood():
    call = read({"TO_NUMBER": NUMBER, "Priority": 5, "NAME": "Asha"})
    assert (call.to_number, call.priority, call.metadata) == (NUMBER, 5, {"NAME": "Asha"})
    assert read({"PHONE": NUMBER}, column_map={"phone": "to_number"}).to_number == NUMBER


def test_column_map_renames_and_leaves_out():
    call = read(
        {"Phone": NUMBER, "rank": 7, "priority": "high", "ssn": "do not send", 3: "three", "city": "Pune"},
        column_map={"Phone": "to_number", "rank": "priority", "priority": None, "ssn": None},
    )
    assert (call.to_number, call.priority) == (NUMBER, 7)
    assert call.metadata == {"3": "three", "city": "Pune"}


def test_what_a_row_says_goes_before_what_is_said_for_all():
    options = {"priority": 5, "language": "en", "number_of_retries": 3, "agent_id": "from options"}
    call = read({"to_number": NUMBER, "priority": 9, "language": None, "number_of_retries": ""}, options=options)
    assert (call.priority, call.language, call.number_of_retries) == (9, "en", 3)
    assert call.agent_id == "from options"
    assert read({"to_number": NUMBER, "agent_id": "from the row"}).agent_id == "from the row"


def test_metadata_is_joined_and_the_most_particular_wins():
    options = {"metadata": '{"shop": "all", "name": "all", "city": "all"}'}
    row = {"to_number": NUMBER, "name": "column", "city": "column", "metadata": {"city": "metadata", "age": 25}}
    reader = RowReader(agent_id="agent", options=options)
    assert reader.read(row).metadata == {"shop": "all", "name": "column", "city": "metadata", "age": 25}
    assert reader.read({"to_number": NUMBER}).metadata == {"shop": "all", "name": "all", "city": "all"}


@pytest.mark.parametrize("absent", [None, "", "   ", NAN, Decimal("NaN"), NAType()])
def test_an_empty_cell_says_nothing(absent):
    row = {"to_number": NUMBER, "agent_id": absent, "priority": absent, "schedule_at": absent, "metadata": absent}
    call = read(row, options={"priority": 5})
    assert (call.agent_id, call.priority, call.schedule_at, call.metadata) == ("agent", 5, None, {})
    assert reason_for({"to_number": absent}) is Reason.MISSING_NUMBER


@pytest.mark.parametrize("metadata", ['{"name": "Asha"}', {"name": "Asha"}, MappingProxyType({"name": "Asha"})])
def test_metadata_may_be_an_object_or_its_json(metadata):
    assert read({"to_number": NUMBER, "metadata": metadata}).metadata == {"name": "Asha"}


@pytest.mark.parametrize(
    "metadata", ["{'name': 'Asha'}", "[1]", "Asha", 7, ["Asha"], "[" * 100_000, '{"age": Infinity}']
)
def test_metadata_that_is_no_object_costs_one_row(metadata):
    assert reason_for({"to_number": NUMBER, "metadata": metadata}) is Reason.BAD_METADATA


@pytest.mark.parametrize("absent", [NAN, Decimal("NaN"), NAType(), NumpyNothing()])
def test_a_missing_measurement_in_metadata_is_left_out_and_costs_nobody_a_call(absent):
    """A data frame has NaN wherever a row has no value; the person is called all the same."""
    row = {
        "to_number": NUMBER,
        "balance": absent,
        "name": "Asha",
        "metadata": {"due": absent, "steps": [1, absent, {"paid": absent}], "last": {"seen": absent}, "note": None},
    }
    assert read(row).metadata == {"name": "Asha", "steps": [1, {}], "last": {}, "note": None}
    assert read({"to_number": NUMBER, "balance": absent}, options={"metadata": {"balance": 0}}).metadata == {
        "balance": 0
    }
    assert read({"to_number": NUMBER}, options={"metadata": {"balance": absent, "shop": 1}}).metadata == {"shop": 1}
    assert read({"to_number": NUMBER, "metadata": '{"age": NaN, "name": "Asha"}'}).metadata == {"name": "Asha"}


@pytest.mark.parametrize("value", [float("inf"), [float("-inf")], {"deep": float("inf")}])
def test_an_infinite_measurement_says_something_that_cannot_be_sent(value):
    assert reason_for({"to_number": NUMBER, "balance": value}) is Reason.BAD_METADATA


class TestCampaignsOfRows:
    """A row names its campaign as it names its agent; a call beside its campaign is in nobody's figures."""

    def test_one_list_may_have_rows_of_several_campaigns(self):
        reader = RowReader(agent_id="agent", batch_id="for all", row_fields=["batch_id"])
        calls = [reader.read({"to_number": NUMBER, "batch_id": batch}) for batch in (" a ", "b", None, "")]
        assert [call.batch_id for call in calls] == ["a", "b", "for all", "for all"]
        assert [call.metadata for call in calls] == [{}] * 4

    def test_it_may_be_named_otherwise_and_given_for_all(self):
        assert read({"to_number": NUMBER, "camp": 7}, column_map={"camp": "batch_id"}).batch_id == "7"
        assert read({"to_number": NUMBER}, options={"batch_id": "b"}).batch_id == "b"
        assert reason_for({"to_number": NUMBER, "batch_id": "x" * 201}) is Reason.BAD_BATCH

    def test_a_call_of_a_campaign_needs_no_agent(self):
        """The vendor's own example of an outbound call."""
        call = read({"to_number": NUMBER, "batch_id": "68433b7b0dee98e59245ebab"}, agent_id=None)
        assert (call.batch_id, call.agent_id) == ("68433b7b0dee98e59245ebab", None)
        assert read({"to_number": NUMBER}, agent_id=None, batch_id="b").agent_id is None
        assert read({"to_number": NUMBER}, agent_id=None, options={"batch_id": "b"}).batch_id == "b"

    def test_without_both_nobody_speaks(self):
        reader = RowReader(row_fields=["batch_id"])
        assert reader.read({"to_number": NUMBER, "batch_id": "b"}).batch_id == "b"
        with pytest.raises(InvalidCall) as refusal:
            reader.read({"to_number": NUMBER, "batch_id": None})
        assert refusal.value.reason is Reason.MISSING_AGENT
        with pytest.raises(ConfigurationError, match="no agent is known"):
            RowReader().read({"to_number": NUMBER, "name": "Asha"})

    def test_a_vendor_without_campaigns_of_calls_has_a_column_of_that_name_for_metadata(self):
        call = read({"to_number": NUMBER, "batch_id": "b"}, row_schema=ROW_SCHEMA)
        assert (call.batch_id, call.metadata) == (None, {"batch_id": "b"})


@pytest.mark.parametrize("value", [5, "5", " 5 ", "+5", 5.0, "5.0", Decimal("5"), Decimal("5.00"), NumpyInteger()])
def test_a_whole_number_is_one_whatever_the_source_made_of_it(value):
    call = read({"to_number": NUMBER, "priority": value, "number_of_retries": value, "gap_between_retries": value})
    assert (call.priority, call.number_of_retries, call.gap_between_retries) == (5, 5, 5)


@pytest.mark.parametrize(
    "value", ["five", "5.5", 5.5, Decimal("5.5"), True, "1_0", "\u0665", b"5", "1e1", float("inf"), Decimal("1e999999")]
)
def test_what_is_no_whole_number_costs_one_row(value):
    assert reason_for({"to_number": NUMBER, "priority": value}) is Reason.BAD_PRIORITY
    assert reason_for({"to_number": NUMBER, "number_of_retries": value}) is Reason.BAD_NUMBER_OF_RETRIES
    assert reason_for({"to_number": NUMBER, "gap_between_retries": value}) is Reason.BAD_GAP_BETWEEN_RETRIES


@pytest.mark.parametrize(
    ("value", "gaps"),
    [
        ("30", 30),
        ("30,60", [30, 60]),
        ("30; 60", [30, 60]),
        ("[30, 60]", [30, 60]),
        ("{30,60}", [30, 60]),  # PostgreSQL's array as text
        ("[30]", [30]),
        ([30, 60], [30, 60]),
        ((30, "60"), [30, 60]),
        ([30.0, Decimal(60)], [30, 60]),
    ],
)
def test_gaps_are_read_from_lists_and_from_text(value, gaps):
    assert read({"to_number": NUMBER, "gap_between_retries": value}).gap_between_retries == gaps


@pytest.mark.parametrize(
    "value", ["[]", [], "30,", "30 60", "30,sixty", [30, None], b"\x1e", range(10**12), "1," * 10**6]
)
def test_gaps_that_make_no_sense_cost_one_row(value):
    assert reason_for({"to_number": NUMBER, "gap_between_retries": value}) is Reason.BAD_GAP_BETWEEN_RETRIES


@pytest.mark.parametrize("value", [True, "true", "TRUE", " t ", "yes", "Y", "1", 1, 1.0, Decimal(1)])
def test_true_is_true_in_every_database(value):
    assert read({"to_number": NUMBER, "carry_over": value}).carry_over is True


@pytest.mark.parametrize("value", [False, "false", "F", "no", "n", "0", 0, 0.0, Decimal(0)])
def test_false_is_false_in_every_database(value):
    assert read({"to_number": NUMBER, "carry_over": value}).carry_over is False


@pytest.mark.parametrize("value", ["maybe", 2, "2", b"\x01", []])
def test_what_is_neither_costs_one_row(value):
    assert reason_for({"to_number": NUMBER, "carry_over": value}) is Reason.BAD_CARRY_OVER


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (42, "42"),
        (42.0, "42"),
        (Decimal("42"), "42"),
        ("42", "42"),
        (NumpyInteger(), "5"),
        (UUID(int=7), str(UUID(int=7))),
    ],
)
def test_a_key_stays_the_same_when_a_column_changes_its_type(value, text):
    """A data frame makes 42.0 of 42 as soon as one row has no value; another key would ring the person again."""
    assert read({"to_number": NUMBER, "call_key": value}).call_key == text
    assert read({"to_number": NUMBER, "agent_id": value}).agent_id == text


@pytest.mark.parametrize("value", [b"42", ["42"], {"id": 42}, True, "x" * 201, "a\x00b"])
def test_what_is_no_key_costs_one_row(value):
    assert reason_for({"to_number": NUMBER, "call_key": value}) is Reason.BAD_CALL_KEY
    assert reason_for({"to_number": NUMBER, "agent_id": value}) is Reason.BAD_AGENT


@pytest.mark.parametrize("language", ["fr", "hindi", 7, ["hi"]])
def test_a_language_the_vendor_does_not_speak_costs_one_row(language):
    assert reason_for({"to_number": NUMBER, "language": language}) is Reason.BAD_LANGUAGE


@pytest.mark.parametrize("row", [{"to_number": NUMBER, "name": b"\xff"}, {"to_number": NUMBER, "tags": {1, 2}}])
def test_a_column_that_json_cannot_hold_costs_one_row(row):
    assert reason_for(row) is Reason.BAD_METADATA


class Quarrelsome:
    """A value of which nothing can be asked."""

    def __eq__(self, other):
        raise ArithmeticError("+919876543210")

    __ne__ = __lt__ = __str__ = __repr__ = __bool__ = __index__ = __len__ = __eq__
    __hash__ = object.__hash__


@pytest.mark.parametrize(
    "column", ["to_number", "priority", "carry_over", "schedule_at", "metadata", "call_key", "name"]
)
def test_a_value_whose_own_code_fails_costs_one_row_and_shows_nothing(column):
    with pytest.raises(InvalidCall) as refusal:
        read({"to_number": NUMBER, column: Quarrelsome()})
    assert "98765" not in str(refusal.value)
