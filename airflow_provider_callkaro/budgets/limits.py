"""What one account with a vendor allows: the budget that all tasks of a connection share.

A budget of calls per second is a number of tokens. A token is the right to start a few calls (mostly one) per period,
which is a second and a little more: however late a single call starts, no sliding second holds more starts than that.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self
from zoneinfo import ZoneInfo

from airflow_provider_callkaro.exceptions import ConfigurationError

MOST_TOKENS = 500  # that the database keeps for one budget; a faster one has tokens that carry several calls
PERIOD_MARGIN = 0.01  # seconds beyond the second, for what varies on the way to the vendor; 0.005 gave 42 starts for 40
MOST_CALLS_PER_SECOND = 100_000
MOST_CALLS = 1_000_000_000  # in flight, per hour, per day
MOST_MONEY = 1e12
LONGEST_NAME = 200  # characters
LIMITS = ("calls_per_second", "max_concurrency", "calls_per_hour", "calls_per_day", "max_cost_per_day")
"""The settings that limit something; a budget has at least one of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallBudget:
    """What all tasks together may do. Each limit is None where there is none; one at least is set.

    :param calls_per_second: starts in any sliding second, above 0 and up to 100,000. Of a fraction such as 0.5 or 2.5
        the next whole number may start in a time that is as much longer.
    :param max_concurrency: calls in flight at any moment, 1 or more.
    :param calls_per_hour: starts in a clock hour, 1 or more.
    :param calls_per_day: starts in a calendar day, 1 or more.
    :param price_per_minute: what a started minute of a call costs, in any currency, above 0.
    :param max_cost_per_day: money for a calendar day, in that currency, above 0. Needs ``price_per_minute``.
    :param minutes_per_call: what a call is expected to take until its outcome says, above 0; default 1.
    :param timezone: IANA name of the zone in which hours and days begin; None: whoever uses the budget decides.
    :param name: budgets of one name are one; None: the id of the connection.
    """

    calls_per_second: float | None = None
    max_concurrency: int | None = None
    calls_per_hour: int | None = None
    calls_per_day: int | None = None
    price_per_minute: float | None = None
    max_cost_per_day: float | None = None
    minutes_per_call: float = 1.0
    timezone: str | None = None
    name: str | None = None

    @classmethod
    def read(cls, values: Mapping[str, Any], *, where: str = "the call budget") -> Self:
        """The budget that a mapping describes. Empty values count as not set.

        :param values: such as ``{"calls_per_second": 50, "max_concurrency": 40}``; numbers may be texts.
        :param where: for the messages, such as ``"budget" in the extra of connection "callkaro_default"``.
        :raises ConfigurationError: a key is not known, or its value is out of range, or there is no limit.
        """
        if not isinstance(values, Mapping):
            raise ConfigurationError(f'{where} must be a JSON object, such as {{"calls_per_second": 50}}')
        known = [field.name for field in fields(cls)]
        for key in values:
            if key not in known:
                raise ConfigurationError(
                    f'{where} has the unknown key "{str(key)[:40]}": it may have {", ".join(known)}'
                )
        given = {key: value for key, value in values.items() if value is not None and value != ""}
        read: dict[str, Any] = {key: _READERS[key](value, f'"{key}" in {where}') for key, value in given.items()}
        if not any(key in read for key in LIMITS):
            raise ConfigurationError(f"{where} has no limit: set one of {', '.join(LIMITS)}")
        if "max_cost_per_day" in read and "price_per_minute" not in read:
            raise ConfigurationError(f'"max_cost_per_day" in {where} needs "price_per_minute" beside it')
        return cls(**read)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The budget that `as_json` wrote. Raises ConfigurationError if it is none."""
        try:
            values = json.loads(text)
        except ValueError:
            raise ConfigurationError("the call budget in the ledger's database is no JSON: set it again") from None
        return cls.read(values, where="the call budget in the ledger's database")

    def as_mapping(self) -> dict[str, Any]:
        """What is set, as `read` takes it."""
        return {key: value for key, value in asdict(self).items() if value is not None}

    def as_json(self) -> str:
        """What is set, as `from_json` takes it; equal budgets give equal texts."""
        return json.dumps(self.as_mapping(), sort_keys=True)

    def check_request(self, calls: int, *, name: str) -> None:
        """Check that a request of so many calls can ever go out. ``name``: of the budget, for the message. Raises
        ConfigurationError if an hour or a day allows fewer, so that a run would wait for ever or never begin."""
        money = math.inf
        if self.max_cost_per_day is not None and self.price_per_minute is not None:
            money = math.floor(self.max_cost_per_day / self.price_per_minute / self.minutes_per_call)
        most = {"calls_per_hour": self.calls_per_hour, "calls_per_day": self.calls_per_day, "max_cost_per_day": money}
        for key, allowed in most.items():
            if allowed is not None and allowed < calls:
                smaller = f"make the request smaller (targets_per_campaign={allowed}) or " if allowed > 0 else ""
                raise ConfigurationError(
                    f'"{key}" in the call budget "{name}" allows {allowed} calls, and one request carries up to '
                    f"{calls}: {smaller}raise the limit"
                )

    @property
    def calls_per_token(self) -> int:
        """How many calls a token starts in one period."""
        return 1 if self.calls_per_second is None else math.ceil(self.calls_per_second / MOST_TOKENS)

    @property
    def tokens(self) -> int | None:
        """How many tokens the budget has; None where it sets no rate."""
        if self.calls_per_second is None:
            return None
        if self.calls_per_token > 1:
            return int(self.calls_per_second // self.calls_per_token)
        return math.ceil(self.calls_per_second)

    @property
    def period(self) -> float:
        """Seconds from one use of a token, as the vendor receives it, to the next; never under a second."""
        if self.calls_per_second is None or self.calls_per_token > 1:
            return 1.0 + PERIOD_MARGIN
        return math.ceil(self.calls_per_second) / self.calls_per_second + PERIOD_MARGIN


def _number(value: object, what: str, *, most: float) -> float:
    if isinstance(value, str):
        try:
            value = float(value.strip())
        except ValueError:
            value = math.nan
    number = value if isinstance(value, (int, float)) and not isinstance(value, bool) else math.nan
    if not 0 < number <= most:  # compared before it is converted, because float() refuses 10**400
        raise ConfigurationError(f"{what} must be a number above 0 and at most {most:.0f}, without commas")
    return float(number)


def _rate(value: object, what: str) -> float:
    number = _number(value, what, most=MOST_CALLS_PER_SECOND)
    if number < 1 / 3600:
        raise ConfigurationError(f'{what} must be one call per hour or more: set "calls_per_day" for fewer')
    return number


def _count(value: object, what: str) -> int:
    number = _number(value, what, most=MOST_CALLS)
    if number != int(number):
        raise ConfigurationError(f"{what} must be a whole number, 1 or more")
    return int(number)


def _money(value: object, what: str) -> float:
    return _number(value, what, most=MOST_MONEY)


def _minutes(value: object, what: str) -> float:
    return _number(value, what, most=24 * 60)


def _zone(value: object, what: str) -> str:
    name = str(value).strip()
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ConfigurationError(f'{what} is no time zone: give an IANA name such as "Asia/Kolkata"') from None
    return name


def read_name(value: object, what: str) -> str:
    """The name of a budget. ``what``: for the message. Raises ConfigurationError if it cannot be one."""
    name = value.strip() if isinstance(value, str) else ""
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise ConfigurationError(f"{what} must be a name of 1 to {LONGEST_NAME} characters")
    return name


_READERS = {
    "calls_per_second": _rate,
    "max_concurrency": _count,
    "calls_per_hour": _count,
    "calls_per_day": _count,
    "price_per_minute": _money,
    "max_cost_per_day": _money,
    "minutes_per_call": _minutes,
    "timezone": _zone,
    "name": read_name,
}
