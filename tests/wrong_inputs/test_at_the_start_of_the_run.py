"""What only the run can tell is told at its start: in one sentence, before anybody is rung, and no retry is used up."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from airflow_task_state import TaskStateInMemory
from task_context import task_context
from urllib3.util import Timeout

from airflow_provider_callkaro import exceptions
from airflow_provider_callkaro.calls.call import InvalidCall
from airflow_provider_callkaro.calls.outcome import Reason
from airflow_provider_callkaro.calls.policy import CallingPolicy, ZoneUnknown
from airflow_provider_callkaro.exceptions import ConfigurationError, NotThereYet, RunIncomplete, VoiceCallError
from airflow_provider_callkaro.hooks.callkaro import CallKaroHook
from airflow_provider_callkaro.operators.callkaro import CallKaroFanOutCallsOperator, CallKaroOutboundCallOperator
from airflow_provider_callkaro.sandbox import Sandbox
from airflow_provider_callkaro.sources.files import FileContacts
from airflow_provider_callkaro.sources.sql import SqlContacts

NUMBER = "+919876543210"
ROWS = [{"to_number": NUMBER}]
ANY_TIME = CallingPolicy(timezone="Asia/Kolkata")


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as vendor:
        yield vendor


@pytest.fixture(autouse=True)
def connections(sandbox, monkeypatch, tmp_path):
    for name, connection in {
        "CALLKARO_DEFAULT": {"conn_type": "callkaro", "password": sandbox.api_key, "host": sandbox.url},
        "WAREHOUSE": {"conn_type": "sqlite", "host": str(tmp_path / "warehouse.db")},
        "STRANGER": {"conn_type": "warehouse9", "host": "warehouse.example"},
        "WEB": {"conn_type": "http", "host": "warehouse.example"},
    }.items():
        monkeypatch.setenv(f"AIRFLOW_CONN_{name}", json.dumps(connection))


def fan_out(**arguments: Any) -> CallKaroFanOutCallsOperator:
    return CallKaroFanOutCallsOperator(**{"task_id": "calls", "contacts": ROWS, "agent_id": "asha", **arguments})


TABLE = [
    ({"agent_id": None}, "no agent is known: set agent_id on the operator or in the extra of the connection"),
    ({"policy": ANY_TIME}, 'set "schedule_timezone" in the extra of connection "callkaro_default"'),
    ({"schedule_at": "2026-12-01T10:00"}, 'schedule_at .* needs a time zone.* set "schedule_timezone"'),
    ({"policy": "in-promotional"}, 'set "schedule_timezone" in the extra'),
    ({"callkaro_conn_id": "web"}, 'connection "web" is of type "http", and CallKaro takes only its own'),
    ({"report_path": "nosuch://reports/calls.csv"}, "report_path: "),
    ({"contacts": [{"phone": NUMBER}]}, "to_number"),
    ({"contacts": [{"to_number": NUMBER, "number_of_retries": 3}]}, r'row_fields=\["number_of_retries"\]'),
    ({"contacts": SqlContacts("select 1", conn_id="nobody")}, 'no connection is named "nobody"'),
    ({"contacts": SqlContacts("select 1", conn_id="web")}, '"web" of type "http" is no SQL connection'),
    ({"contacts": SqlContacts("select nothing", conn_id="warehouse")}, 'sql cannot be run on connection "warehouse"'),
    ({"contacts": SqlContacts("select 1 as to_number, 2 as to_number", conn_id="warehouse")}, "have the same name"),
    ({"ledger_conn_id": "web"}, 'ledger_conn_id "web" is a connection of type "http", which is no SQL database'),
    ({"max_rows": 1, "contacts": ROWS * 2}, "max_rows"),
]


@pytest.mark.parametrize(("arguments", "sentence"), TABLE, ids=lambda part: str(part)[:60])
def test_it_is_told_at_the_start_of_the_run_and_not_tried_again(arguments, sentence, sandbox) -> None:
    with pytest.raises(AirflowFailException, match=sentence) as told:
        fan_out(**arguments).execute(task_context(store=TaskStateInMemory()))
    assert NUMBER not in str(told.value)
    assert "\n" not in str(told.value)
    assert sandbox.rings_per_number() == {}


@pytest.mark.parametrize(
    ("rendered", "sentence"),
    [
        ("nobody today", "contacts was rendered to a text that holds no list"),
        (None, "contacts is None: give a list; an upstream task with nobody to ring must return an empty one"),
        ({"to_number": NUMBER}, r"contacts is one mapping: put the row into a list, \[row\]"),
        (42, "contacts is an int: it must be a list of mappings or of numbers"),
    ],
    ids=["text", "nothing", "one row", "a number"],
)
def test_what_a_template_or_a_task_gives_for_a_list_and_is_none_is_not_tried_again(rendered, sentence, sandbox) -> None:
    calls = fan_out(contacts="{{ ti.xcom_pull(task_ids='people') }}")
    calls.contacts.value = rendered  # as Airflow does when it renders
    with pytest.raises(ConfigurationError, match=sentence) as told:
        calls.execute(task_context(store=TaskStateInMemory()))
    assert isinstance(told.value, AirflowFailException)
    assert sandbox.rings_per_number() == {}


def test_a_list_that_the_vendor_refuses_as_a_whole_is_not_tried_again_and_marks_nobody(sandbox) -> None:
    people = [{"to_number": f"+9198765432{row}"} for row in range(10, 40)]
    store = TaskStateInMemory()
    with pytest.raises(AirflowFailException, match="agent"):
        fan_out(contacts=people, agent_id="unknown agent").execute(task_context(store=store))
    assert sandbox.rings_per_number() == {}
    fan_out(contacts=people).execute(task_context(store=store, try_number=2))  # mended, and the task cleared
    assert sandbox.rings_per_number() == {row["to_number"]: 1 for row in people}


def test_an_error_of_the_configuration_is_still_one_for_whoever_catches_it(sandbox) -> None:
    with pytest.raises(ConfigurationError, match="no agent is known") as told:
        fan_out(agent_id=None).execute(task_context(store=TaskStateInMemory()))
    assert isinstance(told.value, AirflowFailException)


def test_a_file_that_may_still_come_is_looked_for_again(tmp_path: Path) -> None:
    contacts = FileContacts(str(tmp_path / "late.csv"))
    with pytest.raises(NotThereYet, match=r"no file is at .*late\.csv") as told:
        fan_out(contacts=contacts).execute(task_context(store=TaskStateInMemory()))
    assert not isinstance(told.value, AirflowFailException)


def test_calls_that_cannot_be_sent_say_to_which_host_and_why(monkeypatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_CALLKARO_DEFAULT", "callkaro://http://:key@127.0.0.1:1")
    call = CallKaroOutboundCallOperator(task_id="call", to_number=NUMBER, agent_id="asha")
    with pytest.raises(RunIncomplete, match=r"1 of 1 rows are pending: CallKaro .*127\.0\.0\.1:1 refuses the connecti"):
        call.execute(task_context(store=TaskStateInMemory()))


ERRORS = [
    InvalidCall(Reason.BAD_NUMBER, "no number"),
    ZoneUnknown(),
    *(
        kind("a sentence")
        for kind in vars(exceptions).values()
        if isinstance(kind, type) and issubclass(kind, VoiceCallError) and not issubclass(kind, exceptions.VendorError)
    ),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_survives_the_way_between_processes(error: VoiceCallError) -> None:
    read = pickle.loads(pickle.dumps(error))
    assert (type(read), str(read), vars(read)) == (type(error), str(error), vars(error))


@pytest.mark.parametrize("timeout", [Timeout(5), Timeout(connect=2, read=3), Timeout(connect=2), (2, None), 5])
def test_the_session_takes_every_timeout_that_requests_takes(timeout) -> None:
    assert CallKaroHook().get_conn().get("/", timeout=timeout).status_code in (200, 404)
