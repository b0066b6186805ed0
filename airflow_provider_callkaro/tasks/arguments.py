"""Templated arguments: which of them were given, and whether what was given is still there once it is rendered.

A template that renders to nothing, or to the text ``None`` (a misspelt task id in ``xcom_pull`` does), would otherwise
fall back to a default in silence: no memory over runs, another scope, no campaign, no report.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import copy
from typing import Any

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.tasks.private import Private


def is_template(value: Any) -> bool:
    """Whether a value is only known once the task runs: a Jinja text, or an upstream task's output."""
    if isinstance(value, str):
        return "{{" in value or "{%" in value
    return hasattr(value, "iter_references")


def opened(value: Any) -> Any:
    """The value itself, where it is held so that Airflow does not show it."""
    return value.value if isinstance(value, Private) else value


def given_arguments(operator: Any, names: Iterable[str]) -> frozenset[str]:
    """Those of the arguments that were given, to be asked when the operator is made."""
    return frozenset(name for name in names if opened(getattr(operator, name)) is not None)


def refuse_vanished(operator: Any, given: Iterable[str]) -> None:
    """Refuse an argument that was given and has come to nothing.

    :param given: what `given_arguments` found.
    :raises ConfigurationError: naming the first such argument.
    """
    for name in sorted(given):
        value = opened(getattr(operator, name))
        if value is None or (isinstance(value, str) and value.strip() in ("", "None")):
            raise ConfigurationError(
                f"{name} was given and comes to nothing once it is rendered: correct its template (a misspelt task id "
                "in xcom_pull gives None), or leave the argument out; nobody was rung"
            )


def own_copies(operator: Any, names: Sequence[str]) -> None:
    """Give a task its own copies of the objects that hold its templated values, before they are rendered.

    Airflow renders such objects in place, and they are shared with the DAG's own task: without a copy a second run in
    one process would see what the first one was given.
    """
    for name in names:
        value = getattr(operator, name, None)
        if hasattr(value, "template_fields"):
            setattr(operator, name, copy(value))
