"""The base of the operators that place calls: it checks the arguments, makes the run of one try, and stops it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.common.compat.sdk import Context, XComArg

from airflow_provider_callkaro.dispatch.limits import KILLED_GRACE, Stop
from airflow_provider_callkaro.sources.contract import templated_values
from airflow_provider_callkaro.tasks.argument_values import check_text
from airflow_provider_callkaro.tasks.arguments import provided_arguments, refuse_empty_arguments, unredacted
from airflow_provider_callkaro.tasks.rendering import RendersLiterals
from airflow_provider_callkaro.tasks.row_arguments import check_contacts, check_report_path, check_rows
from airflow_provider_callkaro.tasks.settings import ListSettings

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage

    from airflow_provider_callkaro.calls.row_schema import RowSchema
    from airflow_provider_callkaro.dispatch.report import RowSink
    from airflow_provider_callkaro.tasks.account import Account
    from airflow_provider_callkaro.tasks.list_run import ListRun
    from airflow_provider_callkaro.tasks.rules import Suppression


class PlacingOperator(RendersLiterals):
    """The common part of the operators that place calls; not to be used by itself.

    An operator of a vendor sets one attribute per argument and then calls `_check_arguments`. Its attributes that are
    fields of `ListSettings` become the settings of the run.
    """

    row_schema: ClassVar[RowSchema | None] = None
    """Which columns of a row mean something to the vendor, so that arguments about them are checked when the DAG is
    parsed; None leaves that to the run."""
    places_calls = True
    """Whether a run of it can make phones ring."""
    suppression: Suppression
    hook: Any
    _result: Mapping[str, Any] | None = None
    _stop: Stop | None = None
    _provided: frozenset[str] = frozenset()

    def _check_arguments(self) -> None:
        """When the DAG is parsed: refuse what cannot work, and note the upstream tasks that the arguments refer to."""
        self._check_literals()
        self._provided = provided_arguments(self, self.template_fields)
        values = [unredacted(getattr(self, name)) for name in self.template_fields]
        nested = [one for value in values if hasattr(value, "template_fields") for one in _nested(value)]
        XComArg.apply_upstream_relationship(self, [*values, *nested])
        settings = self._settings()
        if settings.ledger_scope is not None:
            check_text("ledger_scope", settings.ledger_scope)
        check_contacts(settings.contacts)
        check_report_path(settings.report_path)
        if self.row_schema is not None:
            check_rows(settings, self.row_schema)

    def _settings(self) -> ListSettings:
        return ListSettings.of(self)

    def _account(self) -> Account:
        """What the operator's connection says."""
        raise NotImplementedError

    def _campaign(self) -> dict[str, Any]:
        """What the summary says of the campaign, or campaigns."""
        return {}

    def _watcher(self) -> RowSink | None:
        """What takes each row's outcome, beside the report; None where nothing does."""
        return None

    def _announce(self, context: Context) -> None:
        """Make the run's link visible, where the vendor has a page for it."""

    def get_openlineage_facets_on_start(self) -> OperatorLineage | None:
        """What OpenLineage is told when the task starts: tables, files, campaign, report. None if unknown."""
        from airflow_provider_callkaro.tasks.lineage import lineage_of

        return lineage_of(self, result=None)

    def get_openlineage_facets_on_complete(self, task_instance: object) -> OperatorLineage | None:  # noqa: ARG002
        """What OpenLineage is told when the task has ended: the same, with the campaigns that were made."""
        from airflow_provider_callkaro.tasks.lineage import lineage_of

        return lineage_of(self, result=self._result)

    def on_kill(self) -> None:
        """Start no new call, let those in flight finish, and settle them; the rest stays pending.

        Airflow calls this from a signal handler, or from another thread; `Stop` is made for both.
        """
        if self._stop is None:  # before the first call, or before the list is read
            self._stop = _stop_of_task(None)
        self._stop.ask("Airflow ended the task", grace=KILLED_GRACE)

    def _list_run(self, context: Context, settings: ListSettings, **options: Any) -> ListRun:
        """The engine for this try."""
        from airflow_provider_callkaro.tasks.list_run import ListRun  # the engine, which no DAG file needs

        refuse_empty_arguments(self, self._provided)
        if self._stop is None or self._stop.why is None:
            self._stop = _stop_of_task(self.execution_timeout)
        account = replace(self._account(), read_budget=self.hook.call_budget)
        self._announce(context)
        return ListRun(
            settings=settings,
            account=account,
            context=context,
            stop=self._stop,
            log=self.log,
            defer=self._sleep_until,
            campaign=self._campaign,
            watcher=self._watcher(),
            **options,
        )

    def _sleep_until(self, moment: datetime) -> None:
        """Free the worker slot until then. The task goes on in `go_on`, which every kind of operator has."""
        from airflow_provider_callkaro.triggers.schedule_window import ScheduleWindowTrigger

        self.defer(trigger=ScheduleWindowTrigger(moment=moment), method_name="go_on")


def _stop_of_task(execution_timeout: timedelta | None) -> Stop:
    """What asks one try to end; with an ``execution_timeout`` it ends by itself shortly before that."""
    if execution_timeout is None:
        return Stop(clock=time.monotonic)
    seconds = execution_timeout.total_seconds()
    return Stop(clock=time.monotonic, deadline=time.monotonic() + max(0.8 * seconds, seconds - 60))


def _nested(holder: Any) -> list[object]:
    return holder.templated if hasattr(holder, "templated") else templated_values(holder)
