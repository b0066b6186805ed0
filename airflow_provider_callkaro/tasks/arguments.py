"""Templated arguments: which are set, and which of those are empty once Airflow has rendered them.

A template that renders to nothing, or to the text ``None`` (as a misspelt task id in ``xcom_pull`` does), is an error.
Taken for the default, it would silently change the ledger, the scope, the campaign or the report.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from typing import Any, Protocol

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.sources.inline import RowContacts
from airflow_provider_callkaro.tasks.redacted import Redacted


class Templated(Protocol):
    """What Airflow renders: an operator, a sensor, or an object within one of their fields."""

    template_fields: Sequence[str]


_SUPPRESSION = re.compile(r"^suppression\.source")  # the attribute that holds what the user calls policy.suppress


def is_template(value: object) -> bool:
    """Whether a value is only known once the task runs: a Jinja text, or an upstream task's output."""
    if isinstance(value, str):
        return "{{" in value or "{%" in value
    return hasattr(value, "iter_references")


def unredacted(value: object) -> Any:
    """The value inside a `Redacted`; any other value as it is."""
    return value.value if isinstance(value, Redacted) else value


def is_plain(value: object) -> bool:
    """Whether a value is known when the DAG is parsed: it neither is nor holds a template or an XCom."""
    if isinstance(value, (list, tuple)):
        return all(map(is_plain, value))
    return isinstance(value, (str, int, float, type(None))) and not is_template(value)


def is_empty(value: object) -> bool:
    """Whether a value is what an empty template renders to: None, an empty text, or the text ``None``."""
    return value is None or (isinstance(value, str) and value.strip() in ("", "None"))


def render_and_check(task: Templated, render: Callable[[], None]) -> None:
    """Render the template fields of a task, and refuse any that is empty then, or holds something empty. Raises
    ConfigurationError if a field is empty once it is rendered, naming it; nothing was sent."""
    before_rendering = {name: _templated_content(getattr(task, name, None)) for name in task.template_fields}
    render()
    for name, before in before_rendering.items():
        for path in _emptied(name, before, _templated_content(getattr(task, name, None))):
            raise _empty_argument(_SUPPRESSION.sub("policy.suppress", path))


def provided_arguments(operator: object, names: Iterable[str]) -> frozenset[str]:
    """The names of the arguments that are set when the operator is made."""
    return frozenset(name for name in names if unredacted(getattr(operator, name)) is not None)


def refuse_empty_arguments(operator: object, names: Iterable[str]) -> None:
    """Refuse an argument that was set, and is empty when the task runs. ``names``: what `provided_arguments` found.
    Raises ConfigurationError, naming the first such argument."""
    for name in sorted(names):
        if is_empty(unredacted(getattr(operator, name))):
            raise _empty_argument(name)


def copy_templated(holder: object, names: Sequence[str]) -> None:
    """Give a task its own copies of the objects that hold its templated values, before Airflow renders them in place.

    The DAG's own task shares these objects: without copies, a second run in one process would see the values of the
    first.
    """
    for name in names:
        value = getattr(holder, name, None)
        if hasattr(value, "template_fields"):
            own: Any = copy(value)
            copy_templated(own, own.template_fields)  # a suppression holds a source, which holds the values
            setattr(holder, name, own)


def _templated_content(value: object) -> object:
    """A value as it is now, with what Airflow renders in place within it: a source's query, path and parameters.

    Rows that the DAG itself holds are no arguments; the row reader judges each of them.
    """
    value = unredacted(value)
    if isinstance(value, RowContacts) or not hasattr(value, "template_fields"):
        return value
    return {name: _templated_content(getattr(value, name, None)) for name in value.template_fields}


def _emptied(path: str, before: object, after: object) -> Iterator[str]:
    """The places of a template, or a reference to an XCom, that is empty after rendering."""
    if is_template(before):
        if is_empty(after):
            yield path
    elif isinstance(before, Mapping) and isinstance(after, Mapping):
        for name, value in before.items():
            yield from _emptied(f"{path}.{name}", value, after.get(name, value))
    elif isinstance(before, (list, tuple)) and isinstance(after, (list, tuple)) and len(before) == len(after):
        for number, (value, now) in enumerate(zip(before, after, strict=True)):
            yield from _emptied(f"{path}[{number}]", value, now)


def _empty_argument(path: str) -> ConfigurationError:
    return ConfigurationError(
        f"{path} was given and comes to nothing once it is rendered: correct its template (a misspelt task id in "
        f"xcom_pull gives None), or leave {path} out; nothing was sent and nobody was rung"
    )
