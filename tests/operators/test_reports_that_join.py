"""What a user names for the report is in it, through every operator that writes one; a misspelling is told in time."""

from __future__ import annotations

import csv

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from airflow_task_state import TaskStateInMemory
from fanning_out import connect, context_of, fan_out
from test_arguments_about_rows import LISTS

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.operators.callkaro import CallKaroFanOutCallsOperator
from airflow_provider_callkaro.operators.mrassistant import MrAssistantCreateCampaignOperator
from airflow_provider_callkaro.sources import FileContacts

PEOPLE = [
    {"to_number": "+919876500001", "customer_id": 1, "state": "Goa"},
    {"to_number": "+919876500002", "customer_id": 2, "state": "Kerala"},
    {"to_number": "junk", "customer_id": 3, "state": "Goa"},
]


@pytest.fixture
def report(sandbox, monkeypatch, tmp_path):
    connect(sandbox, monkeypatch, tmp_path)
    monkeypatch.setenv("AIRFLOW_CONN_MRASSISTANT_DEFAULT", sandbox.airflow_connections["mrassistant_default"])
    return tmp_path / "report.csv"


def joined(path):
    with path.open(newline="") as text:
        return {(line["customer_id"], line["home_state"]): line["state"] for line in csv.DictReader(text)}


EXPECTED = {("1", "Goa"): "accepted", ("2", "Kerala"): "accepted", ("3", "Goa"): "rejected"}
WITH_REPORTS = [(operator, named) for operator, named in LISTS if "Preflight" not in operator.__name__]
COLUMNS = {"customer_id": "customer_id", "state": "home_state"}


def test_the_report_of_a_fan_out_can_be_joined_with_its_list(report, sandbox):
    arguments = {"contacts": PEOPLE, "report_path": str(report), "report_columns": COLUMNS}
    fan_out(context_of(store=TaskStateInMemory()), **arguments)
    assert joined(report) == EXPECTED
    assert "98765" not in report.read_text()


def test_a_retry_writes_the_same_keys_from_the_ledger(report, sandbox):
    store, arguments = TaskStateInMemory(), {"contacts": PEOPLE, "report_columns": COLUMNS}
    fan_out(context_of(store=store), **arguments, report_path=str(report))
    report.unlink()
    fan_out(context_of(store=store, try_number=2), **arguments, report_path=str(report))
    assert joined(report) == EXPECTED
    assert len(sandbox.rings) == 2


def test_the_report_of_a_campaign_can_be_joined_with_its_list(report, sandbox):
    operator = MrAssistantCreateCampaignOperator(
        task_id="calls",
        contacts=PEOPLE,
        name="Renewals",
        agent_id="3c90c3cc-0d44-4b50-8888-8dd25736052a",
        report_path=str(report),
        report_columns=COLUMNS,
    )
    operator.execute(context_of(store=TaskStateInMemory()))
    assert joined(report) == EXPECTED


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"report_columns": ["custmer_id"]}, "names custmer_id.*did you mean customer_id"),
        ({"report_columns": "customer_id"}, "report_columns must be a list of names"),
        ({"report_columns": ["state"]}, "second column state"),
        ({"report_columns": ["customer_id"], "report_path": None}, "report_columns needs report_path"),
        (
            {"contacts": FileContacts("c.csv"), "column_map": {"phone": "to_number"}, "report_columns": ["phone"]},
            "makes the number",
        ),
    ],
)
def test_what_can_be_known_of_the_columns_is_told_when_the_dag_is_parsed(arguments, words):
    for operator, named in WITH_REPORTS:
        given = {"task_id": "calls", "contacts": PEOPLE, "agent_id": "a", "report_path": "r.csv", **named, **arguments}
        with pytest.raises(ConfigurationError, match=words):
            operator(**given)


def test_a_misspelling_that_only_the_list_shows_is_told_before_the_first_call(report, sandbox, tmp_path):
    contacts = tmp_path / "people.csv"
    contacts.write_text("to_number,customer_id\n+919876500001,1\n")
    task = CallKaroFanOutCallsOperator(
        task_id="calls",
        contacts=FileContacts(contacts),
        agent_id="asha",
        report_path=str(report),
        report_columns=["custmer_id"],
    )
    with pytest.raises((ConfigurationError, AirflowFailException), match="did you mean customer_id"):
        task.execute(context_of(store=TaskStateInMemory()))
    assert sandbox.rings == []
