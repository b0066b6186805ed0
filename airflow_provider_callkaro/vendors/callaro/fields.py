"""The known fields of a Callaro campaign, checked before the campaign is created.

The guide names five in one example and no limits. Any other field goes through as it is. A text that a template left
behind, such as ``None``, would make a draft that cannot be launched, or one that rings from the wrong numbers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from airflow_provider_callkaro.calls.zones import named_zone
from airflow_provider_callkaro.exceptions import ConfigurationError

_MAX_ID_LENGTH = 200  # characters of an id; ours
_SIGNED = re.compile(r"[+-][0-9.]+")  # a phone number, or a mistake
_TEMPLATE_MARKS = ("{{", "{%", "{#")


def checked_fields(fields: Mapping[str, object]) -> dict[str, Any]:
    """The fields, with numbers that a template made texts as numbers again. ``fields``: by name; unknown fields are not
    checked. Raises ConfigurationError if a known field is wrong; the message names it and does not repeat its value."""
    return {name: _CHECKS[name](name, value) if name in _CHECKS else value for name, value in fields.items()}


def is_template(value: object) -> bool:
    """Whether a text is still to be rendered."""
    return isinstance(value, str) and any(mark in value for mark in _TEMPLATE_MARKS)


def is_nothing(value: object) -> bool:
    """Whether a value is what a template with a missing variable leaves: None, an empty text, or the text ``None``."""
    return value is None or (isinstance(value, str) and value.strip() in ("", "None"))


def whole_number(value: object) -> Any:
    """A number that a template made a text is a number again; an id that is a text stays one."""
    text = value.strip() if isinstance(value, str) else ""
    return int(text) if text.isascii() and text.isdigit() and str(int(text)) == text else value


def _name(name: str, value: object) -> str:
    if not isinstance(value, str) or is_nothing(value) or is_template(value):
        raise ConfigurationError(f"{name} is empty, or no text: a campaign needs one")
    return value


def _id(name: str, value: object) -> int | str:
    found = whole_number(value)
    if isinstance(found, int) and not isinstance(found, bool) and found > 0:
        return found
    if isinstance(found, str) and not is_nothing(found) and not is_template(found):
        text = found.strip()
        if len(text) <= _MAX_ID_LENGTH and text.isprintable() and not _SIGNED.fullmatch(text):
            return text
    raise ConfigurationError(f"{name} must be an id as Callaro shows it, such as 42: a whole number above 0, or a text")


def _ids(name: str, value: object) -> list[int | str]:
    ids: object = value
    if isinstance(value, str) and value.strip().startswith("["):
        try:
            ids = json.loads(value)
        except ValueError:
            ids = None
    if not isinstance(ids, (list, tuple)) or not ids:
        raise ConfigurationError(f"{name} must be a list of ids that is not empty, such as [101, 102]")
    return [_id(name, each) for each in ids]


def _zone(name: str, value: object) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if not text or is_template(text) or named_zone(text) is None:
        raise ConfigurationError(f'{name} is no time zone: give an IANA name such as "Asia/Kolkata"')
    return text


def _limit(name: str, value: object) -> int:
    found = whole_number(value)
    if not isinstance(found, int) or isinstance(found, bool) or found < 1:
        raise ConfigurationError(f"{name} must be a whole number of calls at once, 1 or more")
    return found


_CHECKS: Mapping[str, Callable[[str, Any], Any]] = {
    "name": _name,
    "agent_id": _id,
    "timezone": _zone,
    "campaign_phone_number_ids": _ids,
    "concurrency_limit": _limit,
}
"""By the name of the field: what checks it, and gives it as it is sent."""

KNOWN = tuple(_CHECKS)
