"""Redaction: templated values that Airflow must not show, or not whole.

Airflow stores every template field, as the author wrote it and as it renders, and shows it on a page of its own. Of an
object whose class it does not know, it stores `str()`. So an object of our own holds numbers, metadata and the like: it
lets Airflow render its content, and its text says nothing of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.files.storage import redacted_path
from airflow_provider_callkaro.half_made import shown_half_made


class Redacted:
    """Holds a templated value that Airflow must not show. ``value``: renders like any template field."""

    template_fields: Sequence[str] = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    @shown_half_made
    def __repr__(self) -> str:
        return "(not shown)" if self.value is not None else "None"


class RedactedPath(Redacted):
    """Holds a templated path, and shows all of it but a login and a signature."""

    @shown_half_made
    def __repr__(self) -> str:
        return redacted_path(str(self.value))


class ReportPath(RedactedPath):
    """Holds the path of a report, or the output of the task that writes it."""

    def path(self) -> str:
        """The path. Raises ConfigurationError if the task has written no report."""
        found = self._found()
        if not isinstance(found, str) or not found:
            raise ConfigurationError(
                "report_path is the output of a task that wrote no report: give that task a report_path"
            )
        return found

    def _found(self) -> object:
        return (self.value.get("report") or self.value.get("path")) if isinstance(self.value, Mapping) else self.value

    @shown_half_made
    def __repr__(self) -> str:
        return redacted_path(str(self._found()))
