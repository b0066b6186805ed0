"""Templated values that Airflow must not show, or not whole.

Airflow stores every template field, as it is written and as it is rendered, and shows it on a page of its own; of an
object whose class it does not know it stores `str()`. Numbers, metadata and the like are therefore held in an object
that renders its content and says nothing of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow_provider_callkaro.files.storage import redacted_path


class Redacted:
    """Holds a templated value that is not to be shown.

    :param value: rendered like any template field.
    """

    template_fields: Sequence[str] = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        return "(not shown)" if self.value is not None else "None"


class RedactedPath(Redacted):
    """Holds a templated path, of which everything is shown but a login and a signature."""

    def __repr__(self) -> str:
        return redacted_path(str(self.value))
