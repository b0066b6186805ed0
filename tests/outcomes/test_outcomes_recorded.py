"""Outcomes find their calls, are counted once, and resolve what was unknown."""

from __future__ import annotations

from datetime import timedelta

from ageing_ledger import let_time_pass
from placed_calls import RUN, SCOPE, Ledger, event, number

from airflow_provider_callkaro.calls.disposition import Disposition
from airflow_provider_callkaro.ledger.contract import EntryState
from airflow_provider_callkaro.ledger.sql.dialects import statements_for
from airflow_provider_callkaro.ledger.sql.scopes import scopes_of
from airflow_provider_callkaro.ledger.sql.session import SqlSession
from airflow_provider_callkaro.outcomes.recording import Recorded
from airflow_provider_callkaro.outcomes.references import open_references

DAY = timedelta(days=1)


def reference(ledger: Ledger, place: int) -> str:
    statements = statements_for(ledger.engine.dialect.name)
    session = SqlSession(
        engine=ledger.engine, statements=statements, table="secrets", sleep=lambda _: None, random=lambda: 0.0
    )
    made = open_references(session, statements).reference_of(scopes_of([ledger.scope])[0].id_of(number(place)))
    session.close()
    return made


def test_an_outcome_finds_its_call_by_its_id_and_is_counted(ledger: Ledger) -> None:
    ledger.place(range(3))
    done = ledger.record(event(0, converted=True), event(1, disposition=Disposition.NOT_REACHED))
    assert done == Recorded(new=2)
    with ledger.store() as store:
        for selection in ({}, {"scope": SCOPE}, {"run": RUN}, {"scope": SCOPE, "run": RUN}):
            counts = store.counts(**selection, unresolved_after=DAY)
            assert counts.outcomes == {Disposition.REACHED: 1, Disposition.NOT_REACHED: 1}
            assert (counts.accepted, counts.awaiting, counts.unresolved, counts.converted) == (3, 1, 0, 1)
        for selection in ({"scope": "another"}, {"run": "another"}, {"campaign": "another"}):
            assert store.counts(**selection, unresolved_after=DAY).accepted == 0


def test_a_call_whose_outcome_does_not_come_is_unresolved_until_it_comes(ledger: Ledger) -> None:
    ledger.place(range(2))
    let_time_pass(ledger.engine, timedelta(hours=25))
    ledger.record(event(0))
    with ledger.store() as store:
        assert store.counts(unresolved_after=DAY).unresolved == 1
        store.record([event(1)], conn_id="callkaro_default")
        counts = store.counts(unresolved_after=DAY)
    assert (counts.unresolved, counts.outcomes) == (0, {Disposition.REACHED: 2})


def test_an_outcome_makes_an_unknown_call_accepted(ledger: Ledger) -> None:
    ledger.place([0], state=EntryState.UNKNOWN)
    assert ledger.record(event(0)) == Recorded(new=1)  # nothing tells whose call it is
    assert ledger.state_of(0) == ("unknown", None)
    assert ledger.record(event(0, reference=reference(ledger, 0))) == Recorded(changed=1, unknown_resolved=1)
    assert ledger.state_of(0) == ("accepted", "call-0")
    assert ledger.record(event(0, reference=reference(ledger, 0))) == Recorded(same=1)


def test_a_young_claim_is_left_to_its_run_and_an_old_one_is_accepted(ledger: Ledger) -> None:
    ledger.place([0], state=None)
    assert ledger.record(event(0, reference=reference(ledger, 0))) == Recorded(new=1)
    assert ledger.state_of(0) == ("claimed", None)
    let_time_pass(ledger.engine, timedelta(hours=2))
    assert ledger.record(event(0, reference=reference(ledger, 0))) == Recorded(same=1, unknown_resolved=1)
    assert ledger.state_of(0) == ("accepted", "call-0")


def test_replaying_everything_changes_no_row(ledger: Ledger) -> None:
    ledger.place(range(4))
    events = [event(place, attempt=attempt) for place in range(4) for attempt in range(2)]
    ledger.record(*events)
    before = ledger.rows()
    assert ledger.record(*reversed(events), *events) == Recorded(same=8)
    assert ledger.rows() == before
    assert [row["is_final"] for row in before].count(1) == 4  # one final outcome a call


def test_the_last_attempt_is_the_call_s_outcome_and_the_others_stay(ledger: Ledger) -> None:
    ledger.place([0])
    ledger.record(event(0, attempt=1), event(0, attempt=0, disposition=Disposition.NOT_REACHED, is_last=False))
    with ledger.store() as store:
        assert store.counts(unresolved_after=DAY).outcomes == {Disposition.REACHED: 1}
    assert len(ledger.rows()) == 2
