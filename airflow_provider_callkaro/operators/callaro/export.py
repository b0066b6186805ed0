"""What Callaro says of a campaign, as a file: results, analytics, tasks, or the list of all campaigns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.hooks.callaro import CallaroHook
from airflow_provider_callkaro.tasks.argument_values import check_ending
from airflow_provider_callkaro.tasks.arguments import is_template
from airflow_provider_callkaro.tasks.callaro.export import Export, Exported, checked_place
from airflow_provider_callkaro.tasks.callaro.operator import CallaroOperator
from airflow_provider_callkaro.tasks.instants import read_date
from airflow_provider_callkaro.tasks.redacted import RedactedPath

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


class CallaroExportResultsOperator(CallaroOperator):
    """Write what Callaro says of a campaign to a file, local or in object storage. The file holds phone numbers.

    The file is complete or not there: a download that breaks off fails the task, and leaves the file that stood at
    ``path``. It takes little memory, however many rows there are. Returns ``{"path", "rows", "format"}``.

    Callaro chooses the columns; its guide documents the export by name only. In Parquet, numbers and flags keep their
    type where Callaro sends JSON; from its CSV all is text. Nested values become JSON text, except in JSON Lines.
    Analytics are one row, with the names of the answer.

    :param campaign_id: the campaign, as Callaro names it; not needed for ``campaigns``. Templated.
    :param path: the file to write, anything that Airflow's ``ObjectStoragePath`` understands. Templated.
    :param what: ``results`` (default), ``tasks``, ``analytics`` or ``campaigns``. Templated.
    :param from_date: the first day of the analytics, ``YYYY-MM-DD`` or a date. Default: Callaro's choice.
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
        self._check_literals()
        check_ending(path, named=format)
        if not is_template(what):
            _exported(what)
        for name, day in (("from_date", from_date), ("to_date", to_date)):
            if not is_template(day):
                read_date(name, day)

    def execute(self, context: Context) -> dict[str, Any]:  # noqa: ARG002 - Airflow's signature
        """Fetch everything, then write the file."""
        export = Export(
            what=_exported(self.what),
            campaign_id=self.campaign_id,
            start=read_date("from_date", self.from_date),
            end=read_date("to_date", self.to_date),
        )
        path = self.path.value
        summary = export.write(self.hook, path, kind=checked_place(path, self.format))
        self.log.info("Wrote %d rows of %s to %s", summary["rows"], self.what, self.path)
        return summary

    def _moves(self) -> dict[str, list[Any]]:
        takes = "campaigns" if self.campaign_id is None else f"campaigns/{self.campaign_id}"
        return {"takes": [takes], "writes": [self.path.value]}


def _exported(what: str) -> Exported:
    try:
        return Exported(what)
    except ValueError:
        raise ConfigurationError(f"what must be one of {', '.join(Exported)}") from None
