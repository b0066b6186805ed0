"""Where a sensor takes its hours from: a policy, a window, times of day in a connection's zone, or an account.

Plain arguments are checked when the DAG is parsed, templates when the task runs. A template that renders to nothing is
an error: a sensor without hours would let every call through.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import time, timedelta, tzinfo

from airflow.providers.common.compat.sdk import BaseHook

from airflow_provider_callkaro.calls.policy import RECIPIENT, CallingPolicy
from airflow_provider_callkaro.calls.window import ScheduleWindow
from airflow_provider_callkaro.exceptions import ConfigurationError

EVERY_DAY = "mon-sun"

_WAYS = "give a policy, or start, end and timezone, or min_trigger_time, max_trigger_time and conn_id, or conn_id alone"
_SPAN = re.compile(r"([0-9]{1,3}):([0-5][0-9])(?::([0-5][0-9]))?")
_NOTHING = frozenset({"", "none"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """A sensor's arguments about hours; see `ScheduleWindowSensor`.

    :raises ConfigurationError: two arguments exclude each other, or one is missing.
    """

    policy: CallingPolicy | None
    start: str | time | None
    end: str | time | None
    days: str | Iterable[str | int]
    timezone: str | None
    min_trigger_time: str | time | None
    max_trigger_time: str | time | None
    conn_id: str | None
    agent_id: str | None
    campaign_id: str | None

    def __post_init__(self) -> None:
        if self.policy is not None:
            others = [field.name for field in fields(self) if field.name not in ("policy", "days")]
            self._refuse("policy", [*others, *(["days"] if self.days != EVERY_DAY else [])])
            return
        for_account = ["agent_id", "campaign_id"]
        if self.min_trigger_time is not None or self.max_trigger_time is not None:
            self._refuse("min_trigger_time", ["start", "end", *for_account])
            self._require(["min_trigger_time", "max_trigger_time"])
            if self.timezone is None and self.conn_id is None:
                raise ConfigurationError(
                    "missing conn_id: the trigger times are meant in the schedule_timezone of a connection, or in a "
                    "timezone of their own"
                )
        elif self.conn_id is not None:
            self._refuse("conn_id", ["start", "end", "timezone", *(["days"] if self.days != EVERY_DAY else [])])
        else:
            self._refuse("start", for_account)
            self._require(["start", "end", "timezone"])

    def _refuse(self, name: str, others: list[str]) -> None:
        other = next((each for each in others if getattr(self, each) is not None), None)
        if other is not None:
            raise ConfigurationError(f"{name} and {other} exclude each other: {_WAYS}")

    def _require(self, names: list[str]) -> None:
        missing = ", ".join(name for name in names if getattr(self, name) is None)
        if missing:
            raise ConfigurationError(f"missing {missing}: {_WAYS}")

    @property
    def needs_connection(self) -> bool:
        """Whether the hours are known only once a connection is read."""
        return self.conn_id is not None and self.timezone is None

    def read(self) -> CallingPolicy:
        """The policy to wait for.

        :raises ConfigurationError: the window cannot be one, or the connection does not say its hours or its zone.
        """
        return _with_a_zone(self.policy or self._window() or self._of_the_account())

    def _window(self) -> CallingPolicy | None:
        start = self.start if self.min_trigger_time is None else self.min_trigger_time
        end = self.end if self.max_trigger_time is None else self.max_trigger_time
        if start is None or end is None:
            return None
        timezone = self.timezone or _zone_of(str(self.conn_id))
        if timezone == RECIPIENT:
            raise ConfigurationError(
                'timezone "recipient" has no meaning for a sensor: name a zone, such as Asia/Kolkata'
            )
        return CallingPolicy(windows=[ScheduleWindow(start, end, self.days)], timezone=timezone)

    def _of_the_account(self) -> CallingPolicy:
        hook = _hook(str(self.conn_id))
        ask = getattr(hook, "calling_policy", None)
        if ask is None:
            raise ConfigurationError(
                f'connection "{self.conn_id}" is of a type ({type(hook).__name__}) that knows no calling hours: use '
                "one of CallKaro, Callaro or MrAssistant, or give start, end and timezone"
            )
        policy: CallingPolicy = ask(agent_id=self.agent_id, campaign_id=self.campaign_id)
        return policy


def read_min_remaining(value: object) -> timedelta:
    """A span of time: a timedelta, or text such as ``1:30`` or ``1:30:00`` (hours, minutes, seconds).

    :raises ConfigurationError: it is no such span, or negative.
    """
    if isinstance(value, str) and (match := _SPAN.fullmatch(value.strip())):
        hours, minutes, seconds = match.groups(default="0")
        return timedelta(hours=int(hours), minutes=int(minutes), seconds=int(seconds))
    if not isinstance(value, timedelta) or value < timedelta(0):
        raise ConfigurationError('min_remaining must be a timedelta of 0 or more, or text such as "1:30:00"')
    return value


def _with_a_zone(policy: CallingPolicy) -> CallingPolicy:
    if policy.timezone == RECIPIENT:
        raise ConfigurationError(
            "policy is in the recipient's time zone, and a sensor has no recipient: give it a policy with a zone "
            "of its own, or leave the waiting to the fan-out, which knows each number"
        )
    return policy


def _zone_of(conn_id: str) -> str:
    """The name of the zone of a connection's times of day."""
    zone: tzinfo | None = getattr(_hook(conn_id), "schedule_timezone", None)
    if zone is None:
        raise ConfigurationError(
            f'the trigger times need a zone: set "schedule_timezone" in the extra of connection "{conn_id}", such as '
            '"Asia/Kolkata", or give timezone'
        )
    return str(zone)


def _hook(conn_id: str) -> BaseHook:
    """The hook of a connection, by the connection's type."""
    return BaseHook.get_connection(conn_id).get_hook()
