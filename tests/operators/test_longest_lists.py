"""A list that is longer than it was meant to be rings nobody, whether or not its source knows its length."""

from __future__ import annotations

import json

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from airflow_task_state import TaskStateInMemory
from fanning_out import connect, context_of, people

from airflow_provider_callkaro.exceptions import RunIncomplete, SourceBroken
from airflow_provider_callkaro.operators.callkaro import CallKaroFanOutCallsOperator, CallKaroPreflightOperator
from airflow_provider_callkaro.operators.mrassistant import (
    MrAssistantCreateCampaignOperator,
    MrAssistantPreflightOperator,
)
from airflow_provider_callkaro.sources import FileContacts

AGENT = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
FAN_OUTS = {"CallKaro": CallKaroFanOutCallsOperator, "MrAssistant": MrAssistantCreateCampaignOperator}
PREFLIGHTS = {"CallKaro": CallKaroPreflightOperator, "MrAssistant": MrAssistantPreflightOperator}


class Source:
    """A source that gives other rows at each reading, and may not know how many.

    :param readings: the rows of each; the last again and again.
    """

    template_fields = ()

    def __init__(self, *readings, total=None):
        self.readings = list(readings)
        self._total = total
        self.read = 0
        self.closed = 0

    def rows(self, context):
        rows = self.readings.pop(0) if len(self.readings) > 1 else self.readings[0]
        try:
            for row in rows:
                if isinstance(row, BaseException):
                    raise row
                self.read += 1
                yield row
        finally:
            self.closed += 1

    def total(self, context):
        return self._total


@pytest.fixture(autouse=True)
def _connected(sandbox, monkeypatch, tmp_path):
    connect(sandbox, monkeypatch, tmp_path)
    monkeypatch.setenv("AIRFLOW_CONN_MRASSISTANT_DEFAULT", sandbox.airflow_connections["mrassistant_default"])


@pytest.fixture
def context():
    return context_of(store=TaskStateInMemory())


def operator(vendor, contacts, *, kinds=FAN_OUTS, **arguments):
    named = {"name": "Renewals"} if vendor == "MrAssistant" else {}
    return kinds[vendor](task_id="calls", contacts=contacts, agent_id=AGENT, **named, **arguments)


@pytest.mark.parametrize("kinds", [FAN_OUTS, PREFLIGHTS])
@pytest.mark.parametrize("vendor", FAN_OUTS)
@pytest.mark.parametrize("known", [True, False])
def test_a_list_that_is_too_long_rings_nobody(sandbox, context, vendor, kinds, known):
    source = Source(people(4), total=4 if known else None)
    with pytest.raises(AirflowFailException, match=r"more rows than max_rows=3, so this try rings nobody"):
        operator(vendor, source, kinds=kinds, max_rows=3).execute(context)
    assert sandbox.rings == []
    assert source.closed == (0 if known else 1)


@pytest.mark.parametrize("vendor", FAN_OUTS)
def test_a_list_of_just_that_length_rings_everybody(sandbox, context, vendor):
    source = Source(people(3))
    assert operator(vendor, source, max_rows=3).execute(context)["accepted"] == 3
    assert (source.read, source.closed) == (6, 2)


def test_no_row_too_many_is_read_of_a_list_without_end(sandbox, context):
    source = Source(people(5_000))
    with pytest.raises(AirflowFailException):
        operator("CallKaro", source, max_rows=10).execute(context)
    assert source.read == 11


def test_a_file_that_was_swapped_after_its_approval_rings_nobody(sandbox, context, tmp_path):
    approved = tmp_path / "approved.csv"
    approved.write_text("to_number\n+13035550130\n")
    preflight = operator("CallKaro", FileContacts(approved), kinds=PREFLIGHTS, max_rows=1).execute(context)
    assert preflight["would_ring"] == 1
    approved.write_text("to_number\n" + "".join(f"+1303555{number:04d}\n" for number in range(200, 230)))
    with pytest.raises(AirflowFailException, match="max_rows=1"):
        operator("CallKaro", FileContacts(approved), max_rows=1).execute(context)
    assert sandbox.rings == []


@pytest.mark.parametrize("total", [None, 3])
def test_a_list_that_grows_after_it_was_counted_rings_nobody_behind_the_bound(sandbox, context, total):
    """And one that says it is shorter than it is."""
    source = Source(people(3), people(9)) if total is None else Source(people(9), total=total)
    with pytest.raises(AirflowFailException, match="the list has grown"):
        operator("CallKaro", source, max_rows=3).execute(context)
    assert set(sandbox.rings_per_number()) <= {person["to_number"] for person in people(3)}
    summary = context["ti"].xcoms["return_value"]
    assert summary["accepted"] == len(sandbox.rings)


@pytest.mark.parametrize("shard", [(0, 3), (1, 3), (2, 3)])
def test_a_part_of_a_list_is_refused_with_the_whole(sandbox, context, shard):
    with pytest.raises(AirflowFailException, match="max_rows=5"):
        operator("CallKaro", Source(people(6)), max_rows=5, shard=shard).execute(context)
    assert sandbox.rings == []


def test_a_source_that_breaks_off_while_it_is_counted_leaves_its_account(sandbox, context, tmp_path):
    source = Source([*people(2), SourceBroken("the warehouse has gone")])
    with pytest.raises(SourceBroken):
        operator("CallKaro", source, max_rows=5, report_path=str(tmp_path / "r.csv")).execute(context)
    assert sandbox.rings == []
    assert json.dumps(context["ti"].xcoms["return_value"]["unread"]) == "true"
    assert (tmp_path / "r.csv").exists()


def test_a_run_that_is_asked_to_end_while_it_counts_is_not_taken_for_an_empty_list(sandbox, context):
    calls = operator("CallKaro", Source(people(5_000)), max_rows=10_000)

    class Killing(Source):
        def rows(self, context):
            for row in super().rows(context):
                if self.read == 500:
                    calls.on_kill()
                yield row

    calls.contacts = Killing(people(5_000))
    with pytest.raises(RunIncomplete, match="while its rows were counted"):
        calls.execute(context)
    assert sandbox.rings == []


@pytest.mark.parametrize("vendor", FAN_OUTS)
def test_a_list_that_can_be_read_only_once_is_not_taken_for_an_empty_one(sandbox, context, vendor):
    """A queue, or a query that takes out what it returns: the counting has had its rows."""
    with pytest.raises(AirflowFailException, match="had 3 rows when they were counted"):
        operator(vendor, Source(people(3), []), max_rows=3).execute(context)
    assert sandbox.rings == []
    assert context["ti"].xcoms["return_value"]["total"] == 0


def test_a_list_that_got_shorter_since_it_was_counted_is_told(sandbox, context, capsys, caplog):
    assert operator("CallKaro", Source(people(3), people(2)), max_rows=3).execute(context)["accepted"] == 2
    assert (
        "The list had 3 rows when they were counted, and 2 when they were read" in capsys.readouterr().out + caplog.text
    )


@pytest.mark.parametrize("vendor", FAN_OUTS)
def test_nor_is_it_by_a_task_that_wakes_from_its_nap(sandbox, context, vendor):
    """What waits for its hours is read again then."""
    with pytest.raises(AirflowFailException, match="none of its rows came when it was read again"):
        operator(vendor, Source([])).go_on(context)
    assert sandbox.rings == []
