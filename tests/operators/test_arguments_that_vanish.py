"""An argument that was given and renders to nothing fails the task by name, before the first ring."""

from __future__ import annotations

from copy import copy

import pytest
from airflow_task_state import TaskStateInMemory
from fanning_out import connect, context_of, people, rendered

from airflow_provider_callkaro.calls import CallingPolicy
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.operators.callkaro import (
    CallKaroCreateCampaignOperator,
    CallKaroFanOutCallsOperator,
    CallKaroOutboundCallOperator,
    CallKaroPreflightOperator,
)
from airflow_provider_callkaro.sources import FileContacts, SqlContacts

NOTHING = ["{{ conf.get('x', '') }}", "{{ none }}", "  {{ conf.x }}  "]
OF_A_LIST = ["agent_id", "batch_id", "ledger_conn_id", "ledger_scope", "redial", "report_path", "schedule_at"]


@pytest.fixture(autouse=True)
def _connected(sandbox, monkeypatch, tmp_path):
    connect(sandbox, monkeypatch, tmp_path)


def run(operator):
    context = context_of(store=TaskStateInMemory())
    return rendered(operator, context, conf={}).execute(context)


@pytest.mark.parametrize("template", NOTHING)
@pytest.mark.parametrize("argument", OF_A_LIST)
@pytest.mark.parametrize("operator", [CallKaroFanOutCallsOperator, CallKaroPreflightOperator])
def test_of_a_list(sandbox, operator, argument, template):
    arguments = {"task_id": "calls", "contacts": people(3), "agent_id": "asha", argument: template}
    with pytest.raises(ConfigurationError, match=f"^{argument} was given and comes to nothing"):
        run(operator(**arguments))
    assert sandbox.requests == []


@pytest.mark.parametrize("argument", [*(name for name in OF_A_LIST if name != "report_path"), "priority", "call_key"])
def test_of_a_single_call(sandbox, argument):
    arguments = {"task_id": "call", "to_number": "+919876543210", "agent_id": "asha", argument: NOTHING[0]}
    with pytest.raises(ConfigurationError, match=f"^{argument} was given"):
        run(CallKaroOutboundCallOperator(**arguments))
    assert sandbox.requests == []


@pytest.mark.parametrize("template", NOTHING)
@pytest.mark.parametrize("place", ["contacts", "suppression.source"])
def test_of_a_query(sandbox, place, template):
    """The query would take everybody for the segment, or protect nobody."""
    query = SqlContacts(
        "select phone as to_number from people where segment = :segment or :segment = ''",
        conn_id="call_ledger",
        parameters={"segment": template},
    )
    arguments = (
        {"contacts": query} if place == "contacts" else {"policy": CallingPolicy(timezone="UTC", suppress=query)}
    )
    operator = CallKaroFanOutCallsOperator(
        **{"task_id": "calls", "contacts": people(3), "agent_id": "asha", **arguments}
    )
    with pytest.raises(ConfigurationError, match=f"^{place}.parameters.segment was given and comes to nothing"):
        run(operator)
    assert sandbox.requests == []


def test_of_the_connection_of_a_file(sandbox, tmp_path):
    """Another storage would be read, the one that needs no connection."""
    path = tmp_path / "people.csv"
    path.write_text("to_number\n+919876543210\n")
    contacts = FileContacts(str(path), conn_id=NOTHING[0])
    with pytest.raises(ConfigurationError, match=r"^contacts\.conn_id was given"):
        run(CallKaroFanOutCallsOperator(task_id="calls", contacts=contacts, agent_id="asha"))
    assert sandbox.requests == []


def test_what_a_run_was_given_is_not_what_the_next_one_gets(sandbox):
    """Several runs of one DAG in one process, as in ``dag.test()``."""
    policy = CallingPolicy(timezone="UTC", suppress="{{ protected }}")
    task = CallKaroFanOutCallsOperator(task_id="calls", contacts=people(3), agent_id="asha", policy=policy)
    for protected in (1, 2):
        context = context_of(f"scheduled__{protected}", store=TaskStateInMemory())
        numbers = [person["to_number"] for person in people(protected)]
        result = rendered(copy(task), context, protected=numbers).execute(context)
        assert result["reasons"] == {"suppressed": protected}


def test_of_a_campaign_whose_agent_would_be_dropped(sandbox):
    """Without its agent the campaign would become one of any agents."""
    with pytest.raises(ConfigurationError, match="agent_id was given"):
        run(CallKaroCreateCampaignOperator(task_id="campaign", name="Renewals", agent_id=NOTHING[0]))
    assert sandbox.requests == []


def test_what_was_not_given_may_be_absent(sandbox):
    result = run(CallKaroFanOutCallsOperator(task_id="calls", contacts=people(3), agent_id="{{ 'asha' }}"))
    assert result["accepted"] == 3


def test_options_of_a_single_call_come_from_templates(sandbox):
    operator = CallKaroOutboundCallOperator(
        task_id="call",
        to_number="+919876543210",
        agent_id="asha",
        priority="{{ conf.priority }}",
        min_trigger_time="{{ conf.earliest }}",
        number_of_retries="{{ conf.retries }}",
    )
    context = context_of(store=TaskStateInMemory())
    rendered(operator, context, conf={"priority": -5, "earliest": "09:00", "retries": 2}).execute(context)
    body = sandbox.rings[0].body
    assert (body["priority"], body["min_trigger_time"], body["number_of_retries"]) == (-5, "09:00", 2)
