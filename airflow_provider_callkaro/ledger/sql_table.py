"""The table behind the SQL ledger, and the few statements that read and write it.

Every statement works on many rows at once, because a database across a network costs one to five milliseconds a round
trip, whatever it is asked. They are plain text for the driver: a ledger write lies between two calls, and building them
anew as expressions would cost more than SQLite needs to run them. Only constants and placeholders go into the text.

The table may as well be created by hand, from what ``statements_for("postgresql").create`` holds (or "mysql").
"""
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any, NamedTuple

from airflow_provider_callkaro.exceptions import ConfigurationError

TABLE = "voice_call_ledger"

MAX_ROWS = 500  # rows a statement: SQLite took 999 parameters before 3.32, PostgreSQL takes 65,535, and a row has 14

# id is compared and indexed byte by byte in every database, whatever the case, script and length of the user's key.
# Not CHAR: PostgreSQL would compare it with a parameter as text, and leave the index aside.
CREATE_TABLE = """\
CREATE TABLE IF NOT EXISTS voice_call_ledger (
    id VARCHAR(32) NOT NULL PRIMARY KEY,
    scope TEXT NOT NULL,
    call_key TEXT NOT NULL,
    number VARCHAR(32) NOT NULL,
    state VARCHAR(16) NOT NULL,
    call_id VARCHAR(255),
    reason VARCHAR(64),
    detail VARCHAR(300),
    run TEXT NOT NULL,
    owner VARCHAR(32) NOT NULL,
    turn INTEGER NOT NULL,
    redials INTEGER NOT NULL,
    claimed_at TIMESTAMP NOT NULL,
    settled_at TIMESTAMP
)"""
CREATE_INDEX = "CREATE INDEX IF NOT EXISTS voice_call_ledger_number ON voice_call_ledger (number, claimed_at)"


class Row(NamedTuple):
    """One row of the table, in the order of its columns.

    :param id: 12 hexadecimal digits of the scope's BLAKE2b digest, and 20 of that of scope and key together.
    :param number: the digits of the phone number; with ``claimed_at`` the index for frequency caps over all scopes.
    :param owner: the ledger object (one try of one task) that made the claim; only it may settle or release it.
    :param turn: the number of the owner's commit that made the claim, from 1.
    :param claimed_at: UTC without an offset; as text on its way in, and on its way out of SQLite.
    :param settled_at: likewise; None while nobody knows.
    """

    id: str
    scope: str
    call_key: str
    number: str
    state: str
    call_id: str | None
    reason: str | None
    detail: str | None
    run: str
    owner: str
    turn: int
    redials: int
    claimed_at: Any
    settled_at: Any


class Outcome(NamedTuple):
    """What a settlement writes into one row."""

    id: str
    state: str
    call_id: str | None
    reason: str | None
    detail: str | None


Query = tuple[str, Any]
"""A statement and its parameters, for ``Connection.exec_driver_sql``."""

_COLUMNS = ", ".join(Row._fields)


class Statements:
    """The statements as PostgreSQL takes them; the other databases say where they differ."""

    begin: str | None = None
    """What opens a writing transaction beyond the driver's own begin."""
    isolation = "READ COMMITTED"
    """SQLAlchemy's name of the isolation level: each statement sees what others committed just before it."""
    settings: Sequence[str] = ()
    """What is said once on each new connection."""
    create: Sequence[str] = (CREATE_TABLE, CREATE_INDEX)
    counts_inserts = True
    """Whether the row count of ``insert`` tells the inserted rows from those that were there already."""

    _mark = "%s"
    _on_conflict = "ON CONFLICT (id) DO NOTHING"
    _lock = " FOR UPDATE"

    def insert(self, rows: Sequence[Row]) -> Query:
        """Add the rows whose id is free; leave the others as they stand."""
        values = _repeat("(" + _repeat(self._mark, len(Row._fields)) + ")", len(rows))
        return (
            f"INSERT INTO voice_call_ledger ({_COLUMNS}) VALUES {values} {self._on_conflict}",
            tuple(chain.from_iterable(rows)),
        )

    def settle(self, outcomes: Sequence[Outcome], *, settled_at: str, owner: str, turn: int) -> Query:
        """Write each outcome into its row, if the owner claimed it before this turn."""
        values = _repeat("(%s,%s,%s,%s,%s)", len(outcomes))
        return (
            "UPDATE voice_call_ledger SET state = outcome.column2, call_id = outcome.column3, "
            "reason = outcome.column4, detail = outcome.column5, settled_at = %s "
            f"FROM (VALUES {values}) AS outcome WHERE id = outcome.column1 AND owner = %s AND turn < %s",
            (settled_at, *chain.from_iterable(outcomes), owner, turn),
        )

    def release(self, ids: Sequence[str], *, owner: str, turn: int) -> Query:
        """Remove the owner's unsettled claims that were made before this turn."""
        return (
            f"DELETE FROM voice_call_ledger WHERE id IN ({_repeat(self._mark, len(ids))}) "
            f"AND state = 'claimed' AND owner = {self._mark} AND turn < {self._mark}",
            (*ids, owner, turn),
        )

    def remove(self, ids: Sequence[str]) -> Query:
        """Remove rows that this transaction has locked."""
        return f"DELETE FROM voice_call_ledger WHERE id IN ({_repeat(self._mark, len(ids))})", tuple(ids)

    def read(self, ids: Sequence[str]) -> Query:
        """The rows under the ids, every column, in the order of the ids."""
        marks = _repeat(self._mark, len(ids))
        return f"SELECT {_COLUMNS} FROM voice_call_ledger WHERE id IN ({marks}) ORDER BY id", tuple(ids)

    def lock(self, ids: Sequence[str]) -> Query:
        """Likewise, and nobody else may change them until this transaction ends."""
        text, parameters = self.read(ids)
        return text + self._lock, parameters

    def called(self, numbers: Sequence[str], *, since: str) -> Query:
        """Number and time of every dispatch to the numbers since then that may have rung, whatever its scope."""
        marks = _repeat(self._mark, len(numbers))
        return (
            f"SELECT number, claimed_at FROM voice_call_ledger WHERE number IN ({marks}) "
            f"AND claimed_at >= {self._mark} AND state <> 'rejected'",
            (*numbers, since),
        )

    def won(self, ids: Sequence[str], *, owner: str, turn: int) -> Query:
        """Those of the ids that the owner claimed in this very turn."""
        return (
            f"SELECT id FROM voice_call_ledger WHERE id IN ({_repeat(self._mark, len(ids))}) "
            f"AND owner = {self._mark} AND turn = {self._mark}",
            (*ids, owner, turn),
        )


class MysqlStatements(Statements):
    """The statements as MySQL and MariaDB take them.

    ``INSERT IGNORE`` would be shorter, but it turns every error into a warning. Drivers are told by SQLAlchemy to count
    the rows *found*, so an insert counts the rows that were there already too, and cannot tell who won.
    """

    create = (
        CREATE_TABLE.replace("TIMESTAMP", "DATETIME").removesuffix("\n)")
        + ",\n    INDEX voice_call_ledger_number (number, claimed_at)\n)"
        + " ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin",
    )
    counts_inserts = False

    _on_conflict = "ON DUPLICATE KEY UPDATE id = voice_call_ledger.id"

    def settle(self, outcomes: Sequence[Outcome], *, settled_at: str, owner: str, turn: int) -> Query:
        """Write each outcome into its row, if the owner claimed it before this turn."""
        values = "SELECT %s AS id, %s AS state, %s AS call_id, %s AS reason, %s AS detail"
        values += " UNION ALL SELECT %s, %s, %s, %s, %s" * (len(outcomes) - 1)
        return (
            f"UPDATE voice_call_ledger AS held JOIN ({values}) AS outcome ON held.id = outcome.id "
            "SET held.state = outcome.state, held.call_id = outcome.call_id, held.reason = outcome.reason, "
            "held.detail = outcome.detail, held.settled_at = %s WHERE held.owner = %s AND held.turn < %s",
            (*chain.from_iterable(outcomes), settled_at, owner, turn),
        )


class SqliteStatements(Statements):
    """The statements as SQLite takes them.

    It has no round trips to save, and runs one prepared statement over many rows faster than one long statement. A
    transaction takes the write lock when it begins: one that only asks for it after reading may be refused at once.
    """

    begin = "BEGIN IMMEDIATE"
    isolation = "AUTOCOMMIT"  # the driver then begins nothing by itself; its commit and rollback work as ever
    settings = (
        "PRAGMA busy_timeout = 30000",  # milliseconds
        "PRAGMA journal_mode = WAL",
        "PRAGMA synchronous = FULL",  # a commit is on the disk when it returns
    )

    _mark = "?"
    _lock = ""

    def insert(self, rows: Sequence[Row]) -> Query:
        """Add the rows whose id is free; leave the others as they stand."""
        return _INSERT_INTO_SQLITE, rows

    def settle(self, outcomes: Sequence[Outcome], *, settled_at: str, owner: str, turn: int) -> Query:
        """Write each outcome into its row, if the owner claimed it before this turn."""
        same = (settled_at, owner, turn)
        return _SETTLE_IN_SQLITE, [outcome + same for outcome in outcomes]


_INSERT_INTO_SQLITE = (
    f"INSERT INTO voice_call_ledger ({_COLUMNS}) VALUES ({', '.join('?' * len(Row._fields))}) "
    "ON CONFLICT (id) DO NOTHING"
)
_SETTLE_IN_SQLITE = (
    "UPDATE voice_call_ledger SET state = ?2, call_id = ?3, reason = ?4, detail = ?5, settled_at = ?6 "
    "WHERE id = ?1 AND owner = ?7 AND turn < ?8"
)

_DIALECTS = {
    "postgresql": Statements,
    "mysql": MysqlStatements,
    "mariadb": MysqlStatements,
    "sqlite": SqliteStatements,
}


def statements_for(dialect: str) -> Statements:
    """The statements of one kind of database.

    :param dialect: SQLAlchemy's name of it, such as ``postgresql``.
    :raises ConfigurationError: the ledger does not know this kind.
    """
    if dialect not in _DIALECTS:
        raise ConfigurationError(
            f"the call ledger cannot live in a {dialect} database: let ledger_conn_id name a connection to "
            "PostgreSQL, MySQL, MariaDB or SQLite"
        )
    return _DIALECTS[dialect]()


def _repeat(text: str, times: int) -> str:
    return ",".join([text] * times)
