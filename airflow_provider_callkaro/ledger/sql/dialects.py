"""The statements of MySQL, MariaDB and SQLite, where they differ from those for PostgreSQL.

A method without a docstring does what the one of `Statements` says.
"""
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.ledger.sql.key_statements import Query
from airflow_provider_callkaro.ledger.sql.statements import NEW_COLUMNS, Statements
from airflow_provider_callkaro.ledger.sql.table import (
    CREATE_INDEX,
    CREATE_KEYS,
    CREATE_LOCKS,
    CREATE_RUNS,
    CREATE_TABLE,
    Row,
    Settled,
)

_TABLE_OPTIONS = " ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin"


class MysqlStatements(Statements):
    """The statements for MySQL and MariaDB.

    ``INSERT IGNORE`` would be shorter, but it turns every error into a warning. SQLAlchemy has the drivers count the
    rows *found*, so the row count of an insert includes rows that were there before, and does not say which claims were
    won. A table from before instants had a fraction keeps whole seconds.
    """

    settings = ()
    durability = "SELECT @@GLOBAL.innodb_flush_log_at_trx_commit"
    create = (
        CREATE_TABLE.replace("TIMESTAMP", "DATETIME(6)").removesuffix("\n)")
        + ",\n    INDEX voice_call_ledger_number (number, claimed_at)\n)"
        + _TABLE_OPTIONS,
    )
    create_runs = CREATE_RUNS.replace("TIMESTAMP", "DATETIME(6)") + _TABLE_OPTIONS
    create_locks = CREATE_LOCKS + _TABLE_OPTIONS
    create_keys = CREATE_KEYS.replace("TIMESTAMP", "DATETIME(6)") + _TABLE_OPTIONS
    soon = ("SET SESSION lock_wait_timeout = 5",)
    later = ("SET SESSION lock_wait_timeout = DEFAULT",)
    counts_inserts = False

    now = "UTC_TIMESTAMP(6)"

    _on_conflict = "ON DUPLICATE KEY UPDATE id = id"
    _on_taken = "ON DUPLICATE KEY UPDATE place = place"
    _for_share = " LOCK IN SHARE MODE"  # MariaDB knows no other words for it
    _on_held = "ON DUPLICATE KEY UPDATE used_at = used_at"
    _on_noted = (
        "ON DUPLICATE KEY UPDATE used_at = VALUES(used_at), cap_seconds = GREATEST(cap_seconds, VALUES(cap_seconds))"
    )

    def suited(self, create: str) -> str:
        return create.replace("TIMESTAMP", "DATETIME(6)") + _TABLE_OPTIONS

    def ago(self, seconds: int) -> str:
        return f"({self.now} - INTERVAL {seconds:d} SECOND)"

    def _among(self, column: str, texts: Sequence[str]) -> Query:
        return f"{column} IN ({','.join(['%s'] * len(texts))})", tuple(texts)

    def insert(self, rows: Sequence[Row]) -> Query:
        values = ",".join([f"({'%s,' * NEW_COLUMNS}{self.now},NULL)"] * len(rows))
        return (
            f"INSERT INTO voice_call_ledger ({self.columns}) VALUES {values} {self._on_conflict}",
            tuple(chain.from_iterable(row[:NEW_COLUMNS] for row in rows)),
        )

    def settle(self, outcomes: Sequence[Settled], *, owner: str, turn: int) -> Query:
        values = "SELECT %s AS id, %s AS state, %s AS call_id, %s AS reason, %s AS detail"
        values += " UNION ALL SELECT %s, %s, %s, %s, %s" * (len(outcomes) - 1)
        return (
            f"UPDATE voice_call_ledger AS held JOIN ({values}) AS outcome ON held.id = outcome.id "
            "SET held.state = outcome.state, held.call_id = outcome.call_id, held.reason = outcome.reason, "
            f"held.detail = outcome.detail, held.settled_at = {self.now} WHERE held.owner = %s AND held.turn < %s",
            (*chain.from_iterable(outcomes), owner, turn),
        )

    def lock_numbers(self, buckets: Sequence[int]) -> Query | None:
        # Named locks belong to the session and outlive a transaction, so rows are locked; those that lack are added.
        marks = ",".join(["(%s)"] * len(buckets))
        return (
            f"INSERT INTO voice_call_locks (bucket) VALUES {marks} ON DUPLICATE KEY UPDATE bucket = bucket",
            tuple(buckets),
        )


class SqliteStatements(Statements):
    """The statements for SQLite.

    SQLite has no round trips to save, and one prepared statement over many rows is faster than one long statement. A
    transaction takes the write lock when it begins: one that asks for it only after a read may be refused at once.
    """

    begin = "BEGIN IMMEDIATE"
    isolation = "AUTOCOMMIT"  # the driver then begins no transaction by itself; its commit and rollback work as usual
    settings = (
        "PRAGMA busy_timeout = 30000",  # milliseconds
        "PRAGMA journal_mode = WAL",
        "PRAGMA synchronous = FULL",  # a commit is on the disk when it returns
    )

    create = (CREATE_TABLE, CREATE_INDEX)
    soon = ()

    now = "strftime('%Y-%m-%d %H:%M:%f000', 'now')"

    _mark = "?"
    _for_update = ""
    _for_share = ""
    for_update = ""

    def __init__(self, *, keyed: bool = False) -> None:
        super().__init__(keyed=keyed)
        into = f"INSERT INTO voice_call_ledger ({self.columns}) VALUES "
        self._insert = f"{into} ({'?,' * NEW_COLUMNS} {self.now}, NULL) {self._on_conflict}"
        self._put_back = f"{into} ({', '.join('?' * len(Row._fields))}) {self._on_conflict}"

    def ago(self, seconds: int) -> str:
        return f"strftime('%Y-%m-%d %H:%M:%f000', 'now', '-{seconds:d} seconds')"

    def _among(self, column: str, texts: Sequence[str]) -> Query:
        return f"{column} IN ({','.join('?' * len(texts))})", tuple(texts)

    def insert(self, rows: Sequence[Row]) -> Query:
        return self._insert, [row[:NEW_COLUMNS] for row in rows]

    def put_back(self, rows: Sequence[Row]) -> Query:
        return self._put_back, rows

    def settle(self, outcomes: Sequence[Settled], *, owner: str, turn: int) -> Query:
        same = (owner, turn)
        return _SETTLE_IN_SQLITE, [outcome + same for outcome in outcomes]

    def lock_numbers(self, buckets: Sequence[int]) -> Query | None:  # noqa: ARG002
        """None: only one transaction writes at a time."""
        return None


_SETTLE_IN_SQLITE = (
    "UPDATE voice_call_ledger SET state = ?2, call_id = ?3, reason = ?4, detail = ?5, "
    f"settled_at = {SqliteStatements.now} WHERE id = ?1 AND owner = ?6 AND turn < ?7"
)

_DIALECTS = {"postgresql": Statements, "mysql": MysqlStatements, "mariadb": MysqlStatements, "sqlite": SqliteStatements}


def statements_for(dialect: str, *, keyed: bool = False) -> Statements:
    """The statements of one kind of database. ``dialect``: SQLAlchemy's name of it, such as ``postgresql``. Raises
    ConfigurationError if the ledger does not know this kind."""
    if dialect not in _DIALECTS:
        raise ConfigurationError(
            f"the call ledger cannot live in a {dialect} database: let ledger_conn_id name a connection to "
            "PostgreSQL, MySQL, MariaDB or SQLite"
        )
    return _DIALECTS[dialect](keyed=keyed)
