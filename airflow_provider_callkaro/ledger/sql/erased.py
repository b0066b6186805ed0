"""Which of some people were erased: a claim asks by digests, never by a number in clear."""
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from airflow_provider_callkaro.ledger.digests import key_of
from airflow_provider_callkaro.ledger.sql.names import Names
from airflow_provider_callkaro.ledger.sql.session import execute
from airflow_provider_callkaro.ledger.sql.statements import MAX_ROWS
from airflow_provider_callkaro.ledger.sql.table import ERASURES_TABLE
from airflow_provider_callkaro.ledger.sql.values import chunks

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection


def tombstones_among(connection: Connection, numbers: Sequence[str]) -> list[str]:
    """The digests that are tombstones."""
    return [
        str(number)
        for some in chunks(numbers, size=MAX_ROWS)
        for number in execute(
            connection, f"SELECT number FROM {ERASURES_TABLE} WHERE number IN :numbers", numbers=list(some)
        ).scalars()
    ]


def erased_among(connection: Connection, *, names: Names, numbers: Iterable[str]) -> frozenset[str]:
    """The numbers, in digits or as digests, whose people were erased."""
    asked: dict[str, str] = {}
    for number in numbers:
        texts = (number,) if key_of(number) is not None else names.numbers(number)
        asked.update((text, number) for text in texts if key_of(text) is not None)
    return frozenset(asked[text] for text in tombstones_among(connection, sorted(asked)))
