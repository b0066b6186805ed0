"""What an argument may be: checks that every operator and sensor makes of its values, each in one sentence.

An argument that is believed and cannot work is found at night, by whoever is on duty. So each is checked when the DAG
is parsed. A template is known only when the task runs, and is checked then; where an argument takes none, that is said.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from functools import cache
from inspect import signature
from typing import Any

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.tasks.arguments import is_empty, is_template, unredacted

LONGEST_SPAN = timedelta(days=3_652)
"""Of an argument that is a span of time: ten years, so that no sum with it leaves the calendar."""

_FLAGS = ("deferrable", "dry_run", "repeat_unknown", "soft_fail")
_MAPPINGS = ("fields", "column_mapping", "options", "_query", "_body", "maximum", "minimum", "allowed", "forbidden")
_REGION = re.compile(r"[A-Za-z]{2}")


def check_flag(name: str, value: object) -> None:
    """Refuse what is neither True nor False: the text ``"false"`` would count as true. Raises ConfigurationError,
    naming the argument."""
    if not isinstance(value, bool):
        raise ConfigurationError(f"{name} must be True or False, without quotes{no_template(value)}")


def check_whole(name: str, value: object, *, least: int, otherwise: str = "") -> None:
    """Refuse what is no whole number, or below the least. ``otherwise``: what else the argument takes, as the end of
    the sentence. Raises ConfigurationError, naming the argument."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ConfigurationError(
            f"{name} must be a whole number from {least} on, without quotes{otherwise}{no_template(value)}"
        )


def check_span(name: str, value: object) -> None:
    """Refuse what is no positive span of time, or a longer one than ten years. Raises ConfigurationError, naming the
    argument."""
    if not isinstance(value, timedelta) or not timedelta(0) < value <= LONGEST_SPAN:
        raise ConfigurationError(
            f"{name} must be a positive timedelta, such as timedelta(days=1), and at most {LONGEST_SPAN.days} days"
            f"{no_template(value)}"
        )


def check_text(name: str, value: object) -> None:
    """Refuse, when the DAG is parsed, what is no text and no template, or is empty. Raises ConfigurationError, naming
    the argument."""
    if is_template(value):
        return
    if not isinstance(value, str) or is_empty(value):
        raise ConfigurationError(f"{name} must be a text that is not empty, or a template")


def check_region(region: object) -> None:
    """Refuse a ``default_region`` that no country has. Raises ConfigurationError if it is none."""
    if region is None:
        return
    if isinstance(region, str) and _REGION.fullmatch(region.strip()):
        from airflow_provider_callkaro.calls.countries import COUNTRIES

        if region.strip().upper() in COUNTRIES:
            return
    raise ConfigurationError(
        f'default_region must be two letters of a country (ISO 3166-1), such as "IN"{no_template(region)}'
    )


def check_literals(task: Any, names: Iterable[str]) -> None:
    """Refuse, when the DAG is parsed, what is written out and cannot be what the argument's name says.

    That is an empty text, a connection or a path that is no text, an id that is none, a mapping that is none, and a
    flag that is neither True nor False. An argument without a default must not be None.

    :param names: of the task's template fields.
    :raises ConfigurationError: naming the argument.
    """
    required = _never_none(type(task).__init__) - task.never_shown
    for name in names:
        value = unredacted(getattr(task, name))
        if value is None and name in required:
            raise ConfigurationError(f"{name} is None: give it a value")
        if value is None or is_template(value):
            continue
        if isinstance(value, str) and is_empty(value):
            raise ConfigurationError(f"{name} is empty: give it a value, or leave it out")
        if name == "name" or name.endswith("conn_id"):
            check_text(name, value)
        elif name.endswith("_id"):
            _check_id(name, value)
        elif name.endswith("path") and not isinstance(value, (str, os.PathLike)) and not hasattr(value, "conn_id"):
            raise ConfigurationError(f"{name} must be a text, or a template")
        elif name.endswith(_MAPPINGS) and not isinstance(value, Mapping):
            raise ConfigurationError(f"{name} must be a mapping of names to values, or a template")
    for name in _FLAGS:
        check_flag(name, vars(task).get(name, False))  # not getattr: Airflow's own operators have a method dry_run


def _check_id(name: str, value: object) -> None:
    is_number = isinstance(value, int) and not isinstance(value, bool) and value > 0
    if not is_number and not isinstance(value, str):
        raise ConfigurationError(f"{name} must be the vendor's id, a text or a whole number above 0, or a template")


@cache
def _never_none(init: Callable[..., None]) -> frozenset[str]:
    """The arguments of an `__init__` that have no default, or one that is not None."""
    parameters = signature(init).parameters.values()
    return frozenset(one.name for one in parameters if one.kind is one.KEYWORD_ONLY and one.default is not None)


def check_ending(path: Any, *, named: Any = None, argument: str | None = None) -> None:
    """Refuse, when the DAG is parsed, the path of a file to write whose format nothing names.

    :param named: the format, where the author names it.
    :param argument: what the path is called where nothing but its ending says the format; None: ``path``, beside
        ``format``.
    :raises ConfigurationError: the ending names no format, or there is none of that name.
    """
    if path is None or is_template(path) or is_template(named):
        return
    from airflow_provider_callkaro.files.formats import WRITTEN, WRITTEN_ENDINGS, format_of, format_to_write

    if argument is None:
        format_to_write(path, named)
    elif format_of(path) not in WRITTEN:
        endings = ", ".join(WRITTEN_ENDINGS)
        raise ConfigurationError(f"{argument} must end in {endings}: that says how the file is written")


def holds_template(value: Any) -> bool:
    """Whether a value is, or holds, something that is known only once the task runs."""
    if is_template(value):
        return True
    if isinstance(value, Mapping):
        return any(map(holds_template, value.values()))
    if isinstance(value, (list, tuple)):
        return any(map(holds_template, value))
    return False


def no_template(value: object) -> str:
    """The end of a message about a value that is a template, where the argument takes none."""
    return "; it takes no template" if is_template(value) else ""
