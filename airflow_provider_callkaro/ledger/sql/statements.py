"""The statements that read and write the tables, for PostgreSQL.

Every statement works on many rows at once, because each round trip to a database across a network costs one to five
milliseconds. They are plain text for the driver: a ledger write lies between two calls, and building them as
expressions would cost more time than SQLite needs to run them. Only constants and placeholders go into the text.

Only the database's clock writes instants and decides ages, because the clocks of the workers may differ.
"""
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from airflow_provider_callkaro.ledger.contract import CLAIM_LEASE
from airflow_provider_callkaro.ledger.sql.arrays import array_of, given_rows
from airflow_provider_callkaro.ledger.sql.key_statements import KeyStatements, Query, in_keyed
from airflow_provider_callkaro.ledger.sql.table import (
    CLEAR_COLUMNS,
    CREATE_INDEX,
    CREATE_RUNS,
    CREATE_TABLE,
    KEYED_COLUMNS,
    RUNS_TABLE,
    STORAGE,
    TABLE,
    Row,
    Settled,
)

MAX_ROWS = 500  # rows a statement: SQLite took 999 parameters before 3.32, PostgreSQL takes 65,535, and a row has 14
LONGEST_NUMBER = 15  # digits; E.164
LEASE_SECONDS = int(CLAIM_LEASE.total_seconds())

COLUMNS = ", ".join(Row._fields)
# A redial replaces the row of the call before it, which may have rung; that is unknown by now, so it counts.
_CALLS = "(redials + CASE WHEN state = 'rejected' THEN 0 ELSE 1 END)"
NEW_COLUMNS = Row._fields.index("claimed_at")  # columns of a new row with given values; the database fills the others


class Statements(KeyStatements):
    """The statements for PostgreSQL; those for other databases override what differs. ``keyed``: for a ledger that
    holds digests."""

    begin: str | None = None
    """The statement that begins a writing transaction, if the driver's own begin is not enough."""
    isolation = "READ COMMITTED"
    """SQLAlchemy's name of the isolation level: each statement sees what others committed just before it."""
    settings: Sequence[str] = (
        # A commit is on the disk when it returns. A setting that also waits for replicas (remote_apply) is kept.
        "SELECT set_config('synchronous_commit', 'on', false) "
        "WHERE current_setting('synchronous_commit') IN ('off', 'local')",
    )
    """The statements for each new connection."""
    durability: str | None = None
    """A query whose one value is 1 if a commit is on the disk when it returns; for any other value the log warns."""
    create: Sequence[str] = (CREATE_TABLE, STORAGE, CREATE_INDEX)
    create_runs = CREATE_RUNS
    create_locks: str | None = None
    """Creates the table whose rows are the locks of numbers; None if the database has locks without rows."""
    columns = COLUMNS
    """The columns of the ledger's table, in the order of a row."""
    counts_inserts = True
    """Whether the row count of ``insert`` counts only the rows that it inserted."""

    now = "(clock_timestamp() AT TIME ZONE 'UTC')"

    _mark = "%s"
    _on_conflict = "ON CONFLICT (id) DO NOTHING"
    _for_update = " FOR UPDATE"
    for_update = _for_update
    """Appended to a query, it locks the rows until the transaction ends."""
    _on_held = "ON CONFLICT (id) DO UPDATE SET used_at = voice_call_scopes.used_at"
    _on_noted = (
        "ON CONFLICT (id) DO UPDATE SET used_at = excluded.used_at, cap_seconds = CASE WHEN "
        "voice_call_scopes.cap_seconds > excluded.cap_seconds THEN voice_call_scopes.cap_seconds "
        "ELSE excluded.cap_seconds END"
    )

    def __init__(self, *, keyed: bool = False) -> None:
        super().__init__(keyed=keyed)
        if keyed:
            self.columns = COLUMNS.replace(CLEAR_COLUMNS[TABLE], KEYED_COLUMNS[TABLE])
            self.create = [in_keyed(TABLE, statement) for statement in self.create]
            self.create_runs = in_keyed(RUNS_TABLE, self.create_runs)

    def ago(self, seconds: int) -> str:
        """The expression for the instant that many seconds ago."""
        return f"({self.now} - INTERVAL '{seconds:d} seconds')"

    def insert(self, rows: Sequence[Row]) -> Query:
        """Add the rows whose id is free, as claimed now; leave the others as they are."""
        new = dict(zip(Row._fields[:NEW_COLUMNS], zip(*rows, strict=True), strict=False))
        chosen, given, parameters = given_rows(new, key="id")
        return (
            f"INSERT INTO voice_call_ledger ({self.columns}) SELECT {chosen}, {self.now}, NULL FROM {given} "
            f"{self._on_conflict}",
            parameters,
        )

    def put_back(self, rows: Sequence[Row]) -> Query:
        """Like `insert`, with the instants of the rows."""
        values = _repeat(f"({_repeat(self._mark, len(Row._fields))})", len(rows))
        return (
            f"INSERT INTO voice_call_ledger ({self.columns}) VALUES {values} {self._on_conflict}",
            tuple(chain.from_iterable(rows)),
        )

    def settle(self, outcomes: Sequence[Settled], *, owner: str, turn: int) -> Query:
        """Write each outcome into its row, if the owner claimed it before this turn."""
        columns = dict(zip(Settled._fields, zip(*outcomes, strict=True), strict=True))
        chosen, given, parameters = given_rows(columns, key="id")
        return (
            "UPDATE voice_call_ledger SET state = outcome.state, call_id = outcome.call_id, reason = outcome.reason, "
            f"detail = outcome.detail, settled_at = (SELECT {self.now}) FROM (SELECT {chosen} FROM {given}) "
            f"AS outcome ({', '.join(Settled._fields)}) "
            "WHERE voice_call_ledger.id = outcome.id AND owner = %s AND turn < %s",
            (*parameters, owner, turn),
        )

    def release(self, ids: Sequence[str], *, owner: str, turn: int) -> Query:
        """Remove the owner's unsettled claims that were made before this turn."""
        among, parameters = self._among("id", ids)
        return (
            f"DELETE FROM voice_call_ledger WHERE {among} "
            f"AND state IN ('claimed', 'also claimed') AND owner = {self._mark} AND turn < {self._mark}",
            (*parameters, owner, turn),
        )

    def withdraw(self, ids: Sequence[str], *, owner: str, turn: int) -> Query:
        """Remove what the owner has claimed in this turn."""
        among, parameters = self._among("id", ids)
        return (
            f"DELETE FROM voice_call_ledger WHERE {among} AND owner = {self._mark} AND turn = {self._mark}",
            (*parameters, owner, turn),
        )

    def remove(self, ids: Sequence[str]) -> Query:
        """Remove rows that this transaction has locked."""
        among, parameters = self._among("id", ids)
        return f"DELETE FROM voice_call_ledger WHERE {among}", parameters

    def read(self, ids: Sequence[str]) -> Query:
        """The rows with the ids, in the order of ids: every column, and whether a claim would be within its lease."""
        among, parameters = self._among("id", ids)
        return (
            f"SELECT {self.columns}, claimed_at > {self.ago(LEASE_SECONDS)} FROM voice_call_ledger "
            f"WHERE {among} ORDER BY id",
            parameters,
        )

    def lock(self, ids: Sequence[str]) -> Query:
        """Like `read`, and the rows are locked until this transaction ends."""
        text, parameters = self.read(ids)
        return text + self._for_update, parameters

    def lock_numbers(self, buckets: Sequence[int]) -> Query | None:
        """Lock buckets of numbers: other commits under caps with one of them wait until this transaction ends.
        ``buckets``: sorted, so that no two commits wait for each other."""
        # The first key separates the buckets from other advisory locks in the same database.
        return (
            "SELECT pg_advisory_xact_lock(1986225260, bucket.column1) "
            f"FROM (VALUES {_repeat('(CAST(%s AS INTEGER))', len(buckets))}) AS bucket",
            tuple(buckets),
        )

    def called(self, numbers: Sequence[str], *, since: str) -> Query:
        """Number, time and count of the calls to the numbers since then that may have rung, in any scope."""
        among, parameters = self._among("number", numbers)
        return (
            f"SELECT number, claimed_at, {_CALLS} FROM voice_call_ledger WHERE {among} "
            f"AND claimed_at >= {self._mark} AND {_CALLS} > 0",
            (*parameters, since),
        )

    def called_within(self, numbers: Sequence[str], *, seconds: int) -> Query:
        """Like `called` with the id, for the last seconds; the first row has no id, and the database's time."""
        among, parameters = self._among("number", numbers)
        return (
            f"SELECT '' AS id, '' AS number, {self.now} AS claimed_at, 0 AS calls UNION ALL "
            f"SELECT id, number, claimed_at, {_CALLS} FROM voice_call_ledger WHERE {among} "
            f"AND claimed_at >= {self.ago(seconds)} AND {_CALLS} > 0",
            parameters,
        )

    def holds_any(self, prefixes: Sequence[str]) -> Query:
        """Whether any number begins with one of the prefixes, of digits; each costs one look at the index."""
        one = f"EXISTS (SELECT 1 FROM voice_call_ledger WHERE number >= {self._mark} AND number <= {self._mark})"
        # Both ends are digits alone, which every collation sorts alike.
        bounds = chain.from_iterable((prefix, prefix + "9" * LONGEST_NUMBER) for prefix in prefixes)
        return f"SELECT {' OR '.join([one] * len(prefixes))}", tuple(bounds)

    def won(self, ids: Sequence[str], *, owner: str, turn: int) -> Query:
        """The ids that the owner claimed in this turn."""
        among, parameters = self._among("id", ids)
        return (
            f"SELECT id FROM voice_call_ledger WHERE {among} AND owner = {self._mark} AND turn = {self._mark}",
            (*parameters, owner, turn),
        )

    def begin_run(self, *, id: str, run: str, record: str) -> Query:  # noqa: A002
        """Keep the record of a run, if it has none."""
        return (
            f"INSERT INTO voice_call_runs (id, {self._run}, record, begun_at) "
            f"VALUES ({_repeat(self._mark, 3)},{self.now}) {self._on_conflict}",
            (id, run, record),
        )

    def read_run(self, id: str) -> Query:  # noqa: A002
        """The record of a run."""
        return f"SELECT record FROM voice_call_runs WHERE id = {self._mark}", (id,)

    def record_scope_use(self, id: str, *, cap_seconds: int) -> Query:  # noqa: A002
        """Record that a scope is used now, by a run whose caps look so far back; this locks its row."""
        return (
            "INSERT INTO voice_call_scopes (id, used_at, cap_seconds, pruned_at) "
            f"VALUES ({self._mark},{self.now},{self._mark},NULL) {self._on_noted}",
            (id, cap_seconds),
        )

    def lock_scope(self, id: str, *, used_at: str) -> Query:  # noqa: A002
        """Lock the row of a scope; adds it, as used at that instant, if it is missing."""
        return (
            "INSERT INTO voice_call_scopes (id, used_at, cap_seconds, pruned_at) "
            f"VALUES ({self._mark},{self._mark},0,NULL) {self._on_held}",
            (id, used_at),
        )

    def pruned_scopes(self, ids: Sequence[str]) -> Query:
        """The scopes that were pruned, and when."""
        among, parameters = self._among("id", ids)
        return f"SELECT id, pruned_at FROM voice_call_scopes WHERE {among} AND pruned_at IS NOT NULL", parameters

    def suited(self, create: str) -> str:
        """The statement that creates a table, for this database."""
        return create

    def _among(self, column: str, texts: Sequence[str]) -> Query:
        """The condition that a column holds one of the texts."""
        return f"{column} = ANY(CAST(%s AS TEXT[]))", (array_of(texts),)


def _repeat(text: str, times: int) -> str:
    return ",".join([text] * times)
