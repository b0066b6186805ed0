"""Which runs place calls in which campaign: for outcomes that bring a number and a campaign, and nothing else."""
# ruff: noqa: S608

from __future__ import annotations

import random
import time

from sqlalchemy import inspect
from sqlalchemy.engine import Connection, Engine

from airflow_provider_callkaro.exceptions import LedgerError
from airflow_provider_callkaro.ledger.digests import LedgerKeys
from airflow_provider_callkaro.ledger.sql.dialects import statements_for
from airflow_provider_callkaro.ledger.sql.keys import open_names
from airflow_provider_callkaro.ledger.sql.names import lock_key
from airflow_provider_callkaro.ledger.sql.scopes import scopes_of
from airflow_provider_callkaro.ledger.sql.session import SqlSession, begin_writing, execute
from airflow_provider_callkaro.ledger.sql.table import CAMPAIGNS_TABLE, TABLE
from airflow_provider_callkaro.ledger.sql.values import digest, distinct, storable
from airflow_provider_callkaro.outcomes.tables import campaigns


def note_campaign(engine: Engine, *, keys: LedgerKeys | None, campaign: str, scope: str, run: str) -> None:
    """Note that a run places calls in a campaign; the table is made on first use.

    :param keys: of a keyed ledger; None for one in clear.
    :param campaign: the vendor's id.
    :param scope: the name of the scope in which the run claims.
    :param run: of the task instance.
    :raises LedgerError: it could not be written.
    """
    statements = statements_for(engine.dialect.name, keyed=keys is not None)
    session = SqlSession(
        engine=engine, statements=statements, table=CAMPAIGNS_TABLE, sleep=time.sleep, random=random.random
    )
    try:
        names = open_names(session, dialect=engine.dialect.name, keys=keys, table=TABLE)

        def create(connection: Connection) -> None:
            if not inspect(connection).has_table(CAMPAIGNS_TABLE):
                begin_writing(connection, statements)
                campaigns.create(connection, checkfirst=True)

        def note(connection: Connection) -> None:
            begin_writing(connection, statements)
            lock_key(connection, statements=statements, names=names)
            sealed = names.runs(distinct(run))[0]
            values = {
                "id": digest(f"{campaign}\0{scope}\0{sealed}"),
                "campaign": storable(campaign, limit=255, ascii_only=session.ascii_only),
                "scope": scopes_of([scope])[0].digits,
                "run": sealed,
            }
            is_there = f"SELECT 1 FROM {CAMPAIGNS_TABLE} WHERE id = :id"
            if execute(connection, is_there, id=values["id"]).first() is None:
                insert = f"INSERT INTO {CAMPAIGNS_TABLE} (id, campaign_id, scope, run, noted_at) "
                execute(connection, f"{insert} VALUES (:id, :campaign, :scope, :run, {statements.now})", **values)

        try:
            session.transact(create, action="opened or created")
        except LedgerError:  # another run was faster, and the table is there; else this says what is wrong
            session.transact(create, action="opened or created")
        session.transact(note, action="written")
    finally:
        session.close()
