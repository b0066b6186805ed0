"""What runs leave in the audit trail: who, under which rules, what came of it; and nothing that tells of a person."""

from __future__ import annotations

import json
import sqlite3
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy
from fanning_out import connect, context_of, fan_out, people

from airflow_provider_callkaro.calls.policy import CallingPolicy
from airflow_provider_callkaro.exceptions import LedgerError, SourceBroken
from airflow_provider_callkaro.ledger.audit.chain import AuditMark, Seals, verify
from airflow_provider_callkaro.ledger.audit.trail import SqlAudit
from airflow_provider_callkaro.ledger.digests import read_keys
from airflow_provider_callkaro.ledger.upkeep.database import Upkeep
from airflow_provider_callkaro.sandbox import Sandbox

SECRET = "k1:" + "s" * 40


def trail(folder: Path) -> list[dict[str, Any]]:
    with Upkeep(sqlalchemy.create_engine(f"sqlite:///{folder / 'ledger.db'}")) as upkeep:
        return [json.loads(line.text) for line in SqlAudit(upkeep).lines()]


@pytest.fixture
def folder(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    connect(sandbox, monkeypatch, tmp_path)
    return tmp_path


def test_a_run_says_who_started_it_under_which_rules_and_what_it_came_to(folder) -> None:
    context = context_of("manual__2026-11-21T04:00:00.123456+00:00_AbCd1234")
    context["dag_run"].triggering_user_name = "asha"
    context["dag_run"].run_type = "manual"
    policy = CallingPolicy(timezone="UTC")
    arguments = {"ledger_conn_id": "call_ledger", "ledger_scope": "renewals", "redial": "unknown", "policy": policy}
    fan_out(context, contacts=[*people(3), {"to_number": "nobody"}], **arguments)
    started, ended = trail(folder)
    assert (started["action"], started["who"]["user"], started["who"]["run_type"]) == ("started", "asha", "manual")
    assert started["who"]["run_id"] == context["ti"].run_id
    assert (started["redial"], len(started["policy"]), len(started["scopes"])) == (["unknown"], 32, 1)
    assert ended["counts"] == {
        "total": 4, "accepted": 3, "rejected": 1, "skipped": 0, "unknown": 0, "pending": 0, "dialled": 3,
    }  # fmt: skip
    assert ended["reasons"] == {"bad_number": 1}
    with Upkeep(sqlalchemy.create_engine(f"sqlite:///{folder / 'ledger.db'}")) as upkeep:
        verdict = verify(SqlAudit(upkeep).lines(), expected=[AuditMark.read(context["ti"].xcoms["audit"])])
    assert (verdict.problems, verdict.lines) == ((), 2)


def test_no_line_tells_of_a_person_whatever_the_run_is_called(folder) -> None:
    context = context_of("call +919876500000 of Asha")
    fan_out(context, ledger_conn_id="call_ledger", ledger_scope="renewals of Asha +919876500000")
    told = json.dumps(trail(folder))
    assert "98765" not in told
    assert "Asha" not in told
    assert [line.get("list") for line in trail(folder)] == [None, None]  # an unkeyed digest of one number is a number


def test_with_a_key_each_line_is_sealed_and_a_list_has_a_digest(folder, monkeypatch) -> None:
    extra = {"ledger_secret": SECRET}
    connection = {"conn_type": "sqlite", "host": str(folder / "ledger.db"), "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_CALL_LEDGER", json.dumps(connection))
    for run in ("a", "b", "c"):
        fan_out(
            context_of(run), contacts=people(2 if run == "c" else 3), ledger_conn_id="call_ledger", ledger_scope=run
        )
    lists = [line["list"] for line in trail(folder) if line["action"] == "ended"]
    assert lists[0] == lists[1] != lists[2]
    engine = sqlalchemy.create_engine(f"sqlite:///{folder / 'ledger.db'}")
    keys = read_keys(SECRET, where="here")
    others = read_keys("k1:" + "t" * 40, where="here")
    assert keys is not None
    assert others is not None
    with Upkeep(engine) as upkeep:
        lines = list(SqlAudit(upkeep).lines())
    assert not verify(lines, seals=Seals(keys)).problems
    assert len(verify(lines, seals=Seals(others)).problems) == len(lines)
    assert SECRET not in str(lines)


def test_who_has_approved_it_is_told(folder) -> None:
    class ApprovalOperator:
        task_id = "approval"

    context = context_of("scheduled__1")
    answer = {"chosen_options": ["Approve"], "responded_by_user": {"id": "7", "name": "Ravi"}}
    context["ti"].xcom_pull = lambda task_ids: answer if task_ids == "approval" else None
    dag = SimpleNamespace(task_dict={"approval": ApprovalOperator(), "other": object()})
    context["task"] = SimpleNamespace(dag=dag, get_flat_relative_ids=lambda upstream: {"approval", "other"})
    fan_out(context, ledger_conn_id="call_ledger", ledger_scope="renewals")
    assert trail(folder)[0]["approved_by"] == ["Ravi"]


class BrokenSource:
    """A source that breaks off after two people."""

    template_fields = ()

    def rows(self, context: Any) -> Any:
        yield from people(2)
        raise RuntimeError("the warehouse has gone")

    def total(self, context: Any) -> None:
        return None


def test_a_run_that_breaks_off_has_an_end_in_the_trail_and_a_dry_run_no_line(folder) -> None:
    fan_out(context_of(), ledger_conn_id="call_ledger", ledger_scope="renewals", dry_run=True)
    assert trail(folder) == []
    with pytest.raises(RuntimeError, match="the warehouse has gone"):
        fan_out(context_of(), contacts=BrokenSource(), ledger_conn_id="call_ledger", ledger_scope="renewals")
    started, ended = trail(folder)
    assert (started["action"], ended["action"], ended["stopped"]) == ("started", "ended", True)


def test_a_trail_that_cannot_be_begun_rings_nobody(folder, sandbox) -> None:
    with sqlite3.connect(folder / "ledger.db") as ledger:
        ledger.execute("CREATE TABLE voice_call_audit (something_else INTEGER)")
    with pytest.raises(LedgerError):
        fan_out(context_of(), ledger_conn_id="call_ledger", ledger_scope="renewals")
    assert sandbox.requests == []


@pytest.mark.parametrize("contacts", [people(3), [*people(3), Exception]])
def test_the_report_is_there_before_the_trail_is_asked_to_end(folder, contacts) -> None:
    """A database that is away keeps the trail waiting, and Airflow kills a task that it ends before long."""
    report = folder / "report.csv"
    context = context_of()
    push, there = context["ti"].xcom_push, []

    def told(key: str, value: Any) -> None:
        if key == "audit":
            there.append(report.exists())
        push(key=key, value=value)

    context["ti"].xcom_push = told

    class Source:
        template_fields = ()

        def rows(self, context: Any) -> Any:
            for row in contacts:
                if row is Exception:
                    raise SourceBroken("the warehouse has gone")
                yield row

        def total(self, context: Any) -> None:
            return None

    with suppress(SourceBroken):
        fan_out(context, contacts=Source(), ledger_conn_id="call_ledger", report_path=str(report))
    assert there == [False, True]
