"""One export of Callaro's, from its answer to a file.

What is exported holds phone numbers. They go into the file, and into nothing else: no log, no XCom, no error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.files.formats import FileFormat
from airflow_provider_callkaro.files.writing.result_file import ResultFile, file_format
from airflow_provider_callkaro.files.writing.write_check import check_writable
from airflow_provider_callkaro.hooks.callaro import CallaroHook
from airflow_provider_callkaro.tasks.callaro.export_rows import ExportRows
from airflow_provider_callkaro.tasks.failures import fail_without_retry

if TYPE_CHECKING:
    from airflow_provider_callkaro.transport.download import Download

VENDOR = "Callaro"


class Exported(StrEnum):
    """What can be exported."""

    RESULTS = "results"
    """One row per call of the campaign: the vendor's ``results_export``."""
    TASKS = "tasks"
    """One row per contact that the campaign dials."""
    ANALYTICS = "analytics"
    """The campaign's figures: one row."""
    CAMPAIGNS = "campaigns"
    """One row per campaign of the account: the vendor's collection ``export``."""


class Export:
    """One export: what, and of which campaign.

    :param start: the first day of analytics.
    :param end: the last day of analytics.
    :raises ConfigurationError: there is no campaign, or days that nothing but analytics knows.
    """

    def __init__(
        self, *, what: Exported, campaign_id: int | str | None, start: date | None = None, end: date | None = None
    ) -> None:
        if what is not Exported.CAMPAIGNS and campaign_id in (None, ""):
            raise ConfigurationError(f"campaign_id is empty: {what} are exported of one campaign")
        if what is not Exported.ANALYTICS and (start or end):
            raise ConfigurationError(f"from_date and to_date choose days of analytics, not of {what}: leave them out")
        self._what = what
        self._campaign_id: Any = campaign_id
        self._start = start
        self._end = end

    def write(self, hook: CallaroHook, path: str, *, kind: FileFormat) -> dict[str, Any]:
        """Fetch all rows, then write them to ``path``; see `write_rows`."""
        return write_rows(self._rows(hook), path, kind=kind)

    def _rows(self, hook: CallaroHook) -> ExportRows | Iterator[Mapping[str, Any]]:
        match self._what:
            case Exported.TASKS:
                return hook.tasks(self._campaign_id)
            case Exported.ANALYTICS:
                return (hook.analytics(self._campaign_id, self._start, self._end) for _ in range(1))

        def open_page(page: int) -> AbstractContextManager[Download]:
            if self._what is Exported.CAMPAIGNS:
                return hook.export_campaigns(page=page)
            return hook.results_export(self._campaign_id, page=page)

        return ExportRows(open_page, vendor=VENDOR)


def checked_place(path: str, named: str | None = None) -> FileFormat:
    """The format for a file that can be written; every export checks that before it begins its long work.

    :param named: the format, where the author names it; else the path's ending names it.
    :raises ConfigurationError: the place cannot be written to, or no format is known.
    """
    kind = file_format(path, named)
    check_writable(path)
    return kind


def write_rows(rows: ExportRows | Iterator[Mapping[str, Any]], path: str, *, kind: FileFormat) -> dict[str, Any]:
    """Fetch all rows, then write them to ``path``. Returns ``{"path", "rows", "format"}``. Raises AirflowFailException
    if the vendor refused; a retry would only be refused again. Raises VendorError if it was cut short, or cannot be
    read; nothing was written."""
    with ResultFile(path, kind=kind) as file:
        fail_without_retry(file.add_all, rows)
        if isinstance(rows, ExportRows) and not file.rows:
            file.name_columns(rows.columns)
        file.publish()
        return {"path": path, "rows": file.rows, "format": kind.value}
