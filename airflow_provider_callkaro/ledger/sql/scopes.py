"""Scopes: the names under which a person may be rung once, and the ids of their rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from airflow_provider_callkaro.ledger.sql.values import digest

SCOPE_DIGITS = 12


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
