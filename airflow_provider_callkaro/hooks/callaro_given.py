"""Arguments that were given as templates and render to nothing.

A misspelt task id in an ``xcom_pull`` renders to None, or to the text ``None``. An argument that was not given may be
None; one that was given and comes to nothing is a mistake, and never a default.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.vendors.callaro_fields import is_nothing, is_template


def rendered(task: Any, render: Callable[[], None]) -> None:
    """Render the template fields of a task, none of which may come to nothing.

    :param task: an operator or a sensor.
    :param render: renders them.
    :raises ConfigurationError: one was given and came to nothing, naming it; nothing was sent.
    """
    given = {name: _value(getattr(task, name, None)) for name in task.template_fields}
    render()
    for name, before in given.items():
        for path in _emptied(name, before, _value(getattr(task, name, None))):
            raise ConfigurationError(
                f"{path} was given as a template and renders to nothing, or to the text None: nothing was sent. Mend "
                f"the template, or leave {path} out"
            )


def is_plain(value: Any) -> bool:
    """Whether a value is known when the DAG is read: no template, no XCom, and none in it."""
    if isinstance(value, (list, tuple)):
        return all(map(is_plain, value))
    return isinstance(value, (str, int, float, type(None))) and not is_template(value)


def _value(held: Any) -> Any:
    """What an object holds that renders its content, such as a private value."""
    return held.value if getattr(held, "template_fields", None) == ("value",) else held


def _emptied(path: str, before: Any, after: Any) -> Iterator[str]:
    """Where a template, or a reference to an XCom, has come to nothing."""
    if is_template(before) or hasattr(before, "resolve"):
        if is_nothing(after):
            yield path
    elif isinstance(before, Mapping) and isinstance(after, Mapping):
        for name, value in before.items():
            yield from _emptied(f"{path}.{name}", value, after.get(name, value))
    elif isinstance(before, (list, tuple)) and isinstance(after, (list, tuple)) and len(before) == len(after):
        for number, (value, now) in enumerate(zip(before, after, strict=True)):
            yield from _emptied(f"{path}[{number}]", value, now)
