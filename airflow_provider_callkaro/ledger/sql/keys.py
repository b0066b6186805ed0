"""The keys of a ledger, as the table ``voice_call_keys`` lists them: names and check values, never a key.

A ledger is put under its first key by renaming two columns. From then on the database itself refuses the claims of any
process without a key, even one of an earlier version, and that process stops before it dials. A further key is added
above the earlier ones. Every claim locks the row of the key under which it writes, and sees there if another key has
taken over: so two processes never claim under two keys at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.engine import Connection
from sqlalchemy.exc import NoSuchTableError

from airflow_provider_callkaro.exceptions import LedgerError
from airflow_provider_callkaro.ledger.digests import FIELD, LedgerKey, LedgerKeys
from airflow_provider_callkaro.ledger.sql.dialects import statements_for
from airflow_provider_callkaro.ledger.sql.names import CLEAR, KeyedNames, Names
from airflow_provider_callkaro.ledger.sql.session import SqlSession, begin_writing
from airflow_provider_callkaro.ledger.sql.statements import Statements
from airflow_provider_callkaro.ledger.sql.table import (
    CLEAR_COLUMNS,
    CREATE_ERASURES,
    ERASURES_TABLE,
    KEYED_COLUMNS,
    KEYS_TABLE,
    RUNS_TABLE,
    TABLE,
)

_IN_CLEAR = 0  # the place, in the table of keys, of rows from before the first key
_TRIES = 10  # of several processes that bring a new key at once, one wins each time


def open_names(session: SqlSession, *, dialect: str, keys: LedgerKeys | None, table: str) -> Names:
    """The names in a ledger's tables. Creates the tables, and puts them under a new key, if necessary.

    :param dialect: SQLAlchemy's name of the kind of database.
    :param keys: of this process; None if it has none.
    :param table: the table to create; with keys, both are.
    :raises LedgerError: the ledger is under a key that is not among them, or could not be opened or created.
    """
    if keys is None:
        _open_in_clear(session, statements_for(dialect), table)
        return CLEAR
    statements = statements_for(dialect, keyed=True)
    session.create_table(KEYS_TABLE, [statements.create_keys])
    session.create_table(ERASURES_TABLE, [statements.suited(CREATE_ERASURES)])
    renamed = [_put_under_key(session, statements, table) for table in (RUNS_TABLE, TABLE)]
    for _ in range(_TRIES):
        names = session.transact(partial(_register, statements=statements, keys=keys), action="written")
        if names is not None:
            break
    else:
        raise LedgerError("the keys of the call ledger change all the time: nobody was rung; let the task run again")
    if any(renamed) and not any(count_in_clear(session, statements).values()):
        session.transact(partial(forget_clear, statements=statements), action="written")
        return open_names(session, dialect=dialect, keys=keys, table=table)
    return names


def count_in_clear(session: SqlSession, statements: Statements) -> dict[str, int]:
    """How many rows of each table of a keyed ledger are under none of its keys."""

    def count(connection: Connection) -> dict[str, int]:
        ids = [id_ for place, id_, *_ in _registered(connection, statements) if place != _IN_CLEAR]
        tables = (TABLE, RUNS_TABLE)
        return {t: int(connection.exec_driver_sql(*statements.count_in_clear(t, ids)).scalar_one()) for t in tables}

    return session.transact(count, action="read")


def forget_clear(connection: Connection, *, statements: Statements) -> None:
    """Record that no row is in clear any more."""
    begin_writing(connection, statements)
    connection.exec_driver_sql(*statements.forget_key(_IN_CLEAR))


def holds_legacy(connection: Connection, *, statements: Statements) -> bool:
    """Whether rows in the spellings of earlier versions were carried over."""
    return any(legacy for *_, legacy in _registered(connection, statements))


def is_keyed(session: SqlSession, table: str) -> bool:
    """Whether a table of the ledger is that of a keyed one."""
    return KEYED_COLUMNS[table] in session.transact(partial(_columns, table=table), action="read")


def _open_in_clear(session: SqlSession, statements: Statements, table: str) -> None:
    columns = session.transact(partial(_columns, table=table), action="read")
    if KEYED_COLUMNS[table] in columns:
        raise LedgerError(
            f'the call ledger (table "{table}") is keyed, and this process has no key: set "{FIELD}" in the extra of '
            "its connection to the secret under which it was begun; nobody was rung"
        )
    if not columns:
        session.create_table(table, statements.create if table == TABLE else [statements.create_runs])


def _put_under_key(session: SqlSession, statements: Statements, table: str) -> bool:
    """Give a table the columns of a keyed ledger. Returns whether it had those of a clear one."""
    had: list[bool] = []

    def put(connection: Connection) -> None:
        begin_writing(connection, statements)
        columns = _columns(connection, table=table)
        if not columns:
            for statement in statements.create if table == TABLE else [statements.create_runs]:
                connection.exec_driver_sql(statement)
        elif CLEAR_COLUMNS[table] in columns:
            had.append(True)
            connection.exec_driver_sql(*statements.add_key(place=_IN_CLEAR, id="", check=""))
            for statement in statements.rename(table, CLEAR_COLUMNS[table], KEYED_COLUMNS[table]):
                connection.exec_driver_sql(statement)

    try:
        session.transact(put, action="put under its key")
    except LedgerError:
        if not is_keyed(session, table):  # else another process was faster
            raise
    return bool(had)


def _register(connection: Connection, *, statements: Statements, keys: LedgerKeys) -> Names | None:
    """The names by the table of keys, to which this adds the first key of this process if it is missing. Returns None
    if another process added a key at this moment."""
    begin_writing(connection, statements)
    registered = _registered(connection, statements)
    known: dict[int, LedgerKey] = {}
    for place, id_, check, ended, _ in registered:
        key = keys.find(id_)
        if key is not None and key.check == check:
            known[place] = key
        elif key is not None:
            raise LedgerError(
                f'the secret called {id_} in "{FIELD}" of the ledger\'s connection is not the one that the ledger was '
                "put under: set that one again, or give the new one another name and keep the old one after it; nobody "
                "was rung"
            )
        elif place != _IN_CLEAR and (ended is None or _count_under(connection, statements, id_)):
            raise LedgerError(
                f"calls stand in the call ledger under the key {id_}, which this process does not have: add its secret "
                f'to "{FIELD}" in the extra of the ledger\'s connection, the newest first; nobody was rung'
            )
        elif place != _IN_CLEAR:
            connection.exec_driver_sql(*statements.forget_key(place))
    if keys.first not in known.values():
        place = max((row[0] for row in registered), default=_IN_CLEAR) + 1
        connection.exec_driver_sql(*statements.add_key(place=place, id=keys.first.id, check=keys.first.check))
        wanted = (place, keys.first.id, keys.first.check)
        if wanted not in [tuple(row[:3]) for row in _registered(connection, statements)]:
            return None
        connection.exec_driver_sql(*statements.end_keys(before=place))
        connection.exec_driver_sql(statements.inherit_erasures())
        known[place] = keys.first
    top = max(known)
    return KeyedNames(
        writer=known[top],
        place=top,
        others=[known[place] for place in sorted(known, reverse=True) if place != top],
        holds_clear=any(row[0] == _IN_CLEAR for row in registered),
    )


def _count_under(connection: Connection, statements: Statements, id_: str) -> int:
    """How many rows and erased people are under a key."""
    queries = (statements.count_under(table, id_) for table in (TABLE, RUNS_TABLE, ERASURES_TABLE))
    return sum(int(connection.exec_driver_sql(*query).scalar_one()) for query in queries)


def _registered(connection: Connection, statements: Statements) -> Sequence[Any]:
    """Place, name, check value, when another key took over, and whether there are legacy spellings under it."""
    return connection.exec_driver_sql(statements.read_keys).fetchall()


def _columns(connection: Connection, table: str) -> frozenset[str]:
    """The names of a table's columns; none where there is no such table."""
    try:
        return frozenset(column["name"] for column in inspect(connection).get_columns(table))
    except NoSuchTableError:
        return frozenset()
