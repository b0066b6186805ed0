"""Random histories of runs that claim in several scopes, two at once, under caps, beside tries that are held or killed.

Whatever stands in one of a run's scopes blocks it there: who was accepted, whom somebody may be ringing at this moment,
and who was redialled before. Each ring tells by which try it was asked for, so that it is known in which scopes.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from ageing_ledger import let_time_pass
from histories import (
    CONTACTS,
    FAULTS,
    LIMITS,
    OPTIONS,
    PEOPLE,
    QUICK,
    REDIALS,
    Breaking,
    Killed,
    person,
    play,
)
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from placing_calls import Caller, LedgerAround

from airflow_provider_callkaro.calls.outcome import Outcome, Reason
from airflow_provider_callkaro.dispatch.limits import redial_states
from airflow_provider_callkaro.ledger.contract import CLAIM_LEASE, CallCaps, CallLedger, Entry, EntryState
from airflow_provider_callkaro.ledger.memory import MemoryLedger, MemoryStore
from airflow_provider_callkaro.ledger.sql.ledger import SqlLedger
from airflow_provider_callkaro.sandbox import FaultKind, Sandbox

pytestmark = pytest.mark.slow

Scopes = tuple[str, ...]
SCOPES: st.SearchStrategy[Scopes] = st.sampled_from(
    [("w46",), ("w47",), ("w47", "replayed"), ("replayed", "w47"), ("w46", "replayed"), ("replayed",)]
)
ALL_SCOPES = ("w46", "w47", "replayed")
MOST_CALLS = st.sampled_from([None, 1, 2])
RUNS = st.sampled_from(["monday", "tuesday"])
LATER = CLAIM_LEASE + timedelta(minutes=1)


@dataclass(frozen=True)
class Try:
    """One try of a run, and in which scopes it claims."""

    number: int
    run: str
    scopes: Scopes
    redial: Any = None


class World:
    """Where the ledgers of one history live."""

    keeps_caps = False
    caps: CallCaps | None = None

    def ledger(self, run: str, scopes: Scopes) -> CallLedger:
        """The ledger of one try."""
        raise NotImplementedError

    def let_time_pass(self, by: timedelta) -> None:
        """Make everything that stands in the ledgers so much older."""
        raise NotImplementedError


class ScopedHistories(RuleBasedStateMachine):
    """What may happen to one list that several runs ring, each in scopes of its own."""

    def __init__(self, sandbox: Sandbox, world: World) -> None:
        super().__init__()
        self.sandbox = sandbox
        self.world = world
        self.tries: list[Try] = []
        self.left_open: list[tuple[Scopes, set[str]]] = []  # whom a killed try may still be ringing
        self.most_calls: int | None = None
        sandbox.reset()

    @initialize(most_calls=MOST_CALLS)
    def a_cap(self, most_calls) -> None:
        """How often one person may be called, whatever the scope."""
        if most_calls is not None and self.world.keeps_caps:
            self.most_calls = most_calls
            self.world.caps = CallCaps(max_calls=most_calls, per=timedelta(days=30))

    def begin(self, run: str, scopes: Scopes, redial: Any = None) -> Try:
        self.tries.append(Try(len(self.tries), f"{run} of {scopes[0]}", scopes, redial))
        return self.tries[-1]

    def place(self, one: Try, contacts: Sequence[Mapping[str, Any]], *, ledger: Any = None, limits: Any = None) -> Any:
        """One try; every call says which."""
        caller = Caller(self.sandbox, lambda run: self.world.ledger(run, one.scopes))
        rows = [{**contact, "asked_by": one.number} for contact in contacts]
        try:
            return caller.place(rows, run=one.run, policy=QUICK, ledger=ledger, limits=limits, redial=one.redial)
        except Killed:
            return None

    def switch_on(self, faults: Sequence[Mapping[str, Any]]) -> None:
        for fault in faults:
            self.sandbox.fault(**fault, **OPTIONS.get(fault["kind"], {}))

    def standing(self) -> dict[str, dict[str, Entry]]:
        """What stands under each number, by scope, as somebody reads it who has no part in it."""
        found: dict[str, dict[str, Entry]] = {number: {} for number in PEOPLE}
        for scope in ALL_SCOPES:
            with self.world.ledger("a reader", (scope,)) as ledger:
                for number, entry in ledger.state_of(PEOPLE).items():
                    found[number][scope] = entry
        return found

    def blocked(self, one: Try, standing: Mapping[str, Mapping[str, Entry]]) -> set[str]:
        """Whom a try must not ring, whatever it asks for."""
        wanted = redial_states(one.redial)

        def blocks(entry: Entry) -> bool:
            return entry.may_be_ringing or entry.redials > 0 or entry.state not in wanted

        known = {
            number
            for number, entries in standing.items()
            if any(blocks(entry) for scope, entry in entries.items() if scope in one.scopes)
        }
        return known.union(*(people for scopes, people in self.left_open if set(scopes) & set(one.scopes)))

    def rings_of(self, one: Try) -> Counter[str]:
        return Counter(ring.to_number for ring in self.sandbox.rings if ring.metadata["asked_by"] == one.number)

    def check(self, one: Try, ended: Any, contacts: Sequence[Mapping[str, Any]], *, blocked: Collection[str]) -> None:
        rung = self.rings_of(one)
        assert not set(rung) & set(blocked)
        assert set(rung.values()) <= {1}
        for row in ended.rows if ended is not None else ():
            if row.outcome is Outcome.SKIPPED and row.reason not in (Reason.CAP, Reason.DUPLICATE):
                assert person(contacts[row.row_number - 1]) in blocked

    @rule(contacts=CONTACTS, run=RUNS, scopes=SCOPES, faults=FAULTS, limits=LIMITS, redial=st.none() | REDIALS)
    def a_run(self, contacts, run, scopes, faults, limits, redial) -> None:
        one = self.begin(run, scopes, redial)
        blocked = self.blocked(one, self.standing())
        self.switch_on(faults)
        ended = self.place(one, contacts, limits=limits)
        self.sandbox.clear_faults()
        self.check(one, ended, contacts, blocked=blocked)

    @rule(
        contacts=CONTACTS,
        run=RUNS,
        scopes=SCOPES,
        limits=LIMITS,
        redial=st.none() | REDIALS,
        at=st.integers(1, 8),
        written=st.booleans(),
    )
    def a_crash(self, contacts, run, scopes, limits, redial, at, written) -> None:
        """It leaves open claims behind, which block until they are older than the lease."""
        one = self.begin(run, scopes, redial)
        blocked = self.blocked(one, self.standing())
        ledger = Breaking(self.world.ledger(one.run, scopes), at=at, error=Killed(), written=written, for_good=True)
        ended = self.place(one, contacts, ledger=ledger, limits=limits)
        self.check(one, ended, contacts, blocked=blocked)
        if ended is None:
            self.left_open.append((one.scopes, set(self.rings_of(one))))

    @rule()
    def the_lease_runs_out(self) -> None:
        self.left_open.clear()
        self.world.let_time_pass(LATER)

    @rule(
        contacts=CONTACTS,
        others=CONTACTS,
        run=RUNS,
        scopes=SCOPES,
        retry=st.booleans(),
        other_scopes=SCOPES,
        kind=st.sampled_from([FaultKind.HOLD_BEFORE_ACCEPTING, FaultKind.HOLD_AFTER_ACCEPTING]),
        after=st.integers(0, 6),
        limits=LIMITS,
        redial=REDIALS,
    )
    def a_redial_while_another_try_is_in_flight(
        self, contacts, others, run, scopes, retry, other_scopes, kind, after, limits, redial
    ) -> None:
        """The vendor keeps the first one waiting; a retry of it, or another run, comes past it."""
        frozen = self.begin(run, scopes)
        second = self.begin(run, scopes, redial) if retry else self.begin("sunday", other_scopes, redial)
        before = self.blocked(frozen, self.standing())
        self.sandbox.fault(kind, after=after)
        over = threading.Event()

        def place() -> Any:
            try:
                return self.place(frozen, contacts, limits=limits)
            finally:
                over.set()

        with ThreadPoolExecutor(1) as pool:
            first = pool.submit(place)
            while not over.is_set() and not self.is_somebody_held():
                pass
            try:
                blocked = self.blocked(second, self.standing())
                self.sandbox.clear_faults()
                self.place(second, [*others, *contacts], limits=limits)
            finally:
                while not over.is_set():
                    self.sandbox.release()
                    over.wait(0.001)
        first.result()
        assert not set(self.rings_of(frozen)) & before
        assert not set(self.rings_of(second)) & blocked
        if set(frozen.scopes) & set(second.scopes):
            assert not set(self.rings_of(frozen)) & set(self.rings_of(second))

    def is_somebody_held(self) -> bool:
        try:
            self.sandbox.wait_for_held(1, timeout=0.001)
        except TimeoutError:
            return False
        return True

    @rule(
        first=CONTACTS,
        second=CONTACTS,
        run=RUNS,
        scopes=SCOPES,
        other_scopes=SCOPES,
        faults=FAULTS,
        limits=LIMITS,
        redial=st.none() | REDIALS,
    )
    def two_at_once(self, first, second, run, scopes, other_scopes, faults, limits, redial) -> None:
        both = [self.begin(run, scopes, redial), self.begin("sunday", other_scopes, redial)]
        standing = self.standing()
        blocked = [self.blocked(one, standing) for one in both]
        self.switch_on(faults)
        with ThreadPoolExecutor(2) as pool:
            ended = [
                pool.submit(self.place, one, contacts, limits=limits)
                for one, contacts in zip(both, (first, second), strict=True)
            ]
        self.sandbox.clear_faults()
        for one, run_, names in zip(both, ended, blocked, strict=True):
            run_.result()
            assert not set(self.rings_of(one)) & names

    @invariant()
    def nobody_rings_more_often_than_the_scopes_allow(self) -> None:
        """Once in each scope, and once more where a redial asked for it."""
        rings: Counter[tuple[str, str]] = Counter()
        redialled: set[tuple[str, str]] = set()
        for ring in self.sandbox.rings:
            one = self.tries[ring.metadata["asked_by"]]
            for scope in one.scopes:
                rings[scope, ring.to_number] += 1
                if one.redial is not None:
                    redialled.add((scope, ring.to_number))
        for place, count in rings.items():
            assert count <= (2 if place in redialled else 1)

    @invariant()
    def nobody_rings_more_often_than_the_cap_allows(self) -> None:
        if self.most_calls is not None:
            assert max(self.sandbox.rings_per_number().values(), default=0) <= self.most_calls

    @invariant()
    def the_ledger_knows_everybody_who_was_rung_in_every_scope(self) -> None:
        standing = self.standing()
        for ring in self.sandbox.rings:
            for scope in self.tries[ring.metadata["asked_by"]].scopes:
                entry = standing[ring.to_number][scope]
                assert entry.state is not EntryState.REJECTED or entry.redials  # a redial may be refused


class SqlWorld(World):
    """Ledgers in the tables of one database, fresh for the history."""

    keeps_caps = True

    def __init__(self, engine: sqlalchemy.Engine) -> None:
        self.engine = engine
        with engine.begin() as connection:
            if sqlalchemy.inspect(connection).has_table("voice_call_ledger"):
                connection.exec_driver_sql("DELETE FROM voice_call_ledger")

    def ledger(self, run: str, scopes: Scopes) -> CallLedger:
        return SqlLedger(self.engine, scope=scopes[0], also=scopes[1:], run=run, caps=self.caps)

    def let_time_pass(self, by: timedelta) -> None:
        if sqlalchemy.inspect(self.engine).has_table("voice_call_ledger"):
            let_time_pass(self.engine, by)


class OneAtATime(LedgerAround):
    """A memory ledger that two threads may share, as two processes share a table."""

    def __init__(self, ledger: CallLedger, lock: threading.Lock) -> None:
        super().__init__(ledger)
        self._lock = lock

    def commit(self, *, settle=(), claim=()):
        with self._lock:
            return super().commit(settle=settle, claim=claim)

    def state_of(self, keys):
        with self._lock:
            return super().state_of(keys)


class MemoryWorld(World):
    """Ledgers that share a store in memory."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._store = MemoryStore(clock=lambda: self._seconds)
        self._lock = threading.Lock()

    def ledger(self, run: str, scopes: Scopes) -> CallLedger:
        ledger = MemoryLedger(scope=scopes[0], also=scopes[1:], run=run, store=self._store)
        return OneAtATime(ledger, self._lock)

    def let_time_pass(self, by: timedelta) -> None:
        self._seconds += by.total_seconds()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sqlalchemy.Engine]:
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'ledger.db'}")
    yield engine
    engine.dispose()


def test_no_history_over_sql_rings_more_often_than_scopes_and_caps_allow(sandbox, engine) -> None:
    play(lambda: ScopedHistories(sandbox, SqlWorld(engine)))


def test_no_history_in_memory_rings_more_often_than_the_scopes_allow(sandbox) -> None:
    play(lambda: ScopedHistories(sandbox, MemoryWorld()))
