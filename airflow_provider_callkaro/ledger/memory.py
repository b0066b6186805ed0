"""A ledger in the memory of one process: for tests, for the benchmark, and for a first try that has nothing better.

It keeps the contract but for the one thing that makes a ledger: it is gone with the process.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from airflow_provider_callkaro.ledger.contract import Claim, Entry, EntryState, Settlement


@dataclass(slots=True)
class MemoryStore:
    """What several memory ledgers share, as tables are shared by SQL ledgers."""

    rows: dict[tuple[str, str], tuple[Entry, str]] = field(default_factory=dict)


class MemoryLedger:
    """Who has been rung, as long as this process lives.

    :param scope: within which a key may be dispatched once.
    :param run: the run that this try belongs to.
    :param store: shared by the ledgers of several tries or runs; None starts an empty one.
    """

    def __init__(self, *, scope: str = "", run: str = "", store: MemoryStore | None = None) -> None:
        self._scope = scope
        self._run = run
        self._rows = (store or MemoryStore()).rows
        self._held: dict[str, tuple[Entry, str] | None] = {}  # key of an open claim -> the row that it replaces

    def __enter__(self) -> MemoryLedger:
        return self

    def __exit__(self, *exc_info: object) -> None:
        return None

    def commit(self, *, settle: Sequence[Settlement] = (), claim: Sequence[Claim] = ()) -> Mapping[str, Entry]:
        """Settle and claim at once; see `CallLedger.commit`."""
        for settlement in settle:
            if settlement.key in self._held:
                self._settle(settlement)
        lost: dict[str, Entry] = {}
        for wanted in claim:
            standing = self._rows.get((self._scope, wanted.key))
            if standing is not None and not self._gives_way(wanted):
                lost[wanted.key] = self._as_entry(*standing)
                continue
            redials = 0 if standing is None else standing[0].redials + 1
            claimed = Entry(state=EntryState.CLAIMED, this_run=True, redials=redials)
            self._held[wanted.key] = standing
            self._rows[self._scope, wanted.key] = (claimed, self._run)
        return lost

    def state_of(self, keys: Sequence[str]) -> Mapping[str, Entry]:
        """The entries under ``keys``; see `CallLedger.state_of`."""
        found = {key: self._read(key) for key in keys}
        return {key: entry for key, entry in found.items() if entry is not None}

    def _settle(self, settlement: Settlement) -> None:
        place = (self._scope, settlement.key)
        replaced = self._held.pop(settlement.key)
        claimed, run = self._rows.pop(place)
        if settlement.state is not None:
            entry = replace(
                claimed,
                state=settlement.state,
                call_id=settlement.call_id,
                reason=settlement.reason,
                detail=settlement.detail,
            )
            self._rows[place] = (entry, run)
        elif replaced is not None:
            self._rows[place] = replaced

    def _gives_way(self, wanted: Claim) -> bool:
        """Whether what stands under the key is what a redial was decided on, and nobody is ringing under it."""
        standing = self._read(wanted.key)
        if standing is None or standing.state is EntryState.CLAIMED or wanted.key in self._held:
            return False
        return standing == wanted.replaces

    def _read(self, key: str) -> Entry | None:
        standing = self._rows.get((self._scope, key))
        return None if standing is None else self._as_entry(*standing)

    def _as_entry(self, entry: Entry, run: str) -> Entry:
        this_run = run == self._run
        state = EntryState.UNKNOWN if entry.state is EntryState.CLAIMED and this_run else entry.state
        return replace(entry, state=state, this_run=this_run)
