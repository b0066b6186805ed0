"""Which row of the ledger an outcome is about: by its reference, else by the vendor's id of the call, else by number
and campaign. Where more than one row could be meant, none is: the outcome is kept aside.
"""
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy.engine import Connection

from airflow_provider_callkaro.ledger.sql.names import Names
from airflow_provider_callkaro.ledger.sql.scopes import SCOPE_DIGITS
from airflow_provider_callkaro.ledger.sql.session import execute
from airflow_provider_callkaro.ledger.sql.statements import MAX_ROWS
from airflow_provider_callkaro.ledger.sql.table import CAMPAIGNS_TABLE, OUTCOMES_TABLE, TABLE
from airflow_provider_callkaro.ledger.sql.values import chunks
from airflow_provider_callkaro.outcomes.references import References
from airflow_provider_callkaro.outcomes.resolving import BY_OUTCOME

_GIVEN = f"AND (reason IS NULL OR reason <> '{BY_OUTCOME}')"


class MatchedBy(StrEnum):
    """How an outcome found its call in the ledger."""

    REFERENCE = "reference"
    CALL_ID = "call_id"
    NUMBER = "number"
    """By number and campaign."""
    AMBIGUOUS = "ambiguous"
    """It did not: several calls could be meant, and nobody guesses."""
    NONE = "none"
    """It did not: the ledger has no such call."""

    @property
    def found(self) -> bool:
        """Whether it did."""
        return self not in (MatchedBy.AMBIGUOUS, MatchedBy.NONE)


@dataclass(frozen=True, slots=True)
class Match:
    """The row that was found, and how. ``ledger_id``: None where none was."""

    ledger_id: str | None
    by: MatchedBy


NO_MATCH = Match(None, MatchedBy.NONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What the attempts of one call of the vendor say together of who is meant.

    :param referred_id: the id of the ledger's row that its reference stands for.
    :param numbers: every text that may represent its number in the ledger.
    """

    vendor: str
    referred_id: str | None
    call_id: str | None
    campaign_id: str | None
    numbers: frozenset[str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Candidate:
    id: str
    number: str = field(repr=False)
    call_id: str | None
    run: str

    @property
    def place(self) -> tuple[str, str]:
        """Scope and run, as a campaign is noted under them."""
        return self.id[:SCOPE_DIGITS], self.run


def referred_ids(
    connection: Connection, found: Collection[str], *, references: References, names: Names
) -> dict[str, str]:
    """For each reference that stands for a row of the ledger, the id of that row."""
    wanted: dict[str, str] = {}
    for reference in found:
        clear = references.id_of(reference)
        if clear is not None:
            wanted.update((id_, reference) for id_ in names.ids(clear))
    rows = _select(connection, f"SELECT id FROM {TABLE} WHERE id IN :values", sorted(wanted))
    return {wanted[str(id_)]: str(id_) for (id_,) in rows}


def matches(connection: Connection, identities: Mapping[str, Identity]) -> dict[str, Match]:
    """The row of each call of the vendor. ``identities``: by the call's digest."""
    found = {
        call: Match(identity.referred_id, MatchedBy.REFERENCE)
        for call, identity in identities.items()
        if identity.referred_id is not None
    }
    left = {call: identity for call, identity in identities.items() if call not in found}
    numbered = {call: one for call, one in left.items() if one.campaign_id is not None and one.numbers}
    by_number = dict(_by_number(connection, numbered))
    referred = [identities[call] for call in found]
    found = by_number | found | dict(_by_call_id(connection, left, referred=referred, by_number=by_number))
    return {call: found.get(call, NO_MATCH) for call in identities}


def _by_call_id(
    connection: Connection,
    identities: Mapping[str, Identity],
    *,
    referred: Iterable[Identity],
    by_number: Mapping[str, Match],
) -> Iterator[tuple[str, Match]]:
    """By the id that the vendor's answer gave, or that another outcome has, which had a reference beside it.

    The answer may have given the id of a campaign, and a vendor that counts may have a call of the same id in another
    one: a row that number and campaign agree upon is meant then.
    """
    call_ids = {one.call_id for one in identities.values() if one.call_id is not None}
    rows = _grouped(_candidates(connection, "call_id", call_ids), "call_id")
    named: dict[tuple[str, str | None], set[str]] = {}
    query = f"SELECT vendor, call_id, referred_id FROM {OUTCOMES_TABLE} WHERE call_id IN :values AND referred_id <> ''"
    for vendor, call_id, ledger_id in (
        *_select(connection, query, sorted(call_ids)),
        *((one.vendor, one.call_id, one.referred_id) for one in referred),
    ):
        named.setdefault((str(vendor), call_id), set()).add(str(ledger_id))
    for call, identity in identities.items():
        same_id = rows.get(identity.call_id, []) if identity.call_id is not None else []
        others = named.get((identity.vendor, identity.call_id), set())
        if len(same_id) > 1 and identity.campaign_id not in (None, identity.call_id):
            same_id = []  # of a campaign
        if not others and call in by_number and by_number[call].by.found:
            continue
        ids = {row.id for row in same_id} | others
        if len(ids) > 1:
            ids = {row.id for row in same_id if row.number in identity.numbers} | others
        if same_id or others:
            yield call, _only(ids, by=MatchedBy.CALL_ID)


def _by_number(connection: Connection, identities: Mapping[str, Identity]) -> Iterator[tuple[str, Match]]:
    numbers = {number for one in identities.values() for number in one.numbers}
    by_number = _grouped(_candidates(connection, "number", numbers), "number")
    campaigns = {one.campaign_id for one in identities.values() if one.campaign_id is not None}
    places: dict[str, set[tuple[str, str]]] = {}
    query = f"SELECT campaign_id, scope, run FROM {CAMPAIGNS_TABLE} WHERE campaign_id IN :values"
    for campaign, scope, run in _select(connection, query, sorted(campaigns)) if numbers else ():
        places.setdefault(str(campaign), set()).add((str(scope), str(run)))
    for call, identity in identities.items():
        of_campaign = places.get(str(identity.campaign_id), set())
        rows = [
            row
            for number in identity.numbers
            for row in by_number.get(number, ())
            if row.call_id == identity.campaign_id or row.place in of_campaign
        ]
        if rows:
            yield call, _only({row.id for row in rows}, by=MatchedBy.NUMBER)


def _candidates(connection: Connection, column: str, values: Collection[str]) -> Iterator[_Candidate]:
    """The rows of calls that may have rung, with one of the values; rows of further scopes have no number. An id of a
    call that an outcome has put there says nothing that the outcomes do not say."""
    query = (
        f"SELECT id, number, call_id, run FROM {TABLE} WHERE {column} IN :values AND number <> '' "
        f"AND state <> 'rejected' {_GIVEN if column == 'call_id' else ''}"
    )
    for id_, number, call_id, run in _select(connection, query, sorted(values)):
        yield _Candidate(str(id_), str(number), call_id, str(run))


def _select(connection: Connection, query: str, values: Sequence[str]) -> Iterator[Any]:
    for some in chunks(values, size=MAX_ROWS):
        yield from execute(connection, query, values=list(some)).all()


def _grouped(rows: Iterable[_Candidate], column: str) -> dict[str | None, list[_Candidate]]:
    groups: dict[str | None, list[_Candidate]] = {}
    for row in rows:
        groups.setdefault(getattr(row, column), []).append(row)
    return groups


def _only(ids: Collection[str], *, by: MatchedBy) -> Match:
    return Match(next(iter(ids)), by) if len(ids) == 1 else Match(None, MatchedBy.AMBIGUOUS)
