"""Waiting for calling hours.

The sensor works out the one moment at which it may go on, and sleeps until then: on the worker, rescheduled, or in the
triggerer. When it wakes it asks again, because clocks can be set and machines suspended while nobody looks. All modes
ask the same question (`waiting.next_opening`), so they give the same answer.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any, NoReturn

from airflow.providers.common.compat.sdk import (
    AirflowSensorTimeout,
    AirflowSkipException,
    BaseSensorOperator,
    conf,
)

from airflow_provider_callkaro.calls.policy import RECIPIENT, CallingPolicy
from airflow_provider_callkaro.calls.window import ScheduleWindow
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.sensors.rescheduling import AirflowRescheduleException, first_reschedule
from airflow_provider_callkaro.sensors.waiting import Opening, next_opening
from airflow_provider_callkaro.triggers.schedule_window import ScheduleWindowTrigger, nap

SHORT_WAIT = timedelta(seconds=60)
"""Shorter waits are slept on the worker. A task that comes back before the executor has reported its first half is
taken for dead (seen on Airflow 3.3.2), and a minute of a slot costs less than a second start."""

LATE_WAKING = timedelta(seconds=60)
"""How late the triggerer may be before Airflow ends the wait: an opening at the end of the timeout still counts."""

DECADE = timedelta(days=3_652)  # a longer timeout might end after what a database can store (MySQL: the year 2038)
EVERY_DAY = "mon-sun"


class ScheduleWindowSensor(BaseSensorOperator):
    """Waits until calls may ring, and returns when that ends: an ISO 8601 time in UTC, or None if it never does.

    It sleeps once, to the moment of the opening, whatever the mode: ``poke`` on the worker, ``reschedule`` and
    ``deferrable`` without holding a worker slot (waits under a minute are always slept on the worker). When no opening
    comes within ``timeout``, which counts from the first start of the wait, it fails at once, or is skipped with
    ``soft_fail``; it never sleeps in vain. ``poke_interval``, ``exponential_backoff``, ``max_wait`` and ``silent_fail``
    have no meaning here.

    Give a policy, or one simple window with ``start``, ``end`` and ``timezone``.

    :param policy: which hours are open. Its caps and suppressions are for single calls and play no part here.
    :param start: from when on, local wall time ``HH:MM``, as in `ScheduleWindow`.
    :param end: until when, local wall time ``HH:MM``, excluded; earlier than ``start`` means the next day.
    :param days: the days on which the window starts, such as ``mon-fri`` or ``mon,wed``. Default: every day.
    :param timezone: the zone of ``start`` and ``end``, such as ``Asia/Kolkata``.
    :param min_remaining: how long it must stay open from then on. Windows shorter than this are passed over. Default 0.
    :param deferrable: wait in the triggerer. Default: ``[operators] default_deferrable``.
    :raises ConfigurationError: the arguments do not make a window in one time zone.
    """

    ui_color = "#e8ecf7"

    def __init__(
        self,
        *,
        policy: CallingPolicy | None = None,
        start: str | time | None = None,
        end: str | time | None = None,
        days: str | Iterable[str | int] = EVERY_DAY,
        timezone: str | None = None,
        min_remaining: timedelta = timedelta(0),
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.policy = _the_policy(policy, start=start, end=end, days=days, timezone=timezone)
        if not isinstance(min_remaining, timedelta) or min_remaining < timedelta(0):
            raise ConfigurationError("min_remaining must be a timedelta of 0 or more")
        self.min_remaining = min_remaining
        self.deferrable = deferrable

    def execute(self, context: Mapping[str, Any]) -> str | None:
        """Wait for the opening, and return when it closes."""
        return self._wait(began=self._first_start(context))

    def execute_complete(
        self,
        context: Mapping[str, Any],
        event: Mapping[str, Any] | None = None,  # noqa: ARG002 - Airflow hands it over by this name
        began: str | None = None,
    ) -> str | None:
        """Go on after the triggerer: the moment has come, unless the clock was set meanwhile.

        :param event: what the trigger said; not needed, for the clock and the policy are asked again.
        :param began: when the wait began, ISO 8601.
        """
        return self._wait(began=datetime.fromisoformat(began) if began else self._first_start(context))

    def _wait(self, *, began: datetime) -> str | None:
        while True:
            now = datetime.now(UTC)
            opening = self._opening(now, began=began)
            if opening.at <= now:
                self.log.info("%s", self.policy.explain(now))
                return opening.closes_at.isoformat() if opening.closes_at else None
            self.log.info("%s; waiting until %s", self.policy.explain(now), opening.at.isoformat(timespec="seconds"))
            if opening.at - now >= SHORT_WAIT:
                self._give_back_the_slot(opening.at, now=now, began=began)
            _sleep_until(opening.at)

    def _opening(self, now: datetime, *, began: datetime) -> Opening:
        until = max(now, began + self._patience)  # open is open, even when the timeout is over
        opening = next_opening(self.policy, after=now, until=until, min_remaining=self.min_remaining)
        if opening is None:
            wanted = f" for at least {self.min_remaining}" if self.min_remaining else ""
            self._refuse(
                f"calls may not ring{wanted} before the sensor's timeout of {self._patience} is over: "
                f"{self.policy.explain(now)}. Give it a longer timeout or other hours"
            )
        return opening

    @property
    def _patience(self) -> timedelta:
        return timedelta(seconds=min(self.timeout, DECADE.total_seconds()))

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

    def _first_start(self, context: Mapping[str, Any]) -> datetime:
        """When the wait began: now, or before the first reschedule, as Airflow's own sensors count it."""
        first = first_reschedule(context, retries=self.retries) if self.reschedule else None
        return first or datetime.now(UTC)


def _the_policy(
    policy: CallingPolicy | None,
    *,
    start: str | time | None,
    end: str | time | None,
    days: str | Iterable[str | int],
    timezone: str | None,
) -> CallingPolicy:
    """The policy that was given, or one of a single window."""
    window = {"start": start, "end": end, "timezone": timezone}
    given = [name for name, value in window.items() if value is not None]
    if policy is not None:
        if given or days != EVERY_DAY:
            raise ConfigurationError(
                f"policy and {(given or ['days'])[0]} exclude each other: give a policy, or start, end and timezone"
            )
        if not isinstance(policy, CallingPolicy):
            raise ConfigurationError('policy must be a CallingPolicy, such as CallingPolicy.rules("in-promotional")')
        if policy.timezone == RECIPIENT:
            raise ConfigurationError(
                "policy is in the recipient's time zone, and a sensor has no recipient: give it a policy with a zone "
                "of its own, or leave the waiting to the fan-out, which knows each number"
            )
        return policy
    if start is None or end is None or timezone is None:
        missing = ", ".join(name for name, value in window.items() if value is None)
        raise ConfigurationError(f"missing {missing}: give a policy, or start, end and timezone")
    if timezone == RECIPIENT:
        raise ConfigurationError('timezone "recipient" has no meaning for a sensor: name a zone, such as Asia/Kolkata')
    return CallingPolicy(windows=[ScheduleWindow(start, end, days)], timezone=timezone)


def _sleep_until(moment: datetime) -> None:
    asleep = threading.Event()
    while seconds := nap(until=moment, now=datetime.now(UTC)):
        asleep.wait(seconds)
