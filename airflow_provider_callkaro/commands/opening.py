"""The ledger behind an Airflow connection, as a command opens it."""

from __future__ import annotations

import os
import socket
import warnings
from argparse import Namespace
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from getpass import getuser
from typing import TYPE_CHECKING

from airflow_provider_callkaro.calls.phone import legacy_spellings
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.ledger.audit.chain import Seals
from airflow_provider_callkaro.ledger.audit.trail import SqlAudit
from airflow_provider_callkaro.ledger.digests import FIELD, LedgerKeys, Purpose
from airflow_provider_callkaro.ledger.sql.values import as_digits
from airflow_provider_callkaro.ledger.upkeep.database import Upkeep

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLedger:
    """An open ledger, and what a command needs beside it. ``keys``: of the connection; None where it has none. ``who``:
    the user and the host that give the command, for the audit trail."""

    engine: Engine
    upkeep: Upkeep
    keys: LedgerKeys | None
    audit: SqlAudit
    who: Mapping[str, str]

    def texts_of(self, number: str) -> list[str]:
        """Every text that may represent a number, E.164, in the table. Raises ConfigurationError if the ledger is
        keyed, and the connection has no key."""
        texts = spellings_of(number)
        if not self.upkeep.is_keyed:
            return texts
        if self.keys is None:
            raise ConfigurationError(
                f'the ledger is keyed and its connection has no key, so nobody is found in it: set "{FIELD}" in the '
                "extra of the connection"
            )
        return [*texts, *(key.digest(Purpose.NUMBER, text) for key in self.keys.keys for text in texts)]


def spellings_of(number: str) -> list[str]:
    """The spellings of a number, E.164, in a table, in digits; today's first."""
    return [as_digits(each) for each in (number, *legacy_spellings(number))]


@contextmanager
def open_ledger(arguments: Namespace) -> Iterator[OpenLedger]:
    """The ledger of the connection that a command names. Raises ConfigurationError if the connection is not to a SQL
    database, or no ledger is there."""
    engine, keys = _engine_and_keys(arguments.conn_id)
    try:
        with Upkeep(engine) as upkeep:
            upkeep.find_ledger()
            audit = SqlAudit(upkeep, seals=None if keys is None else Seals(keys))
            yield OpenLedger(engine=engine, upkeep=upkeep, keys=keys, audit=audit, who=_who())
    finally:
        engine.dispose()


@contextmanager
def open_database(arguments: Namespace) -> Iterator[Engine]:
    """The database of the connection that a command names, where a ledger is or will be. Raises ConfigurationError if
    the connection is not to a SQL database."""
    engine, _ = _engine_and_keys(arguments.conn_id)
    try:
        yield engine
    finally:
        engine.dispose()


def _engine_and_keys(conn_id: str) -> tuple[Engine, LedgerKeys | None]:
    from airflow_provider_callkaro.hooks.ledger import ledger_keys, sql_engine

    with _metadata_database():
        return sql_engine(conn_id, argument="--conn-id"), ledger_keys(conn_id)


@contextmanager
def _metadata_database() -> Iterator[None]:
    """Have Airflow 3 look for connections in its database too, as its own commands do, and not only in the environment.

    Its warnings are about its own calls. They are silenced, because they would precede the JSON that a program reads.
    """
    name = "_AIRFLOW_PROCESS_CONTEXT"
    before = os.environ.get(name)
    os.environ[name] = "server"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def _who() -> dict[str, str]:
    try:
        user = getuser()
    except (KeyError, OSError):
        user = "?"
    return {"user": user, "host": socket.gethostname()}
