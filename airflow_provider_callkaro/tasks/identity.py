"""Who a run is: the scopes in which it claims, when it was due, whether it is stale. Its first start decides that.

A retry, a task that comes back from the triggerer and a cleared task find the record of that first start beside the
ledger, and decide nothing anew.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.ledger.run_record import RunRecord, RunRecords
from airflow_provider_callkaro.tasks.instants import in_utc
from airflow_provider_callkaro.tasks.settings import ListSettings
from airflow_provider_callkaro.tasks.staleness import StaleRuns, due_at, is_stale, refuse_stale_run

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


log = logging.getLogger(__name__)

_OF_ITS_OWN_INTERVAL = frozenset({"scheduled", "backfill"})  # types of runs that share their moment with no other run


def run_name(context: Context, *, task_id: str | None = None, map_index: int | None = None) -> str:
    """The task instance of one run, the same for all its tries. ``task_id``, ``map_index``: of another task instance in
    the same DAG run; None means the context's own."""
    ti = context["ti"]
    task = ti.task_id if task_id is None else task_id
    index = ti.map_index if map_index is None else map_index
    return name_of_run(dag_id=ti.dag_id, run_id=ti.run_id, task_id=task, map_index=index)


def name_of_run(*, dag_id: str, run_id: str, task_id: str, map_index: int) -> str:
    """The name under which a ledger knows a task instance. Earlier rows have it, so it never changes."""
    return f"{dag_id}/{run_id}/{task_id}/{map_index}"


def default_scope(context: Context, *, over_runs: bool) -> str:
    """The scope in which a person is rung once: DAG, task and data interval; the run itself, where it has no interval.

    Never built from the logical date alone: a run triggered by hand or by an asset may have none.

    :param over_runs: whether the ledger remembers over runs. Then a run without an interval needs a scope by name: a
        second run, started by hand, would place every call again.
    :raises ConfigurationError: the scope needs a name.
    """
    ti = context["ti"]
    task = f"{ti.dag_id}/{ti.task_id}"
    start, end = context.get("data_interval_start"), context.get("data_interval_end")
    if start is not None and end is not None and (start != end or _run_type(context) in _OF_ITS_OWN_INTERVAL):
        return f"{task}@{_interval(start, end)}"
    if over_runs:
        raise ConfigurationError(
            "this run was started by hand or by an asset and has no data interval, so the ledger cannot tell whether "
            'another run rings the same list: set ledger_scope on the task, such as ledger_scope="renewals '
            '{{ (dag_run.data_interval_end or dag_run.run_after) | ds }}"; nobody was rung'
        )
    return f"{task}@{ti.run_id}"


def replayed_scope(context: Context) -> str:
    """One scope for all stale runs: a person is called once over all days that a backfill replays."""
    ti = context["ti"]
    return f"{ti.dag_id}/{ti.task_id}@replayed"


def identify(context: Context, *, settings: ListSettings, records: RunRecords, resumed: bool = False) -> RunRecord:
    """The record of this run; its first start makes it.

    :param resumed: the task comes back from the triggerer, so it has started before, whatever the record says.
    :raises AirflowSkipException: the run is long past, and such runs are skipped.
    :raises AirflowFailException: the run is long past, and such runs fail.
    :raises ConfigurationError: its scope is to be named, or the list is cut into other parts than at its first start.
    """
    record = records.find()
    if record is None:
        _refuse_new_part(context, settings=settings)
        stale = not resumed and is_stale(context, settings.stale_after)
        if stale:
            refuse_stale_run(context, choice=settings.stale_choice)
        proposed = _proposed(context, settings=settings, stale=stale, earlier=resumed or context["ti"].try_number > 1)
        record = proposed if settings.dry_run else records.begin(proposed)
    elif record.is_stale and not resumed:
        refuse_stale_run(context, choice=settings.stale_choice)
    if settings.ledger_scope and settings.ledger_scope != record.scopes[0]:
        log.warning(
            "ledger_scope is %s now, but this run began in %s and stays there: a new run takes the new one",
            settings.ledger_scope,
            record.scopes[0],
        )
    if settings.ledger_conn_id is None and record.shard != settings.shard:
        raise ConfigurationError(
            f"shard was {_named(record.shard)} when this run first started and is {_named(settings.shard)} now, and "
            "the task's own state remembers only its own part: give it the part that it had, or set ledger_conn_id"
        )
    if settings.ledger_scope and settings.ledger_scope not in record.scopes:  # set only now: it blocks as well
        return replace(record, scopes=(*record.scopes, settings.ledger_scope))
    return record


def _proposed(context: Context, *, settings: ListSettings, stale: bool, earlier: bool) -> RunRecord:
    """The record of a run that has none. ``earlier``: an earlier try may have placed calls under a version that kept no
    records. Then the scopes in which that version would have claimed block as well."""
    over_runs = settings.ledger_conn_id is not None
    scopes = [settings.ledger_scope or default_scope(context, over_runs=over_runs)]
    may_be_replayed = stale or (earlier and is_stale(context, settings.stale_after))
    if may_be_replayed and not settings.ledger_scope and settings.stale_choice is StaleRuns.DIAL:
        scopes.append(replayed_scope(context))
    if earlier and over_runs and settings.ledger_scope:
        scopes.append(_scope_without_a_name(context))
    return RunRecord(scopes=tuple(dict.fromkeys(scopes)), due=due_at(context), is_stale=stale, shard=settings.shard)


def _refuse_new_part(context: Context, *, settings: ListSettings) -> None:
    """Refuse a shard that starts for the first time in a cleared run, where each shard remembers only its own calls.

    If the list has more shards than before the clear, the new one holds people whom the others have called.
    """
    was_cleared = bool(getattr(context.get("dag_run"), "clear_number", 0))
    if was_cleared and settings.shard is not None and settings.ledger_conn_id is None and not settings.dry_run:
        raise ConfigurationError(
            f"this run was cleared, and {_named(settings.shard)} starts in it for the first time: the task's own state "
            "cannot tell whom the other parts have rung, which may have been cut otherwise. Set ledger_conn_id, or "
            "trigger a new run if nobody has been rung; nobody was rung now"
        )


def _scope_without_a_name(context: Context) -> str:
    """The scope in which earlier versions claimed where the task named none."""
    ti = context["ti"]
    start, end = context.get("data_interval_start"), context.get("data_interval_end")
    moment = ti.run_id if start is None or end is None else _interval(start, end)
    return f"{ti.dag_id}/{ti.task_id}@{moment}"


def _interval(start: datetime, end: datetime) -> str:
    return f"{in_utc(start).isoformat()}/{in_utc(end).isoformat()}"


def _run_type(context: Context) -> str:
    """Why the run was started, as Airflow names it; by the run's name where the context does not say."""
    run_type = getattr(context.get("dag_run"), "run_type", None)
    if run_type is not None:
        return str(getattr(run_type, "value", run_type))
    return str(context["ti"].run_id).partition("__")[0]


def _named(shard: tuple[int, int] | None) -> str:
    return "the whole list" if shard is None else f"part {shard[0]} of {shard[1]}"
