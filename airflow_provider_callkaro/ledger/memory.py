"""A ledger in the memory of one process: for tests, for the benchmark, and for a first try that has nothing better.

It keeps the whole contract except durability: it is gone with the process.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from airflow_provider_callkaro.ledger.contract import CLAIM_LEASE, Claim, ClaimRefusal, Entry, EntryState, Settlement
from airflow_provider_callkaro.ledger.run_record import RunRecord

Place = tuple[str, str]
"""Scope and key."""


@dataclass(frozen=True, slots=True)
class MemoryRow:
    """The content of one place. ``owner``: the ledger object that made the claim. ``claimed_at``: seconds of the
    store's clock."""

    entry: Entry
    run: str
    owner: int
    claimed_at: float


@dataclass(slots=True)
class MemoryStore:
    """What several memory ledgers share, as SQL ledgers share tables. ``clock``: the one clock for the age of claims,
    in seconds."""

    clock: Callable[[], float] = time.monotonic
    rows: dict[Place, MemoryRow] = field(default_factory=dict, repr=False)
    runs: dict[str, RunRecord] = field(default_factory=dict)


class MemoryLedger:
    """A ledger that lives as long as this process.

    :param scope: within which a key may be dispatched once.
    :param also: further scopes in which each call is claimed with it.
    :param store: shared by the ledgers of several tries or runs; None starts an empty one.
    """

    def __init__(
        self, *, scope: str = "", also: Sequence[str] = (), run: str = "", store: MemoryStore | None = None
    ) -> None:
        self._scopes = tuple(dict.fromkeys([scope, *also]))
        self._run = run
        self._store = store or MemoryStore()
        self._rows = self._store.rows
        self._held: dict[str, dict[Place, MemoryRow]] = {}  # key of an open claim -> the rows that it replaces

    def __enter__(self) -> MemoryLedger:
        return self

    def __exit__(self, *exc_info: object) -> None:
        return None

    def commit(self, *, settle: Sequence[Settlement] = (), claim: Sequence[Claim] = ()) -> Mapping[str, ClaimRefusal]:
        """Settle and claim at once; see `CallLedger.commit`."""
        for settlement in settle:
            if settlement.key in self._held:
                self._settle(settlement)
        lost: dict[str, ClaimRefusal] = {}
        for wanted in claim:
            stored = self._stored(wanted.key)
            if not all(self._gives_way(row, wanted) for row in stored.values()):
                lost[wanted.key] = self._as_entry(next(iter(stored.values())))
                continue
            redials = max((row.entry.redials + 1 for row in stored.values()), default=0)
            for place in stored:
                del self._rows[place]
            entry = Entry(state=EntryState.CLAIMED, this_run=True, redials=redials)
            row = MemoryRow(entry, self._run, id(self), self._store.clock())
            self._rows.update(((scope, wanted.key), row) for scope in self._scopes)
            self._held[wanted.key] = stored
        return lost

    def state_of(self, keys: Sequence[str]) -> Mapping[str, Entry]:
        """The entries under ``keys``; see `CallLedger.state_of`."""
        found = {key: next(iter(self._stored(key).values()), None) for key in keys}
        return {key: self._as_entry(row) for key, row in found.items() if row is not None}

    def _settle(self, settlement: Settlement) -> None:
        replaced = self._held.pop(settlement.key)
        for scope in self._scopes:
            place = (scope, settlement.key)
            row = self._rows.get(place)
            if row is None or row.owner != id(self):
                continue  # another ledger has taken it over
            if settlement.state is None:
                del self._rows[place]
                continue
            entry = replace(
                row.entry,
                state=settlement.state,
                call_id=settlement.call_id,
                reason=settlement.reason,
                detail=settlement.detail,
            )
            self._rows[place] = replace(row, entry=entry)
        if settlement.state is None:
            for place, row in replaced.items():
                self._rows.setdefault(place, row)

    def _stored(self, key: str) -> dict[Place, MemoryRow]:
        """Every row of the person, that of the ledger's own scope first."""
        places = [(scope, key) for scope in self._scopes]
        return {place: self._rows[place] for place in places if place in self._rows}

    def _gives_way(self, row: MemoryRow, wanted: Claim) -> bool:
        """Whether a row is still the one that a redial replaces, and no phone may be ringing under it."""
        if row.entry.state is EntryState.CLAIMED and (self._is_young(row) or row.owner == id(self)):
            return False
        entry, replaces = self._as_entry(row), wanted.replaces  # the rows of two scopes may be of two runs
        return replaces is not None and (entry.state, entry.redials) == (replaces.state, replaces.redials)

    def _is_young(self, row: MemoryRow) -> bool:
        return self._store.clock() - row.claimed_at < CLAIM_LEASE.total_seconds()

    def _as_entry(self, row: MemoryRow) -> Entry:
        this_run = row.run == self._run
        is_open = row.entry.state is EntryState.CLAIMED
        is_young = is_open and self._is_young(row)
        state = EntryState.UNKNOWN if is_open and (this_run or not is_young) else row.entry.state
        return replace(row.entry, state=state, this_run=this_run, may_be_ringing=is_young)


class MemoryRunRecords:
    """The record of one run, as long as this process lives. ``store``: shared by all tries of the run."""

    def __init__(self, *, run: str, store: MemoryStore) -> None:
        self._run = run
        self._runs = store.runs

    def find(self) -> RunRecord | None:
        """The record of the run; None where it has none yet."""
        return self._runs.get(self._run)

    def begin(self, proposed: RunRecord) -> RunRecord:
        """Keep ``proposed`` if the run has no record yet; see `RunRecords.begin`."""
        return self._runs.setdefault(self._run, proposed)
