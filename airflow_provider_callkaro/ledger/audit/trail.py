"""The audit trail in its table beside the ledger. Lines are only ever added."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from sqlalchemy.engine import Connection

from airflow_provider_callkaro.ledger.audit.chain import Action, AuditLine, AuditMark, Seals, digest_of
from airflow_provider_callkaro.ledger.sql.session import execute
from airflow_provider_callkaro.ledger.upkeep.database import Upkeep

AUDIT_TABLE = "voice_call_audit"
CREATE_AUDIT = """\
CREATE TABLE IF NOT EXISTS voice_call_audit (
    place INTEGER NOT NULL PRIMARY KEY,
    entry VARCHAR(32) NOT NULL UNIQUE,
    record TEXT NOT NULL,
    digest VARCHAR(64) NOT NULL,
    seal VARCHAR(160)
)"""
_LOCK = -1  # no number's bucket; it keeps two writers from continuing the same line
_PAGE = 500  # lines that are read at once


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """A line that is not written yet.

    :param what: the action's details: counts, digests. Nothing about a person who is called.
    :param who: the user or task that acts.
    :param id: unique, so that a transaction that runs twice writes the line once.
    """

    action: Action
    who: Mapping[str, object]
    what: Mapping[str, object]
    id: str


def entry(action: Action, *, who: Mapping[str, object], **what: object) -> AuditEntry:
    """A new line."""
    return AuditEntry(action=action, who=who, what=what, id=secrets.token_hex(16))


class SqlAudit:
    """The trail of one ledger. ``upkeep``: the ledger's database. ``seals``: with the ledger's key; None if it has
    none."""

    def __init__(self, upkeep: Upkeep, *, seals: Seals | None = None) -> None:
        self._upkeep = upkeep
        self.seals = seals

    def create(self) -> None:
        """Create the table, if it is not there yet. Raises LedgerError if it is not there and cannot be created."""
        self._upkeep.create_locks()
        self._upkeep.create(AUDIT_TABLE, [self._upkeep.statements.suited(CREATE_AUDIT)])

    def append(self, new: AuditEntry) -> AuditMark:
        """Add a line, in a transaction of its own. Raises LedgerError if it could not be written."""
        return self._upkeep.write(lambda connection: self.append_in(connection, new))

    def append_in(self, connection: Connection, new: AuditEntry) -> AuditMark:
        """Add a line within a transaction that has begun: it is written if the rest of the transaction is."""
        statements = self._upkeep.statements
        query = statements.lock_numbers([_LOCK])
        if query is not None:
            connection.exec_driver_sql(*query).close()
        if (done := self.has_in(connection, new)) is not None:
            return done
        last = execute(connection, "SELECT place, digest FROM voice_call_audit ORDER BY place DESC LIMIT 1").first()
        place, before = (last[0] + 1, last[1]) if last is not None else (1, "")
        now = execute(connection, f"SELECT {statements.now}").scalar_one()
        record = {"at": f"{now} UTC", "action": new.action, "who": dict(new.who), **new.what}
        text = json.dumps(record, sort_keys=True, default=str)
        digest = digest_of(before=before, place=place, text=text)
        execute(
            connection,
            "INSERT INTO voice_call_audit (place, entry, record, digest, seal) "
            "VALUES (:place, :entry, :record, :digest, :seal)",
            place=place,
            entry=new.id,
            record=text,
            digest=digest,
            seal=None if self.seals is None else self.seals.make(digest),
        )
        return AuditMark(place, digest)

    def has_in(self, connection: Connection, new: AuditEntry) -> AuditMark | None:
        """The mark of a line that the same transaction wrote before, when its commit succeeded and it runs again."""
        done = execute(
            connection, "SELECT place, digest FROM voice_call_audit WHERE entry = :entry", entry=new.id
        ).first()
        return None if done is None else AuditMark(*done)

    def lines(self) -> Iterator[AuditLine]:
        """The whole trail, read page by page; nothing if there is none yet.

        :raises LedgerError: it could not be read.
        """
        if not self._upkeep.has(AUDIT_TABLE):
            return
        place: int | None = None
        while page := self._upkeep.read(partial(_page, after=place)):
            yield from page
            place = page[-1].place


def _page(connection: Connection, *, after: int | None) -> list[AuditLine]:
    where = "" if after is None else "WHERE place > :after "
    values = {} if after is None else {"after": after}
    rows = execute(
        connection,
        f"SELECT place, record, digest, seal FROM voice_call_audit {where}ORDER BY place LIMIT {_PAGE}",  # noqa: S608
        **values,
    )
    return [AuditLine(place=place, text=text, digest=digest, seal=seal) for place, text, digest, seal in rows]
