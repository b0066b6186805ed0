"""Arguments that were given and then rendered: what rendered to nothing is a mistake of the DAG, never a default."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar

from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.tasks.arguments import is_nothing
from airflow_provider_callkaro.tasks.failing import fail_without_retry

P = ParamSpec("P")
T = TypeVar("T")


def refuse_empty(arguments: Mapping[str, Any]) -> None:
    """Fail the task for good where an argument that was given rendered to nothing, to None or to the text ``None``.

    :param arguments: the rendered values of the arguments that were given, by their names.
    :raises AirflowFailException: one of them is so, naming it.
    """
    for name, value in arguments.items():
        if is_nothing(value):
            raise AirflowFailException(
                f"{name} was given and rendered to nothing, as a misspelt task id in a template does: nothing was sent"
            )


def ask_for_good(method: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Call a hook's method; whatever a retry of the task cannot change fails the task without one.

    :raises AirflowFailException: an argument cannot work, the key was refused, or the request was rejected.
    """
    try:
        return fail_without_retry(method, *arguments, **named)
    except ConfigurationError as error:
        raise AirflowFailException(str(error)) from error
