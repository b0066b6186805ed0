"""Checks of the arguments that hold for all rows of a list, before the first row is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_callkaro.calls import coercion
from airflow_provider_callkaro.calls.call import InvalidCall, plain_metadata
from airflow_provider_callkaro.exceptions import ConfigurationError

NEEDS_POLICY = 'schedule_at="next_window" needs a policy, which knows the windows: without one it would ring at once'


def refuse_next_window(schedule_at: object, *, has_policy: bool) -> None:
    """Refuse, when the DAG is parsed, a ``schedule_at`` for all calls that has no moment. Raises ConfigurationError if
    it is ``next_window``, and there is no calling policy."""
    if not has_policy and coercion.is_next_window(schedule_at):
        raise ConfigurationError(NEEDS_POLICY)


def checked_column_map(column_map: Mapping[str, str | None], fields: tuple[str, ...]) -> dict[str, str | None]:
    """Column names, folded to lower case, with the field that each means. ``fields``: the fields of a call. Raises
    ConfigurationError if a column is mapped to something that is no field."""
    if not isinstance(column_map, Mapping):
        raise ConfigurationError('column_map must be a mapping of columns to fields, such as {"phone": "to_number"}')
    for column, field in column_map.items():
        if field is not None and field not in fields:
            raise ConfigurationError(
                f"column_map maps {column!r} to {field!r}, which is no field of a call: use one of "
                f"{', '.join(fields)}, or None to leave the column out"
            )
    folded: dict[str, str | None] = {}
    for column, field in column_map.items():
        if folded.setdefault(str(column).lower(), field) != field:
            raise ConfigurationError(
                f"column_map names {column!r} twice, in upper and lower case, and maps it to two fields: name it once"
            )
    return folded


def checked_options(options: Mapping[str, Any], allowed: frozenset[str]) -> Mapping[str, Any]:
    """The options, unchanged. Raises ConfigurationError if it is no mapping, or names a field that is not allowed."""
    if not isinstance(options, Mapping):
        raise ConfigurationError('call_options must be a mapping of fields, such as {"priority": 5}')
    unknown = sorted(map(str, set(options) - allowed))
    if unknown:
        raise ConfigurationError(
            f"call_options has no field {', '.join(unknown)}: it takes {', '.join(sorted(allowed))}"
        )
    return options


def options_metadata(value: object) -> dict[str, Any]:
    """The metadata of every call. Raises ConfigurationError if it cannot be metadata."""
    if coercion.is_absent(value):
        return {}
    try:
        return plain_metadata(coercion.without_absent(coercion.read_metadata(value)))
    except InvalidCall as error:
        raise ConfigurationError(f"given for all calls: {error}") from None
