"""Who has been alerted of what, and when: no second alert of one thing within a quiet period.

An alert is begun before the call is sent, as a claim is, in one row per thing and person. The database's clock judges
how old it is, so processes on several machines agree.
"""

# ruff: noqa: S608
from __future__ import annotations

from datetime import timedelta
from typing import Self

from sqlalchemy.engine import Connection, Engine

from airflow_provider_callkaro.ledger.digests import LedgerKeys, Purpose
from airflow_provider_callkaro.ledger.sql.session import execute
from airflow_provider_callkaro.ledger.sql.values import as_digits, digest
from airflow_provider_callkaro.ledger.upkeep.database import Upkeep

ALERTS_TABLE = "voice_call_alerts"
CREATE_ALERTS = """\
CREATE TABLE IF NOT EXISTS voice_call_alerts (
    id VARCHAR(32) NOT NULL PRIMARY KEY,
    owner VARCHAR(32) NOT NULL,
    begun_at TIMESTAMP NOT NULL
)"""
LONGEST_QUIET = timedelta(days=7)
_KEPT = LONGEST_QUIET + timedelta(days=1)  # older rows keep nothing quiet, and go when the next alert begins
_LONG_AGO = "1970-01-01 00:00:00.000000"


class SqlQuietPeriods:
    """The alerts of one ledger's database, in a table that is created on first use. Opened with ``with``.

    :param engine: of the database; used as it is.
    :param keys: of a keyed ledger: its table holds no number in clear, and neither does this one.
    :raises ConfigurationError: a ledger cannot be in a database of this kind.
    """

    def __init__(self, engine: Engine, *, keys: LedgerKeys | None = None) -> None:
        self._upkeep = Upkeep(engine)
        self._keys = keys

    def __enter__(self) -> Self:
        self._upkeep.create(ALERTS_TABLE, [self._upkeep.statements.suited(CREATE_ALERTS)])
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._upkeep.__exit__(*exc_info)

    def begin(self, what: str, *, number: str, period: timedelta, owner: str) -> bool:
        """Begin an alert, unless one of the same thing to the same person began within the quiet period.

        :param what: the alert is about.
        :param number: who is alerted, E.164.
        :param period: for how long no second alert begins; seven days at most.
        :param owner: names this alert alone, at most 32 characters: a transaction that runs twice knows its own row.
        :return: whether the alert may be sent.
        :raises LedgerError: it is not known, so nothing may be sent.
        """
        id_, statements = self._id(what, number), self._upkeep.statements
        is_mysql = self._upkeep.dialect in ("mysql", "mariadb")
        or_nothing = "ON DUPLICATE KEY UPDATE id = id" if is_mysql else "ON CONFLICT (id) DO NOTHING"

        def begun(connection: Connection) -> bool:
            execute(connection, f"DELETE FROM {ALERTS_TABLE} WHERE begun_at < {statements.ago(_seconds(_KEPT))}")
            execute(
                connection,
                f"INSERT INTO {ALERTS_TABLE} (id, owner, begun_at) VALUES (:id, '', '{_LONG_AGO}') {or_nothing}",
                id=id_,
            )
            holder, is_quiet = execute(
                connection,
                f"SELECT owner, begun_at > {statements.ago(_seconds(period))} FROM {ALERTS_TABLE} "
                f"WHERE id = :id{statements.for_update}",
                id=id_,
            ).one()
            if holder == owner or is_quiet:
                return bool(holder == owner)
            execute(
                connection,
                f"UPDATE {ALERTS_TABLE} SET owner = :owner, begun_at = {statements.now} WHERE id = :id",
                owner=owner,
                id=id_,
            )
            return True

        return self._upkeep.write(begun)

    def withdraw(self, what: str, *, number: str, owner: str) -> None:
        """End the quiet period of an alert that was not sent. Raises LedgerError if that could not be written."""
        self._upkeep.write(
            lambda connection: execute(
                connection,
                f"DELETE FROM {ALERTS_TABLE} WHERE id = :id AND owner = :owner",
                id=self._id(what, number),
                owner=owner,
            )
        )

    def _id(self, what: str, number: str) -> str:
        digits = as_digits(number)
        return digest(f"{digits if self._keys is None else self._keys.first.digest(Purpose.NUMBER, digits)} {what}")


def _seconds(span: timedelta) -> int:
    return max(1, round(span.total_seconds()))
