"""What could be about several calls is about none; what comes too early is looked at again; two receivers at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from ageing_ledger import let_time_pass
from placed_calls import RUN, SCOPE, Ledger, event, number

from airflow_provider_callkaro.ledger.contract import Claim, EntryState, Settlement
from airflow_provider_callkaro.ledger.sql.ledger import SqlLedger
from airflow_provider_callkaro.ledger.sql.scopes import scopes_of
from airflow_provider_callkaro.outcomes.campaigns import note_campaign
from airflow_provider_callkaro.outcomes.recording import Recorded
from airflow_provider_callkaro.outcomes.references import references_of


def reference(ledger: Ledger, place: int) -> str:
    return references_of(ledger.engine).reference_of(scopes_of([ledger.scope])[0].id_of(number(place)))


def test_a_number_and_its_campaign_find_the_call_and_two_of_them_are_kept_aside(ledger: Ledger) -> None:
    second = Ledger(ledger.engine, scope="second", run="second")
    ledger.place([0, 1])
    second.place([1])
    for each in (ledger, second):
        note_campaign(each.engine, keys=None, campaign="b-1", scope=each.scope, run=each.run)
    events = [event(place, call_id=f"own-{place}", campaign_id="b-1") for place in (0, 1)]
    assert ledger.record(*events) == Recorded(new=2, ambiguous=1)
    with ledger.store() as store:
        assert [one.call_id for one in store.ambiguous()] == ["own-1"]
        assert [one.call_key for one in store.outcomes()] == [number(0)]
    assert ledger.record(*events) == Recorded(same=2, ambiguous=1)
    told = event(1, call_id="own-1", reference=reference(second, 1))
    assert ledger.record(told) == Recorded(changed=1)  # what was said later decides
    with ledger.store() as store:
        assert {one.scope for one in store.outcomes()} == {SCOPE, "second"}
        assert store.ambiguous() == []


def test_another_campaign_s_call_to_the_same_person_is_no_outcome_of_ours(ledger: Ledger) -> None:
    ledger.place([0])
    note_campaign(ledger.engine, keys=None, campaign="b-1", scope=SCOPE, run=RUN)
    ledger.record(event(0, call_id="dashboard", campaign_id="b-2"), event(0, call_id="without", campaign_id=None))
    with ledger.store() as store:
        assert list(store.outcomes()) == []
        assert {one.call_id for one in store.unmatched()} == {"dashboard", "without"}


def test_an_outcome_that_comes_before_the_run_settles_is_found_again(ledger: Ledger) -> None:
    claim = Claim(key=number(0), number=number(0))
    with SqlLedger(ledger.engine, scope=SCOPE, run=RUN) as run:
        run.commit(claim=[claim])
        ledger.record(event(0, reference=reference(ledger, 0)))
        run.commit(settle=[Settlement(key=claim.key, state=EntryState.UNKNOWN, reason="no_answer")])
    assert ledger.state_of(0) == ("unknown", None)
    with ledger.store() as store:
        assert store.resolve_unknown(scope="another").unknown_resolved == 0
        assert store.resolve_unknown(scope=SCOPE).unknown_resolved == 1
        assert store.resolve_unknown().unknown_resolved == 0
    assert ledger.state_of(0) == ("accepted", "call-0")


def test_a_call_that_blocks_further_scopes_is_accepted_in_all_of_them(ledger: Ledger) -> None:
    ledger.also = ("replayed", "earlier")
    ledger.place([0, 1], state=EntryState.UNKNOWN)
    ledger.record(event(0, reference=reference(ledger, 0)))
    for scope in (SCOPE, "replayed", "earlier"):
        other = Ledger(ledger.engine, scope=scope)
        assert (other.state_of(0)[0], other.state_of(1)[0]) == ("accepted", "unknown")


def test_a_rejected_call_stays_rejected_and_nobody_becomes_free(ledger: Ledger) -> None:
    ledger.place([0], state=EntryState.REJECTED)
    ledger.record(event(0, reference=reference(ledger, 0)))
    assert ledger.state_of(0) == ("rejected", None)


def test_a_try_that_wakes_up_does_not_settle_what_an_outcome_has_settled(ledger: Ledger) -> None:
    claim = Claim(key=number(0), number=number(0))
    with SqlLedger(ledger.engine, scope=SCOPE, run=RUN) as frozen:
        frozen.commit(claim=[claim])
        let_time_pass(ledger.engine, timedelta(hours=2))
        ledger.record(event(0, reference=reference(ledger, 0)))
        frozen.commit(settle=[Settlement(key=claim.key, state=EntryState.UNKNOWN, reason="no_answer")])
    assert ledger.state_of(0) == ("accepted", "call-0")


def test_receivers_that_write_the_same_at_once_leave_it_once(ledger: Ledger) -> None:
    ledger.place(range(20), state=EntryState.UNKNOWN)
    references = [reference(ledger, place) for place in range(20)]
    events = [event(place, attempt=attempt, reference=references[place]) for place in range(20) for attempt in range(3)]
    ledger.record()
    together = threading.Barrier(4)

    def receive(turn: int) -> list[Recorded]:
        with ledger.store() as store:
            together.wait()
            mine = events[turn * 15 :] + events[: turn * 15]
            return [store.record(mine[start : start + 7], conn_id="c") for start in range(0, 60, 7)]

    with ThreadPoolExecutor(4) as receivers:
        done = [each for receiver in receivers.map(receive, range(4)) for each in receiver]
    assert sum(each.new for each in done) == 60
    assert sum(each.unknown_resolved for each in done) == 20
    rows = ledger.rows()
    assert [row["is_final"] for row in rows].count(1) == 20
    assert {row["attempt"] for row in rows if row["is_final"]} == {2}


@pytest.mark.parametrize("people", [[0], [0, 1]], ids=["one person", "two"])
def test_a_call_whose_id_is_that_of_another_campaign_is_not_taken_for_a_call_of_it(
    ledger: Ledger, people: list[int]
) -> None:
    other = Ledger(ledger.engine, scope="other", run="other")
    for each, campaign, some in ((ledger, "17", [0]), (other, "9001", people)):
        claims = [Claim(key=number(place), number=number(place)) for place in some]
        with SqlLedger(each.engine, scope=each.scope, run=each.run) as run:
            run.commit(claim=claims)
            settled = [Settlement(key=one.key, state=EntryState.ACCEPTED, call_id=campaign) for one in claims]
            run.commit(settle=settled)  # Callaro takes a list, and its campaign's id stands for each call
    ledger.record(event(0, vendor="callaro", call_id="9001", campaign_id="17"))
    with ledger.store() as store:
        assert [one.scope for one in store.outcomes()] == [SCOPE]
