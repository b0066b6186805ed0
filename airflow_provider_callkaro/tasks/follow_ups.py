"""Which branches of a DAG go on, by what became of the calls. For a function under ``@task.branch``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow_provider_callkaro.calls.disposition import Disposition
from airflow_provider_callkaro.exceptions import ConfigurationError

_ANSWERED = (Disposition.REACHED,)
_NOT_ANSWERED = (Disposition.NOT_REACHED, Disposition.VOICEMAIL)


def follow_ups(
    counts: Mapping[str, Any],
    *,
    answered: str | Sequence[str] = (),
    not_answered: str | Sequence[str] = (),
    asked_not_to_be_called: str | Sequence[str] = (),
) -> list[str]:
    """The tasks to go on with: those of each group that has a call. Nobody is in ``not_answered`` who refused, or whose
    number is invalid: those calls are not to be made again.

    :param counts: what `CallOutcomesToSqlOperator` or `CallOutcomesToFileOperator` returned.
    :param answered: the ids of tasks for calls that a person answered (``reached``).
    :param not_answered: likewise, of calls that nobody answered (``not_reached``, ``voicemail``).
    :param asked_not_to_be_called: likewise, of calls in which the person asked not to be called.
    :raises ConfigurationError: the counts are not those of an operator.
    """
    outcomes, asked = counts.get("outcomes"), counts.get("asked_not_to_be_called")
    if not isinstance(outcomes, Mapping) or not isinstance(asked, int):
        raise ConfigurationError(
            "follow_ups needs what CallOutcomesToSqlOperator or CallOutcomesToFileOperator returned: hand its output on"
        )
    groups = (
        (answered, any(outcomes.get(word) for word in _ANSWERED)),
        (not_answered, any(outcomes.get(word) for word in _NOT_ANSWERED)),
        (asked_not_to_be_called, asked > 0),
    )
    chosen = [
        task for tasks, has_calls in groups if has_calls for task in ([tasks] if isinstance(tasks, str) else tasks)
    ]
    return list(dict.fromkeys(chosen))
