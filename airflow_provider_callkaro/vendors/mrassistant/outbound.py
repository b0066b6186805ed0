"""MrAssistant's outbound configuration of an agent: from which numbers, at which hours and how fast it may call.

Source: the page on configuring outbound calling, which shows a POST and its answer. Reading the configuration back by a
GET at the same path is inferred. What the page leaves open (the shape of a schedule in an answer, what the numbers of
``days_of_week`` mean) is read tolerantly, but not guessed where a wrong guess would ring a phone at a wrong hour.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import tzinfo
from enum import StrEnum
from typing import Any

from airflow_provider_callkaro.calls.call import InvalidCall, plain_metadata
from airflow_provider_callkaro.calls.policy import CallingPolicy
from airflow_provider_callkaro.calls.window import ScheduleWindow
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.vendors.answers import read_accepted, unclear
from airflow_provider_callkaro.vendors.http import Request, Response
from airflow_provider_callkaro.vendors.mrassistant.calls import in_path, without_echo
from airflow_provider_callkaro.vendors.mrassistant.fields import SHOWN_FIELDS
from airflow_provider_callkaro.vendors.mrassistant.outbound_config import OutboundConfig, OutboundSchedule

EVERY_DAY = "mon-sun"
_WHOLE_WEEKS = (frozenset(range(7)), frozenset(range(1, 8)))
_ANSWERED = ("phone_numbers", "schedules", "can_call_now", "total_calls_today", "next_available_time")


class DayNumbers(StrEnum):
    """What the numbers in ``days_of_week`` mean: which day begins the week, and with which number."""

    MONDAY_0 = "mon=0"
    MONDAY_1 = "mon=1"
    SUNDAY_0 = "sun=0"
    SUNDAY_1 = "sun=1"

    def iso(self, number: int) -> int:
        """The day as ISO 8601 numbers it: 1 is Monday, 7 is Sunday. Raises ConfigurationError if no day has this
        number."""
        first = int(self.value[-1])
        if not first <= number < first + 7:
            raise ConfigurationError(f"no day has the number {number} where {self.value}")
        return number - first + 1 if self.value.startswith("mon") else (number - first - 1) % 7 + 1


class MrAssistantOutbound:
    """The route of MrAssistant's API for the outbound configuration of an agent."""

    name = "MrAssistant"
    schedule_timezone: tzinfo | None
    day_numbers: DayNumbers | None

    def configure_outbound(
        self,
        agent_id: str,
        *,
        phone_numbers: Sequence[Mapping[str, object]],
        schedules: Sequence[Mapping[str, object]] | None = None,
        default_schedule_id: str | None = None,
    ) -> Request:
        """Write the configuration of an agent. Rings nobody, and may be sent twice.

        :param phone_numbers: at least one, each with the fields of the page: ``phone_number``, ``display_name``,
            ``is_default``, ``enabled``, ``daily_limit``, ``metadata``.
        :param schedules: each with the fields of the page: ``name``, ``time_windows`` (``start_time``, ``end_time``,
            ``days_of_week``, ``timezone``), ``enabled``, ``max_concurrent_calls``, ``call_interval_seconds``,
            ``respect_dnc``, ``respect_timezone``. None sends no schedules.
        :param default_schedule_id: which schedule counts where a call names none.
        :raises ConfigurationError: there is no number, or an argument is no list of objects.
        """
        numbers = _objects("phone_numbers", phone_numbers)
        if not numbers or not all(isinstance(each.get("phone_number"), str) for each in numbers):
            raise ConfigurationError("phone_numbers must have at least one, each an object with a phone_number")
        body: dict[str, Any] = {"agent_id": agent_id, "phone_numbers": numbers}
        if schedules is not None:
            body["schedules"] = _objects("schedules", schedules)
        if default_schedule_id is not None:
            body["default_schedule_id"] = default_schedule_id
        return Request.json("POST", _path(agent_id), body, shown_fields=SHOWN_FIELDS)

    def get_outbound(self, agent_id: str) -> Request:
        """Read the configuration of an agent. The method is inferred: the page shows only how to write it."""
        return Request.json("GET", _path(agent_id))

    def read_outbound(self, response: Response) -> OutboundConfig:
        """The configuration of an agent. The page shows the answer to writing it; that to reading it is inferred.
        Raises OutcomeUnknown if the answer has none of a configuration's fields."""
        answer = read_accepted(self.name, without_echo(response))
        nested = answer.get("data")
        config = nested if isinstance(nested, dict) and not any(name in answer for name in _ANSWERED) else answer
        if not any(name in config for name in _ANSWERED):
            raise unclear(self.name, response, "without an outbound configuration")
        return OutboundConfig.read(config, zone=self.schedule_timezone)

    def calling_policy(self, config: OutboundConfig) -> CallingPolicy:
        """The hours of a configuration as a policy, in the zone of its windows.

        It holds the windows of the schedule that counts: the default one, or the only one that is enabled. MrAssistant
        applies its limits and ``respect_timezone`` by itself, so they are no part of the policy.

        :raises ConfigurationError: the hours are not certain; the message names what is missing or unclear.
        """
        schedule = _schedule_that_counts(config)
        where = f'schedule "{schedule.name}" of the agent' if schedule.name else "the schedule of the agent"
        zones = {window.timezone for window in schedule.windows}
        if len(zones) != 1 or (zone := zones.pop()) is None:
            raise ConfigurationError(
                f"the windows of {where} are in {len(zones) or 'no'} time zones, and a policy has one: "
                "give them one in MrAssistant"
            )
        windows = []
        for window in schedule.windows:
            if window.start_time is None or window.end_time is None:
                raise ConfigurationError(f"a window of {where} has no start_time or no end_time that can be read")
            days = self._days(window.days_of_week, where=where)
            try:
                windows.append(ScheduleWindow(window.start_time, window.end_time, days))
            except ConfigurationError as error:
                raise ConfigurationError(f"a window of {where} cannot be read: {error}") from None
        return CallingPolicy(windows=windows, timezone=zone)

    def _days(self, numbers: tuple[int, ...], *, where: str) -> str | Iterable[int]:
        if frozenset(numbers) in _WHOLE_WEEKS:
            return EVERY_DAY
        if not numbers:
            raise ConfigurationError(f"a window of {where} has no days_of_week that can be read")
        if self.day_numbers is None:
            raise ConfigurationError(
                f"MrAssistant does not document which days the days_of_week {list(numbers)} of {where} are: set "
                f'"day_numbers" in the extra of the connection to one of {", ".join(DayNumbers)}'
            )
        return [self.day_numbers.iso(number) for number in numbers]


def _schedule_that_counts(config: OutboundConfig) -> OutboundSchedule:
    enabled = [schedule for schedule in config.schedules if schedule.enabled]
    default = config.default_schedule_id
    named = [schedule for schedule in enabled if default is not None and schedule.schedule_id == default]
    if any(schedule.schedule_id == default for schedule in config.schedules if default is not None) and not named:
        raise ConfigurationError("the default schedule of the agent is not enabled: enable it in MrAssistant")
    candidates = named or enabled
    if len(candidates) != 1:
        raise ConfigurationError(
            f"the agent has {len(candidates)} enabled schedules, and its hours can be told of one: enable one, or say "
            "which one counts with default_schedule_id"
        )
    if not candidates[0].windows:
        raise ConfigurationError("the schedule of the agent has no time_windows: give it some in MrAssistant")
    return candidates[0]


def _path(agent_id: str) -> str:
    return f"/outbound/agents/{in_path('agent_id', agent_id)}/outbound-config"


def _objects(name: str, given: object) -> list[dict[str, Any]]:
    if not isinstance(given, Sequence) or isinstance(given, (str, bytes)):
        raise ConfigurationError(f"{name} must be a list of objects")
    try:
        return [plain_metadata(each) for each in given]
    except InvalidCall:
        raise ConfigurationError(f"{name} must be a list of objects of values that JSON can hold") from None
