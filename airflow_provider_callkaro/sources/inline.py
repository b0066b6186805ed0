"""Contact rows from the DAG itself: a list in its file, an upstream task's XCom, a template that renders to a list.

Airflow stores template fields and shows them in its UI; of an object of an unknown class it takes `str()`. So rows are
wrapped in an object whose text says how many there are and never what they are.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence, Sized
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any

from airflow_provider_callkaro.calls.row_size import is_too_long
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.half_made import shown_half_made
from airflow_provider_callkaro.sources.contract import ContactSource

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

WHAT_IT_TAKES = (
    "a list of mappings or of numbers, an upstream task's output, SqlContacts, FileContacts or AssetContacts"
)


_WALK_AGAIN = "give a list, or a source that begins anew each time, such as FileContacts or one of your own"


def as_source(contacts: Any) -> ContactSource:
    """The source for what a user passes as ``contacts``: a source as it is, anything else as `RowContacts`.

    :raises ConfigurationError: it cannot become a list of rows.
    """
    if isinstance(contacts, ContactSource) and not isinstance(contacts, type):
        return contacts
    return RowContacts(contacts)


class RowContacts:
    """Rows from the DAG's file, an upstream task, or a template.

    Every try reads the rows again, and so does a task that wakes up. An iterator, which can be read only once, is
    therefore refused; an iterator that a template renders to is made into a list.

    :param rows: a list of mappings or of plain numbers, an XComArg, or a Jinja text that renders to a list. Airflow
        renders the texts in a list too, because the DAG's author wrote them; it does not render what an upstream task
        returned. So do not put rows into a list that the DAG's file reads from elsewhere.
    :param argument: what the user calls it, for messages. Default ``contacts``.
    :raises ConfigurationError: ``rows`` cannot become a list of rows.
    """

    __slots__ = ("_argument", "_last_iterator", "_origin", "value")

    template_fields: Sequence[str] = ("value",)

    def __init__(self, rows: Any, *, argument: str = "contacts") -> None:
        self._argument = argument
        self._origin = _origin(rows)
        self._last_iterator: Iterator[Any] | None = None
        if not isinstance(rows, str) and not _is_reference(rows):
            refuse_what_is_no_list(rows, argument)
            refuse_used_up(rows, argument)
        self.value = rows

    @shown_half_made
    def __repr__(self) -> str:
        if not isinstance(self.value, (list, tuple)):
            return f"rows given by {self._origin}"
        count = len(self.value)
        return f"{count} {'row' if count == 1 else 'rows'} given by {self._origin}"

    def rows(self, context: Context) -> Generator[Any, None, None]:
        """The rows in their order, unchanged; None for one that is longer than a row may be.

        :raises ConfigurationError: the value is no list, or can be read only once.
        """
        iterator = iter(self._resolved(context))
        if iterator is self._last_iterator:
            raise ConfigurationError(f"{self._argument} can be walked through once only: {_WALK_AGAIN}")
        self._last_iterator = iterator
        for row in iterator:
            yield None if is_too_long(row) else row

    def total(self, context: Context) -> int | None:
        """The number of rows, if the value has a length.

        :raises ConfigurationError: the value is no list.
        """
        rows = self._resolved(context)
        return len(rows) if isinstance(rows, Sized) else None

    def _resolved(self, context: Context) -> Iterable[Any]:
        if _is_reference(self.value):
            # Airflow before 3.1 leaves a nested template field as it was where it renders to an empty list.
            self.value = self.value.resolve(context)
        if isinstance(self.value, str):
            self.value = _list_in_text(self.value, self._argument)
        refuse_what_is_no_list(self.value, self._argument)
        if isinstance(self.value, Iterator):
            self.value = list(self.value)
        rows: Iterable[Any] = self.value
        return rows


def refuse_used_up(rows: Any, argument: str) -> None:
    """Refuse what is empty when it is read again: a generator, `map`, `zip`, an open file, a cursor.

    :raises ConfigurationError: it is an iterator.
    """
    if isinstance(rows, Iterator):
        raise ConfigurationError(
            f"{argument} is {_article(type(rows).__name__)}, which is empty when it is read again: {_WALK_AGAIN}"
        )


def _is_reference(value: Any) -> bool:
    return hasattr(value, "iter_references") and hasattr(value, "resolve")


def _origin(rows: Any) -> str:
    if isinstance(rows, str):
        return "a template"
    if not _is_reference(rows):
        return "the DAG"
    tasks = sorted({operator.task_id for operator, _ in rows.iter_references()})
    return f"{'task' if len(tasks) == 1 else 'tasks'} {', '.join(tasks)}" if tasks else "the DAG run"


def _list_in_text(text: str, argument: str) -> Any:
    """The list in a rendered template, which is JSON or, from `{{ ti.xcom_pull(…) }}`, a Python literal."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        try:
            value = ast.literal_eval(text.strip())
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            raise ConfigurationError(
                f"{argument} was rendered to a text that holds no list: pass the upstream task's output itself "
                f"({argument}=task.output), or set render_template_as_native_obj=True on the DAG"
            ) from None
    if isinstance(value, str):
        raise ConfigurationError(f"{argument} was rendered to one text: it must be {WHAT_IT_TAKES}")
    return value


def refuse_what_is_no_list(rows: Any, argument: str, *, takes: str = f"it must be {WHAT_IT_TAKES}") -> None:
    """Refuse what cannot become a list of rows.

    :param argument: what the user calls it, for messages.
    :param takes: what it may be, for messages.
    :raises ConfigurationError: it is nothing, one row, a set, a data frame, or nothing that can be walked through.
    """
    if rows is None:
        raise ConfigurationError(
            f"{argument} is None: give a list; an upstream task with nobody to ring must return an empty one"
        )
    if isinstance(rows, Mapping):
        raise ConfigurationError(f"{argument} is one mapping: put the row into a list, [row]")
    if isinstance(rows, AbstractSet):
        raise ConfigurationError(f"{argument} is a set, whose order changes from try to try: sort it, with sorted()")
    if hasattr(rows, "columns"):
        raise ConfigurationError(f'{argument} is a data frame: give frame.to_dict("records")')
    if isinstance(rows, (str, bytes, bytearray, type)) or not isinstance(rows, Iterable):
        raise ConfigurationError(f"{argument} is {_article(type(rows).__name__)}: {takes}")


def _article(noun: str) -> str:
    return f"{'an' if noun[0].lower() in 'aeiou' else 'a'} {noun}"
