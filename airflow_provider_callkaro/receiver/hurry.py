"""Has a database that hangs give up, so that the thread that writes goes on.

No delivery waits for that: it is answered in time whatever the thread does.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow_provider_callkaro.exceptions import LedgerError
from airflow_provider_callkaro.tasks.webhooks import open_store

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

    from airflow_provider_callkaro.hooks.webhooks import WebhookSettings
    from airflow_provider_callkaro.outcomes.store import OutcomeStore

LOGIN_SECONDS = 3  # for which the database may keep a login waiting, and a network bytes
STATEMENT_SECONDS = 60  # and a statement: the first receiver builds an index over what may be millions of rows
_SIGNS_OF_LIFE = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3}  # seconds, seconds, times
LONGEST_PAUSE = 0.5  # seconds, before a transaction that met another one is tried again


@contextmanager
def open_store_in_a_hurry(settings: WebhookSettings) -> Iterator[OutcomeStore]:
    """As `open_store`, of a store that soon gives up.

    :raises LedgerError: the database does not answer.
    """
    with open_store(settings, prepare=hurry, sleep=_pause) as store:
        yield store


def _pause(seconds: float) -> None:
    if seconds > LONGEST_PAUSE:
        raise LedgerError("the ledger's database does not answer")
    time.sleep(seconds)


def hurry(engine: Engine) -> None:
    """Have the connections that an engine makes give up on a database that hangs."""
    from sqlalchemy import event

    if engine.dialect.name == "postgresql":
        options: dict[str, Any] = {"tcp_user_timeout": LOGIN_SECONDS * 1000, **_SIGNS_OF_LIFE}
    elif engine.dialect.driver in ("pymysql", "mysqldb"):
        options = dict.fromkeys(("read_timeout", "write_timeout"), STATEMENT_SECONDS)
    else:
        return
    options["connect_timeout"] = LOGIN_SECONDS

    @event.listens_for(engine, "do_connect")
    def connect_in_time(_dialect: object, _record: object, _arguments: object, parameters: dict[str, Any]) -> None:
        for name, value in options.items():
            parameters.setdefault(name, value)

    if engine.dialect.name == "postgresql":

        @event.listens_for(engine, "connect")
        def answer_in_time(connection: Any, _record: object) -> None:
            with connection.cursor() as cursor:
                cursor.execute(f"SET statement_timeout = {STATEMENT_SECONDS * 1000}")
            connection.commit()
