"""A Callaro campaign from its draft to its results, in one task that may die at any moment."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from queue import Empty, SimpleQueue
from typing import Any, cast

from airflow.providers.common.compat.sdk import (
    AirflowException,
    AirflowFailException,
    AirflowSkipException,
    TaskDeferred,
    XComArg,
    conf,
)

from airflow_provider_callkaro.exceptions import (
    ConfigurationError,
    NotAllowed,
    NotSent,
    OutcomeUnknown,
    Throttled,
    VendorError,
)
from airflow_provider_callkaro.files.result_file import file_format
from airflow_provider_callkaro.hooks.callaro import CallaroHook
from airflow_provider_callkaro.operators.callaro.export import Export, Exported, checked_place
from airflow_provider_callkaro.operators.callaro.preflight import PLAN_FIELDS, Question, Words, preflight
from airflow_provider_callkaro.tasks.callaro.campaign import (
    existing_campaign,
    look_for_a_launch,
    own_campaign,
    refuse_a_second,
)
from airflow_provider_callkaro.tasks.callaro.campaign_memory import CampaignMemory, Launch
from airflow_provider_callkaro.tasks.callaro.messages import standing, unknown_word, wait_is_over
from airflow_provider_callkaro.tasks.callaro.operator import (
    ONE_DAY,
    CallaroOperator,
    campaign_fields,
    check_plain,
    check_staleness,
    refuse_if_stale,
)
from airflow_provider_callkaro.tasks.failures import fail_without_retry
from airflow_provider_callkaro.tasks.redacted import Redacted, RedactedPath
from airflow_provider_callkaro.triggers.callaro_run import CallaroRunTrigger, OnKill, on_kill_named, stop_campaign
from airflow_provider_callkaro.vendors.callaro.answers import CallaroCampaign, CampaignId
from airflow_provider_callkaro.vendors.callaro.states import TERMINAL, CampaignState

SHORT_WAIT = timedelta(seconds=60)
"""How long the campaign is watched on the worker before the wait is deferred, where it is asked more often than that. A
task that comes back before the executor has reported its first half is taken for dead (seen on Airflow 3.3.2)."""
LONGEST_TIMEOUT = timedelta(days=3_652)  # a longer one might end after what a database can store (MySQL: 2038)


class CallaroRunCampaignOperator(CallaroOperator):
    """Create a campaign, look at it before the launch, launch it, wait for its end, and export its results.

    Returns ``{"campaign_id", "state", "export", "rows"}``. A campaign that ends cancelled or failed fails the task for
    good, naming the state.

    Whenever the task dies, its next try goes on: every step begins by reading where the campaign stands. There is never
    a second launch: the campaign's name carries a mark of the task instance, nothing is launched while Callaro's list
    shows two with that mark, and what is no draft is never launched again. It needs no ``ledger_conn_id`` on any
    Airflow, because Callaro itself remembers, and tells, what has been launched. Before Airflow 3.3 the task remembers
    nothing, and what the list does not show with its mark is not launched either.

    A later try that finds a draft brings it up to its own fields, where they are others by now, before it launches it.

    A campaign that somebody paused is waited for, and never resumed: whoever paused it had a reason. Only what this
    task's own worker paused while it ran, when Airflow ended the task, is resumed by the next try, unless Callaro shows
    a later pause (``paused_at``), and where the task has a state (Airflow 3.3 and later). What the triggerer paused,
    because somebody cleared or marked the deferred task, is not: the triggerer has no memory to share. Then resume it
    by hand, or with `CallaroResumeCampaignOperator`.

    :param name: what the campaign is called; the mark is put behind it. Templated.
    :param agent_id: the agent that speaks: a whole number above 0, or the text that Callaro shows. Templated.
    :param timezone: the zone of the campaign's schedule, an IANA name. Templated.
    :param campaign_phone_number_ids: the ids of the phone numbers to ring from, at least one. Templated.
    :param concurrency_limit: how many calls at once, 1 or more. Templated.
    :param extra_fields: what else the account's campaigns take, such as the audience. Sent as it is. Templated, never
        shown.
    :param capacity_maximum: limits before the launch, as in `CallaroPreflightOperator`; without any limit neither
        answer is asked for. Templated, as all that follow up to ``timezones_body``.
    :param capacity_minimum: likewise.
    :param capacity_allowed: likewise, words.
    :param capacity_forbidden: likewise, words.
    :param capacity_query: parameters of that question; never shown.
    :param capacity_body: likewise, in a body; never shown.
    :param timezones_maximum: limits on the time zones of the audience.
    :param timezones_minimum: likewise.
    :param timezones_allowed: likewise, words.
    :param timezones_forbidden: likewise, words.
    :param timezones_query: parameters of that question; never shown.
    :param timezones_body: likewise, in a body; never shown.
    :param export_path: where the results go, as in `CallaroExportResultsOperator`; None exports nothing. Templated.
    :param poll_interval: seconds between two looks at the campaign, above 0. Default 60.
    :param wait_timeout: how long to wait for its end. Then the task fails, the campaign is left, and a retry waits on.
        Default: for ever.
    :param deferrable: wait in the triggerer. Default: ``[operators] default_deferrable``.
    :param on_kill: what becomes of the campaign when somebody marks or clears the running task, or when it reaches its
        ``execution_timeout``: ``pause`` (default: nobody is rung any more, and nothing is lost), ``cancel`` (for good),
        or ``leave``. Of a deferred task Airflow tells from 3.3 on, once a triggerer has taken up the wait.
    :param stale_runs: what a run does that is long past: ``"skip"`` (default), ``"fail"``, or ``"dial"`` all the same.
        It is decided at the run's first start and remembered: a run that only waits does not grow stale. Templated.
    :param stale_after: how long after the end of its data interval a run is long past. Default one day.
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
        if not 0 < poll_interval < float("inf"):
            raise ConfigurationError("poll_interval must be seconds above 0")
        self.poll_interval = timedelta(seconds=poll_interval)
        if wait_timeout is not None and not timedelta(0) < wait_timeout <= LONGEST_TIMEOUT:
            raise ConfigurationError(f"wait_timeout must be above 0, and at most {LONGEST_TIMEOUT.days} days")
        self.wait_timeout = wait_timeout
        self.deferrable = deferrable
        self.at_kill = on_kill_named(on_kill)  # "on_kill" is the method's name
        self._was_killed = False
        self._is_stopping = False
        self._kill: SimpleQueue[None] | None = None
        self._campaign_id: CampaignId | None = None
        self._context: Mapping[str, Any] = {}

    @cached_property
    def hook(self) -> CallaroHook:
        """The Callaro hook; what it waits for ends when Airflow ends the task."""
        return CallaroHook(self.callaro_conn_id, sleep=self._sleep)

    def execute(self, context: Mapping[str, Any]) -> dict[str, Any]:
        """Go on from wherever the campaign stands."""
        return self._until_killed(context, campaign_id=None, began=datetime.now(UTC))

    def execute_complete(
        self,
        context: Mapping[str, Any],
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
        moment = datetime.fromisoformat(began) if began else datetime.now(UTC)
        return self._until_killed(context, campaign_id=campaign_id, began=moment)

    def on_kill(self) -> None:
        """Have the campaign stopped, as told: by the try that is under way, or here where it has ended already."""
        self._was_killed = True
        if self._kill is not None:
            self._kill.put(None)  # a signal's handler may do that, and hardly anything else
        elif self._campaign_id is not None:
            self._stop_campaign()

    def _until_killed(
        self, context: Mapping[str, Any], *, campaign_id: CampaignId | None, began: datetime
    ) -> dict[str, Any]:
        self._context = context
        self._campaign_id = campaign_id
        self._kill = SimpleQueue()
        try:
            result = self._run(context, began=began)
            self._campaign_id = None
        except TaskDeferred:
            self._campaign_id = None  # from here on it is the trigger's
            raise
        except BaseException:
            if self._was_killed:  # as `_check_alive` says, or, before Airflow 3, the signal's handler itself
                self._stop_campaign()
            raise
        finally:
            self._kill = None
        return result

    def _run(self, context: Mapping[str, Any], *, began: datetime) -> dict[str, Any]:
        self._check_export()
        questions = Question.of(self, "capacity"), Question.of(self, "timezones")
        launched = self._campaign_id is not None
        memory = CampaignMemory(context)
        if self._campaign_id is None:
            fields = campaign_fields(
                agent_id=self.agent_id,
                timezone=self.timezone,
                campaign_phone_number_ids=self.campaign_phone_number_ids,
                concurrency_limit=self.concurrency_limit,
                extra_fields=self.extra_fields.value,
            )
            fail_without_retry(self._admit, context, memory)
            self._campaign_id = fail_without_retry(own_campaign, self.hook, context, name=self.name, fields=fields).id
        campaign = fail_without_retry(self._look)
        before = memory.launch_of(campaign.id)
        launched = launched or before is Launch.TAKEN
        campaign = fail_without_retry(self._undo_pause, campaign, memory)
        if campaign.state is CampaignState.DRAFT and before is Launch.SENT:
            campaign = fail_without_retry(look_for_a_launch, self.hook, campaign.id)
        seen, first_look = None, datetime.now(UTC)
        while campaign.state not in TERMINAL:
            self._check_alive()
            if campaign.state is CampaignState.DRAFT and not launched:
                campaign, launched = fail_without_retry(self._launch, campaign, questions=questions), True
                continue
            if campaign.state is CampaignState.OTHER and not launched and self._is_new(memory):
                raise unknown_word(campaign)
            if campaign.status != seen:
                seen = campaign.status
                self.log.log(*standing(campaign))
            if self.deferrable and (self.poll_interval >= SHORT_WAIT or datetime.now(UTC) - first_look >= SHORT_WAIT):
                self._wait_in_the_triggerer(campaign, began=began)
            campaign = self._next_look(campaign, began=began)
        return self._conclude(campaign)

    def _is_new(self, memory: CampaignMemory) -> bool:
        """Whether it is certain that no try has launched the campaign."""
        if memory.lasts:
            return self._campaign_id is not None and memory.launch_of(self._campaign_id) is None
        return self._context["ti"].try_number == 1

    def _look(self) -> CallaroCampaign:
        """How the task's campaign stands; whatever id an answer carries, it is this campaign that was asked about."""
        campaign_id = cast("CampaignId", self._campaign_id)  # known by now
        return replace(self.hook.get_campaign(campaign_id), id=campaign_id)

    def _admit(self, context: Mapping[str, Any], memory: CampaignMemory) -> None:
        """Refuse a run that is long past, unless its campaign is under way already: then nothing is begun any more."""
        try:
            refuse_if_stale(context, stale_runs=self.stale_runs, stale_after=self.stale_after)
        except (AirflowSkipException, AirflowFailException):
            campaign = None if memory.lasts else existing_campaign(self.hook, context)
            if campaign is None or campaign.state is CampaignState.DRAFT:
                raise

    def _check_export(self) -> None:
        """Refuse a place that cannot be written to before anybody is rung."""
        if self.export_path.value:
            checked_place(self.export_path.value)

    def _launch(self, draft: CallaroCampaign, *, questions: tuple[Question, Question]) -> CallaroCampaign:
        if any(question.limits for question in questions):
            preflight(self.hook, draft.id, capacity=questions[0], timezones=questions[1])
            self.log.info("Campaign %s is within every limit", draft.id)
            self._check_alive()
        memory = CampaignMemory(self._context)
        refuse_a_second(self.hook, self._context, draft.id)
        self._check_alive()
        memory.keep_launch(draft.id, Launch.SENT)
        campaign = self._moved(draft, self.hook.launch)
        memory.keep_launch(draft.id, Launch.TAKEN)
        self.log.info("Campaign %s is launched", draft.id)
        return campaign

    def _undo_pause(self, campaign: CallaroCampaign, memory: CampaignMemory) -> CallaroCampaign:
        """Resume what an earlier try paused when Airflow ended it, and forget that pause once it is over."""
        if campaign.state is CampaignState.PAUSED and memory.is_our_pause(campaign):
            self._check_alive()
            self.log.info("Campaign %s was paused when Airflow ended an earlier try; resuming it", campaign.id)
            campaign = self._moved(campaign, self.hook.resume)
        memory.forget_pause()
        return campaign

    def _moved(self, campaign: CallaroCampaign, act: Callable[[CampaignId], CallaroCampaign]) -> CallaroCampaign:
        """The campaign after an action, or as somebody has moved it meanwhile who was quicker."""
        try:
            told = act(campaign.id)
        except NotAllowed as error:
            now = self._look()
            if now.state is campaign.state:
                raise
            self.log.warning("%s; going on from there", error)
            return now
        if str(told.id) != str(campaign.id):  # the answer may tell of something else, such as a job
            return self._look()
        return replace(told, id=campaign.id)

    def _wait_in_the_triggerer(self, campaign: CallaroCampaign, *, began: datetime) -> None:
        self.defer(
            trigger=CallaroRunTrigger(
                hook=f"{type(self.hook).__module__}.{type(self.hook).__qualname__}",
                conn_id=self.callaro_conn_id,
                subject=str(campaign.id),
                statuses=sorted(state.value for state in TERMINAL),
                poll_interval=self.poll_interval.total_seconds(),
                at_kill=self.at_kill.value,
            ),
            method_name="execute_complete",
            kwargs={"campaign_id": campaign.id, "began": began.isoformat()},
            timeout=None if self.wait_timeout is None else self._time_left(campaign, began=began),
        )

    def _next_look(self, campaign: CallaroCampaign, *, began: datetime) -> CallaroCampaign:
        """How the campaign stands after the next pause; as before, where that cannot be told now."""
        pause = min(self.poll_interval, self._time_left(campaign, began=began))
        if self._kill is not None:
            with suppress(Empty):
                self._kill.get(timeout=pause.total_seconds())
        self._check_alive()
        try:
            return fail_without_retry(self._look)
        except (NotSent, Throttled, OutcomeUnknown) as error:
            self.log.warning("%s; looking again in %g s", error, self.poll_interval.total_seconds())
            return campaign

    def _time_left(self, campaign: CallaroCampaign, *, began: datetime) -> timedelta:
        left = began + (self.wait_timeout or LONGEST_TIMEOUT) - datetime.now(UTC)
        if left <= timedelta(0):
            raise wait_is_over(campaign)
        return left

    def _conclude(self, campaign: CallaroCampaign) -> dict[str, Any]:
        if campaign.state is not CampaignState.COMPLETED:
            raise AirflowFailException(f"campaign {campaign.id} is {campaign.state}: it did not come to its end")
        self.log.info("Campaign %s is completed", campaign.id)
        rows = None
        path = self.export_path.value
        if path:
            export = Export(what=Exported.RESULTS, campaign_id=campaign.id)
            rows = export.write(self.hook, path, kind=file_format(path, None))["rows"]
            self.log.info("Wrote %d rows to %s", rows, self.export_path)
        return {
            "campaign_id": campaign.id,
            "state": campaign.state.value,
            "export": path or None,
            "rows": rows,
        }

    def _check_alive(self) -> None:
        if self._was_killed:
            raise AirflowException("Airflow ended the task")

    def _sleep(self, seconds: float) -> None:
        """Wait between two tries of a request, unless Airflow ends the task: then there is a campaign to be stopped."""
        if self._kill is None or self._is_stopping:
            time.sleep(seconds)
            return
        if not self._was_killed:
            with suppress(Empty):
                self._kill.get(timeout=seconds)
        self._check_alive()

    def _stop_campaign(self) -> None:
        """Do to the campaign what `on_kill` says, and remember what the next try may undo."""
        if self._campaign_id is None:
            return
        self._is_stopping = True
        try:
            stopped = stop_campaign(self.hook, self._campaign_id, self.at_kill)
        except VendorError as error:
            self.log.error("Airflow ended the task, and campaign %s may go on ringing: %s", self._campaign_id, error)
            return
        finally:
            self._is_stopping = False
        self.log.info("Airflow ended the task: %s", stopped.said)
        if stopped.paused is not None:
            CampaignMemory(self._context).keep_pause(stopped.paused)
