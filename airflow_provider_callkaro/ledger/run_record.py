"""The identity of a run, decided at its first start and kept with the ledger over retries, sleeps and clears.

A retry, a task that wakes from its sleep and a task that was cleared are the same run. If they computed the scope, the
due time and the staleness again, they could come to another result, and a person would be rung twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """What a run decided at its first start.

    :param scopes: in each of which a person may be rung once. The run claims in all of them at once, and an entry in
        any of them blocks. The first is its own.
    :param due: when the run was due; with a time zone.
    :param is_stale: whether that was long ago at the first start.
    :param shard: ``(index, count)`` of the part of the list that it takes; None takes the whole list.
    """

    scopes: tuple[str, ...]
    due: datetime
    is_stale: bool = False
    shard: tuple[int, int] | None = None

    def as_state(self) -> dict[str, Any]:
        """The record as JSON."""
        return {
            "scopes": list(self.scopes),
            "due": self.due.astimezone(UTC).isoformat(),
            "is_stale": self.is_stale,
            "shard": None if self.shard is None else list(self.shard),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> RunRecord:
        """The record that `as_state` gave. Raises ValueError if it is none."""
        try:
            scopes, due, is_stale, shard = (state[name] for name in ("scopes", "due", "is_stale", "shard"))
            record = cls(
                scopes=tuple(scopes),
                due=datetime.fromisoformat(due),
                is_stale=is_stale,
                shard=None if shard is None else (shard[0], shard[1]),
            )
        except (KeyError, TypeError, IndexError, ValueError) as error:
            raise ValueError("this is no record of a run") from error
        if not record._is_sound():
            raise ValueError("this is no record of a run")
        return record

    def _is_sound(self) -> bool:
        return (
            bool(self.scopes)
            and all(type(scope) is str for scope in self.scopes)
            and self.due.tzinfo is not None
            and type(self.is_stale) is bool
            and (self.shard is None or all(type(part) is int for part in self.shard))
        )


class RunRecords(Protocol):
    """The store for the record of one run."""

    def find(self) -> RunRecord | None:
        """The record of the run; None where it has none yet. Raises LedgerError if it could not be read."""

    def begin(self, proposed: RunRecord) -> RunRecord:
        """Keep ``proposed`` if the run has no record yet, durably and atomically. Returns the record of the run; two
        tries that begin at once get the same one. Raises LedgerError if it could not be read or written."""
