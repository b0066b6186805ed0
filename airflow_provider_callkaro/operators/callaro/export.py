"""What became of a Callaro campaign, as a file: results, analytics, tasks, or the list of all campaigns.

What is exported holds phone numbers. They go into the file, and into nothing else: no log, no XCom, no error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.files.checking import check_writable
from airflow_provider_callkaro.files.formats import FileFormat
from airflow_provider_callkaro.files.result_file import ResultFile, file_format
from airflow_provider_callkaro.hooks.callaro import CallaroHook
from airflow_provider_callkaro.tasks.callaro.export_rows import ExportRows
from airflow_provider_callkaro.tasks.callaro.operator import CallaroOperator
from airflow_provider_callkaro.tasks.failures import fail_without_retry
from airflow_provider_callkaro.tasks.redacted import RedactedPath

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


class CallaroExportResultsOperator(CallaroOperator):
    """Write what Callaro tells of a campaign to a file, local or in object storage.

    The file is complete or not there: a download that breaks off fails the task and leaves what stood at ``path``. It
    takes little memory, however many rows there are. Returns ``{"path", "rows", "format"}``.

    What the columns are is Callaro's affair (its export is documented by name only). In Parquet, numbers and flags keep
    their kind where the vendor sends JSON; from its CSV all is text. Nested values are text in JSON, except in JSON
    Lines. Analytics are one row with the answer's own names.

    :param campaign_id: the campaign, as the vendor names it; not needed for ``campaigns``. Templated.
    :param path: where to, anything that Airflow's ``ObjectStoragePath`` understands. Templated.
    :param what: ``results`` (default), ``tasks``, ``analytics`` or ``campaigns``. Templated.
    :param from_date: the first day of the analytics, ``YYYY-MM-DD`` or a date. Default: as the vendor sees fit.
        Templated.
    :param to_date: the last day of the analytics, likewise. Templated.
    :param format: ``csv``, ``jsonl`` or ``parquet`` (extra ``[parquet]``); default: as the path ends (``.csv``,
        ``.jsonl``, ``.ndjson``, ``.parquet``). Templated.
    :param callaro_conn_id: the Callaro connection. Templated.
    """

    template_fields: Sequence[str] = (
        "campaign_id",
        "path",
        "what",
        "from_date",
        "to_date",
        "format",
        "callaro_conn_id",
    )
    ui_color = "#e6ecf5"

    def __init__(
        self,
        *,
        path: str,
        campaign_id: int | str | None = None,
        what: str = Exported.RESULTS.value,
        from_date: date | str | None = None,
        to_date: date | str | None = None,
        format: str | None = None,  # noqa: A002 - the word users look for
        callaro_conn_id: str = CallaroHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(callaro_conn_id=callaro_conn_id, **kwargs)
        self.path = RedactedPath(path)
        self.campaign_id = campaign_id
        self.what = what
        self.from_date = from_date
        self.to_date = to_date
        self.format = format

    def execute(self, context: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG002 - Airflow's signature
        """Fetch everything, then write the file."""
        export = Export(
            what=_exported(self.what),
            campaign_id=self.campaign_id,
            start=_day("from_date", self.from_date),
            end=_day("to_date", self.to_date),
        )
        path = self.path.value
        told = export.write(self.hook, path, kind=checked_place(path, self.format))
        self.log.info("Wrote %d rows of %s to %s", told["rows"], self.what, self.path)
        return told


class Export:
    """One export: what, and of which campaign.

    :param start: the first day of analytics.
    :param end: the last day of analytics.
    :raises ConfigurationError: there is no campaign, or days that nothing but analytics knows.
    """

    def __init__(
        self,
        *,
        what: Exported,
        campaign_id: int | str | None,
        start: date | None = None,
        end: date | None = None,
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
        """Fetch all rows, then write them to ``path``.

        :return: ``{"path", "rows", "format"}``.
        :raises AirflowFailException: the vendor refused; a retry would only be refused again.
        :raises VendorError: it was cut short, or cannot be read; nothing was written.
        """
        return written(self._rows(hook), path, kind=kind)

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
    """How the file at a place is to be written, looked at before any long work: the one look that all exports take.

    :param named: the format, where it is named.
    :raises ConfigurationError: nothing can be written there, or not in any format.
    """
    kind = file_format(path, named)
    check_writable(path)
    return kind


def written(rows: ExportRows | Iterator[Mapping[str, Any]], path: str, *, kind: FileFormat) -> dict[str, Any]:
    """Fetch all rows, then write them to ``path``.

    :return: ``{"path", "rows", "format"}``.
    :raises AirflowFailException: the vendor refused; a retry would only be refused again.
    :raises VendorError: it was cut short, or cannot be read; nothing was written.
    """
    with ResultFile(path, kind=kind) as file:
        fail_without_retry(file.add_all, rows)
        if isinstance(rows, ExportRows) and not file.rows:
            file.name_columns(rows.columns)
        file.publish()
        return {"path": path, "rows": file.rows, "format": kind.value}


def _exported(what: str) -> Exported:
    try:
        return Exported(what)
    except ValueError:
        raise ConfigurationError(f"what must be one of {', '.join(Exported)}") from None


def _day(name: str, given: date | str | None) -> date | None:
    if given is None or given == "":
        return None
    if isinstance(given, date):
        return given.date() if isinstance(given, datetime) else given
    try:
        return date.fromisoformat(str(given).strip())
    except ValueError:
        raise ConfigurationError(f"{name} must be a date, such as 2026-04-01") from None
