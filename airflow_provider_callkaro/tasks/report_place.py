"""Where a run's report goes, and whether it can go there: checked before the first call."""

from __future__ import annotations

from airflow_provider_callkaro.dispatch.report import Report, report_format
from airflow_provider_callkaro.dispatch.report_columns import ReportColumns
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.files.writing.publishing import published
from airflow_provider_callkaro.files.writing.write_check import check_writable


def check_report_place(path: str | None) -> None:
    """Refuse a place to which no report can be written, before the first call is placed. Raises ConfigurationError,
    naming the place and what is missing."""
    if path is None:
        return
    report_format(path)
    try:
        check_writable(path)
    except ConfigurationError as error:
        raise ConfigurationError(f"report_path: {error}") from None


def new_report(path: str | None, columns: ReportColumns | None = None) -> Report | None:
    """A report that will stand at ``path``, local or in object storage, with these columns of the rows; None without a
    path. Raises ConfigurationError if the path does not end in a known format."""
    if path is None:
        return None
    return Report(kind=report_format(path), open_target=lambda: published(path), columns=columns)
