"""What a retry of the task cannot change, fails the task for good."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_callkaro.exceptions import ConfigurationError, NotAllowed, Rejected, Unauthorized

P = ParamSpec("P")
T = TypeVar("T")


def fail_without_retry(method: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Call a hook's method; an answer that a retry of the task cannot change fails the task without one.

    :raises AirflowFailException: the key was refused, the request was rejected, or the campaign's state forbids it.
    """
    try:
        return method(*arguments, **named)
    except (Unauthorized, Rejected, NotAllowed) as error:
        raise AirflowFailException(str(error)) from error


def ask_for_good(method: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Call a hook's method, or a check; whatever a retry of the task cannot change fails the task without one.

    :raises AirflowFailException: an argument cannot work, the key was refused, or the request was rejected.
    """
    try:
        return fail_without_retry(method, *arguments, **named)
    except ConfigurationError as error:
        raise AirflowFailException(str(error)) from error
