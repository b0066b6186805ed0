"""Scopes: the names under which a person may be rung once, the ids of their rows, and which scopes are in use.

A ledger object records the use of its scopes in its first commit that claims, and once an hour from then on, in the
transaction of the claim itself. A prune marks a scope before it deletes the first row of it, under the lock of the same
row: either the prune sees that the scope is in use, or the claim sees that the scope was pruned, and is refused.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy.engine import Connection

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.ledger.sql.statements import Statements
from airflow_provider_callkaro.ledger.sql.values import digest

SCOPE_DIGITS = 12
SCOPES_TABLE = "voice_call_scopes"
CREATE_SCOPES = """\
CREATE TABLE IF NOT EXISTS voice_call_scopes (
    id VARCHAR(12) NOT NULL PRIMARY KEY,
    used_at TIMESTAMP NOT NULL,
    cap_seconds INTEGER NOT NULL,
    pruned_at TIMESTAMP
)"""
RECORDED_FOR = 3600.0  # seconds for which a record is good; the shortest retention is a day


@dataclass(frozen=True, slots=True)
class Scope:
    """One scope. ``name``: the user's name for it. ``digits``: of its digest."""

    name: str
    digits: str

    def id_of(self, key: str) -> str:
        """The id of a key's row.

        The scope's digest comes first, so that the rows of one list lie side by side in the index of a large table.
        """
        return self.digits + digest(f"{self.name}\0{key}")[:20]

    def holds(self, id_: str) -> bool:
        """Whether the row of this id lies in the scope."""
        return id_.startswith(self.digits)


def scopes_of(names: Iterable[str]) -> tuple[Scope, ...]:
    """The scopes of these names, each once."""
    return tuple(Scope(name, digest(name)[:SCOPE_DIGITS]) for name in dict.fromkeys(names))


@dataclass(slots=True, kw_only=True)
class ScopeUseRecorder:
    """Records that the scopes of one ledger object are in use.

    :param scopes: all in which it claims.
    :param cap_seconds: how far back the caps of its run look, in seconds; 0 without caps.
    :param clock: seconds, of any origin.
    """

    statements: Statements
    scopes: Sequence[Scope]
    cap_seconds: int = 0
    clock: Callable[[], float] = time.monotonic
    _good_until: float = field(default=float("-inf"), init=False)
    _recorded_at: float = field(default=float("-inf"), init=False)

    def record(self, connection: Connection) -> None:
        """Record the use in the transaction that claims, if the last record is too old. Raises ConfigurationError if
        one of the scopes was pruned, so it is unknown who has been rung there."""
        now = self.clock()
        if now < self._good_until:
            return
        self._recorded_at = now
        for scope in sorted(self.scopes, key=lambda scope: scope.digits):
            connection.exec_driver_sql(
                *self.statements.record_scope_use(scope.digits, cap_seconds=self.cap_seconds)
            ).close()
        ids = [scope.digits for scope in self.scopes]
        pruned = connection.exec_driver_sql(*self.statements.pruned_scopes(ids)).first()
        if pruned is not None:
            names = {scope.digits: scope.name for scope in self.scopes}
            raise ConfigurationError(
                f'the call ledger was pruned of scope "{names[pruned[0]]}" on {str(pruned[1])[:10]}, so it cannot tell '
                "who has been rung there: nobody was rung; to ring them now, give the task another ledger_scope"
            )

    def committed(self) -> None:
        """The transaction was committed: its record is good for an hour."""
        self._good_until = self._recorded_at + RECORDED_FOR
