"""What became of the night, written beside the rows it was about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from airflow.providers.common.compat.sdk import XComArg

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.tasks.arguments import is_template, provided_arguments, refuse_empty_arguments
from airflow_provider_callkaro.tasks.column_pairs import column_pairs, written_columns
from airflow_provider_callkaro.tasks.outcome_table import checked_table
from airflow_provider_callkaro.tasks.redacted import ReportPath
from airflow_provider_callkaro.tasks.rendering import RendersLiterals

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context
    from airflow.providers.openlineage.extractors import OperatorLineage

OUTCOME = ("state", "reason", "call_id")


class CallKaroReportToSqlOperator(RendersLiterals):
    """Write the outcomes of a report into a table, each in the row that has its key. It serves every vendor's report.

    The report needs a key of your own: name its column in ``report_columns`` of the task that writes the report. One
    transaction takes the whole report, so it is in the table altogether or not at all, and writing it twice is the same
    as once. A line whose call has its outcome elsewhere (``duplicate``, ``already_accepted`` and the like) never
    replaces an outcome that is there. Where two other lines have one key, the later stands.

    Returns ``{"rows", "written", "elsewhere", "repeated", "without_key", "not_found"}``; the last five add up to
    ``rows``.

    :param report_path: the report, local or in object storage: CSV, JSON Lines or Parquet by its ending; or the output
        of the task that writes it, ``calls.output``. Also what another task wrote as rows, such as Callaro's results.
        Templated.
    :param conn_id: the connection of the database: PostgreSQL, MySQL, MariaDB or SQLite. Templated.
    :param table: the table, or ``schema.table``. Templated.
    :param key_columns: the columns that tell rows apart, in the report and in the table alike, such as
        ``["customer_id"]``; a mapping says what a column of the report is called in the table.
    :param columns: the columns of the report to write, likewise. Default ``["state", "reason", "call_id"]``.
    :param fixed_values: columns of the table that get one value in every row that is written, such as
        ``{"run_id": "{{ run_id }}"}``. Templated.
    :param mode: ``"upsert"`` (default) adds the rows that the table lacks, and needs a primary key or unique index on
        the key; ``"update"`` changes rows that are there, and adds none: for the table that the list came from.
    :param create_table: create the table if it is missing, with the key as primary key and texts as columns. Default
        False.
    :param on_unmatched: ``"warn"`` (default) or ``"fail"`` if lines have no key, or with ``"update"`` no row;
        ``"fail"`` writes nothing then.
    :raises ConfigurationError: an argument cannot work, naming it.
    """

    template_fields: Sequence[str] = ("report_path", "conn_id", "table", "fixed_values")
    ui_color = "#e3ecf1"

    def __init__(
        self,
        *,
        report_path: str | XComArg,
        conn_id: str,
        table: str,
        key_columns: Sequence[str] | Mapping[str, str],
        columns: Sequence[str] | Mapping[str, str] = OUTCOME,
        fixed_values: Mapping[str, Any] | None = None,
        mode: Literal["upsert", "update"] = "upsert",
        create_table: bool = False,
        on_unmatched: Literal["warn", "fail"] = "warn",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.report_path = ReportPath(report_path)
        self.conn_id = conn_id
        self.table = table
        self.key_columns = key_columns
        self.columns = columns
        self.fixed_values = fixed_values
        self.mode = mode
        self.create_table = create_table
        self.on_unmatched = on_unmatched
        self._provided = provided_arguments(self, self.template_fields)
        self._check()
        XComArg.apply_upstream_relationship(self, report_path)

    def execute(self, context: Context) -> dict[str, int]:  # noqa: ARG002 - Airflow's signature
        """Read the report, and write its outcomes."""
        from airflow_provider_callkaro.tasks.failures import fail_without_retry_if_invalid

        refuse_empty_arguments(self, self._provided)
        self._check()
        return fail_without_retry_if_invalid(self._write)

    def get_openlineage_facets_on_start(self) -> OperatorLineage | None:
        """What OpenLineage is told when the task starts: the report and the table. None if unknown."""
        from airflow_provider_callkaro.tasks.lineage import lineage_of_write_back

        return lineage_of_write_back(self.report_path.path, conn_id=self.conn_id, table=self.table)

    def get_openlineage_facets_on_complete(self, task_instance: object) -> OperatorLineage | None:  # noqa: ARG002
        """What OpenLineage is told when the task has ended: the same."""
        return self.get_openlineage_facets_on_start()

    def _write(self) -> dict[str, int]:
        from airflow_provider_callkaro.files.reading.report_file import report_lines
        from airflow_provider_callkaro.hooks.ledger import sql_engine
        from airflow_provider_callkaro.tasks.outcome_table import OutcomeTable
        from airflow_provider_callkaro.tasks.write_back import WriteBack

        keys, columns, fixed = self._pairs()
        write_back = WriteBack(
            table=OutcomeTable(
                name=self.table,
                keys=list(keys.values()),
                values=[*columns.values(), *fixed],
                inserts=self.mode == "upsert",
            ),
            key_columns=keys,
            columns=columns,
            fixed_values=fixed,
            creates=self.create_table,
            is_strict=self.on_unmatched == "fail",
        )
        where = f'connection "{self.conn_id}"'
        written = write_back.run(
            sql_engine(self.conn_id, argument="conn_id"), report_lines(self.report_path.path()), where=where
        )
        self.log.info(
            "%d lines of %s: %d written to table %s of %s; %d have their outcome elsewhere, %d are repeated",
            written.rows,
            self.report_path,
            written.written,
            self.table,
            where,
            written.elsewhere,
            written.repeated,
        )
        if written.without_key or written.not_found:
            self.log.warning(
                "%d lines have no key, and %d have one that the table has not: their outcomes are in no row",
                written.without_key,
                written.not_found,
            )
        return written.as_xcom()

    def _pairs(self) -> tuple[dict[str, str], dict[str, str], dict[str, Any]]:
        """The columns of the key, of what is written, and of what is the same everywhere."""
        keys, columns = column_pairs("key_columns", self.key_columns), column_pairs("columns", self.columns)
        return written_columns(keys, columns, self.fixed_values)

    def _check(self) -> None:
        """Refuse what cannot work; what is still a template is left to the run."""
        self._pairs()
        if not is_template(self.table):
            checked_table(self.table)
        for name, words in (("mode", ("upsert", "update")), ("on_unmatched", ("warn", "fail"))):
            if getattr(self, name) not in words:
                raise ConfigurationError(f'{name} must be "{words[0]}" or "{words[1]}"')
        if self.create_table and self.mode == "update":
            raise ConfigurationError('create_table=True needs mode="upsert": a new table has no rows to update')
