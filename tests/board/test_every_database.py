"""The board's queries in each kind of database: the same figures, the same pages of calls."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from fanning_out import connect, context_of, fan_out, people
from ledger_databases import database_on
from visiting import steps, tables

from airflow_provider_callkaro.board.calls import MAY_RING, PAGE, STATES, UNRESOLVED, calls_of
from airflow_provider_callkaro.board.campaigns import campaigns_of, runs_in
from airflow_provider_callkaro.board.figures import figures_of
from airflow_provider_callkaro.board.ledgers import open_board_ledger
from airflow_provider_callkaro.board.standalone import run_report
from airflow_provider_callkaro.board.task_runs import TaskRun
from airflow_provider_callkaro.board.trail import recent
from airflow_provider_callkaro.calls.disposition import Disposition
from airflow_provider_callkaro.outcomes.campaigns import note_campaign
from airflow_provider_callkaro.outcomes.references import references_of
from airflow_provider_callkaro.outcomes.store import OutcomeStore
from airflow_provider_callkaro.sandbox import Sandbox
from airflow_provider_callkaro.vendors.call_event import CallEvent

DAY = timedelta(days=1)
PEOPLE = 130  # more than two pages


@pytest.fixture(
    params=(
        "sqlite",
        pytest.param("postgresql", marks=pytest.mark.services),
        pytest.param("mariadb", marks=pytest.mark.services),
    )
)
def engine(request: Any, sandbox: Sandbox, monkeypatch: Any, tmp_path: Path) -> Iterator[sqlalchemy.Engine]:
    """An empty database, which is the one of connection ``call_ledger``."""
    connect(sandbox, monkeypatch, tmp_path)
    if request.param == "sqlite":
        yield sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'ledger.db'}")
        return
    server = request.getfixturevalue(request.param)
    with database_on(server) as url:
        place = {"host": server.host, "port": server.port, "login": server.user, "schema": url.rpartition("/")[2]}
        extra = {"client": "pymysql"} if server.connection_type == "mysql" else {}
        connection = {"conn_type": server.connection_type, **place, "extra": extra}
        monkeypatch.setenv("AIRFLOW_CONN_CALL_LEDGER", json.dumps(connection))
        engine = sqlalchemy.create_engine(url)
        yield engine
        engine.dispose()


@pytest.fixture
def run(engine: sqlalchemy.Engine, sandbox: Sandbox) -> TaskRun:
    """A run with lost answers, beside another in the same scope."""
    sandbox.fault("drop_answer_after_accepting", every=13)
    scope = {"ledger_conn_id": "call_ledger", "ledger_scope": "renewals", "stop_after_unknown": 100}
    fan_out(context_of("scheduled__0"), contacts=people(10, start=1_000), **scope)
    context = context_of()
    fan_out(context, contacts=[*people(PEOPLE), people(1)[0], {"to_number": "nobody"}], **scope)
    with OutcomeStore(engine):  # its tables, and no outcome yet
        pass
    return TaskRun(dag_id=context["ti"].dag_id, run_id=context["ti"].run_id, task_id=context["ti"].task_id)


def listed(run: TaskRun, state: str | None, *, in_full: bool = False) -> list[Any]:
    """Every call in a state, page by page."""
    found: list[Any] = []
    with open_board_ledger("call_ledger") as ledger:
        after = None
        while True:
            page = calls_of(
                ledger, [run], unresolved_after=timedelta(0), state=state, after=after, numbers_in_full=in_full
            )
            assert len(page.calls) <= PAGE
            found += page.calls
            if page.after is None:
                return found
            after = page.after


def test_figures_and_pages_agree(run: TaskRun, engine: sqlalchemy.Engine) -> None:
    shown = steps(run_report(ledger_conn_id="call_ledger", runs=[run], unresolved_after=timedelta(0)))
    query = "SELECT state, COUNT(*) FROM voice_call_ledger WHERE run LIKE '%%scheduled__1%%' GROUP BY state"
    with engine.connect() as connection:
        states = dict(connection.exec_driver_sql(query.replace("%%", "%" if engine.name == "sqlite" else "%%")).all())
    assert {name: shown[name] for name in ("accepted", "unknown")} == states
    assert (shown["rows"], shown["skipped"], shown["rejected"]) == (PEOPLE + 2, 1, 1)
    calls = {state: listed(run, state) for state in (None, *STATES)}
    assert len({call.id for call in calls[None]}) == len(calls[None]) == PEOPLE
    assert {state: len(calls[state]) for state in STATES} == {
        **states, "rejected": 0, MAY_RING: 0, UNRESOLVED: states["accepted"],
    }  # fmt: skip
    assert {call.number for call in calls[None]} <= {f"+91••••••{place:04d}" for place in range(PEOPLE)}
    assert {call.number for call in listed(run, None, in_full=True)} == {each["to_number"] for each in people(PEOPLE)}


def test_an_accepted_call_awaits_its_outcome_until_it_is_unresolved(run: TaskRun) -> None:
    def outcomes(after: timedelta) -> dict[str, int]:
        return tables(run_report(ledger_conn_id="call_ledger", runs=[run], unresolved_after=after))["Outcomes"]

    accepted = len(listed(run, "accepted"))
    assert outcomes(DAY) == {"awaiting their outcome": accepted}
    assert outcomes(timedelta(0)) == {"unresolved": accepted}


@pytest.mark.parametrize("is_alone", [True, False], ids=["alone", "beside others"])
def test_the_outcome_of_a_call_that_is_not_accepted_takes_no_other_call_s_place(
    engine: sqlalchemy.Engine, is_alone: bool
) -> None:
    context = context_of()
    run = TaskRun(dag_id=context["ti"].dag_id, run_id=context["ti"].run_id, task_id=context["ti"].task_id)
    scope = {"ledger_conn_id": "call_ledger", "ledger_scope": "renewals"}
    fan_out(context, contacts=people(2), **scope)
    if not is_alone:
        fan_out(context_of("scheduled__0"), contacts=people(3, start=1_000), **scope)
    with engine.begin() as connection:  # a vendor may refuse a call and ring all the same
        query = "UPDATE voice_call_ledger SET state = 'rejected' WHERE number LIKE :number"
        connection.execute(sqlalchemy.text(query), {"number": f"%{people(1)[0]['to_number'][-6:]}"})
        (call_id,) = connection.execute(
            sqlalchemy.text("SELECT id FROM voice_call_ledger WHERE state = 'rejected'")
        ).scalars()
    told = CallEvent(
        vendor="callkaro",
        call_id="ring",
        reference=references_of(engine).reference_of(call_id),
        disposition=Disposition.REACHED,
        converted=True,
    )
    with OutcomeStore(engine) as store:
        store.record([told], conn_id="callkaro_default")
        assert store.counts(run=run.name, unresolved_after=DAY).awaiting == 1
    with open_board_ledger("call_ledger") as ledger:
        figures = figures_of(ledger, [run], unresolved_after=DAY)
    assert figures is not None
    assert figures.outcomes is not None
    assert (figures.outcomes.dispositions, figures.outcomes.converted, figures.outcomes.awaiting) == ({}, 0, 1)


def test_the_trail_knows_the_latest_runs(run: TaskRun) -> None:
    with open_board_ledger("call_ledger") as ledger:
        latest, earlier = recent(ledger)
    assert (latest.counts["total"], earlier.counts["total"]) == (PEOPLE + 2, 10)
    assert latest.digest in run.trail_texts(None)


def test_a_campaign_leads_to_the_runs_that_call_in_it(engine: sqlalchemy.Engine, run: TaskRun) -> None:
    scope = "renewals"
    others = TaskRun(dag_id="another", run_id=run.run_id, task_id=run.task_id)
    for each in (run, others):
        note_campaign(engine, keys=None, campaign="b-1", scope=scope, run=each.name)
    with open_board_ledger("call_ledger") as ledger:
        assert campaigns_of(ledger, [run]) == ["b-1"]
        assert runs_in(ledger, "b-1", dag_id=run.dag_id, latest=list) == [run]
        assert runs_in(ledger, "b-1", dag_id="another", latest=list) == [others]
        assert runs_in(ledger, "b-2", dag_id=run.dag_id, latest=list) == []
