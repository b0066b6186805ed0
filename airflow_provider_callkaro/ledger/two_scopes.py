"""A ledger over two scopes: calls are claimed in the one, and whoever stands in the other has been rung before.

A run that is long past shares one scope with all replayed runs of its task. It may have begun in a scope of its own,
before it was long past: what it did there still counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol, Self

from airflow_provider_callkaro.ledger.contract import CallLedger, Claim, Entry, Settlement


class LedgerWithHistory(CallLedger, Protocol):
    """A ledger that can also tell when numbers were called, in any scope."""

    def called_since(self, numbers: Sequence[str], since: datetime) -> Mapping[str, Sequence[datetime]]: ...


class TwoScopesLedger:
    """Who has been rung, in either of two scopes.

    :param claims: the ledger in whose scope calls are claimed and settled.
    :param before: the ledger whose scope is only looked at.
    """

    def __init__(self, claims: LedgerWithHistory, *, before: CallLedger) -> None:
        self._claims = claims
        self._before = before

    def __enter__(self) -> Self:
        self._claims.__enter__()
        self._before.__enter__()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._before.__exit__(*exc_info)
        self._claims.__exit__(*exc_info)

    def commit(self, *, settle: Sequence[Settlement] = (), claim: Sequence[Claim] = ()) -> Mapping[str, Entry]:
        """Settle and claim at once; see `CallLedger.commit`.

        What stands in the scope before is never given up, not even to a redial: its count of redials could not be
        carried over.
        """
        lost = self._before.state_of([wanted.key for wanted in claim])
        wanted = [one for one in claim if one.key not in lost]
        return {**lost, **self._claims.commit(settle=settle, claim=wanted)}

    def state_of(self, keys: Sequence[str]) -> Mapping[str, Entry]:
        """The entries under ``keys``; see `CallLedger.state_of`."""
        here = self._claims.state_of(keys)
        return {**self._before.state_of([key for key in keys if key not in here]), **here}

    def called_since(self, numbers: Sequence[str], since: datetime) -> Mapping[str, Sequence[datetime]]:
        """When numbers were called, in any scope."""
        return self._claims.called_since(numbers, since)
