"""Contact rows that the DAG itself gives: a list in its file, an upstream task's XCom, a template that renders to one.

Airflow shows template fields in its UI and stores them in its database, and for an object of an unknown class it takes
`str()`. So rows are wrapped in an object that says how many there are and never what they are.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence, Sized
from collections.abc import Set as AbstractSet
from typing import Any

from airflow_provider_callkaro.calls.row_size import is_too_long
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.sources.contract import ContactSource

_WHAT_IT_TAKES = (
    "a list of mappings or of numbers, an upstream task's output, SqlContacts, FileContacts or AssetContacts"
)


_WALK_AGAIN = "give a list, or a source that begins anew each time, such as FileContacts or one of your own"


def as_source(contacts: Any) -> ContactSource:
    """What a user passes as ``contacts``, as a source: a source as it is, anything else as `RowContacts`.

    :raises ConfigurationError: it cannot become a list of rows.
    """
    if isinstance(contacts, ContactSource) and not isinstance(contacts, type):
        return contacts
    return RowContacts(contacts)


class RowContacts:
    """Rows given directly, by an upstream task, or by a template.

    The list is walked once for every pass over it: again after a nap, and in every try. So an iterator, which can be
    walked once only, is refused; one to which a template renders is taken in.

    :param rows: a list of mappings or of plain numbers, an XComArg, or a Jinja text that renders to a list. Strings in
        a list are rendered too, as what the DAG's author wrote; what an upstream task returned is not. So a list is no
        place for rows that the DAG's file reads from elsewhere.
    :param argument: what the user calls it, for messages. Default ``contacts``.
    :raises ConfigurationError: ``rows`` cannot become a list of rows.
    """

    __slots__ = ("_argument", "_giver", "_walked", "given")

    template_fields: Sequence[str] = ("given",)

    def __init__(self, rows: Any, *, argument: str = "contacts") -> None:
        self._argument = argument
        self._giver = _giver(rows)
        self._walked: Iterator[Any] | None = None
        if not isinstance(rows, str) and not _is_reference(rows):
            _refuse_what_is_no_list(rows, argument)
            refuse_used_up(rows, argument)
        self.given = rows

    def __repr__(self) -> str:
        if not isinstance(self.given, (list, tuple)):
            return f"rows given by {self._giver}"
        count = len(self.given)
        return f"{count} {'row' if count == 1 else 'rows'} given by {self._giver}"

    def rows(self, context: Mapping[str, Any]) -> Generator[Any, None, None]:
        """The rows in their order, unchanged; one that is longer than a row may be is None.

        :raises ConfigurationError: what was given turned out to be no list, or one that can be walked once only.
        """
        walked = iter(self._resolved(context))
        if walked is self._walked:
            raise ConfigurationError(f"{self._argument} can be walked through once only: {_WALK_AGAIN}")
        self._walked = walked
        for row in walked:
            yield None if is_too_long(row) else row

    def total(self, context: Mapping[str, Any]) -> int | None:
        """The length of what was given, where it has one.

        :raises ConfigurationError: what was given turned out to be no list.
        """
        rows = self._resolved(context)
        return len(rows) if isinstance(rows, Sized) else None

    def _resolved(self, context: Mapping[str, Any]) -> Iterable[Any]:
        if _is_reference(self.given):
            # Airflow before 3.1 leaves a nested template field as it was where it renders to an empty list.
            self.given = self.given.resolve(context)
        if isinstance(self.given, str):
            self.given = _list_in_text(self.given, self._argument)
        _refuse_what_is_no_list(self.given, self._argument)
        if isinstance(self.given, Iterator):
            self.given = list(self.given)
        rows: Iterable[Any] = self.given
        return rows


def refuse_used_up(rows: Any, argument: str) -> None:
    """Refuse what is empty when it is walked through once more: a generator, `map`, `zip`, an open file, a cursor.

    :raises ConfigurationError: it is an iterator.
    """
    if isinstance(rows, Iterator):
        raise ConfigurationError(
            f"{argument} is {_article(type(rows).__name__)}, which is empty when it is read again: {_WALK_AGAIN}"
        )


def _is_reference(value: Any) -> bool:
    return hasattr(value, "iter_references") and hasattr(value, "resolve")


def _giver(rows: Any) -> str:
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
        raise ConfigurationError(f"{argument} was rendered to one text: it must be {_WHAT_IT_TAKES}")
    return value


def _refuse_what_is_no_list(rows: Any, argument: str) -> None:
    if rows is None:
        raise ConfigurationError(
            f"{argument} is None: give a list; an upstream task with nobody to ring must return an empty one"
        )
    if isinstance(rows, Mapping):
        raise ConfigurationError(f"{argument} is one mapping: put the row into a list, {argument}=[row]")
    if isinstance(rows, AbstractSet):
        raise ConfigurationError(f"{argument} is a set, whose order changes from try to try: pass sorted({argument})")
    if hasattr(rows, "columns"):
        raise ConfigurationError(f'{argument} is a data frame: pass frame.to_dict("records")')
    if isinstance(rows, (str, bytes, bytearray, type)) or not isinstance(rows, Iterable):
        raise ConfigurationError(f"{argument} is {_article(type(rows).__name__)}: it must be {_WHAT_IT_TAKES}")


def _article(noun: str) -> str:
    return f"{'an' if noun[0].lower() in 'aeiou' else 'a'} {noun}"
