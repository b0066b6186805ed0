"""The tables behind the SQL ledger.

``voice_call_ledger`` has one row per person and scope, ``voice_call_runs`` one per run (see `SqlRunRecords`), and
``voice_call_locks``, in MySQL and MariaDB only, a few rows that hold nothing: a commit under caps locks those of its
numbers, and a delivery of outcomes those of its calls. ``voice_call_scopes`` notes which scopes are in use, and
``voice_call_audit`` who has done what (see `scopes` and `audit.trail`). A keyed ledger has ``voice_call_keys`` beside
them, a row per key, and ``voice_call_erasures``, a digest per person who was erased. All are created on first use. They
may as well be created by hand, from what ``statements_for("postgresql")`` holds (or "mysql", or with ``keyed=True``) as
``create``, ``create_runs``, ``create_locks`` and ``create_keys``, and makes of ``CREATE_SCOPES`` and ``CREATE_AUDIT``
with ``suited``.

In a keyed ledger two columns have another name: a statement that writes in clear fails, so a process without the key,
even one of an earlier version, cannot claim.

A run that claims in several scopes writes a row in each. The first is the call. The further ones only block: their
``number`` is empty, so that no cap counts them, and their ``state`` begins with ``also``, so that a count of the
table's states does not count a call twice.
"""

from __future__ import annotations

from typing import Any, NamedTuple

TABLE = "voice_call_ledger"
RUNS_TABLE = "voice_call_runs"
LOCKS_TABLE = "voice_call_locks"
ERASURES_TABLE = "voice_call_erasures"
KEYS_TABLE = "voice_call_keys"
OUTCOMES_TABLE = "voice_call_outcomes"  # described in outcomes.tables, as are the next two
CAMPAIGNS_TABLE = "voice_call_campaigns"
SUPPRESSIONS_TABLE = "voice_call_suppressions"
BUDGETS_TABLE = "voice_call_budgets"  # described in budgets.tables, as is the next one
BUDGET_LEASES_TABLE = "voice_call_budget_leases"

CLEAR_COLUMNS = {TABLE: "call_key", RUNS_TABLE: "run"}  # as they are called in a clear ledger,
KEYED_COLUMNS = {TABLE: "call_digest", RUNS_TABLE: "run_digest"}  # and in a keyed one

ALSO = "also "  # before the state of a row in a further scope

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
# Each row is updated once, when its call is settled. On a page with room the new version lies beside the old one and
# needs no entry in an index, and the old one goes when the page is next written, whatever autovacuum does.
STORAGE = "ALTER TABLE voice_call_ledger SET (fillfactor = 45)"
CREATE_INDEX = "CREATE INDEX IF NOT EXISTS voice_call_ledger_number ON voice_call_ledger (number, claimed_at)"
CREATE_RUNS = """\
CREATE TABLE IF NOT EXISTS voice_call_runs (
    id VARCHAR(32) NOT NULL PRIMARY KEY,
    run TEXT NOT NULL,
    record TEXT NOT NULL,
    begun_at TIMESTAMP NOT NULL
)"""
CREATE_KEYS = """\
CREATE TABLE IF NOT EXISTS voice_call_keys (
    place INTEGER NOT NULL PRIMARY KEY,
    id VARCHAR(32) NOT NULL,
    check_value VARCHAR(64) NOT NULL,
    begun_at TIMESTAMP NOT NULL,
    ended_at TIMESTAMP,
    legacy INTEGER NOT NULL,
    erased INTEGER NOT NULL DEFAULT 0
)"""
CREATE_ERASURES = """\
CREATE TABLE IF NOT EXISTS voice_call_erasures (
    number VARCHAR(32) NOT NULL PRIMARY KEY,
    erased_at TIMESTAMP NOT NULL
)"""
CREATE_LOCKS = "CREATE TABLE IF NOT EXISTS voice_call_locks (bucket INTEGER NOT NULL PRIMARY KEY)"


class Row(NamedTuple):
    """One row of the table, in the order of its columns.

    :param id: 12 hexadecimal digits of the scope's BLAKE2b digest, and 20 of that of scope and key together.
    :param call_key: in a keyed ledger a digest, as are ``number`` and ``run``, and the last 20 digits of ``id``.
    :param number: the digits of the phone number; with ``claimed_at`` the index for frequency caps over all scopes.
        Empty in a further scope.
    :param state: an `EntryState`; after ``also`` in a further scope.
    :param owner: the ledger object (one try of one task) that made the claim; only it may settle or release it.
    :param turn: the number of the owner's commit that made the claim, from 1.
    :param claimed_at: by the database's clock, UTC without an offset; None in a row that is still to be inserted.
    :param settled_at: likewise; None while the claim is open.
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

    def __repr__(self) -> str:
        return f"Row({self.state}, not shown)"  # a traceback that shows variables must show no number


class StoredRow(NamedTuple):
    """A row that was read, and whether it is younger than the lease, so that its call may be ringing if it is open."""

    row: Row
    is_young: bool


class Settled(NamedTuple):
    """The values that a settlement writes into one row."""

    id: str
    state: str
    call_id: str | None
    reason: str | None
    detail: str | None
