"""A list of rows as a whole: what cannot be right is said before anybody is rung, with the argument and the way out."""

from __future__ import annotations

from contextlib import suppress
from zoneinfo import ZoneInfo

import pytest

from airflow_provider_callkaro.calls import InvalidCall, Reason
from airflow_provider_callkaro.calls.row import ROUNDED_LIST, RowReader
from airflow_provider_callkaro.calls.row_columns import MAX_PLANNED, MAX_PLANS
from airflow_provider_callkaro.exceptions import ConfigurationError

NUMBER = "+919876543210"
KOLKATA = ZoneInfo("Asia/Kolkata")


def said(row, **options):
    with pytest.raises(ConfigurationError) as error:
        RowReader(**{"agent_id": "agent", **options}).read(row)
    return str(error.value)


def test_a_list_without_numbers_says_how_to_name_the_column():
    message = said({"phone": NUMBER, "name": "Asha"})
    assert 'column_map={"<column>": "to_number"}' in message
    assert "(columns: 2 other)" in message


def test_a_file_without_a_header_line_does_not_spill_its_first_contact():
    message = said({NUMBER: "+919876543211", "98765 43212": 1, "Asha": "Ravi", "language": "en"})
    for part in ("98765", "3212", "Asha", "Ravi"):
        assert part not in message
    assert "(columns: language, 3 other)" in message


def test_a_list_without_any_agent_says_where_to_set_one():
    message = said({"to_number": NUMBER}, agent_id=None)
    assert "set agent_id on the operator" in message
    assert "extra of the connection" in message


@pytest.mark.parametrize("column", ["schedule_at", "min_trigger_time", "MAX_TRIGGER_TIME"])
def test_times_without_a_zone_are_refused_before_the_first_call(column):
    message = said({"to_number": NUMBER, column: None})
    assert column.lower() in message
    assert '"schedule_timezone" in the extra of the connection' in message


def test_a_mapped_column_that_is_not_there_is_named():
    message = said({"to_number": NUMBER, "rnk": 3}, column_map={"rank": "priority", "not there either": None})
    assert "column_map names a column that the contacts do not have: rank (columns: to_number, 1 other)" in message


def test_two_columns_for_one_field_are_not_chosen_between():
    message = said({"to_number": NUMBER, "TO_NUMBER": "+919876543211"})
    assert "two columns of the contacts mean to_number" in message
    assert "column_map" in message


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"column_map": {"phone": "number"}}, ["column_map", "'phone'", "'number'", "to_number", "None"]),
        ({"options": {"priorty": 5}}, ["call_options", "priorty", "priority"]),
        ({"options": {"to_number": NUMBER}}, ["call_options", "to_number"]),
        ({"options": {7: 5}}, ["call_options", "7"]),
        ({"options": [("priority", 5)]}, ["call_options", "mapping"]),
        ({"options": {"priority": 500}}, ["given for all calls", "priority", "-100 to 100"]),
        ({"options": {"priority": "high"}}, ["given for all calls", "priority", "-100 to 100"]),
        ({"options": {"number_of_retries": 11}}, ["number_of_retries", "0 to 10"]),
        ({"options": {"gap_between_retries": "soon"}}, ["gap_between_retries", "minutes"]),
        ({"options": {"carry_over": "maybe"}}, ["carry_over", "true or false"]),
        ({"options": {"language": "fr"}}, ["language", "hi"]),
        ({"options": {"metadata": "Asha"}}, ["metadata", "object"]),
        ({"options": {"metadata": {"photo": b"Asha"}}}, ["metadata", "JSON"]),
        ({"options": {"min_trigger_time": "9 am"}, "schedule_timezone": KOLKATA}, ["min_trigger_time", "HH:MM"]),
        ({"options": {"schedule_at": "2026-01-05"}, "schedule_timezone": KOLKATA}, ["schedule_at"]),
        ({"options": {"max_trigger_time": "20:30"}}, ["max_trigger_time", "schedule_timezone", "Asia/Kolkata"]),
        ({"agent_id": "a" * 201}, ["agent_id", "200"]),
        ({"batch_id": "b" * 201}, ["batch_id", "200"]),
        ({"batch_id": ["68433b7b0dee98e59245ebab"]}, ["batch_id", "200"]),
    ],
)
def test_an_argument_that_cannot_work_is_refused_before_a_row_is_read(arguments, words):
    with pytest.raises(ConfigurationError) as error:
        RowReader(**arguments)
    for word in words:
        assert word in str(error.value)
    assert "Asha" not in str(error.value)


def test_an_option_that_renders_to_nothing_takes_nothing_away():
    reader = RowReader(agent_id="agent", options={"agent_id": "", "priority": None})
    call = reader.read(NUMBER)
    assert (call.agent_id, call.priority) == ("agent", None)


def test_a_later_row_that_differs_costs_itself_only():
    """Rows of JSON need not have the same columns; a run that rings people already must not break off for one."""
    reader = RowReader(agent_id="agent", column_map={"phone": "to_number"})
    assert reader.read({"phone": NUMBER}).to_number == NUMBER
    later = {
        Reason.MISSING_NUMBER: {"name": "Asha"},
        Reason.NOT_A_ROW: {"phone": NUMBER, "to_number": NUMBER},
        Reason.SCHEDULE_TIMEZONE_UNKNOWN: {"phone": NUMBER, "schedule_at": "2026-01-05T10:00:00"},
    }
    for reason, row in later.items():
        with pytest.raises(InvalidCall) as refusal:
            reader.read(row)
        assert refusal.value.reason is reason
    assert reader.read({"phone": NUMBER, "name": "Asha"}).metadata == {"name": "Asha"}


def test_a_row_without_an_agent_in_a_list_with_agents_costs_itself_only():
    reader = RowReader(row_fields=["agent_id"])
    assert reader.read({"to_number": NUMBER, "agent_id": "agent"}).agent_id == "agent"
    with pytest.raises(InvalidCall) as refusal:
        reader.read({"to_number": NUMBER, "agent_id": None})
    assert refusal.value.reason is Reason.MISSING_AGENT


def test_a_first_row_that_is_no_row_does_not_hide_a_list_that_cannot_be_right():
    reader = RowReader(agent_id="agent")
    with pytest.raises(InvalidCall):
        reader.read(None)
    with pytest.raises(ConfigurationError):
        reader.read({"phone": NUMBER})


def test_rows_that_each_have_their_own_columns_do_not_fill_the_memory():
    reader = RowReader(agent_id="agent")
    for number in range(3 * MAX_PLANS):
        assert reader.read({"to_number": NUMBER, f"column {number}": number}).metadata == {f"column {number}": number}
    assert len(reader._plans) <= MAX_PLANS
    for number in range(20):
        with pytest.raises(InvalidCall, match="metadata"):  # too large to go along
            reader.read({"to_number": NUMBER, f"{number} {'wide' * MAX_PLANNED}"[: MAX_PLANNED // 3]: 1})
    assert len(reader._plans) <= 3
    with pytest.raises(InvalidCall):  # and the first row is long past
        reader.read({"phone": NUMBER})


ROUNDED = {"to_number": "9.19877E+11"}


def test_a_list_whose_numbers_were_all_rounded_is_refused_as_one() -> None:
    reader = RowReader(agent_id="a")
    for _ in range(ROUNDED_LIST - 1):
        with pytest.raises(InvalidCall, match="rounded by a spreadsheet") as caught:
            reader.read(ROUNDED)
        assert caught.value.reason is Reason.BAD_NUMBER
        assert "9.19" not in str(caught.value)
    with pytest.raises(ConfigurationError, match="each phone number in the first 10 rows was rounded"):
        reader.read(ROUNDED)


@pytest.mark.parametrize("first", ["+919876543210", "nobody"])
def test_a_list_with_one_other_number_loses_the_rounded_rows_and_no_other(first: str) -> None:
    reader = RowReader(agent_id="a")
    with suppress(InvalidCall):
        reader.read({"to_number": first})
    for _ in range(3 * ROUNDED_LIST):
        with pytest.raises(InvalidCall, match="rounded by a spreadsheet"):
            reader.read(ROUNDED)
    assert reader.read({"to_number": "+919876543211"}).to_number == "+919876543211"
