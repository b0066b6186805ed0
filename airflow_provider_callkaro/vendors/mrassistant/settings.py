"""The settings of MrAssistant's campaigns, also where a template has made texts of them.

A template renders to text, so ``5`` arrives as ``"5"`` and ``True`` as ``"True"``. Such a text is read strictly: what
is not a number, or not true or false, is refused under the name of its argument. A misspelt template renders to an
empty text or to ``None``, which never means the default.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from airflow_provider_callkaro.calls.call import InvalidCall, plain_metadata
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.vendors.known import is_loopback

MAX_NAME = 255  # characters; source: create campaign, name
MAX_TARGETS = 1_000  # per campaign; source: create campaign, targets
CONCURRENT_CALLS = (1, 10)  # source: create campaign, concurrent_calls
RETRY_ATTEMPTS = (0, 3)  # source: create campaign, retry_attempts
_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,9}")
_SPAN = re.compile(r"(?:([0-9]{1,4}) days?, )?([0-9]{1,3}):([0-5][0-9]):([0-5][0-9])")  # as Python writes a timedelta
_YES_OR_NO = {"true": True, "false": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignSettings:
    """What a campaign has beside its targets. Source: create campaign.

    Numbers and flags may come as texts, and are kept as what they mean.

    :param name: its name, 1 to 255 characters.
    :param concurrent_calls: how many calls it makes at once, 1 to 10. Default 1.
    :param retry_failed: whether MrAssistant redials those it did not reach. Default false.
    :param retry_attempts: how often, 0 to 3. Default 0; how it goes together with ``retry_failed`` is not documented.
    :param context: facts for the agent in every call; not shown. How it is joined with a target's own is not
        documented.
    :param webhook_url: where MrAssistant reports the campaign's progress, by https; not shown, because it may
        carry a token.
    :param webhook_secret: with which it signs these reports; not shown.
    :param notify_on_call_complete: whether it reports each call. Default false.
    :param extra_fields: further fields that the account's campaigns take, sent as they are; not shown.
    :raises ConfigurationError: a setting is out of its range, or is in ``extra_fields`` too.
    """

    name: str
    concurrent_calls: int = 1
    retry_failed: bool = False
    retry_attempts: int = 0
    context: Mapping[str, Any] | None = field(default=None, repr=False)
    webhook_url: str | None = field(default=None, repr=False)
    webhook_secret: str | None = field(default=None, repr=False)
    notify_on_call_complete: bool = False
    extra_fields: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        check_name(self.name)
        for name, limits in (("concurrent_calls", CONCURRENT_CALLS), ("retry_attempts", RETRY_ATTEMPTS)):
            object.__setattr__(self, name, read_whole_number(name, getattr(self, name), limits))
        for name in ("retry_failed", "notify_on_call_complete"):
            object.__setattr__(self, name, read_yes_or_no(name, getattr(self, name)))
        if self.context is not None:
            object.__setattr__(self, "context", _plain("context", self.context))
        object.__setattr__(self, "extra_fields", _plain("extra_fields", self.extra_fields))
        if named := sorted(CAMPAIGN_FIELDS & set(self.extra_fields)):
            raise ConfigurationError(f"extra_fields holds {', '.join(named)}: that has an argument of its own")
        if self.webhook_url is not None:
            _check_url(self.webhook_url)
        if self.webhook_secret is not None and not _is_secret(self.webhook_secret):
            raise ConfigurationError("webhook_secret must be a text that is not empty")


_OWN_FIELDS = frozenset(each.name for each in fields(CampaignSettings)) - {"extra_fields"}
CAMPAIGN_FIELDS = _OWN_FIELDS | {"agent_id", "targets", "schedule_at"}
"""Every field of a campaign that has an argument of its own."""


def read_whole_number(name: str, value: object, limits: tuple[int, int]) -> int:
    """A whole number, or its text. ``name``: the name of the argument, for messages. ``limits``: the least and the
    greatest that it may be. Raises ConfigurationError if it is no whole number, or out of its range."""
    low, high = limits
    text = value.strip() if isinstance(value, str) else ""
    number = int(text) if _WHOLE_NUMBER.fullmatch(text) else value
    if not isinstance(number, int) or isinstance(number, bool) or not low <= number <= high:
        raise ConfigurationError(f"{name} must be a whole number from {low} to {high}{_rendered_to_nothing(value)}")
    return number


def read_yes_or_no(name: str, value: object) -> bool:
    """True or false, or the text ``true`` or ``false`` in any case. ``name``: the name of the argument, for messages.
    Raises ConfigurationError if it is neither."""
    answer = _YES_OR_NO.get(value.strip().lower()) if isinstance(value, str) else value
    if not isinstance(answer, bool):
        raise ConfigurationError(f"{name} must be true or false{_rendered_to_nothing(value)}")
    return answer


def read_targets_per_campaign(value: object) -> int:
    """How many targets one campaign has, 1 to 1,000, or the text of it. Raises ConfigurationError if it is no whole
    number, or out of its range."""
    return read_whole_number("targets_per_campaign", value, (1, MAX_TARGETS))


def read_longest_call(value: object) -> timedelta:
    """How long one call takes at most: a timedelta, or the text of one (``0:05:00``), or of whole seconds (``300``).
    Raises ConfigurationError if it cannot be read, or is not above 0."""
    span = _span(value.strip()) if isinstance(value, str) else value
    if not isinstance(span, timedelta) or span <= timedelta(0):
        raise ConfigurationError(
            "longest_call must be a positive timedelta, or the text of one such as 0:05:00, or of seconds such as "
            f"300{_rendered_to_nothing(value)}"
        )
    return span


def check_name(name: object) -> None:
    """Check the name of a campaign. Raises ConfigurationError if it does not have 1 to 255 characters."""
    if not isinstance(name, str) or not name.strip() or len(name) > MAX_NAME:
        raise ConfigurationError(f"the campaign's name must have 1 to {MAX_NAME} characters")


def _span(text: str) -> timedelta | None:
    if _WHOLE_NUMBER.fullmatch(text):
        return timedelta(seconds=int(text))
    match = _SPAN.fullmatch(text)
    if match is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def _is_secret(value: object) -> bool:
    """Whether it can be a secret. ``None`` is what a template makes of a missing one: anybody could guess that."""
    return isinstance(value, str) and value.strip() not in ("", "None")


def _rendered_to_nothing(value: object) -> str:
    """The end of a message about a value whose template rendered to nothing."""
    is_nothing = isinstance(value, str) and value.strip() in ("", "None")
    return ": its template rendered to nothing" if is_nothing else ""


def _plain(name: str, value: Any) -> dict[str, Any]:
    try:
        return plain_metadata(value)
    except InvalidCall:
        raise ConfigurationError(f"{name} must be an object of values that JSON can hold") from None


def _check_url(url: object) -> None:
    try:
        parts = urlsplit(url) if isinstance(url, str) and url.isprintable() and " " not in url else None
    except ValueError:
        parts = None
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigurationError("webhook_url must be an address, https://…")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ConfigurationError(
            "webhook_url is plain http, over which numbers and transcripts would travel unencrypted: use https (plain "
            "http is allowed for this machine only)"
        )
