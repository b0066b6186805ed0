"""``@task.callkaro_calls``: a function that yields contact rows becomes a task that places CallKaro calls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from airflow_provider_callkaro.decorators.function_operator import (
    ARGUMENTS_OF_THE_FUNCTION,
    FunctionOperator,
    decorator_of,
)
from airflow_provider_callkaro.operators.callkaro import CallKaroFanOutCallsOperator

__all__ = ["CallKaroCallsDecoratedOperator", "callkaro_calls_task"]


class CallKaroCallsDecoratedOperator(FunctionOperator, CallKaroFanOutCallsOperator):
    """Place one CallKaro call per row that a function gives; made by ``@task.callkaro_calls``.

    It takes the arguments of `FunctionOperator`, and those of `CallKaroFanOutCallsOperator` but ``contacts``.
    """

    template_fields: Sequence[str] = (*CallKaroFanOutCallsOperator.template_fields, *ARGUMENTS_OF_THE_FUNCTION)
    custom_operator_name = "@task.callkaro_calls"


def callkaro_calls_task(
    python_callable: Callable[..., Any] | None = None, *, multiple_outputs: bool | None = None, **kwargs: Any
) -> Any:
    """Make a task of a function that yields or returns contact rows; in a DAG file, ``@task.callkaro_calls``.

    The function is called again in each try. Its rows go to the vendor and into the report, and nowhere else.

    :param python_callable: the function; None where the decorator has arguments.
    :param multiple_outputs: whether each part of the summary becomes an XCom of its own. Default False.
    :param kwargs: the arguments of `CallKaroFanOutCallsOperator` but ``contacts``, and ``shard_argument``.
    """
    decorate = decorator_of(CallKaroCallsDecoratedOperator)
    return decorate(python_callable, multiple_outputs=multiple_outputs, **kwargs)
