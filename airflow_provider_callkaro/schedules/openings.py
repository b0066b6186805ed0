"""When the hours of a policy begin and end, whole openings and not days of them, and the policy as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, cast

from airflow_provider_callkaro.calls.described import policy_from_json
from airflow_provider_callkaro.calls.policy import RECIPIENT, CallingPolicy
from airflow_provider_callkaro.calls.window import ScheduleWindow
from airflow_provider_callkaro.exceptions import ConfigurationError, NeverOpens

_FURTHEST_BACK = 512  # days; a yearly rule opens at least once in them
_SECOND = timedelta(seconds=1)


def hours_of(policy: CallingPolicy | str, *, what: str) -> CallingPolicy:
    """A policy by which a whole DAG may go.

    :param policy: the policy, or the name of a rule pack.
    :param what: what it is for, in the message.
    :raises ConfigurationError: its hours are those of each recipient.
    """
    if isinstance(policy, str):
        policy = CallingPolicy.rules(policy)
    if not isinstance(policy, CallingPolicy):
        raise ConfigurationError(f"{what} takes a CallingPolicy, or the name of a rule pack")
    if policy.timezone == RECIPIENT:
        raise ConfigurationError(
            f'{what} needs hours in one time zone: a policy with timezone="recipient" opens for each person at another '
            "time; give the zone of most of them, and the policy as it is to the operator"
        )
    return policy


def next_start(policy: CallingPolicy, after: datetime) -> datetime | None:
    """When hours next begin, later than ``after``; None where they do not within 400 days. Aware, UTC."""
    after = after.replace(microsecond=0)  # hours begin at whole seconds
    if policy.is_open(after):
        closes = policy.closes_at(after)
        if closes is None:
            return None
        after = closes
    try:
        return policy.next_open(after + _SECOND)
    except NeverOpens:
        return None


def last_start(policy: CallingPolicy, until: datetime) -> datetime | None:
    """When hours last began, at ``until`` or earlier; None where they did not within a year."""
    back = 1
    while back <= _FURTHEST_BACK:
        found = None
        start = next_start(policy, until - timedelta(days=back))
        while start is not None and start <= until:
            found, start = start, next_start(policy, start)
        if found is not None:
            return found
        back *= 2
    return None


def hours_as_json(policy: CallingPolicy) -> dict[str, Any]:
    """The hours of a policy as JSON has them. Caps and suppressed people are no part of them."""
    return {
        "timezone": policy.timezone,
        "windows": [{"start": w.start, "end": w.end, "days": w.days} for w in _windows(policy)],
        "closed_dates": [str(day) for day in policy.closed_dates],
        "holidays": policy.holidays,
    }


def hours_from_json(hours: Mapping[str, Any]) -> CallingPolicy:
    """The policy of what `hours_as_json` gave.

    :raises ConfigurationError: it is no such thing.
    """
    plain = policy_from_json(hours["windows"], timezone=hours["timezone"])
    return CallingPolicy(
        timezone=plain.timezone,
        windows=plain.windows,
        closed_dates=hours["closed_dates"],
        holidays=hours["holidays"],
    )


def hours_in_words(policy: CallingPolicy) -> str:
    """The hours for a person, such as ``10:00-19:00 mon-sat, Asia/Kolkata``."""
    closed = [f"but on holidays ({policy.holidays})"] if policy.holidays else []
    if policy.closed_dates:
        closed.append("but on closed dates")
    return ", ".join([*map(str, _windows(policy)), policy.timezone, *closed])


def _windows(policy: CallingPolicy) -> tuple[ScheduleWindow, ...]:
    return cast("tuple[ScheduleWindow, ...]", policy.windows)  # which is what the policy makes of any spelling
