"""Runs that meet in one ledger, tries that outlive their successors, and a ledger that forgets: nobody rings twice."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy
from ageing_ledger import let_time_pass
from placing_calls import Caller, LedgerAround, numbers, rows

from airflow_provider_callkaro.calls.outcome import Reason
from airflow_provider_callkaro.dispatch.limits import Limits
from airflow_provider_callkaro.ledger.contract import CallCaps
from airflow_provider_callkaro.ledger.sql.ledger import SqlLedger

EIGHT = Limits(max_concurrency=8)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sqlalchemy.Engine]:
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'ledger.db'}")
    yield engine
    engine.dispose()


def test_two_campaigns_at_once_call_nobody_more_often_than_the_cap_allows(sandbox, engine) -> None:
    caps = CallCaps(max_calls=1, per=timedelta(days=30))
    start = threading.Barrier(2)

    def place(name: str):
        start.wait(timeout=60)
        ledger = SqlLedger(engine, scope=name, run=name, caps=caps)
        return Caller(sandbox, lambda run: ledger).place(rows(200), run=name, limits=Limits(max_concurrency=16)).summary

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(place, ("renewals", "winback"))
    assert sandbox.rings_per_number() == dict.fromkeys(numbers(200), 1)
    assert first.accepted + second.accepted == 200
    assert first.reasons.get("cap", 0) + second.reasons.get("cap", 0) == 200


def test_a_call_that_the_ledger_finds_within_the_gap_waits_until_it_is_over(sandbox, engine) -> None:
    caps = CallCaps(min_gap=timedelta(hours=24))
    before = datetime.now(UTC)
    Caller(sandbox, lambda run: SqlLedger(engine, scope="yesterday", run=run)).place(rows(3))
    let_time_pass(engine, timedelta(hours=20))
    ended = Caller(sandbox, lambda run: SqlLedger(engine, scope="today", run=run, caps=caps)).place(rows(4))
    assert (ended.summary.accepted, ended.summary.pending, ended.summary.reasons) == (1, 3, {Reason.GAP: 3})
    assert timedelta(0) <= ended.summary.resume_at - before - timedelta(hours=4) < timedelta(minutes=1)


def test_runs_whose_scopes_overlap_ring_a_list_once_between_them(sandbox, engine) -> None:
    """The second began when its interval was long past, and claims in a scope that the first knows nothing of."""
    sandbox.fault("latency", seconds=0.02)
    start = threading.Barrier(2)

    def place(scopes: list[str]):
        start.wait(timeout=60)
        ledger = SqlLedger(engine, scope=scopes[0], also=scopes[1:], run=scopes[0])
        return Caller(sandbox, lambda run: ledger).place(rows(80), limits=EIGHT).summary

    with ThreadPoolExecutor(2) as pool:
        summaries = list(pool.map(place, (["w47"], ["replayed", "w47"])))
    assert sandbox.rings_per_number() == dict.fromkeys(numbers(80), 1)
    assert sum(summary.accepted for summary in summaries) == 80


def test_a_retry_that_redials_leaves_alone_whom_the_try_before_it_is_still_ringing(caller) -> None:
    caller.sandbox.fault("hold_before_accepting")
    with ThreadPoolExecutor(1) as pool:
        frozen = pool.submit(caller.place, rows(8), limits=EIGHT, redial="unknown")
        caller.sandbox.wait_for_held(8)
        caller.sandbox.clear_faults()
        retry = caller.place(rows(8), limits=EIGHT, redial="unknown").summary
        dry = caller.place(rows(8), limits=EIGHT, redial="unknown", dry_run=True).summary
        caller.sandbox.release()
        assert frozen.result(timeout=60).summary.accepted == 8
    assert (retry.unknown, retry.dialled, dry.unknown) == (8, 0, 8)
    assert caller.sandbox.rings_per_number() == dict.fromkeys(numbers(8), 1)


def test_whom_a_ledger_has_forgotten_is_not_rung_again_once_their_call_is_settled(sandbox, engine) -> None:
    class FailingOver(LedgerAround):
        """The rows of its first claim vanish, as after a failover to a replica that has not got them."""

        def commit(self, *, settle=(), claim=()):
            lost = super().commit(settle=settle, claim=claim)
            if self.commits == 1:
                with engine.begin() as connection:
                    connection.exec_driver_sql("DELETE FROM voice_call_ledger")
            return lost

    caller = Caller(sandbox, lambda run: SqlLedger(engine, scope="s", run=run))
    first = caller.place(rows(30), ledger=FailingOver(caller.open_ledger("monday")), limits=EIGHT)
    second = caller.place(rows(30), limits=EIGHT)
    assert (first.summary.accepted, second.summary.accepted, second.summary.dialled) == (30, 30, 0)
    assert Counter(sandbox.rings_per_number().values()) == {1: 30}
