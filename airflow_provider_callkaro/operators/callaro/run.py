"""The operator that runs a Callaro campaign from its draft to its results, in one task that may die at any moment."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowFailException, Context, XComArg, conf

from airflow_provider_callkaro.dispatch.limits import is_number
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.hooks.callaro import CallaroHook
from airflow_provider_callkaro.tasks.argument_values import check_ending, check_span
from airflow_provider_callkaro.tasks.callaro.operator import (
    ONE_DAY,
    CallaroOperator,
    campaign_fields,
    check_plain,
    check_staleness,
)
from airflow_provider_callkaro.tasks.callaro.preflight import PLAN_FIELDS, Question, Words, check_limits
from airflow_provider_callkaro.tasks.redacted import Redacted, RedactedPath
from airflow_provider_callkaro.triggers.callaro_run import OnKill, on_kill_named
from airflow_provider_callkaro.vendors.callaro.answers import CampaignId

if TYPE_CHECKING:
    from airflow_provider_callkaro.tasks.callaro.campaign_run import CampaignRun
    from airflow_provider_callkaro.tasks.callaro.observation import CampaignObserver


class CallaroRunCampaignOperator(CallaroOperator):
    """Create a campaign, check it before the launch, launch it, wait for its end, and export its results.

    Returns ``{"campaign_id", "state", "export", "rows"}``. A campaign that ends cancelled or failed fails the task
    without a retry, and the error names the state.

    When the task dies, its next try goes on: every step begins by reading the campaign's state. A campaign is never
    launched twice. Its name carries an idempotency key, a mark of the task instance; the task launches nothing while
    Callaro's list shows two campaigns with that mark, and only ever launches a draft. It needs no ``ledger_conn_id`` on
    any Airflow, because Callaro itself knows what has been launched. Before Airflow 3.3 the task remembers nothing, so
    it does not launch a campaign that the list does not show with its mark.

    A later try that finds a draft updates it to its own fields, if they differ by then, and launches it.

    The task never resumes a campaign that somebody paused, because whoever paused it had a reason: it waits. There is
    one exception, where the task has a state (Airflow 3.3 and later): if this task's own worker paused the campaign
    when Airflow ended the task, the next try resumes it, unless Callaro shows a later pause (``paused_at``). The
    triggerer shares no memory with the task. So if somebody clears or marks the deferred task and the triggerer pauses
    the campaign, resume it by hand, or with `CallaroResumeCampaignOperator`.

    :param name: the campaign's name, without the mark. Templated.
    :param agent_id: the agent that speaks: a whole number above 0, or the text that Callaro shows. Templated.
    :param timezone: the zone of the campaign's schedule, an IANA name. Templated.
    :param campaign_phone_number_ids: the ids of the phone numbers to ring from, at least one. Templated.
    :param concurrency_limit: how many calls at once, 1 or more. Templated.
    :param extra_fields: other fields that the account's campaigns take, such as the audience. Sent as they are.
        Templated, never shown.
    :param capacity_maximum: by name, the largest numbers of the capacity preview with which the campaign is launched,
        such as ``{"estimated_minutes": 600}``. Without any limit neither answer is asked for. Templated.
    :param capacity_minimum: by name, its smallest numbers. Templated.
    :param capacity_allowed: by name, the words it may say, such as ``{"status": ["ok", "ready"]}``. Templated.
    :param capacity_forbidden: by name, the words it must not say. Templated.
    :param capacity_query: parameters in the path of that request. Templated, never shown.
    :param capacity_body: parameters in its body, where the connection's ``routes`` ask with POST. Templated,
        never shown.
    :param timezones_maximum: by name, the largest numbers of the audience's time zone analysis. Templated.
    :param timezones_minimum: by name, its smallest numbers. Templated.
    :param timezones_allowed: by name, the words it may say. Templated.
    :param timezones_forbidden: by name, the words it must not say. Templated.
    :param timezones_query: parameters in the path of that request. Templated, never shown.
    :param timezones_body: parameters in its body, where the connection's ``routes`` ask with POST. Templated,
        never shown.
    :param export_path: the file for the results, local or in object storage, in the format that its ending names
        (``.csv``, ``.jsonl``, ``.ndjson`` or ``.parquet``); None exports nothing. Templated.
    :param poll_interval: seconds between two looks at the campaign, above 0. Default 60.
    :param wait_timeout: how long to wait for its end, above 0, at most 3652 days. Then the task fails, the campaign
        goes on, and a retry waits on. Default: no limit but that.
    :param deferrable: wait in the triggerer. Default: ``[operators] default_deferrable``.
    :param on_kill: what happens to the campaign when somebody marks or clears the running task, or when it reaches its
        ``execution_timeout``: ``pause`` (default: it places no more calls, and loses nothing), ``cancel`` (for good),
        or ``leave``. For a deferred task this holds from Airflow 3.3 on, once a triggerer has taken up the wait.
    :param stale_runs: what a stale run does: ``"skip"`` (default), ``"fail"``, or ``"dial"`` all the same. The run's
        first start decides whether it is stale, and the task remembers that: waiting makes no run stale. Templated.
    :param stale_after: how long after the end of its data interval a run is stale. Default one day.
    :param callaro_conn_id: the Callaro connection. Templated.
    :raises ConfigurationError: an argument cannot work.
    """

    template_fields: Sequence[str] = (
        "name",
        "agent_id",
        "timezone",
        "campaign_phone_number_ids",
        "concurrency_limit",
        "extra_fields",
        *PLAN_FIELDS,
        "export_path",
        "stale_runs",
        "callaro_conn_id",
    )
    never_shown = frozenset({"extra_fields", "capacity_query", "capacity_body", "timezones_query", "timezones_body"})
    ui_color = "#cfdcf0"

    def __init__(
        self,
        *,
        name: str,
        agent_id: int | str | None = None,
        timezone: str | None = None,
        campaign_phone_number_ids: Sequence[int | str] | str | None = None,
        concurrency_limit: int | str | None = None,
        extra_fields: Mapping[str, Any] | None = None,
        capacity_maximum: Mapping[str, float] | None = None,
        capacity_minimum: Mapping[str, float] | None = None,
        capacity_allowed: Words | None = None,
        capacity_forbidden: Words | None = None,
        capacity_query: Mapping[str, Any] | None = None,
        capacity_body: Mapping[str, Any] | None = None,
        timezones_maximum: Mapping[str, float] | None = None,
        timezones_minimum: Mapping[str, float] | None = None,
        timezones_allowed: Words | None = None,
        timezones_forbidden: Words | None = None,
        timezones_query: Mapping[str, Any] | None = None,
        timezones_body: Mapping[str, Any] | None = None,
        export_path: str | None = None,
        poll_interval: float = 60,
        wait_timeout: timedelta | None = None,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        on_kill: str = OnKill.PAUSE.value,
        stale_runs: str = "skip",
        stale_after: timedelta = ONE_DAY,
        callaro_conn_id: str = CallaroHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(callaro_conn_id=callaro_conn_id, **kwargs)
        check_plain(
            name=name,
            agent_id=agent_id,
            timezone=timezone,
            campaign_phone_number_ids=campaign_phone_number_ids,
            concurrency_limit=concurrency_limit,
        )
        check_staleness(stale_runs, stale_after)
        self.name = name
        self.agent_id = agent_id
        self.timezone = timezone
        self.campaign_phone_number_ids = campaign_phone_number_ids
        self.concurrency_limit = concurrency_limit
        self.extra_fields = Redacted(extra_fields)
        XComArg.apply_upstream_relationship(self, extra_fields)
        self.capacity_maximum = capacity_maximum
        self.capacity_minimum = capacity_minimum
        self.capacity_allowed = capacity_allowed
        self.capacity_forbidden = capacity_forbidden
        self.capacity_query = Redacted(capacity_query)
        self.capacity_body = Redacted(capacity_body)
        self.timezones_maximum = timezones_maximum
        self.timezones_minimum = timezones_minimum
        self.timezones_allowed = timezones_allowed
        self.timezones_forbidden = timezones_forbidden
        self.timezones_query = Redacted(timezones_query)
        self.timezones_body = Redacted(timezones_body)
        self.stale_runs = stale_runs
        self.stale_after = stale_after
        self.export_path = RedactedPath(export_path)
        if not is_number(poll_interval, int, float) or not 0 < poll_interval < float("inf"):
            raise ConfigurationError("poll_interval must be seconds above 0, a number without quotes")
        self.poll_interval = timedelta(seconds=poll_interval)
        if wait_timeout is not None:
            check_span("wait_timeout", wait_timeout)
        self.wait_timeout = wait_timeout
        self.deferrable = deferrable
        self.at_kill = on_kill_named(on_kill)  # "on_kill" is the method's name
        self._was_killed = False
        self._run: CampaignRun | None = None
        self._check_literals()
        for what in ("capacity_", "timezones_"):
            check_limits(self, what)
        check_ending(self.export_path.value, argument="export_path")

    @cached_property
    def hook(self) -> CallaroHook:
        """The Callaro hook; its waits end when Airflow ends the task."""
        return CallaroHook(self.callaro_conn_id, sleep=self._sleep)

    def execute(self, context: Context) -> dict[str, Any]:
        """Go on from wherever the campaign stands."""
        return self._go_on(context, campaign_id=None, began=None)

    def execute_complete(
        self,
        context: Context,
        event: Mapping[str, Any] | None = None,
        campaign_id: CampaignId | None = None,
        began: str | None = None,
    ) -> dict[str, Any]:
        """Go on after the triggerer, from wherever the campaign stands.

        :param event: what the trigger said: a state, or why no further question would help.
        :param campaign_id: the campaign; None finds it again.
        :param began: when the wait began, ISO 8601.
        """
        if event and "error" in event:
            raise AirflowFailException(str(event["error"]))
        return self._go_on(context, campaign_id=campaign_id, began=began)

    def on_kill(self) -> None:
        """Have the campaign stopped as ``on_kill`` says; a signal's handler may call this while `execute` waits."""
        self._was_killed = True
        if self._run is not None:
            self._run.kill()

    def _go_on(self, context: Context, *, campaign_id: CampaignId | None, began: str | None) -> dict[str, Any]:
        from airflow_provider_callkaro.tasks.callaro.observation import observed_try

        resumed = campaign_id is not None
        with observed_try(context, connection_id=self.callaro_conn_id, resumed=resumed) as observer:
            run = self._new_run(context, observer=observer, campaign_id=campaign_id, began=began)
            self._result = run.run()
        return self._result

    def _moves(self) -> dict[str, list[Any]]:
        made = [] if self._result is None else [f"campaigns/{self._result['campaign_id']}"]
        return {"makes": made, "writes": [self.export_path.value]}

    def _new_run(
        self, context: Context, *, observer: CampaignObserver, campaign_id: CampaignId | None, began: str | None
    ) -> CampaignRun:
        from airflow_provider_callkaro.tasks.callaro.campaign_run import CampaignRun, RunSettings

        self._run = CampaignRun(
            RunSettings(
                name=self.name,
                fields=self._fields,
                capacity=Question.of(self, "capacity"),
                timezones=Question.of(self, "timezones"),
                export_path=self.export_path.value,
                poll_interval=self.poll_interval,
                wait_timeout=self.wait_timeout,
                deferrable=self.deferrable,
                on_kill=self.at_kill,
                stale_runs=self.stale_runs,
                stale_after=self.stale_after,
            ),
            hook=self.hook,
            context=context,
            defer=self.defer,
            observer=observer,
            campaign_id=campaign_id,
            began=datetime.fromisoformat(began) if began else datetime.now(UTC),
        )
        if self._was_killed:
            self._run.kill()
        return self._run

    def _fields(self) -> dict[str, Any]:
        return campaign_fields(
            agent_id=self.agent_id,
            timezone=self.timezone,
            campaign_phone_number_ids=self.campaign_phone_number_ids,
            concurrency_limit=self.concurrency_limit,
            extra_fields=self.extra_fields.value,
        )

    def _sleep(self, seconds: float) -> None:
        (time.sleep if self._run is None else self._run.sleep)(seconds)
