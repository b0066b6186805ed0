"""Waiting for calling hours.

The sensor works out the one moment at which it may go on, and sleeps until then: on the worker, rescheduled, or in the
triggerer. When it wakes it checks again, because meanwhile somebody may have set the clock or suspended the machine.
All modes ask the same question (`calls.next_opening`), so they give the same answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any, NoReturn

from airflow.providers.common.compat.sdk import (
    AirflowSensorTimeout,
    AirflowSkipException,
    BaseSensorOperator,
    Context,
    XComArg,
    conf,
)

from airflow_provider_callkaro.calls.next_opening import NextOpening, next_opening
from airflow_provider_callkaro.calls.policy import CallingPolicy
from airflow_provider_callkaro.sensors.hours import EVERY_DAY, Hours, read_min_remaining
from airflow_provider_callkaro.sensors.rescheduling import AirflowRescheduleException, first_reschedule
from airflow_provider_callkaro.tasks.arguments import refuse_empty_arguments
from airflow_provider_callkaro.tasks.instants import to_iso
from airflow_provider_callkaro.tasks.rendering import RendersLiterals
from airflow_provider_callkaro.tasks.rules import read_policy
from airflow_provider_callkaro.tasks.waiting import LATE_WAKING, LONGEST_TIMEOUT, SHORT_WAIT, sleep_until
from airflow_provider_callkaro.triggers.schedule_window import ScheduleWindowTrigger


class ScheduleWindowSensor(RendersLiterals, BaseSensorOperator):
    """Waits until calls may ring, and returns when that ends: an ISO 8601 time in UTC, or None if it never does.

    In every mode it sleeps once, until the opening: ``poke`` on the worker, ``reschedule`` and ``deferrable`` without a
    worker slot (a wait under a minute is always on the worker). If no opening comes within ``timeout``, which counts
    from the first start of the wait, it fails at once, or is skipped with ``soft_fail``; it never sleeps in vain.
    ``poke_interval``, ``exponential_backoff``, ``max_wait`` and ``silent_fail`` have no meaning here.

    Give a policy; or one simple window with ``start``, ``end`` and ``timezone``; or ``min_trigger_time`` and
    ``max_trigger_time`` with a connection that says their zone; or a connection alone, whose account says its hours. An
    argument that is set and renders to nothing fails the task by its name.

    :param policy: the hours that are open: a `CallingPolicy`, or the name of a rule pack, such as
        ``"in-promotional"``. Its caps and suppressions concern single calls and do not matter here.
    :param start: the opening, local wall time ``HH:MM``, as in `ScheduleWindow`. Templated.
    :param end: the closing, local wall time ``HH:MM``, excluded; earlier than ``start`` means the next day. Templated.
    :param days: the days on which the window starts, such as ``mon-fri`` or ``mon,wed``. Default: every day. Templated.
    :param timezone: the zone of ``start`` and ``end``, such as ``Asia/Kolkata``. Templated.
    :param min_trigger_time: as ``start``, in the ``schedule_timezone`` of the connection. Templated.
    :param max_trigger_time: as ``end``, in the ``schedule_timezone`` of the connection. Templated.
    :param conn_id: a connection to CallKaro (its extra ``calling_windows``), Callaro or MrAssistant (the hours of the
        account), or the one that says the zone of the trigger times. Templated.
    :param agent_id: the agent, where the account has hours per agent. Templated.
    :param campaign_id: the campaign, where the account has hours per campaign. Templated.
    :param min_remaining: how long it must stay open from then on, a timedelta or text such as ``1:30:00``. Shorter
        windows do not count. Default 0. Templated.
    :param deferrable: wait in the triggerer. Default: ``[operators] default_deferrable``.
    :raises ConfigurationError: the arguments do not make a window in one time zone.
    """

    template_fields: Sequence[str] = (
        "start",
        "end",
        "days",
        "timezone",
        "min_trigger_time",
        "max_trigger_time",
        "conn_id",
        "agent_id",
        "campaign_id",
        "min_remaining",
    )
    ui_color = "#e8ecf7"

    def __init__(
        self,
        *,
        policy: CallingPolicy | str | None = None,
        start: str | time | None = None,
        end: str | time | None = None,
        days: str | Iterable[str | int] = EVERY_DAY,
        timezone: str | None = None,
        min_trigger_time: str | time | None = None,
        max_trigger_time: str | time | None = None,
        conn_id: str | None = None,
        agent_id: str | None = None,
        campaign_id: str | None = None,
        min_remaining: timedelta | str = timedelta(0),
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.start = start
        self.end = end
        self.days = days
        self.timezone = timezone
        self.min_trigger_time = min_trigger_time
        self.max_trigger_time = max_trigger_time
        self.conn_id = conn_id
        self.agent_id = agent_id
        self.campaign_id = campaign_id
        self.min_remaining = min_remaining
        self.deferrable = deferrable
        self._own_policy = read_policy(policy)
        self._provided = [name for name in self.template_fields if getattr(self, name) is not None]
        self._check_literals()
        hours = self._hours()
        self.policy = self._own_policy
        """The hours to wait for; None until the task runs, where they are templated or a connection's."""
        if not any(_is_templated(getattr(self, name)) for name in self._provided):
            read_min_remaining(min_remaining)
            if not hours.needs_connection:
                self.policy = hours.read()

    def _hours(self) -> Hours:
        return Hours(
            policy=self._own_policy,
            start=self.start,
            end=self.end,
            days=self.days,
            timezone=self.timezone,
            min_trigger_time=self.min_trigger_time,
            max_trigger_time=self.max_trigger_time,
            conn_id=self.conn_id,
            agent_id=self.agent_id,
            campaign_id=self.campaign_id,
        )

    def execute(self, context: Context) -> str | None:
        """Wait for the opening, and return when it closes."""
        return self._wait(began=self._first_start(context))

    def execute_complete(
        self,
        context: Context,
        event: Mapping[str, Any] | None = None,  # noqa: ARG002 - Airflow hands it over by this name
        began: str | None = None,
    ) -> str | None:
        """Go on after the triggerer: the moment has come, unless somebody set the clock meanwhile.

        :param event: what the trigger said; not needed, because this checks the clock and the policy again.
        :param began: when the wait began, ISO 8601.
        """
        return self._wait(began=datetime.fromisoformat(began) if began else self._first_start(context))

    def _wait(self, *, began: datetime) -> str | None:
        refuse_empty_arguments(self, self._provided)
        self.policy = policy = self._hours().read()
        while True:
            now = datetime.now(UTC)
            opening = self._opening(policy, now, began=began)
            if opening.at <= now:
                self.log.info("%s", policy.explain(now))
                return to_iso(opening.closes_at) if opening.closes_at else None
            self.log.info("%s; waiting until %s", policy.explain(now), to_iso(opening.at))
            if opening.at - now >= SHORT_WAIT:
                self._give_back_the_slot(opening.at, now=now, began=began)
            sleep_until(opening.at)

    def _opening(self, policy: CallingPolicy, now: datetime, *, began: datetime) -> NextOpening:
        until = max(now, began + self._patience)  # open is open, even when the timeout is over
        lasting = read_min_remaining(self.min_remaining)
        opening = next_opening(policy, after=now, until=until, min_remaining=lasting)
        if opening is None:
            wanted = f" for at least {lasting}" if lasting else ""
            self._refuse(
                f"calls may not ring{wanted} before the sensor's timeout of {self._patience} is over: "
                f"{policy.explain(now)}. Give it a longer timeout or other hours"
            )
        return opening

    @property
    def _patience(self) -> timedelta:
        return timedelta(seconds=min(self.timeout, LONGEST_TIMEOUT.total_seconds()))

    def _give_back_the_slot(self, moment: datetime, *, now: datetime, began: datetime) -> None:
        if self.deferrable:
            self.defer(
                trigger=ScheduleWindowTrigger(moment),
                method_name="execute_complete",
                kwargs={"began": began.isoformat()},
                timeout=began + self._patience - now + LATE_WAKING,
            )
        if self.reschedule:
            raise AirflowRescheduleException(moment)

    def _refuse(self, why: str) -> NoReturn:
        if self.soft_fail or self.never_fail:
            self.log.info("Skipping: %s", why)
            raise AirflowSkipException(why)
        raise AirflowSensorTimeout(why)

    def _first_start(self, context: Context) -> datetime:
        """When the wait began: now, or before the first reschedule, as Airflow's own sensors count it."""
        first = first_reschedule(context, retries=self.retries) if self.reschedule else None
        return first or datetime.now(UTC)


def _is_templated(value: object) -> bool:
    """Whether a value is known only when the task runs."""
    if isinstance(value, (list, tuple)):
        return any(map(_is_templated, value))
    return isinstance(value, XComArg) or (isinstance(value, str) and ("{{" in value or "{%" in value))
