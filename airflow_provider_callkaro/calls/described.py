"""Calling hours in JSON, as a connection's extra, a param or a vendor's answer gives them.

Windows are a list of objects such as ``[{"start": "10:00", "end": "19:00", "days": "mon-sat"}]``; the zone is given
beside them. All of these get the same policy and the same errors.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from airflow_provider_callkaro.calls.policy import CallingPolicy
from airflow_provider_callkaro.calls.window import ScheduleWindow
from airflow_provider_callkaro.exceptions import ConfigurationError

_REQUIRED = frozenset({"start", "end"})
_KNOWN = _REQUIRED | {"days"}
_EXAMPLE = 'such as [{"start": "10:00", "end": "19:00", "days": "mon-sat"}]'


def policy_from_json(windows: object, *, timezone: str) -> CallingPolicy:
    """The calling policy of windows in one time zone.

    :param windows: objects with ``start``, ``end`` and, for some days only, ``days``, as `ScheduleWindow` takes them: a
        list, a single one, or the JSON text of either.
    :param timezone: an IANA name such as ``Asia/Kolkata``, or ``recipient``.
    :raises ConfigurationError: they are no windows, naming which one and what is wrong with it.
    """
    if isinstance(windows, str):
        try:
            windows = json.loads(windows)
        except (ValueError, RecursionError):
            raise ConfigurationError(f"the calling windows are no JSON: give a list, {_EXAMPLE}") from None
    each = [windows] if isinstance(windows, Mapping) else windows
    if not isinstance(each, (list, tuple)) or not each:
        raise ConfigurationError(f"the calling windows must be a list of at least one, {_EXAMPLE}")
    return CallingPolicy(
        windows=[_window(place, window) for place, window in enumerate(each, start=1)], timezone=timezone
    )


def _window(place: int, window: object) -> ScheduleWindow:
    if not isinstance(window, Mapping):
        raise ConfigurationError(f"calling window {place} must be an object, {_EXAMPLE}")
    missing, unknown = sorted(_REQUIRED - set(window)), sorted(set(map(str, window)) - _KNOWN)
    if missing or unknown:
        wrong = f"has no {', '.join(missing)}" if missing else f"has {', '.join(unknown)}, which is not known"
        raise ConfigurationError(f"calling window {place} {wrong}: use start, end and days, {_EXAMPLE}")
    fields = {name: value for name, value in window.items() if value is not None}
    try:
        return ScheduleWindow(**fields)
    except (ConfigurationError, TypeError) as error:
        raise ConfigurationError(f"calling window {place}: {error}") from None
