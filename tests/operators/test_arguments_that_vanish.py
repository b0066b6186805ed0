"""An argument that was given and renders to nothing fails the task by name, before the first ring."""

from __future__ import annotations

import re
from copy import copy

import pytest
from airflow_task_state import TaskStateInMemory
from fanning_out import connect, context_of, people, rendered

from airflow_provider_callkaro.calls import CallingPolicy, ScheduleWindow
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

QUERY = "select phone as to_number from renewals where due_on = :day"


@pytest.fixture(autouse=True)
def _connected(sandbox, monkeypatch, tmp_path):
    connect(sandbox, monkeypatch, tmp_path)


def due_on(day):
    return SqlContacts(QUERY, conn_id="call_ledger", parameters={"day": day})


def run(operator):
    context = context_of(store=TaskStateInMemory())
    return rendered(operator, context, conf={}).execute(context)


@pytest.mark.parametrize("template", NOTHING)
@pytest.mark.parametrize(
    ("operator", "argument"),
    [
        *((CallKaroFanOutCallsOperator, argument) for argument in OF_A_LIST),
        *((CallKaroPreflightOperator, argument) for argument in OF_A_LIST if argument != "report_path"),
    ],
)
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
@pytest.mark.parametrize(
    ("name", "contacts"),
    [
        ("contacts.path", lambda template: FileContacts(template)),
        ("contacts.conn_id", lambda template: FileContacts("/lists/today.csv", conn_id=template)),
        ("contacts.parameters.day", lambda template: due_on(template)),
        ("contacts.parameters[0]", lambda template: SqlContacts(QUERY, conn_id="call_ledger", parameters=[template])),
    ],
)
def test_of_a_source(sandbox, name, contacts, template):
    """A day that comes to nothing would be an empty list, which succeeds."""
    with pytest.raises(ConfigurationError, match=f"^{re.escape(name)} was given and comes to nothing"):
        run(CallKaroFanOutCallsOperator(task_id="calls", contacts=contacts(template), agent_id="asha"))
    assert sandbox.requests == []


@pytest.mark.parametrize("operator", [CallKaroFanOutCallsOperator, CallKaroOutboundCallOperator])
def test_of_the_list_of_people_not_to_call(sandbox, operator):
    """A list of nobody would let everybody on it be rung."""
    whom = {"contacts": people(3)} if operator is CallKaroFanOutCallsOperator else {"to_number": "+919876543210"}
    policy = CallingPolicy(windows=ScheduleWindow("00:00", "24:00"), timezone="UTC", suppress=due_on("{{ none }}"))
    with pytest.raises(ConfigurationError, match=r"^policy\.suppress\.parameters\.day was given"):
        run(operator(task_id="calls", agent_id="asha", policy=policy, **whom))
    assert sandbox.requests == []


def test_a_second_run_in_one_process_is_given_its_own_list_of_people_not_to_call():
    """Airflow hands each run a shallow copy of the DAG's task and renders what the copy holds in place."""
    policy = CallingPolicy(windows=ScheduleWindow("00:00", "24:00"), timezone="UTC", suppress=due_on("{{ conf.day }}"))
    task = CallKaroFanOutCallsOperator(task_id="calls", contacts=people(3), agent_id="asha", policy=policy)
    days = [
        rendered(copy(task), context_of(), conf={"day": day}).suppression.source.parameters["day"]
        for day in ("monday", "tuesday")
    ]
    assert days == ["monday", "tuesday"]


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
