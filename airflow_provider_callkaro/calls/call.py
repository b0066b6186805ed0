"""One call to place: what is asked of the vendor, for one person.

`RowReader` makes a Call from a user's row; for a single call it is made by hand. It checks the limits of each field, so
a Call that exists can be sent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Final, Literal, TypeGuard
from uuid import UUID

from airflow_provider_callkaro.calls.outcome import Reason
from airflow_provider_callkaro.calls.phone import E164
from airflow_provider_callkaro.calls.zones import named_zone
from airflow_provider_callkaro.exceptions import VoiceCallError

PRIORITY_RANGE = (-100, 100)  # source: outbound call API, priority
RETRIES_RANGE = (0, 10)  # source: outbound call page, number_of_retries (inferred bound)
LANGUAGES = frozenset({"hi", "en", "kn", "mr", "ta", "te", "bn", "gu", "ml"})  # source: outbound call page, language
MAX_KEY_LENGTH = 200  # characters; ours, so that a key fits a database column and a log line
MAX_METADATA_BYTES = 16_384  # of JSON; ours: enough for one conversation, and 1,000 calls still fit one request
MAX_GAP = 525_600  # minutes, a year; ours, far above any gap that makes sense
SCHEDULE_YEARS = (2000, 2999)  # ours: 0001 and 9999 stand for "never" in databases, and cannot change their zone

_PLAIN = frozenset({str, int, bool, type(None)})
_NAMES = frozenset({str})
_TRIGGER_TIME = re.compile(r"([01]?[0-9]|2[0-3]):[0-5][0-9]")


class NextWindow(Enum):
    """A ``schedule_at`` without a moment: the calling policy finds the moment."""

    NEXT_WINDOW = "next_window"
    """Now if the phone may ring now, else the next opening."""


NEXT_WINDOW: Final[Literal[NextWindow.NEXT_WINDOW]] = NextWindow.NEXT_WINDOW


class InvalidCall(VoiceCallError, ValueError):
    """A field of a call is out of its range. The error has the reason and the field's name, never the value."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call to place.

    :param to_number: whom to ring, E.164 (``+`` and 2 to 15 digits).
    :param agent_id: the voice agent that speaks; opaque, at most 200 characters. It may be None only in a campaign that
        has an agent of its own.
    :param batch_id: the campaign the call belongs to; opaque, at most 200 characters.
    :param metadata: facts that the agent may use in its prompts; kept as `plain_metadata` makes them.
    :param schedule_at: when to ring, an aware datetime; None rings as soon as the vendor can; `NEXT_WINDOW` leaves the
        moment to the calling policy.
    :param min_trigger_time: the earliest wall time of a day to ring, ``HH:MM`` in the vendor's schedule time zone;
        earlier than ``max_trigger_time``, because no vendor says what the reverse would mean.
    :param max_trigger_time: the latest wall time of a day to ring, ``HH:MM`` in the vendor's schedule time zone.
    :param carry_over: whether a call that reached ``max_trigger_time`` moves to the next day.
    :param number_of_retries: how often the vendor redials when nobody picks up, 0 to 10.
    :param gap_between_retries: minutes between the vendor's redials, 0 to 525,600: one number, or at most ten, one for
        each redial.
    :param priority: place in the vendor's queue, -100 (last) to 100 (first). Source: outbound call API, ``priority``.
    :param language: ``hi``, ``en``, ``kn``, ``mr``, ``ta``, ``te``, ``bn``, ``gu`` or ``ml``.
    :param call_key: the key under which the person is rung at most once in a scope, 1 to 200 characters; None takes the
        number.
    :param timezone: the zone of the phone, an IANA name such as ``Asia/Kolkata``; None leaves it to the calling policy.
        The vendor does not get it.
    :param extra: fields that one vendor alone has, by name, as that vendor's adapter reads and checks them.
    :raises InvalidCall: a field is out of its range.
    """

    to_number: str = field(repr=False)
    agent_id: str | None = None
    batch_id: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict, repr=False)
    schedule_at: datetime | NextWindow | None = None
    min_trigger_time: str | None = None
    max_trigger_time: str | None = None
    carry_over: bool | None = None
    number_of_retries: int | None = None
    gap_between_retries: int | Sequence[int] | None = None
    priority: int | None = None
    language: str | None = None
    call_key: str | None = field(default=None, repr=False)
    timezone: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.to_number, str) or not E164.fullmatch(self.to_number):
            raise InvalidCall(Reason.BAD_NUMBER, "to_number must be E.164: + and 2 to 15 digits")
        if self.agent_id is not None:
            _check_identifier("agent_id", self.agent_id, Reason.BAD_AGENT)
        if self.batch_id is not None:
            _check_identifier("batch_id", self.batch_id, Reason.BAD_BATCH)
        if self.call_key is not None:
            _check_identifier("call_key", self.call_key, Reason.BAD_CALL_KEY)
        if self.metadata:
            object.__setattr__(self, "metadata", plain_metadata(self.metadata))
        if self.schedule_at is not None and self.schedule_at is not NEXT_WINDOW:
            _check_schedule_at(self.schedule_at)
        if self.min_trigger_time is not None:
            _check_trigger_time("min_trigger_time", self.min_trigger_time)
        if self.max_trigger_time is not None:
            _check_trigger_time("max_trigger_time", self.max_trigger_time)
            if self.min_trigger_time is not None and self.min_trigger_time.zfill(5) >= self.max_trigger_time.zfill(5):
                raise InvalidCall(Reason.BAD_TRIGGER_TIME, "min_trigger_time must be earlier than max_trigger_time")
        if self.carry_over is not None and not isinstance(self.carry_over, bool):
            raise InvalidCall(Reason.BAD_CARRY_OVER, "carry_over must be true or false")
        if self.number_of_retries is not None:
            _check_range("number_of_retries", self.number_of_retries, RETRIES_RANGE, Reason.BAD_NUMBER_OF_RETRIES)
        if self.gap_between_retries is not None:
            _check_gaps(self.gap_between_retries)
        if self.priority is not None:
            _check_range("priority", self.priority, PRIORITY_RANGE, Reason.BAD_PRIORITY)
        if self.language is not None and (not isinstance(self.language, str) or self.language not in LANGUAGES):
            raise InvalidCall(Reason.BAD_LANGUAGE, f"language must be one of {', '.join(sorted(LANGUAGES))}")
        if self.timezone is not None and (not isinstance(self.timezone, str) or named_zone(self.timezone) is None):
            raise InvalidCall(Reason.BAD_TIMEZONE, "timezone must be an IANA name such as Asia/Kolkata")

    @property
    def key(self) -> str:
        """The key under which the person is rung at most once in a scope: the number, or the row's own key."""
        return key_of(self.to_number, self.call_key)

    @property
    def rings_at(self) -> datetime | None:
        """The moment of ``schedule_at``; None for a call that rings as soon as the vendor can.

        :raises InvalidCall: it is `NEXT_WINDOW`, and no calling policy has made a moment of it.
        """
        if self.schedule_at is NEXT_WINDOW:
            raise InvalidCall(
                Reason.BAD_SCHEDULE_AT, 'schedule_at="next_window" needs a calling policy, which knows the windows'
            )
        return self.schedule_at


def key_of(to_number: str, call_key: str | None) -> str:
    """The key under which a person is rung at most once in a scope; see `Call.key`."""
    return to_number if call_key is None else f"key:{call_key}"


def plain_metadata(values: Mapping[str, Any]) -> dict[str, Any]:
    """Metadata as JSON can hold it: dates and times in ISO form, decimals and UUIDs as text.

    :raises InvalidCall: it is no mapping, holds what JSON has no form for (bytes, NaN, an object of the user's class),
        or is more than `MAX_METADATA_BYTES` of JSON.
    """
    if not isinstance(values, (dict, Mapping)):  # most are dicts, and that look costs less
        raise InvalidCall(Reason.BAD_METADATA, "metadata must be an object")
    try:
        if is_plain(values) and _NAMES.issuperset(map(type, values)) and _is_surely_small(values):
            return dict(values)
        text = json.dumps(values, default=_as_json, allow_nan=False, separators=(",", ":"))
        plain: dict[str, Any] = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        raise InvalidCall(Reason.BAD_METADATA, "metadata holds a value that JSON cannot hold") from None
    if len(text) > MAX_METADATA_BYTES:
        raise InvalidCall(Reason.METADATA_TOO_LARGE, f"metadata is more than {MAX_METADATA_BYTES} bytes of JSON")
    return plain


def is_plain(values: Mapping[Any, object]) -> bool:
    """Whether all values of a mapping are of types that JSON holds as they are."""
    return _PLAIN.issuperset(map(type, values.values()))


def _is_surely_small(plain: Mapping[str, Any]) -> bool:
    """Whether plain metadata cannot be too large, without writing it: a character is at most 12 bytes of JSON.

    :raises ValueError: a whole number has thousands of digits, which Python refuses to write.
    """
    characters = len("".join(plain)) + len("".join(map(str, plain.values())))
    return 12 * characters + 8 * len(plain) < MAX_METADATA_BYTES


def _as_json(value: object) -> object:
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, Decimal) and value.is_finite():
        return int(value) if value.as_tuple().exponent == 0 else str(value)  # 12.00 keeps its decimals, as money has
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError


def _check_identifier(name: str, value: object, reason: Reason) -> None:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_KEY_LENGTH or not value.isprintable():
        raise InvalidCall(reason, f"{name} must be a text of 1 to {MAX_KEY_LENGTH} characters")


def _check_range(name: str, value: object, limits: tuple[int, int], reason: Reason) -> None:
    low, high = limits
    if not _is_whole(value) or not low <= value <= high:
        raise InvalidCall(reason, f"{name} must be a whole number from {low} to {high}")


def _check_gaps(gaps: object) -> None:
    each = gaps if isinstance(gaps, Sequence) and not isinstance(gaps, (bytes, bytearray)) else [gaps]
    if not 1 <= len(each) <= RETRIES_RANGE[1] or not all(_is_whole(gap) and 0 <= gap <= MAX_GAP for gap in each):
        raise InvalidCall(
            Reason.BAD_GAP_BETWEEN_RETRIES,
            f"gap_between_retries must be minutes from 0 to {MAX_GAP}, a whole number or a list of at most "
            f"{RETRIES_RANGE[1]}",
        )


def _check_schedule_at(value: object) -> None:
    first, last = SCHEDULE_YEARS
    if not isinstance(value, datetime) or value.utcoffset() is None or not first <= value.year <= last:
        raise InvalidCall(
            Reason.BAD_SCHEDULE_AT,
            f"schedule_at must be an aware datetime of the years {first} to {last}, such as 2026-12-01T10:00+05:30",
        )


def _check_trigger_time(name: str, value: object) -> None:
    if not isinstance(value, str) or not _TRIGGER_TIME.fullmatch(value):
        raise InvalidCall(Reason.BAD_TRIGGER_TIME, f"{name} must be a time of day, HH:MM")


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)
