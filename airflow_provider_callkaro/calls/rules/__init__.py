"""Rule packs: calling hours as read in a law or a code, with the source and the day of reading.

Each pack is one TOML file beside this one, so that a compliance officer can read it and compare. None of them is legal
advice. A file of your own has the same fields and is given by its path.

A DAG file with a pack pays for this import each time that Airflow parses it. So the pack is a named tuple (a frozen
dataclass of its size takes a millisecond to define), and paths are texts.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from functools import lru_cache
from os import PathLike
from typing import Any, NamedTuple

from airflow_provider_callkaro.calls.window import ScheduleWindow
from airflow_provider_callkaro.exceptions import ConfigurationError

NOTICE = "This is no legal advice."

_FOLDER = os.path.dirname(__file__)
_ENDING = ".toml"
_REQUIRED = frozenset({"title", "source", "as_of", "timezone", "windows"})
_OPTIONAL = frozenset(
    {"name", "notice", "notes", "purpose", "closed_dates", "holidays", "caps", "mobile_margin_minutes"}
)
_ABOUT_THE_PACK = frozenset({"name", "title", "source", "as_of", "notice", "notes"})
_CAPS = frozenset({"max_calls", "per_hours", "min_gap_hours"})
_WINDOW = frozenset({"start", "end", "days"})


class RulePack(NamedTuple):
    """Calling hours, and where they come from.

    :param name: the name for `CallingPolicy.rules`; the file's own name by default.
    :param title: what the pack is for.
    :param source: the law, the code or the page.
    :param as_of: the day on which the source was read.
    :param notice: that it is no legal advice.
    :param notes: what is uncertain, what was chosen, and what the package cannot check.
    :param purpose: the purpose of the calls, such as ``promotional``.
    :param timezone: an IANA name, or ``recipient``.
    :param windows: when calls may ring.
    :param closed_dates: dates without calls.
    :param holidays: whose public holidays are without calls.
    :param max_calls: how many calls a number may get in ``per``.
    :param per: the span of ``max_calls``.
    :param min_gap: the least time between two calls to a number.
    :param mobile_margin: how much windows are narrowed for numbers that may have moved.
    """

    name: str
    title: str
    source: str
    as_of: date
    timezone: str
    windows: tuple[ScheduleWindow, ...]
    notice: str = NOTICE
    notes: tuple[str, ...] = ()
    purpose: str | None = None
    closed_dates: Iterable[date | str] = ()
    holidays: str | None = None
    max_calls: int | None = None
    per: timedelta | None = None
    min_gap: timedelta | None = None
    mobile_margin: timedelta = timedelta(0)

    def policy_fields(self) -> dict[str, Any]:
        """The fields of the CallingPolicy."""
        return {name: value for name, value in self._asdict().items() if name not in _ABOUT_THE_PACK}


def names() -> list[str]:
    """The packs of this package, in alphabetical order."""
    return sorted(file.removesuffix(_ENDING) for file in os.listdir(_FOLDER) if file.endswith(_ENDING))


def describe(name: str | PathLike[str]) -> RulePack:
    """A pack of this package by its name, or one of your own by the path of its file.

    :raises ConfigurationError: there is no such pack, or it cannot be read; the message names the file and what is
        wrong.
    """
    if isinstance(name, str) and not name.endswith(_ENDING) and not {"/", "\\"} & set(name):
        if name not in names():
            raise ConfigurationError(
                f"there are no calling rules {name!r}: use {', '.join(names())}, or the path of your own .toml file"
            )
        return _packaged(name)
    if not isinstance(name, (str, os.PathLike)):
        raise ConfigurationError("calling rules must be the name of a pack, or the path of your own .toml file")
    return _read(os.fspath(name))


@lru_cache(maxsize=64)
def _packaged(name: str) -> RulePack:
    return _read(os.path.join(_FOLDER, f"{name}{_ENDING}"))


def _read(path: str) -> RulePack:
    import tomllib

    file = os.path.basename(path)
    try:
        with open(path, "rb") as content:
            fields = tomllib.load(content)
    except OSError as error:
        raise ConfigurationError(f"calling rules {file}: the file cannot be read ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"calling rules {file}: it is no TOML ({error})") from None
    try:
        return _pack(fields, name=os.path.splitext(file)[0])
    except ConfigurationError as error:
        raise ConfigurationError(f"calling rules {file}: {error}") from None


def _pack(content: Mapping[str, Any], *, name: str) -> RulePack:
    _check_fields(content, required=_REQUIRED, optional=_OPTIONAL, place="the file")
    windows = content["windows"]
    if not isinstance(windows, list) or not windows or not all(isinstance(window, dict) for window in windows):
        raise ConfigurationError("windows must be tables [[windows]] with start, end and days")
    caps = content.get("caps", {})
    if not isinstance(caps, dict):
        raise ConfigurationError("caps must be a table [caps] with max_calls and per_hours, or min_gap_hours")
    _check_fields(caps, required=frozenset(), optional=_CAPS, place="[caps]")
    as_of = content["as_of"]
    if type(as_of) is not date:
        raise ConfigurationError("as_of must be a date without quotes, such as 2026-11-21")
    return RulePack(
        name=_text("name", content.get("name", name)),
        title=_text("title", content["title"]),
        source=_text("source", content["source"]),
        as_of=as_of,
        notice=_text("notice", content.get("notice", NOTICE)),
        notes=_texts("notes", content.get("notes", [])),
        purpose=_text("purpose", content["purpose"]) if "purpose" in content else None,
        timezone=_text("timezone", content["timezone"]),
        windows=tuple(map(_window, windows)),
        closed_dates=content.get("closed_dates", ()),
        holidays=content.get("holidays"),
        max_calls=caps.get("max_calls"),
        per=_span("per_hours", caps.get("per_hours"), timedelta(hours=1)),
        min_gap=_span("min_gap_hours", caps.get("min_gap_hours"), timedelta(hours=1)),
        mobile_margin=_span("mobile_margin_minutes", content.get("mobile_margin_minutes"), timedelta(minutes=1))
        or timedelta(0),
    )


def _window(fields: Mapping[str, Any]) -> ScheduleWindow:
    _check_fields(fields, required=frozenset({"start", "end"}), optional=_WINDOW, place="[[windows]]")
    return ScheduleWindow(**fields)


def _check_fields(
    content: Mapping[str, object], *, required: frozenset[str], optional: frozenset[str], place: str
) -> None:
    missing = sorted(required - set(content))
    if missing:
        raise ConfigurationError(f"{place} has no {', '.join(missing)}")
    unknown = sorted(set(content) - required - optional)
    if unknown:
        raise ConfigurationError(
            f"{place} has {', '.join(unknown)}, which is not known: use {', '.join(sorted(required | optional))}"
        )


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ConfigurationError(f"{name} must be a text that says something")
    return value


def _texts(name: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ConfigurationError(f"{name} must be a list of texts")
    return tuple(_text(name, each) for each in value)


def _span(name: str, value: object, unit: timedelta) -> timedelta | None:
    if value is None:
        return None
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 < value < 1_000_000:
        raise ConfigurationError(f"{name} must be a number of more than 0")
    return value * unit
