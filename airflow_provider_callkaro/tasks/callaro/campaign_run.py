"""A Callaro campaign from its draft to its results, in one try that may die at any moment.

Every step begins by reading the campaign's state, so the next try goes on wherever this one died.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException, Context, TaskDeferred

from airflow_provider_callkaro.exceptions import TRANSIENT, NotAllowed, VendorError
from airflow_provider_callkaro.files.storage import redacted_path
from airflow_provider_callkaro.files.writing.result_file import file_format
from airflow_provider_callkaro.hooks.callaro import CallaroHook
from airflow_provider_callkaro.links.campaigns import CallaroCampaignLink
from airflow_provider_callkaro.tasks.callaro.campaign import (
    existing_campaign,
    look_for_a_launch,
    own_campaign,
    refuse_a_second,
)
from airflow_provider_callkaro.tasks.callaro.campaign_memory import CampaignMemory, Launch
from airflow_provider_callkaro.tasks.callaro.export import Export, Exported, checked_place
from airflow_provider_callkaro.tasks.callaro.kill_switch import KillSwitch
from airflow_provider_callkaro.tasks.callaro.messages import standing, unknown_word, wait_is_over
from airflow_provider_callkaro.tasks.callaro.observation import CampaignObserver
from airflow_provider_callkaro.tasks.callaro.operator import refuse_if_stale
from airflow_provider_callkaro.tasks.callaro.preflight import Question, preflight
from airflow_provider_callkaro.tasks.failures import fail_without_retry
from airflow_provider_callkaro.tasks.waiting import LONGEST_TIMEOUT, SHORT_WAIT
from airflow_provider_callkaro.triggers.callaro_run import CallaroRunTrigger, OnKill, stop_campaign
from airflow_provider_callkaro.vendors.callaro.answers import CallaroCampaign, CampaignId
from airflow_provider_callkaro.vendors.callaro.states import TERMINAL, CampaignState

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSettings:
    """What the DAG's author asks of a campaign's run, rendered; each is an argument of `CallaroRunCampaignOperator`.

    :param fields: makes the campaign's other fields; called only where a draft is made or brought up to date.
    :param capacity: the question about capacity, before the launch.
    :param timezones: the question about the time zones of the audience, before the launch.
    :param export_path: where the results go; None exports nothing.
    """

    name: str
    fields: Callable[[], Mapping[str, Any]]
    capacity: Question
    timezones: Question
    export_path: str | None
    poll_interval: timedelta
    wait_timeout: timedelta | None
    deferrable: bool
    on_kill: OnKill
    stale_runs: str
    stale_after: timedelta


class CampaignRun:
    """One try of the run of a campaign.

    `kill` may come from a signal handler or from another thread while `run` is under way: it only pulls the
    `KillSwitch` then. Everything else belongs to the thread of `run`.

    :param settings: what the author asks for.
    :param hook: asks Callaro; it waits between its tries by `sleep`.
    :param context: what Airflow gave to this try.
    :param defer: the operator's ``defer``.
    :param observer: is told of the launch and of the end.
    :param campaign_id: the campaign, where the task comes back from the triggerer and knows it.
    :param began: when the wait for the campaign's end began, aware; the first try of a wait begins it now.
    """

    def __init__(
        self,
        settings: RunSettings,
        *,
        hook: CallaroHook,
        context: Context,
        defer: Callable[..., None],
        observer: CampaignObserver,
        campaign_id: CampaignId | None = None,
        began: datetime,
    ) -> None:
        self._settings = settings
        self._hook = hook
        self._context = context
        self._defer = defer
        self._observer = observer
        self._campaign_id = campaign_id
        self._began = began
        self._launched = campaign_id is not None
        self._memory = CampaignMemory(context)
        self._kill_switch = KillSwitch()
        self._is_under_way = True
        self._is_stopping = False
        self._shown_status: str | None = None

    def run(self) -> dict[str, Any]:
        """Go on from the campaign's state; if Airflow ends the task meanwhile, stop the campaign.

        :return: ``{"campaign_id", "state", "export", "rows"}``.
        :raises AirflowFailException: the campaign did not come to its end, or a retry would change nothing.
        :raises AirflowSkipException: the run is long past, and such runs are skipped.
        :raises AirflowException: Airflow ended the task, or ``wait_timeout`` is over; a retry goes on.
        """
        try:
            result = self._from_draft_to_results()
            self._campaign_id = None
        except TaskDeferred:
            self._campaign_id = None  # from here on the trigger stops it
            raise
        except BaseException:
            if self._kill_switch.was_pulled:  # before Airflow 3 the signal's handler itself raises
                self._stop_campaign()
            raise
        finally:
            self._is_under_way = False
        return result

    def kill(self) -> None:
        """Stop the campaign: `run` does it if it is under way; if it has ended by an error, do it here."""
        self._kill_switch.pull()
        if not self._is_under_way:
            self._stop_campaign()

    def sleep(self, seconds: float) -> None:
        """Wait between two tries of a request, unless Airflow ends the task: then the campaign has to be stopped."""
        if self._is_stopping or not self._is_under_way:
            time.sleep(seconds)
        else:
            self._kill_switch.wait(seconds)

    def _from_draft_to_results(self) -> dict[str, Any]:
        if self._settings.export_path:
            checked_place(self._settings.export_path)  # before the first call
        campaign = self._own_campaign()
        campaign = self._launched_and_over(campaign)
        return self._results(campaign)

    def _own_campaign(self) -> CallaroCampaign:
        """The task's own campaign as it stands now, made if no try has made it."""
        if self._campaign_id is None:
            fields = self._settings.fields()
            fail_without_retry(self._refuse_if_stale)
            own = fail_without_retry(own_campaign, self._hook, self._context, name=self._settings.name, fields=fields)
            self._campaign_id = own.id
            CallaroCampaignLink.show(self._context, self._hook.connection.campaign_page, own.id)
        campaign = fail_without_retry(self._look)
        launch = self._memory.launch_of(campaign.id)
        self._launched = self._launched or launch is Launch.TAKEN
        campaign = fail_without_retry(self._undo_our_pause, campaign)
        if campaign.state is CampaignState.DRAFT and launch is Launch.SENT:
            campaign = fail_without_retry(look_for_a_launch, self._hook, campaign.id)
        return campaign

    def _launched_and_over(self, campaign: CallaroCampaign) -> CallaroCampaign:
        """The campaign at its end: it is launched once, and then waited for."""
        first_look = datetime.now(UTC)
        while campaign.state not in TERMINAL:
            self._kill_switch.check()
            if campaign.state is CampaignState.DRAFT and not self._launched:
                campaign = fail_without_retry(self._launch, campaign)
                self._launched = True
            elif campaign.state is CampaignState.OTHER and not self._launched and self._is_new():
                raise unknown_word(campaign)
            else:
                campaign = self._wait(campaign, has_waited=datetime.now(UTC) - first_look)
        return campaign

    def _results(self, campaign: CallaroCampaign) -> dict[str, Any]:
        if campaign.state is not CampaignState.COMPLETED:
            self._observer.ended(campaign.state)
            raise AirflowFailException(f"campaign {campaign.id} is {campaign.state}: it did not come to its end")
        log.info("Campaign %s is completed", campaign.id)
        path, rows = self._settings.export_path, None
        if path:
            export = Export(what=Exported.RESULTS, campaign_id=campaign.id)
            rows = export.write(self._hook, path, kind=file_format(path, None))["rows"]
            log.info("Wrote %d rows to %s", rows, redacted_path(path))
        self._observer.ended(campaign.state, rows=rows)
        return {"campaign_id": campaign.id, "state": campaign.state.value, "export": path or None, "rows": rows}

    def _refuse_if_stale(self) -> None:
        """Refuse a run that is long past, unless its campaign is under way already: then nothing new begins."""
        try:
            refuse_if_stale(self._context, stale_runs=self._settings.stale_runs, stale_after=self._settings.stale_after)
        except (AirflowSkipException, AirflowFailException):
            campaign = None if self._memory.lasts else existing_campaign(self._hook, self._context)
            if campaign is None or campaign.state is CampaignState.DRAFT:
                raise

    def _is_new(self) -> bool:
        """Whether it is certain that no try has launched the campaign."""
        if self._memory.lasts:
            return self._campaign_id is not None and self._memory.launch_of(self._campaign_id) is None
        return bool(self._context["ti"].try_number == 1)

    def _launch(self, draft: CallaroCampaign) -> CallaroCampaign:
        """Launch a draft that is within every limit, and the only one of this task."""
        capacity, timezones = self._settings.capacity, self._settings.timezones
        if capacity.limits or timezones.limits:
            preflight(self._hook, draft.id, capacity=capacity, timezones=timezones)
            log.info("Campaign %s is within every limit", draft.id)
            self._kill_switch.check()
        refuse_a_second(self._hook, self._context, draft.id)
        self._kill_switch.check()
        self._memory.keep_launch(draft.id, Launch.SENT)
        campaign = self._moved(draft, self._hook.launch)
        self._memory.keep_launch(draft.id, Launch.TAKEN)
        self._observer.launched()
        log.info("Campaign %s is launched", draft.id)
        return campaign

    def _undo_our_pause(self, campaign: CallaroCampaign) -> CallaroCampaign:
        """Resume what an earlier try paused when Airflow ended it, and forget that pause once it is over."""
        if campaign.state is CampaignState.PAUSED and self._memory.is_our_pause(campaign):
            self._kill_switch.check()
            log.info("Campaign %s was paused when Airflow ended an earlier try; resuming it", campaign.id)
            campaign = self._moved(campaign, self._hook.resume)
        self._memory.forget_pause()
        return campaign

    def _moved(self, campaign: CallaroCampaign, move: Callable[[CampaignId], CallaroCampaign]) -> CallaroCampaign:
        """The campaign after a move, or as it stands where somebody else has moved it meanwhile."""
        try:
            answer = move(campaign.id)
        except NotAllowed as error:
            now = self._look()
            if now.state is campaign.state:
                raise
            log.warning("%s; going on from there", error)
            return now
        is_of_another = str(answer.id) != str(campaign.id)  # such as of a job
        return self._look() if is_of_another else replace(answer, id=campaign.id)

    def _wait(self, campaign: CallaroCampaign, *, has_waited: timedelta) -> CallaroCampaign:
        """The campaign after the next wait; as before, where it cannot be read now."""
        if campaign.status != self._shown_status:
            self._shown_status = campaign.status
            log.log(*standing(campaign))
        poll_interval = self._settings.poll_interval
        if self._settings.deferrable and max(poll_interval, has_waited) >= SHORT_WAIT:
            self._wait_in_the_triggerer(campaign)
        self._kill_switch.wait(min(poll_interval, self._time_left(campaign)).total_seconds())
        try:
            return fail_without_retry(self._look)
        except TRANSIENT as error:
            log.warning("%s; looking again in %g s", error, poll_interval.total_seconds())
            return campaign

    def _wait_in_the_triggerer(self, campaign: CallaroCampaign) -> None:
        self._defer(
            trigger=CallaroRunTrigger(
                hook=f"{type(self._hook).__module__}.{type(self._hook).__qualname__}",
                conn_id=self._hook.callaro_conn_id,
                subject=str(campaign.id),
                statuses=sorted(state.value for state in TERMINAL),
                poll_interval=self._settings.poll_interval.total_seconds(),
                at_kill=self._settings.on_kill.value,
            ),
            method_name="execute_complete",
            kwargs={"campaign_id": campaign.id, "began": self._began.isoformat()},
            timeout=None if self._settings.wait_timeout is None else self._time_left(campaign),
        )

    def _time_left(self, campaign: CallaroCampaign) -> timedelta:
        left = self._began + (self._settings.wait_timeout or LONGEST_TIMEOUT) - datetime.now(UTC)
        if left <= timedelta(0):
            raise wait_is_over(campaign)
        return left

    def _look(self) -> CallaroCampaign:
        """The task's campaign as Callaro shows it, with the id that we asked for, whatever id the answer carries."""
        campaign_id = cast("CampaignId", self._campaign_id)  # known by now
        return replace(self._hook.get_campaign(campaign_id), id=campaign_id)

    def _stop_campaign(self) -> None:
        """Do to the campaign what ``on_kill`` says, and remember what the next try may undo."""
        if self._campaign_id is None:
            return
        self._is_stopping = True
        try:
            stopped = stop_campaign(self._hook, self._campaign_id, self._settings.on_kill)
        except VendorError as error:
            log.error("Airflow ended the task, and campaign %s may go on ringing: %s", self._campaign_id, error)
            return
        finally:
            self._is_stopping = False
        log.info("Airflow ended the task: %s", stopped.said)
        if stopped.paused is not None:
            self._memory.keep_pause(stopped.paused)
