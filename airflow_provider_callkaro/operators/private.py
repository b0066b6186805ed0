"""A templated value that Airflow must not show.

Airflow stores every rendered template field and shows it on a page of its own; of an object whose class it does not
know it stores `str()`. Numbers and metadata are therefore held in an object that renders its content and says
nothing of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any


class Private:
    """Holds a templated value that is not to be shown.

    :param value: rendered like any template field.
    """

    template_fields: Sequence[str] = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        return "(not shown)" if self.value is not None else "None"


def own_copies(operator: Any, names: Sequence[str]) -> None:
    """Give a task its own copies of the objects that hold its templated values, before they are rendered.

    Airflow renders such objects in place, and they are shared with the DAG's own task: without a copy a second run in
    one process would see what the first one was given.
    """
    for name in names:
        value = getattr(operator, name, None)
        if hasattr(value, "template_fields"):
            setattr(operator, name, copy(value))
