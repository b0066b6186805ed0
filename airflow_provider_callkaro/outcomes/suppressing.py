"""Whom not to call again, as outcomes say: who asked for it, and whose number does not exist.

A store feeds the table only where it is asked to. The first time at which a person asked stays, whatever comes later,
and it outlives the outcome: a prune leaves it, and only an erasure takes it out.
"""

from __future__ import annotations

import random
import time
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Any

from sqlalchemy import bindparam, inspect, literal_column, select
from sqlalchemy.engine import Connection, Engine

from airflow_provider_callkaro.calls.disposition import Disposition
from airflow_provider_callkaro.ledger.digests import LedgerKeys
from airflow_provider_callkaro.ledger.sql.dialects import statements_for
from airflow_provider_callkaro.ledger.sql.keys import open_names
from airflow_provider_callkaro.ledger.sql.names import Names
from airflow_provider_callkaro.ledger.sql.session import SqlSession
from airflow_provider_callkaro.ledger.sql.statements import MAX_ROWS, Statements
from airflow_provider_callkaro.ledger.sql.table import SUPPRESSIONS_TABLE, TABLE
from airflow_provider_callkaro.ledger.sql.values import as_digits, chunks, without_zone
from airflow_provider_callkaro.outcomes.tables import suppressions
from airflow_provider_callkaro.vendors.call_event import CallEvent


class SuppressionReason(StrEnum):
    """Why a person is not to be called again."""

    ASKED = "asked"
    """They asked not to be called."""
    INVALID_NUMBER = "invalid_number"
    """The number does not exist, or cannot be called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """One person not to be called. ``number``: digits, or the ledger's digest. ``since``: UTC without an offset; None:
    now."""

    number: str = field(repr=False)
    reason: SuppressionReason
    since: datetime | None

    def beats(self, reason: str, since: datetime) -> bool:
        """Whether this says more than what the table holds: a wish beats a fact, and then the earlier instant wins."""
        if self.reason != reason:
            return self.reason is SuppressionReason.ASKED
        return self.since is not None and self.since < since


def suppression_in(event: CallEvent, *, number: str | None) -> Suppression | None:
    """What an event says against calling a person; None: nothing. ``number``: the ledger's text for the number."""
    if number is None or not (event.asked_not_to_be_called or event.disposition is Disposition.INVALID_NUMBER):
        return None
    asked = event.asked_not_to_be_called
    return Suppression(
        number=number,
        reason=SuppressionReason.ASKED if asked else SuppressionReason.INVALID_NUMBER,
        since=None if event.happened_at is None else without_zone(event.happened_at),
    )


def suppress(connection: Connection, found: Iterable[Suppression], *, statements: Statements) -> None:
    """Keep these people from being called, within a transaction."""
    c = suppressions.c
    now: Any = literal_column(statements.now)
    new = {one.number: one for one in sorted(found, key=_weight)}
    for some in chunks(sorted(new), size=MAX_ROWS):
        known = {
            str(number): (str(reason), since)
            for number, reason, since in connection.execute(
                select(c.number, c.reason, c.since).where(c.number.in_(some)).order_by(c.number).with_for_update()
            )
        }
        for number in some:
            one = new[number]
            values = {"reason": str(one.reason), "since": now if one.since is None else one.since}
            if number not in known:
                insert = suppressions.insert().values(number=bindparam("text"), **values)
                connection.execute(insert, {"text": number})
            elif one.beats(*known[number]):
                connection.execute(suppressions.update().where(c.number == number).values(**values))


def _weight(one: Suppression) -> tuple[bool, datetime]:
    """So that of several about one person the one that says most comes last."""
    since = one.since or datetime.max
    return one.reason is SuppressionReason.ASKED, datetime.min + (datetime.max - since)


class SuppressedPeople:
    """The people whom outcomes say not to call: a container of numbers, E.164.

    :param texts: the ledger's texts for their numbers.
    :param names: those of the ledger.
    :ivar count: how many texts there are: one or more for a person.
    """

    def __init__(self, texts: Collection[str], *, names: Names) -> None:
        self._texts = frozenset(texts)
        self._names = names
        self.count = len(self._texts)

    def __repr__(self) -> str:
        return "SuppressedPeople(not shown)"

    def __contains__(self, number: object) -> bool:
        return bool(self._texts) and not self._texts.isdisjoint(self._names.numbers(as_digits(str(number))))


def suppressed_people(
    engine: Engine, *, keys: LedgerKeys | None, reasons: Collection[SuppressionReason] = tuple(SuppressionReason)
) -> SuppressedPeople:
    """Whom not to call, as a ledger's outcomes say; nobody where it has none yet.

    :param keys: of a keyed ledger; None for one in clear.
    :param reasons: the reasons that count.
    :raises LedgerError: it could not be read.
    """
    statements = statements_for(engine.dialect.name, keyed=keys is not None)
    session = SqlSession(
        engine=engine, statements=statements, table=SUPPRESSIONS_TABLE, sleep=time.sleep, random=random.random
    )
    try:
        names = open_names(session, dialect=engine.dialect.name, keys=keys, table=TABLE)
        texts = session.transact(partial(_texts, reasons=reasons), action="read")
        return SuppressedPeople(texts, names=names)
    finally:
        session.close()


def _texts(connection: Connection, *, reasons: Collection[SuppressionReason]) -> list[str]:
    def read() -> Iterator[str]:
        if inspect(connection).has_table(SUPPRESSIONS_TABLE):
            c = suppressions.c
            yield from connection.execute(select(c.number).where(c.reason.in_([str(one) for one in reasons]))).scalars()

    return list(read())
