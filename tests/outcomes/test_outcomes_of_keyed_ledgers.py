"""A keyed ledger's outcomes hold no number. They go with a ledger that is carried over or pruned, and with a person."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy
from ageing_ledger import let_time_pass
from placed_calls import KEYS, RUN, SCOPE, Ledger, event, number

from airflow_provider_callkaro.calls.disposition import Disposition
from airflow_provider_callkaro.ledger.contract import EntryState
from airflow_provider_callkaro.ledger.sql.keys import open_names
from airflow_provider_callkaro.ledger.sql.scopes import scopes_of
from airflow_provider_callkaro.ledger.sql.table import TABLE
from airflow_provider_callkaro.ledger.upkeep.carry_over import carry_over
from airflow_provider_callkaro.ledger.upkeep.database import Upkeep
from airflow_provider_callkaro.ledger.upkeep.persons import Erasures
from airflow_provider_callkaro.ledger.upkeep.retention import Retention
from airflow_provider_callkaro.outcomes.campaigns import note_campaign
from airflow_provider_callkaro.outcomes.recording import Recorded
from airflow_provider_callkaro.outcomes.references import references_of

DAY = timedelta(days=1)


@pytest.fixture
def keyed(engine: sqlalchemy.Engine) -> Ledger:
    return Ledger(engine, keys=KEYS)


def reference(ledger: Ledger, place: int) -> str:
    return references_of(ledger.engine).reference_of(scopes_of([SCOPE])[0].id_of(number(place)))


def everything(ledger: Ledger) -> str:
    """What stands in all tables about outcomes."""
    found: list[Any] = []
    with ledger.engine.connect() as connection:
        for table in ("voice_call_outcomes", "voice_call_campaigns", "voice_call_suppressions"):
            found += connection.execute(sqlalchemy.text(f"SELECT * FROM {table}")).all()
    return repr(found)


def test_outcomes_find_their_calls_and_no_number_is_kept(keyed: Ledger) -> None:
    keyed.place([0, 1])
    keyed.place([2, 3], state=EntryState.UNKNOWN)
    note_campaign(keyed.engine, keys=KEYS, campaign="b-1", scope=SCOPE, run=RUN)
    done = keyed.record(
        event(0),
        event(2, call_id="other-2", reference=reference(keyed, 2)),
        event(3, call_id="other-3", campaign_id="b-1"),
        event(9, call_id="nobody's"),
    )
    assert done == Recorded(new=4, unknown_resolved=2)
    assert [row["matched_by"] for row in keyed.rows()].count("none") == 1
    with keyed.store() as store:
        for selection in ({}, {"run": RUN}, {"scope": SCOPE}, {"campaign": "b-1"}):
            assert store.counts(**selection, unresolved_after=DAY).outcomes == {Disposition.REACHED: 3}
        found = list(store.outcomes())
    assert [(one.number, one.call_key, one.run) for one in found] == [(None, None, None)] * 3
    assert "98765" not in everything(keyed)


def test_a_ledger_that_is_carried_over_takes_its_outcomes_along(ledger: Ledger) -> None:
    ledger.place([0, 1])
    events = [event(0, reference=reference(ledger, 0)), event(1), event(9, call_id="nobody's")]
    ledger.record(*events)
    note_campaign(ledger.engine, keys=None, campaign="b-1", scope=SCOPE, run=RUN)
    assert carry_over(ledger.engine, KEYS).left == 0
    assert "98765" not in everything(ledger)
    ledger.keys = KEYS
    assert ledger.record(*events) == Recorded(same=3)
    with ledger.store() as store:
        for selection in ({}, {"run": RUN}, {"scope": SCOPE}, {"campaign": "b-1"}):
            assert store.counts(**selection, unresolved_after=DAY).outcomes == {Disposition.REACHED: 2}


def test_a_store_that_is_open_goes_on_when_the_ledger_gets_a_key(ledger: Ledger) -> None:
    ledger.place([0, 1])
    with ledger.store(reread=lambda: KEYS) as store:
        store.record([event(0)], conn_id="callkaro_default")
        carry_over(ledger.engine, KEYS)
        assert store.record([event(1)], conn_id="callkaro_default") == Recorded(new=1)
        assert store.counts(unresolved_after=DAY).outcomes == {Disposition.REACHED: 2}
    assert "98765" not in everything(ledger)


def test_nothing_is_left_of_a_person_who_is_erased_and_nothing_comes_back(keyed: Ledger) -> None:
    keyed.place([0, 1])
    keyed.record(event(0), event(0, attempt=1, number=None), event(1))
    with Upkeep(keyed.engine) as upkeep:
        names = open_names(upkeep.session, dialect=upkeep.dialect, keys=KEYS, table=TABLE)
        upkeep.detect_keys()
        erasures = Erasures(upkeep, names=names)
        upkeep.write(lambda connection: erasures.erase_in(connection, [number(0)[1:]]))
    assert [row["call_id"] for row in keyed.rows()] == ["call-1"]
    assert keyed.record(event(0)) == Recorded()
    assert [row["call_id"] for row in keyed.rows()] == ["call-1"]


def test_outcomes_go_with_the_scope_that_is_pruned(ledger: Ledger) -> None:
    ledger.place([0, 1])
    note_campaign(ledger.engine, keys=None, campaign="b-1", scope=SCOPE, run=RUN)
    ledger.record(event(0), event(1), event(9, call_id="nobody's"))
    young = Ledger(ledger.engine, scope="young", run="young")
    young.place([7])
    young.record(event(7))
    let_time_pass(ledger.engine, timedelta(days=40), scope=SCOPE)
    with ledger.engine.begin() as connection:
        connection.execute(
            sqlalchemy.text("UPDATE voice_call_scopes SET used_at = '2020-01-01 00:00:00' WHERE id = :id"),
            {"id": scopes_of([SCOPE])[0].digits},
        )
        connection.execute(
            sqlalchemy.text(
                "UPDATE voice_call_outcomes SET received_at = '2020-01-01 00:00:00' WHERE matched_by = 'none'"
            )
        )
    with Upkeep(ledger.engine) as upkeep:
        upkeep.find_ledger()
        retention = Retention(upkeep, older_than=timedelta(days=30))
        retention.create()
        pruned = retention.prune(retention.plan(longest_cap=timedelta(0)))
    assert (pruned.rows, pruned.outcomes) == (2, 3)
    assert [row["call_id"] for row in ledger.rows()] == ["call-7"]
    assert "b-1" not in everything(ledger)
