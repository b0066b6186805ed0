"""Contact rows from a function, which a TaskFlow decorator makes a task of.

The function is called anew whenever the list is read: in each try, after a wait, and once more to count where
``max_rows`` asks for that. What it gives goes row by row to the dispatcher and is kept nowhere.
"""

from __future__ import annotations

import inspect
from collections import ChainMap
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence, Sized
from typing import TYPE_CHECKING, Any, cast

from airflow_provider_callkaro.calls.row_size import is_too_long
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.half_made import shown_half_made
from airflow_provider_callkaro.sources.inline import refuse_what_is_no_list

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_callkaro.sources.contract import ContactRow


class FunctionContacts:
    """The rows that a function yields or returns.

    :param function: yields or returns mappings or plain numbers. It is given those of its arguments that the call in
        the DAG names, and those that are names of Airflow's context, such as ``ds``.
    :raises ConfigurationError: it is asynchronous, so calling it gives no rows.
    """

    __slots__ = ("_arguments", "_function", "_made", "_read_before")

    template_fields: Sequence[str] = ()

    def __init__(self, function: Callable[..., Any]) -> None:
        if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
            raise ConfigurationError(
                f"{_name_of(function)} is asynchronous: write the function that gives contact rows without async"
            )
        self._function = function
        self._arguments: tuple[Sequence[Any], Mapping[str, Any]] = ((), {})
        self._read_before: Iterator[Any] | None = None
        self._made: Iterable[Any] | None = None

    @shown_half_made
    def __repr__(self) -> str:
        return f"rows that {_name_of(self._function)} gives"

    def called_with(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """Note the arguments of the function in this try, rendered."""
        self._arguments = (args, kwargs)

    def rows(self, context: Context) -> Generator[ContactRow, None, None]:
        """The rows of one call of the function, unchanged; None for one that is longer than a row may be. Raises
        ConfigurationError if the function gives no rows, or an iterator that it has given before."""
        made, self._made = self._called(context), None
        if isinstance(made, Iterator):
            if made is self._read_before:
                raise ConfigurationError(
                    f"{_name_of(self._function)} gave an iterator that has been read before, and is empty now: make a "
                    "new one in each call of it, for a list may be read more than once"
                )
            self._read_before = made
        try:
            for row in made:
                yield None if is_too_long(row) else row
        finally:
            close: Callable[[], None] | None = getattr(made, "close", None)
            if close is not None:
                close()

    def total(self, context: Context) -> int | None:
        """The number of rows, if the function returns something with a length; `rows` goes on with that same call.
        Raises ConfigurationError if the function gives no rows."""
        made = self._called(context)
        return len(made) if isinstance(made, Sized) else None

    def _called(self, context: Context) -> Iterable[Any]:
        if self._made is None:
            from airflow.providers.common.compat.sdk import determine_kwargs

            args, given = self._arguments
            named: Mapping[str, Any] = ChainMap(dict(given), cast("dict[str, Any]", context))
            kwargs = determine_kwargs(self._function, args, named)
            made = self._function(*args, **kwargs)
            refuse_what_is_no_list(
                made, f"what {_name_of(self._function)} gives", takes="yield or return mappings, or plain numbers"
            )
            self._made = made
        return self._made


def _name_of(function: Callable[..., Any]) -> str:
    return getattr(function, "__name__", type(function).__name__)
