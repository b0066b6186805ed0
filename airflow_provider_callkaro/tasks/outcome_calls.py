"""Which calls a task means that asks what became of them: those of other tasks, of a scope, of a campaign."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.tasks.arguments import is_template

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_callkaro.outcomes.counting import Question
    from airflow_provider_callkaro.outcomes.selection import Selection

OUTCOME_FIELDS = ("ledger_conn_id", "task_ids", "ledger_scope", "campaign_id")
"""The templated arguments that name the calls."""
UNRESOLVED_AFTER = timedelta(days=1)
"""How long a call waits for its outcome before it counts as unresolved, where nobody says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeCalls:
    """The calls that are meant.

    :param scopes: the ledger's scopes; none means any.
    :param campaign_id: the vendor's campaign; None means any, and calls of none.
    """

    ledger_conn_id: str
    scopes: tuple[str, ...]
    campaign_id: str | None

    def selections(self) -> list[Selection]:
        """The same for the store: no call is in two of them."""
        from airflow_provider_callkaro.outcomes.selection import Selection

        return [Selection(scope=scope, campaign=self.campaign_id) for scope in self.scopes or (None,)]

    def questions(self, unresolved_after: timedelta) -> list[Question]:
        """How many of them have which outcome."""
        from airflow_provider_callkaro.outcomes.counting import Question

        return [Question(selection=each, unresolved_after=unresolved_after) for each in self.selections()]


def find_calls(task: Any, context: Context) -> OutcomeCalls:
    """The calls that a task means by the arguments `OUTCOME_FIELDS`, which are rendered.

    Without ``task_ids``, ``ledger_scope`` and ``campaign_id`` they are the calls of the tasks right before it.

    :raises ConfigurationError: none of the tasks has placed calls that the ledger knows.
    :raises LedgerError: the ledger's database does not answer.
    """
    scopes: tuple[str, ...] = ()
    if task.ledger_scope is not None:
        scopes = (str(task.ledger_scope),)
    elif task.task_ids is not None or task.campaign_id is None:
        named = [task.task_ids] if isinstance(task.task_ids, str) else task.task_ids
        task_ids = sorted(task.upstream_task_ids) if named is None else list(named)
        scopes = _scopes_of(context, task_ids, ledger_conn_id=task.ledger_conn_id)
        if not scopes:
            raise ConfigurationError(
                f'no task before this one has placed calls under the ledger of connection "{task.ledger_conn_id}" in '
                "this run: name the fan-outs in task_ids, or give ledger_scope or campaign_id"
                if named is None
                else f"none of the task_ids {', '.join(task_ids)} has placed calls in this run under the ledger of "
                f'connection "{task.ledger_conn_id}": correct task_ids or ledger_conn_id'
            )
    return OutcomeCalls(ledger_conn_id=task.ledger_conn_id, scopes=scopes, campaign_id=task.campaign_id)


def check_calls(task: Any) -> None:
    """When the DAG is parsed: refuse arguments that name no calls, or two lists of them. Raises ConfigurationError."""
    if task.task_ids is not None and task.ledger_scope is not None:
        raise ConfigurationError("task_ids and ledger_scope both name the calls: leave one out")
    named = task.task_ids
    if named is None or isinstance(named, str) or is_template(named):
        return
    if not isinstance(named, Sequence) or not named or not all(isinstance(one, str) and one for one in named):
        raise ConfigurationError('task_ids must be the id of a task, or a list of ids, such as ["calls"]')


def _scopes_of(context: Context, task_ids: Iterable[str], *, ledger_conn_id: str) -> tuple[str, ...]:
    """The scopes in which tasks of this run have placed calls, as the record of their first start has them."""
    from airflow_provider_callkaro.hooks.ledger import ledger_keys, sql_engine
    from airflow_provider_callkaro.ledger.sql.run_records import SqlRunRecords
    from airflow_provider_callkaro.tasks.identity import run_name

    keys, engine = ledger_keys(ledger_conn_id), sql_engine(ledger_conn_id)
    try:
        found = []
        for task_id in task_ids:
            for map_index in (-1, 0):  # what one task maps to shares its scope
                run = run_name(context, task_id=task_id, map_index=map_index)
                record = SqlRunRecords(engine, run=run, keys=keys).find()
                if record is not None:
                    found.append(record.scopes[0])
                    break
        return tuple(dict.fromkeys(found))
    finally:
        engine.dispose()
