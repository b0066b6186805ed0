"""The fan-out whose contacts a decorated function gives: what the decorators of all vendors share.

Airflow's `DecoratedOperator` shows the arguments of a function on the page of rendered templates, and renders what
`expand` takes from an upstream task. They may be rows, so here they are hidden, and what comes from upstream stays as
it is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import DecoratedOperator

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.sources.function import FunctionContacts
from airflow_provider_callkaro.tasks.mapping import came_from_upstream, refuse_literals_of_a_decorator
from airflow_provider_callkaro.tasks.redacted import Redacted

try:
    from airflow.sdk.bases.decorator import _TaskDecorator
except ImportError:  # before Airflow 3
    from airflow.decorators.base import _TaskDecorator

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context
    from jinja2 import Environment

ARGUMENTS_OF_THE_FUNCTION = ("op_args", "op_kwargs")


class FunctionOperator(DecoratedOperator):
    """The part of a decorated task that is about its function; a vendor's class adds that vendor's fan-out.

    :param python_callable: the function that yields or returns the contact rows.
    :param op_args: its positional arguments. Templated, never shown.
    :param op_kwargs: its arguments by name. Templated, never shown.
    :param shard_argument: the argument of the function that is the task's ``shard`` too, ``(index, count)``: the
        function gives the whole list, and each mapped task takes its part of it. None takes the whole list.
    :raises ConfigurationError: an argument cannot work, naming it.
    """

    def __init__(
        self,
        *,
        python_callable: Callable[..., Any],
        op_args: Collection[Any] | None = None,
        op_kwargs: Mapping[str, Any] | None = None,
        shard_argument: str | None = None,
        **kwargs: Any,
    ) -> None:
        if "contacts" in kwargs:
            raise ConfigurationError("contacts is what the decorated function gives: leave the argument out")
        if shard_argument is not None and kwargs.get("shard") is not None:
            raise ConfigurationError("shard and shard_argument name the part of the list twice: leave one out")
        contacts = FunctionContacts(python_callable)
        super().__init__(
            python_callable=python_callable,
            op_args=op_args,
            op_kwargs=op_kwargs,
            contacts=contacts,
            **kwargs,
        )
        self.shard_argument = shard_argument
        self.op_args = Redacted(list(op_args or ()))
        self.op_kwargs = Redacted(dict(op_kwargs or {}))

    def execute(self, context: Context) -> dict[str, Any]:
        """Place the calls to the people whom the function names, publish the report, and return the summary."""
        return self._place_calls(context, resumed=False)

    def _place_calls(self, context: Context, *, resumed: bool) -> dict[str, Any]:
        args = [_plain(value) for value in self.op_args.value]
        kwargs = {name: _plain(value) for name, value in self.op_kwargs.value.items()}
        self.contacts.called_with(args, kwargs)
        if self.shard_argument is not None:
            if self.shard_argument not in kwargs:
                raise ConfigurationError(
                    f"shard_argument is {self.shard_argument}, which the function was not given by that name"
                )
            self.shard = kwargs[self.shard_argument]
        result: dict[str, Any] = super()._place_calls(context, resumed=resumed)
        return result

    def _do_render_template_fields(
        self,
        parent: object,
        template_fields: Iterable[str],
        context: Context,
        jinja_env: Environment,
        seen_oids: set[int],
    ) -> None:
        if parent is self:
            data = came_from_upstream(self, context, expansion="op_kwargs_expand_input")
            given = self.op_kwargs.value.items()
            self.op_kwargs = Redacted({name: _Data(value) if name in data else value for name, value in given})
        super()._do_render_template_fields(parent, template_fields, context, jinja_env, seen_oids)


class FunctionDecorator(_TaskDecorator):
    """What a decorated function becomes: as Airflow's, and what is never shown is refused where it is mapped.

    Airflow stores the arguments of a mapped task in clear.
    """

    def expand(self, **map_kwargs: Any) -> Any:
        """As Airflow's, with the decorator's arguments checked."""
        return self._checked(super().expand(**map_kwargs))

    def expand_kwargs(self, kwargs: Any, *, strict: bool = True) -> Any:
        """As Airflow's, with the decorator's arguments checked."""
        return self._checked(super().expand_kwargs(kwargs, strict=strict))

    def _checked(self, made: Any) -> Any:
        refuse_literals_of_a_decorator(self.operator_class, self.kwargs, made.operator.get_dag())
        return made


def decorator_of(operator: type[FunctionOperator]) -> Callable[..., Any]:
    """The decorator that makes a task of a function.

    :param operator: what its tasks are.
    """

    def decorate(
        python_callable: Callable[..., Any] | None = None, *, multiple_outputs: bool | None = None, **kwargs: Any
    ) -> Any:
        def decorated(function: Callable[..., Any]) -> FunctionDecorator:
            FunctionContacts(function)  # refuses what gives no rows, when the DAG is parsed
            outputs = {} if multiple_outputs is None else {"multiple_outputs": multiple_outputs}
            return FunctionDecorator(function=function, operator_class=operator, kwargs=dict(kwargs), **outputs)

        return decorated if python_callable is None else decorated(python_callable)

    return decorate


class _Data:
    """Holds what came from an upstream task, while Airflow renders what the author wrote."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, _Data) else value
