"""What became of the calls, in a table or in a file: one row per call, for every vendor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import XComArg

from airflow_provider_callkaro.tasks.argument_values import check_ending
from airflow_provider_callkaro.tasks.arguments import is_template
from airflow_provider_callkaro.tasks.column_pairs import column_pairs, written_columns
from airflow_provider_callkaro.tasks.outcome_calls import OUTCOME_FIELDS, UNRESOLVED_AFTER
from airflow_provider_callkaro.tasks.outcome_lines import INTERVAL, USUAL_COLUMNS, check_columns
from airflow_provider_callkaro.tasks.outcome_operator import OutcomesOperator
from airflow_provider_callkaro.tasks.outcome_table import checked_identifier, checked_table
from airflow_provider_callkaro.tasks.redacted import RedactedPath, ReportPath

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


class CallOutcomesToSqlOperator(OutcomesOperator):
    """Write what became of each call into a table, in the row that has the contact's own id. It serves every vendor.

    ``outcome`` is one of ``reached``, ``not_reached``, ``voicemail``, ``refused``, ``invalid_number``, ``blocked``,
    ``vendor_fault`` and ``other``; of a call without one ``awaiting``, ``unresolved``, ``unknown`` or ``under_way``.
    One transaction takes all of them, and writing them twice is the same as once.

    Returns ``{"rows", "written", "repeated", "without_key", "without_call", "outcomes": {word: calls},
    "asked_not_to_be_called"}``.

    :param ledger_conn_id: the SQL connection of the ledger under which the calls were placed. Templated.
    :param conn_id: the connection of the database to write to: PostgreSQL, MySQL, MariaDB or SQLite. Templated.
    :param table: the table, or ``schema.table``. It needs a primary key or unique index on the key columns and
        ``interval_column``. Templated.
    :param key_columns: the columns that tell contacts apart, or a mapping to what they are called in the table.
        Default ``["call_key"]``, the key that the contact row has itself. Others are taken from ``report_path``.
    :param columns: what to write of each call, likewise. Default: ``outcome``, ``vendor_word``, ``attempts``,
        ``duration_seconds``, ``converted``, ``asked_not_to_be_called``, ``happened_at`` and ``call_id``. There are also
        ``vendor``, ``campaign_id``, ``received_at``, ``fields``, ``call_link`` and, about a person, ``to_number``,
        ``recording_url`` and ``transcript``.
    :param interval_column: the column of the table that holds the start of the run's data interval, in UTC, and is part
        of the key: each interval has rows of its own. None leaves it out, so that the latest run overwrites.
    :param fixed_values: columns of the table that get one value in every row. Templated.
    :param create_table: create the table if it is missing, with texts as columns. Default False.
    :param report_path: the report of the fan-out, or its output, ``calls.output``: its columns, named in
        ``report_columns`` there, can be written too. With a keyed ledger it is needed. None reads the ledger alone.
        Templated.
    :param task_ids: the tasks of this DAG run that placed the calls: an id or a list of ids; default: the tasks right
        before this one. Templated.
    :param ledger_scope: the scope of the calls, where they were placed by another run or DAG. Templated.
    :param campaign_id: only calls of this campaign, as the vendor names it. Templated.
    :param unresolved_after: how long after a call no outcome is expected for it any more. Default one day.
    :raises ConfigurationError: an argument cannot work, naming it.
    """

    template_fields: Sequence[str] = (*OUTCOME_FIELDS, "report_path", "conn_id", "table", "fixed_values")
    ui_color = "#e3ecf1"

    def __init__(
        self,
        *,
        ledger_conn_id: str,
        conn_id: str,
        table: str,
        key_columns: Sequence[str] | Mapping[str, str] = ("call_key",),
        columns: Sequence[str] | Mapping[str, str] = USUAL_COLUMNS,
        interval_column: str | None = INTERVAL,
        fixed_values: Mapping[str, Any] | None = None,
        create_table: bool = False,
        report_path: str | XComArg | None = None,
        task_ids: str | Sequence[str] | None = None,
        ledger_scope: str | None = None,
        campaign_id: str | None = None,
        unresolved_after: timedelta = UNRESOLVED_AFTER,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.ledger_conn_id = ledger_conn_id
        self.conn_id = conn_id
        self.table = table
        self.key_columns = key_columns
        self.columns = columns
        self.interval_column = interval_column
        self.fixed_values = fixed_values
        self.create_table = create_table
        self.report_path = ReportPath(report_path)
        self.task_ids = task_ids
        self.ledger_scope = ledger_scope
        self.campaign_id = campaign_id
        self.unresolved_after = unresolved_after
        self._check_calls(report_path)
        self._pairs()
        if report_path is None:
            check_columns("key_columns", list(column_pairs("key_columns", key_columns)))
            check_columns("columns", list(column_pairs("columns", columns)))
        if not is_template(table):
            checked_table(table)

    def execute(self, context: Context) -> dict[str, Any]:
        """Read the outcomes, and write them."""
        from airflow_provider_callkaro.hooks.ledger import sql_engine
        from airflow_provider_callkaro.tasks.outcome_table import OutcomeTable, written_instant
        from airflow_provider_callkaro.tasks.write_back import WriteBack

        keys, columns, fixed = self._pairs()
        engine = sql_engine(self.conn_id, argument="conn_id")
        lines = self._lines(context, written_instant(engine.dialect.name))
        write_back = WriteBack(
            table=OutcomeTable(
                name=self.table, keys=list(keys.values()), values=[*columns.values(), *fixed], inserts=True
            ),
            key_columns=keys,
            columns=columns,
            fixed_values=fixed,
            creates=self.create_table,
            is_strict=False,
        )
        where = f'connection "{self.conn_id}"'
        written = write_back.run(engine, map(_with_flags_as_numbers, self._rows(lines)), where=where)
        self.log.info(
            "%d calls: the outcomes of %d are in table %s of %s (%s)",
            written.rows,
            written.written,
            self.table,
            where,
            ", ".join(f"{word} {calls}" for word, calls in sorted(lines.counts.words.items())),
        )
        if written.without_key:
            self.log.warning(
                "%d calls have no key, and their outcomes are in no row: give the contact rows a call_key, or "
                "report_path a report with a column that is one",
                written.without_key,
            )
        self._say_unmatched(lines)
        counted = {name: getattr(written, name) for name in ("rows", "written", "repeated", "without_key")}
        return {**counted, **lines.counts.as_xcom()}

    def _pairs(self) -> tuple[dict[str, str], dict[str, str], dict[str, Any]]:
        keys = column_pairs("key_columns", self.key_columns)
        if self.interval_column is not None:
            keys[INTERVAL] = checked_identifier("interval_column", self.interval_column)
        return written_columns(keys, column_pairs("columns", self.columns), self.fixed_values)


class CallOutcomesToFileOperator(OutcomesOperator):
    """Write what became of each call to a file, local or in object storage. It serves every vendor.

    The file is complete or not there, has one row per call, and is the same when it is written again with nothing new.
    Returns ``{"path", "rows", "format", "without_call", "outcomes": {word: calls}, "asked_not_to_be_called"}``; see
    `CallOutcomesToSqlOperator` for the words.

    :param ledger_conn_id: the SQL connection of the ledger under which the calls were placed. Templated.
    :param path: where to, ending in ``.csv``, ``.jsonl``, ``.ndjson`` or ``.parquet``. Templated.
    :param columns: what to write of each call, and of ``report_path``, in this order. Default: ``call_key`` and the
        columns that `CallOutcomesToSqlOperator` writes by default.
    :param format: ``csv``, ``jsonl`` or ``parquet``; None goes by the path's ending.
    :param report_path: the report of the fan-out, or its output, ``calls.output``, for the columns that it has. With a
        keyed ledger it is needed for ``call_key``. None reads the ledger alone. Templated.
    :param task_ids: the tasks of this DAG run that placed the calls: an id or a list of ids; default: the tasks right
        before this one. Templated.
    :param ledger_scope: the scope of the calls, where they were placed by another run or DAG. Templated.
    :param campaign_id: only calls of this campaign, as the vendor names it. Templated.
    :param unresolved_after: how long after a call no outcome is expected for it any more. Default one day.
    :raises ConfigurationError: an argument cannot work, naming it.
    """

    template_fields: Sequence[str] = (*OUTCOME_FIELDS, "report_path", "path")
    ui_color = "#e3ecf1"

    def __init__(
        self,
        *,
        ledger_conn_id: str,
        path: str,
        columns: Sequence[str] = ("call_key", *USUAL_COLUMNS),
        format: str | None = None,  # noqa: A002 - the word users look for
        report_path: str | XComArg | None = None,
        task_ids: str | Sequence[str] | None = None,
        ledger_scope: str | None = None,
        campaign_id: str | None = None,
        unresolved_after: timedelta = UNRESOLVED_AFTER,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.ledger_conn_id = ledger_conn_id
        self.path = RedactedPath(path)
        self.columns = columns
        self.format = format
        self.report_path = ReportPath(report_path)
        self.task_ids = task_ids
        self.ledger_scope = ledger_scope
        self.campaign_id = campaign_id
        self.unresolved_after = unresolved_after
        self._check_calls(report_path)
        if report_path is None:
            check_columns("columns", list(column_pairs("columns", columns)))
        check_ending(path, named=format)

    def execute(self, context: Context) -> dict[str, Any]:
        """Read the outcomes, then write the file."""
        from airflow_provider_callkaro.files.writing.result_file import ResultFile, file_format
        from airflow_provider_callkaro.files.writing.write_check import check_writable

        path = self.path.value
        kind = file_format(path, self.format)
        check_writable(path)
        lines = self._lines(context, datetime.isoformat)
        with ResultFile(path, kind=kind) as file:
            file.name_columns(self.columns)
            file.add_all({name: line.get(name) for name in self.columns} for line in self._rows(lines))
            file.publish()
        self.log.info("Wrote what became of %d calls to %s", file.rows, self.path)
        self._say_unmatched(lines)
        return {
            "path": path,
            "rows": file.rows,
            "format": kind.value,
            **lines.counts.as_xcom(),
        }


def _with_flags_as_numbers(line: Mapping[str, Any]) -> dict[str, Any]:
    """A flag as 1 or 0, which a column of flags, of numbers and of texts takes in every database."""
    return {name: int(value) if isinstance(value, bool) else value for name, value in line.items()}
