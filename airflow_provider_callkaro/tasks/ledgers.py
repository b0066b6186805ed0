"""Which ledger remembers a task's calls, and where the record of its run is kept.

SQL where ``ledger_conn_id`` is set, else the task's own state (Airflow 3.3 and later), else nothing: then only a first
try places calls.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from airflow_provider_callkaro.calls.phone import LEGACY_PREFIXES, legacy_spellings
from airflow_provider_callkaro.exceptions import LedgerRequired
from airflow_provider_callkaro.hooks.ledger import ledger_keys, sql_engine
from airflow_provider_callkaro.ledger.contract import CallLedger, LegacyNumbers
from airflow_provider_callkaro.ledger.digests import LedgerKeys
from airflow_provider_callkaro.ledger.run_record import RunRecord
from airflow_provider_callkaro.tasks.correlation import match_outcomes, note_campaign, references_for
from airflow_provider_callkaro.tasks.identity import identify, run_name
from airflow_provider_callkaro.tasks.rules import caps_of
from airflow_provider_callkaro.tasks.settings import ListSettings
from airflow_provider_callkaro.tasks.task_state import task_state_of
from airflow_provider_callkaro.tasks.trail import Trail

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context
    from sqlalchemy.engine import Engine

    from airflow_provider_callkaro.ledger.task_state.ledger import TaskState

__all__ = ["Memory", "earlier_spellings", "ledger_keys", "remember", "sql_engine"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What a run remembers.

    :param ledger: which calls it has placed; not opened yet.
    :param name: of the ledger, for the log.
    :param trail: the audit trail of a SQL ledger; None for another ledger, and for a dry run.
    :param reference: gives the reference that a call carries, by its key; None: calls carry none.
    :param match_outcomes: finds the calls of outcomes that have come meanwhile; None: this ledger has no outcomes.
    :param engine: of a SQL ledger's database; None for another ledger.
    """

    record: RunRecord
    ledger: CallLedger
    name: str
    trail: Trail | None = None
    reference: Callable[[str], str] | None = None
    match_outcomes: Callable[[], None] | None = None
    engine: Engine | None = None


def remember(
    context: Context, *, settings: ListSettings, vendor_conn_id: str | None = None, resumed: bool = False
) -> Memory:
    """Find or make the record of this run, and the ledger that goes with it.

    :param vendor_conn_id: the vendor's connection, which may hold a secret for the task's own state.
    :param resumed: the task comes back from the triggerer.
    :raises ConfigurationError: the connection is not to a SQL database, or the scope needs a name.
    :raises LedgerRequired: no ledger here would remember the calls for as long as they matter.
    :raises AirflowSkipException: the run is long past, and such runs are skipped.
    :raises AirflowFailException: the run is long past, and such runs fail.
    """
    if settings.ledger_conn_id is not None:
        return _in_sql(context, settings=settings, resumed=resumed)
    store = task_state_of(context)
    if not settings.dry_run:
        _refuse_moving_parts(context, settings=settings)
        _refuse_forgetting(context, settings=settings, store=store)
    if store is None:
        return _in_memory(context, settings=settings)
    keys = None if vendor_conn_id is None else ledger_keys(vendor_conn_id)
    return _in_task_state(store, context, settings=settings, keys=keys, resumed=resumed)


def _in_sql(context: Context, *, settings: ListSettings, resumed: bool) -> Memory:
    from airflow_provider_callkaro.ledger.sql.ledger import SqlLedger
    from airflow_provider_callkaro.ledger.sql.run_records import SqlRunRecords

    conn_id = str(settings.ledger_conn_id)
    engine, run, keys = sql_engine(conn_id), run_name(context), ledger_keys(conn_id)
    records = SqlRunRecords(engine, run=run, keys=keys)
    record = identify(context, settings=settings, records=records, resumed=resumed)
    own, *others = record.scopes
    ledger = SqlLedger(
        engine,
        scope=own,
        also=others,
        run=run,
        caps=caps_of(settings.policy),
        legacy=earlier_spellings(),
        keys=keys,
        reread=partial(ledger_keys, conn_id),
    )
    trail = None if settings.dry_run else Trail(engine, keys=keys, context=context, run=run)
    reference = None
    if settings.call_reference and not settings.dry_run:
        reference = references_for(engine, scope=own)
        if settings.batch_id:
            note_campaign(engine, keys=keys, campaign=str(settings.batch_id), scope=own, run=run)
    return Memory(
        record=record,
        ledger=ledger,
        name=f'connection "{conn_id}"',
        trail=trail,
        engine=engine,
        reference=reference,
        match_outcomes=None if settings.dry_run else partial(match_outcomes, engine, keys=keys, scope=own),
    )


def _in_task_state(
    store: TaskState, context: Context, *, settings: ListSettings, keys: LedgerKeys | None, resumed: bool
) -> Memory:
    from airflow.sdk import NEVER_EXPIRE  # type: ignore[attr-defined]  # 3.3 and later

    from airflow_provider_callkaro.ledger.task_state.ledger import TaskStateLedger
    from airflow_provider_callkaro.ledger.task_state.run_records import TaskStateRunRecords

    records = TaskStateRunRecords(store, retention=NEVER_EXPIRE)
    record = identify(context, settings=settings, records=records, resumed=resumed)
    ledger = TaskStateLedger(store, retention=NEVER_EXPIRE, legacy=earlier_spellings(), keys=keys)
    return Memory(record=record, ledger=ledger, name="the task's own state")


def _in_memory(context: Context, *, settings: ListSettings) -> Memory:
    from airflow_provider_callkaro.ledger.memory import MemoryLedger, MemoryRunRecords, MemoryStore

    store, run = MemoryStore(), run_name(context)
    record = identify(context, settings=settings, records=MemoryRunRecords(run=run, store=store))
    ledger = MemoryLedger(scope=record.scopes[0], run=run, store=store)
    return Memory(record=record, ledger=ledger, name="this process alone")


def earlier_spellings() -> LegacyNumbers:
    """How earlier versions may have written the same person's number."""
    return LegacyNumbers(spellings=legacy_spellings, prefixes=LEGACY_PREFIXES)


def _refuse_moving_parts(context: Context, *, settings: ListSettings) -> None:
    """Refuse a mapped task with a state of its own: it remembers by map_index, and a clear may map people elsewhere."""
    if getattr(context["ti"], "map_index", -1) >= 0 and settings.shard is None:
        raise LedgerRequired(
            "a mapped task remembers only the calls of its own map_index, so a person who is in two of them, or in "
            "another one after a clear, would be rung twice: set ledger_conn_id to a SQL connection; a fan-out may "
            "instead map over shard=(index, count), which gives each person to one task; nobody was rung"
        )


def _refuse_forgetting(context: Context, *, settings: ListSettings, store: TaskState | None) -> None:
    """Refuse to begin where nothing would remember the calls for as long as they matter."""
    from airflow.providers.common.compat.sdk import conf

    if store is not None:
        if conf.getboolean("state_store", "clear_on_success", fallback=False):
            raise LedgerRequired(
                "this Airflow wipes a task's state when it succeeds ([state_store] clear_on_success), so a cleared "
                "task would ring everybody again: set ledger_conn_id to a SQL connection, or turn the setting off; "
                "nobody was rung"
            )
        return
    if settings.waits:
        raise LedgerRequired(
            'with a policy the task may sleep and go through its list again (when_closed="wait"), and nothing would '
            "remember whom it has rung: set ledger_conn_id to a SQL connection, or run on Airflow 3.3 or later"
        )
    if context["ti"].try_number > 1:
        raise LedgerRequired(
            "an earlier try of this task may have rung people, and nothing remembers whom: set ledger_conn_id to a SQL "
            "connection, or run on Airflow 3.3 or later; to start over knowingly, trigger a new run"
        )
    log.warning(
        "No ledger: this Airflow has no task state (3.3 or later) and no ledger_conn_id is set. This try goes ahead; "
        "if it fails, a retry will refuse to ring anybody, because nothing remembers who has been rung."
    )
