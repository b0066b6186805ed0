"""A templated value that Airflow must not show.

Airflow stores every rendered template field and shows it on a page of its own; of an object whose class it does not
know it stores `str()`. Numbers and metadata are therefore held in an object that renders its content and says
nothing of it.
"""

from __future__ import annotations

from collections.abc import Sequence
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
