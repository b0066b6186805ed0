"""The contents of a ledger, scope by scope, and the checks of its state."""
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from sqlalchemy.engine import Connection

from airflow_provider_callkaro.ledger.digests import FIELD, LedgerKeys
from airflow_provider_callkaro.ledger.sql.keys import count_in_clear
from airflow_provider_callkaro.ledger.sql.scopes import SCOPE_DIGITS, SCOPES_TABLE
from airflow_provider_callkaro.ledger.sql.session import execute
from airflow_provider_callkaro.ledger.sql.statements import LEASE_SECONDS, Statements
from airflow_provider_callkaro.ledger.sql.table import ERASURES_TABLE, RUNS_TABLE, TABLE
from airflow_provider_callkaro.ledger.sql.values import as_instant
from airflow_provider_callkaro.ledger.upkeep.database import Upkeep

AFTER_EVERY_ID = "g"  # sorts after every hexadecimal digit, in every collation
_CLOCKS_AGREE = timedelta(minutes=1)
_DURABLE = {  # the query for the setting of durable commits, and its durable values
    "postgresql": ("SELECT current_setting('fsync')", ("on",)),
    "mysql": ("SELECT @@GLOBAL.innodb_flush_log_at_trx_commit", ("1",)),
    "mariadb": ("SELECT @@GLOBAL.innodb_flush_log_at_trx_commit", ("1",)),
    "sqlite": ("PRAGMA journal_mode", ("wal", "delete", "truncate", "persist")),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeContents:
    """The contents of one scope.

    :param id: 12 hexadecimal digits, with which the ids of its rows begin.
    :param blocked: how many people must not be rung in it because of a call in another scope.
    :param last_claim: by the database's clock, UTC without an offset.
    """

    id: str
    name: str
    calls: Mapping[str, int]
    blocked: int
    last_claim: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The result of one check. ``advice``: what to do about it; empty if all is well."""

    what: str
    found: str
    advice: str = ""


def scope_ids(upkeep: Upkeep) -> Iterator[str]:
    """The ids of all scopes that have rows; each costs one look at the index."""
    start = ""
    while True:
        found = upkeep.read(partial(_first_from, start=start))
        if found is None:
            return
        yield found
        start = found + AFTER_EVERY_ID


def _first_from(connection: Connection, start: str) -> str | None:
    found = execute(connection, "SELECT MIN(id) FROM voice_call_ledger WHERE id >= :start", start=start).scalar()
    return None if found is None else str(found)[:SCOPE_DIGITS]


def scopes_held(upkeep: Upkeep) -> list[ScopeContents]:
    """Every scope of the ledger, the one with the latest claim first."""

    def contents(connection: Connection, id_: str) -> ScopeContents | None:
        rows = execute(
            connection,
            "SELECT state, COUNT(*), MIN(scope), MAX(claimed_at) FROM voice_call_ledger "
            "WHERE id >= :start AND id < :end GROUP BY state",
            start=id_,
            end=id_ + AFTER_EVERY_ID,
        ).all()
        if not rows:
            return None
        calls = {str(state): int(count) for state, count, _, _ in rows if not str(state).startswith("also ")}
        return ScopeContents(
            id=id_,
            name=str(rows[0][2]),
            calls=calls,
            blocked=sum(int(count) for _, count, _, _ in rows) - sum(calls.values()),
            last_claim=max(as_instant(moment) for *_, moment in rows),
        )

    found = [upkeep.read(partial(contents, id_=id_)) for id_ in scope_ids(upkeep)]
    return sorted((each for each in found if each is not None), key=lambda scope: scope.last_claim, reverse=True)


def findings(upkeep: Upkeep) -> Iterator[Finding]:
    """Check durability, clocks, tables and unsettled calls of a ledger."""
    query, durable = _DURABLE[upkeep.dialect]
    found = str(upkeep.read(lambda connection: execute(connection, query).scalar()))
    advice = "" if found in durable else "a crash of the database may lose whom it has rung: make commits durable"
    yield Finding(what="durable commits", found=found, advice=advice)
    apart = abs(_database_time(upkeep) - datetime.now(UTC).replace(tzinfo=None))
    advice = "" if apart < _CLOCKS_AGREE else "leases and caps go by the database's clock: set both by NTP"
    yield Finding(what="clock, from this machine's", found=f"{apart.total_seconds():.0f} s", advice=advice)
    for table in (RUNS_TABLE, SCOPES_TABLE):
        there = upkeep.has(table)
        yield Finding(what=f"table {table}", found="there" if there else "not there yet: the next run makes it")
    unsettled = _count(upkeep, f"state = 'claimed' AND claimed_at <= {upkeep.statements.ago(LEASE_SECONDS)}")
    advice = "ask the vendor whether they rang, then ledger resolve, or redial on purpose" if unsettled else ""
    yield Finding(what="calls that nobody has settled", found=str(unsettled), advice=advice)
    yield Finding(what="calls that are unknown", found=str(_count(upkeep, "state = 'unknown'")))


def key_findings(upkeep: Upkeep, keys: LedgerKeys | None) -> Iterator[Finding]:
    """Check the keys of a ledger: which it is under, which are still needed, and what is in clear. ``keys``: of the
    connection."""
    if not upkeep.is_keyed:
        advice = "" if keys is None else "the connection has a key: ledger carry-over puts the ledger under it"
        yield Finding(what="holds numbers", found="in clear", advice=advice)
        return
    places = upkeep.read(lambda connection: execute(connection, upkeep.statements.read_keys).all())
    clear = sum(count_in_clear(upkeep.session, upkeep.statements).values()) if places else 0
    advice = "ledger carry-over puts them under the key" if clear else ""
    yield Finding(what="rows in clear", found=str(clear), advice=advice)
    for _, id_, _, ended_at, *_ in places:
        if not id_:
            continue
        rows, erased = (upkeep.read(partial(_count_under, upkeep.statements, t, id_)) for t in (TABLE, ERASURES_TABLE))
        found = f"{'writes' if ended_at is None else 'reads'}; rows: {rows}, erased people: {erased}"
        missing = (keys is None or keys.find(id_) is None) and (ended_at is None or rows or erased)
        advice = f'add its secret to "{FIELD}" in the extra of the connection' if missing else ""
        yield Finding(what=f"key {id_}", found=found, advice=advice)


def _count_under(statements: Statements, table: str, key: str, connection: Connection) -> int:
    return int(connection.exec_driver_sql(*statements.count_under(table, key)).scalar_one())


def _count(upkeep: Upkeep, where: str) -> int:
    query = f"SELECT COUNT(*) FROM voice_call_ledger WHERE {where}"
    return int(upkeep.read(lambda connection: execute(connection, query).scalar_one()))


def _database_time(upkeep: Upkeep) -> datetime:
    return as_instant(
        upkeep.read(lambda connection: execute(connection, f"SELECT {upkeep.statements.now}").scalar_one())
    )
