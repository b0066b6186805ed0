"""Redaction: templated values that Airflow must not show, or not whole.

Airflow stores every template field, as the author wrote it and as it renders, and shows it on a page of its own. Of an
object whose class it does not know, it stores `str()`. So an object of our own holds numbers, metadata and the like: it
lets Airflow render its content, and its text says nothing of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow_provider_callkaro.files.storage import redacted_path


class Redacted:
    """Holds a templated value that Airflow must not show. ``value``: renders like any template field."""

    template_fields: Sequence[str] = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        return "(not shown)" if self.value is not None else "None"


class RedactedPath(Redacted):
    """Holds a templated path, and shows all of it but a login and a signature."""

    def __repr__(self) -> str:
        return redacted_path(str(self.value))
