"""Whatever the order, the repetitions and the way in which deliveries are cut, the same events leave the same rows."""

from __future__ import annotations

import dataclasses
import itertools
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from placed_calls import RUN, SCOPE, Ledger, event, number

from airflow_provider_callkaro.calls.disposition import Disposition
from airflow_provider_callkaro.ledger.contract import EntryState
from airflow_provider_callkaro.ledger.sql.scopes import scopes_of
from airflow_provider_callkaro.outcomes.attempts import merged
from airflow_provider_callkaro.outcomes.campaigns import note_campaign
from airflow_provider_callkaro.outcomes.references import references_of
from airflow_provider_callkaro.vendors.call_events import CallEvent

CALLS = 6
CONNECTIONS = ["callkaro_default", "callkaro_second"]
MONDAY = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
some_words = st.sampled_from([None, "CLIENT_INITIATED", "USER_REJECTED", "a new word"])


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger with accepted, unknown and open calls, and with one person who is in two runs of a campaign."""
    path = tmp_path_factory.mktemp("outcomes") / "template.db"
    engine = sqlalchemy.create_engine(f"sqlite:///{path}")
    ledger = Ledger(engine)
    ledger.place([0, 1, 4])
    ledger.place([2, 5], state=EntryState.UNKNOWN)
    ledger.place([3], state=None)
    second = Ledger(engine, scope="second", run="second")
    second.place([4, 5], state=EntryState.UNKNOWN)
    for scope, run in ((SCOPE, RUN), ("second", "second")):
        note_campaign(engine, keys=None, campaign="b-1", scope=scope, run=run)
    with ledger.store():
        pass
    engine.dispose()
    return path


@pytest.fixture(scope="module")
def references(template: Path) -> list[str]:
    engine = sqlalchemy.create_engine(f"sqlite:///{template}")
    made, (scope,) = references_of(engine), scopes_of([SCOPE])
    engine.dispose()
    return [made.reference_of(scope.id_of(number(place))) for place in range(CALLS)]


@st.composite
def some_events(draw: st.DrawFn) -> tuple[str, CallEvent]:
    """An event about one of a few calls; ``reference`` is still the place of a call in the list."""
    place = draw(st.integers(0, CALLS - 1))
    is_over = draw(st.booleans())
    values: dict[str, Any] = {
        "call_id": draw(st.sampled_from([f"call-{place}", f"new-{place}", f"again-{place}"])),
        "attempt": draw(st.integers(0, 2)),
        "is_over": is_over,
        "is_last": is_over and draw(st.booleans()),
        "disposition": draw(st.sampled_from(list(Disposition))) if is_over else None,
        "vendor_word": draw(some_words),
        "reference": draw(st.sampled_from([None, str(place)])),
        "campaign_id": draw(st.sampled_from([None, "b-1", "b-2"])),
        "number": draw(st.sampled_from([None, number(place)[1:]])),
        "duration_seconds": draw(st.sampled_from([None, 0.0, 12.5])),
        "converted": draw(st.sampled_from([None, True, False])),
        "happened_at": draw(st.sampled_from([None, MONDAY, MONDAY + timedelta(hours=1)])),
        "fields": draw(st.dictionaries(st.sampled_from("abc"), st.sampled_from([1, True, "1", 1.0]), max_size=2)),
    }
    return draw(st.sampled_from(CONNECTIONS)), event(place, **values)


@st.composite
def some_deliveries(draw: st.DrawFn) -> tuple[list[Any], list[list[Any]]]:
    """Some events in one order, and the same ones shuffled, repeated and cut into deliveries."""
    events = draw(st.lists(some_events(), min_size=1, max_size=8))
    repeated = draw(st.permutations(events + draw(st.lists(st.sampled_from(events), max_size=4))))
    cuts = sorted(draw(st.lists(st.integers(0, len(repeated)), max_size=3)))
    edges = [0, *cuts, len(repeated)]
    return events, [repeated[start:end] for start, end in itertools.pairwise(edges)]


@pytest.mark.slow
@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deliveries=some_deliveries())
def test_the_rows_depend_on_what_came_and_on_nothing_else(
    deliveries: Any, template: Path, references: list[str], tmp_path: Path
) -> None:
    events, others = deliveries
    one = recorded(template, tmp_path / "one.db", [events], references)
    other = recorded(template, tmp_path / "other.db", others, references)
    assert one == other


def recorded(template: Path, path: Path, deliveries: list[Any], references: list[str]) -> Any:
    """What stands in a copy of the ledger once these came, and came again."""
    shutil.copy(template, path)
    engine = sqlalchemy.create_engine(f"sqlite:///{path}")
    ledger = Ledger(engine)
    try:
        with ledger.store() as store:
            for delivery in deliveries:
                for conn_id, some in by_connection(delivery, references):
                    store.record(some, conn_id=conn_id)
            found = ledger.rows()
            for delivery in deliveries:
                for conn_id, some in by_connection(delivery, references):
                    again = store.record(some, conn_id=conn_id)
                    assert (again.new, again.changed, again.unknown_resolved) == (0, 0, 0)
            assert ledger.rows() == found
        with engine.connect() as connection:
            entries = "SELECT id, state, call_id, reason FROM voice_call_ledger ORDER BY id"
            return found, list(connection.execute(sqlalchemy.text(entries)))
    finally:
        engine.dispose()


def by_connection(delivery: list[Any], references: list[str]) -> Iterator[tuple[str, list[CallEvent]]]:
    for conn_id in CONNECTIONS:
        events = [each for name, each in delivery if name == conn_id]
        yield (
            conn_id,
            [
                each if each.reference is None else dataclasses.replace(each, reference=references[int(each.reference)])
                for each in events
            ],
        )


@given(st.lists(some_events(), min_size=3, max_size=3))
def test_what_events_say_together_has_no_order(events: Any) -> None:
    one, other, third = (dataclasses.replace(each, call_id="c", attempt=0) for _, each in events)
    assert merged(one, other) == merged(other, one)
    assert merged(merged(one, other), third) == merged(one, merged(other, third))
    assert merged(merged(one, other), other) == merged(one, other)
