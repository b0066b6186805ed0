"""Contacts for Callaro's audiences: import a file once, check the import, and fetch the lines that Callaro refused.

The file holds phone numbers. They go to Callaro, and into no log, XCom or error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO

from airflow.providers.common.compat.sdk import AirflowFailException, Context

from airflow_provider_callkaro.calls.masking import mask_text
from airflow_provider_callkaro.calls.row_rights import MAX_NAMES, checked_names, shown_name
from airflow_provider_callkaro.exceptions import ConfigurationError, OutcomeUnknown, VendorError
from airflow_provider_callkaro.hooks.callaro import CallaroHook
from airflow_provider_callkaro.tasks.argument_values import check_ending
from airflow_provider_callkaro.tasks.callaro.campaign import LOOKS, mark_of
from airflow_provider_callkaro.tasks.callaro.campaign_memory import CampaignMemory, Launch, may_have_been_made
from airflow_provider_callkaro.tasks.callaro.contacts_file import (
    Spelling,
    marked_name,
    open_contacts,
    rewritten,
    unmapped_columns,
)
from airflow_provider_callkaro.tasks.callaro.export import checked_place, write_rows
from airflow_provider_callkaro.tasks.callaro.export_rows import ExportRows
from airflow_provider_callkaro.tasks.callaro.operator import CallaroOperator, read_mapping
from airflow_provider_callkaro.tasks.callaro.preflight import Words, limits_of, numbers_shown
from airflow_provider_callkaro.tasks.failures import fail_without_retry
from airflow_provider_callkaro.tasks.redacted import Redacted, RedactedPath
from airflow_provider_callkaro.vendors.callaro.answers import CampaignId, campaign_id_in

_ID_FIELDS = ("import_id", "contact_import_id", "job_id")
_STATE_FIELDS = ("status", "state")


class CallaroImportContactsOperator(CallaroOperator):
    """Import contacts from a CSV file into Callaro, and return the import's id. It places no call.

    A file is imported once. In Callaro its name carries an idempotency key, a mark of the task instance, such as
    ``people-1f0c9a3e.csv``. If an answer is lost, this try and the next one look for the mark in the list of imports,
    and do not send the file again. A try that does not find it fails and says so; ``repeat_unknown=True`` imports the
    file all the same. A task that is cleared after its import returns the same id. Before Airflow 3.3 the task has no
    memory, so every try but the first looks in the list before it sends anything.

    The operator reads the file in pieces, and holds up to 64 MiB of it in memory; it refuses a longer one before it
    sends anything.

    :param path: the file, one CSV (a ``.csv.gz`` is sent unpacked), local or in any storage that Airflow's
        ``ObjectStoragePath`` understands. Templated.
    :param column_mapping: which column of the file is what, such as ``{"phone": "phone_e164"}``. Templated.
    :param metadata_columns: the columns that go to Callaro beside the mapped ones; all others stay here. None sends the
        whole file, and logs the columns that are not mapped.
    :param delimiter: what separates the cells, one character. None (default) finds it from the first line, where only
        one of comma, semicolon, tab and ``|`` can be it.
    :param encoding: of the file, as Python names it, such as ``cp1252``. None (default) is UTF-8, or what the byte
        order mark says. Callaro gets commas and UTF-8; a file that has them goes as it is.
    :param options: other fields that the account's import takes, sent as JSON. Templated, never shown.
    :param file_conn_id: the Airflow connection that opens the storage; default: the storage's own. Templated.
    :param repeat_unknown: whether to import again a file that may have been imported. Default: no.
    :param callaro_conn_id: the Callaro connection. Templated.
    :raises ConfigurationError: there is no such file, several, or one that is too long; no column is mapped; or
        ``delimiter`` or ``encoding`` is none.
    """

    template_fields: Sequence[str] = ("path", "column_mapping", "options", "file_conn_id", "callaro_conn_id")
    never_shown = frozenset({"options"})
    ui_color = "#e1e9f5"

    def __init__(
        self,
        *,
        path: str,
        column_mapping: Mapping[str, str],
        metadata_columns: Sequence[str] | None = None,
        delimiter: str | None = None,
        encoding: str | None = None,
        options: Mapping[str, Any] | None = None,
        file_conn_id: str | None = None,
        repeat_unknown: bool = False,
        callaro_conn_id: str = CallaroHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(callaro_conn_id=callaro_conn_id, **kwargs)
        self.path = RedactedPath(path)
        self.column_mapping = column_mapping
        self.metadata_columns = metadata_columns
        if metadata_columns is not None:
            checked_names("metadata_columns", metadata_columns)
        self.delimiter = delimiter
        self.encoding = encoding
        Spelling(delimiter=delimiter, encoding=encoding)
        self.options = Redacted(options)
        self.file_conn_id = file_conn_id
        self.repeat_unknown = repeat_unknown
        self._check_literals()

    def execute(self, context: Context) -> CampaignId | None:
        """Import the file, unless an earlier try has, or may have."""
        columns = read_mapping("column_mapping", self.column_mapping)
        if not columns:
            raise ConfigurationError('column_mapping is empty: say which column is what, as in {"phone": "phone_e164"}')
        options = None if self.options.value is None else read_mapping("options", self.options.value)
        memory, mark = CampaignMemory(context), mark_of(context).strip(" []")
        if memory.making is Launch.TAKEN:
            self.log.info("An earlier try made import %s", memory.made_id)
            self._result = memory.made_id
            return memory.made_id
        if may_have_been_made(memory, context):
            found = self._find(mark)
            if found is not None:
                return self._imported(memory, found)
            if not self.repeat_unknown:
                raise AirflowFailException(
                    "the file may have been imported by an earlier try, and Callaro's list of imports does not show "
                    f'it: it is not sent again. Look in Callaro for a file with "{mark}" in its name; if there is '
                    "none, set repeat_unknown=True and clear the task"
                )
        with open_contacts(self.path.value, self.file_conn_id) as (contents, name):
            file = self._with_its_columns(contents, columns, name=name)
            memory.keep_making(Launch.SENT)
            try:
                answer = fail_without_retry(
                    self.hook.import_contacts, file, columns, options, filename=marked_name(name, mark)
                )
            except OutcomeUnknown as lost:
                return self._imported(memory, self._found_after(lost, mark))
            except (VendorError, ConfigurationError, AirflowFailException):
                memory.forget_making()
                raise
        return self._imported(memory, _id_in(answer))

    def _moves(self) -> dict[str, list[Any]]:
        made = [] if self._result is None else [f"contact-imports/{self._result}"]
        return {"reads": [self.path.value], "makes": made}

    def _with_its_columns(self, file: BinaryIO, columns: Mapping[str, object], *, name: str) -> BinaryIO:
        """The file as it goes to Callaro."""
        spelling = Spelling(delimiter=self.delimiter, encoding=self.encoding)
        if self.metadata_columns is not None or not spelling.is_callaros(file, name=name):
            file = rewritten(file, columns, self.metadata_columns, spelling=spelling, name=name)
        if self.metadata_columns is not None:
            return file
        if unmapped := unmapped_columns(file, columns):
            self.log.info(
                "Columns that go along to Callaro though none is mapped: %s. metadata_columns=[…] chooses which do",
                ", ".join(map(shown_name, unmapped[:MAX_NAMES])),
            )
        return file

    def _imported(self, memory: CampaignMemory, import_id: CampaignId | None) -> CampaignId | None:
        memory.keep_making(Launch.TAKEN, import_id)
        self._result = import_id
        self.log.info("The contacts are imported: import %s", import_id)
        return import_id

    def _found_after(self, lost: OutcomeUnknown, mark: str) -> CampaignId:
        for attempt in range(1, LOOKS + 1):
            self.hook.wait_after(lost, attempt=attempt)
            found = self._find(mark)
            if found is not None:
                self.log.info("The answer was lost, but import %s was made", found)
                return found
        raise lost

    def _find(self, mark: str) -> CampaignId | None:
        """The import whose file carries the mark; None where the list shows none, or cannot be read."""
        try:
            for item in self.hook.contact_imports():
                if any(isinstance(value, str) and mark in value for value in item.values()):
                    return _id_in(item)
        except VendorError as error:
            self.log.warning("Callaro's list of imports cannot be read: %s", error)
        return None


class CallaroContactImportOperator(CallaroOperator):
    """Check the state of an import of contacts, and fail where it is beyond a limit. It changes nothing.

    Returns ``{"state", "numbers"}``: the vendor's word, and the numbers of its answer by their dotted names. Callaro's
    guide does not name the path; ours is ``GET /api/v1/contact-imports/{id}``, and ``contact_import`` in the
    connection's ``routes`` sets another. Nor does it name the fields of the answer, so the limits do.

    :param import_id: the import, as Callaro names it. Templated.
    :param maximum: by name, the largest numbers that are accepted, such as ``{"failed_rows": 0}``. Templated.
    :param minimum: by name, the smallest numbers. Templated.
    :param allowed: by name, the words that are accepted, such as ``{"status": "completed"}``. Templated.
    :param forbidden: by name, the words that are not, such as ``{"status": "failed"}``. Templated.
    :param callaro_conn_id: the Callaro connection. Templated.
    """

    template_fields: Sequence[str] = ("import_id", "maximum", "minimum", "allowed", "forbidden", "callaro_conn_id")
    ui_color = "#e8eef2"

    def __init__(
        self,
        *,
        import_id: CampaignId,
        maximum: Mapping[str, float] | None = None,
        minimum: Mapping[str, float] | None = None,
        allowed: Words | None = None,
        forbidden: Words | None = None,
        callaro_conn_id: str = CallaroHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(callaro_conn_id=callaro_conn_id, **kwargs)
        self.import_id = import_id
        self.maximum = maximum
        self.minimum = minimum
        self.allowed = allowed
        self.forbidden = forbidden
        self._check_literals()

    def execute(self, context: Context) -> dict[str, Any]:  # noqa: ARG002 - Airflow's signature
        """Ask, and judge."""
        limits = limits_of(self)
        answer = fail_without_retry(self.hook.contact_import, self.import_id)
        if breaches := limits.breaches(answer):
            raise AirflowFailException(f"import {self.import_id} is not as it should be: {'; '.join(breaches)}")
        word = next((answer[name] for name in _STATE_FIELDS if isinstance(answer.get(name), str)), None)
        return {"state": None if word is None else mask_text(word, limit=60), "numbers": numbers_shown(answer)}


class CallaroExportImportErrorsOperator(CallaroOperator):
    """Write the lines of an import that Callaro refused to a file, local or in object storage.

    The file is complete or not there. It holds what the vendor repeats of those lines, with phone numbers. Returns
    ``{"path", "rows", "format"}``.

    :param import_id: the import, as Callaro names it. Templated.
    :param path: the file to write, anything that Airflow's ``ObjectStoragePath`` understands. Templated.
    :param format: ``csv``, ``jsonl`` or ``parquet`` (extra ``[parquet]``); default: as the path ends. Templated.
    :param callaro_conn_id: the Callaro connection. Templated.
    """

    template_fields: Sequence[str] = ("import_id", "path", "format", "callaro_conn_id")
    ui_color = "#e6ecf5"

    def __init__(
        self,
        *,
        import_id: CampaignId,
        path: str,
        format: str | None = None,  # noqa: A002 - the word users look for
        callaro_conn_id: str = CallaroHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(callaro_conn_id=callaro_conn_id, **kwargs)
        self.import_id = import_id
        self.path = RedactedPath(path)
        self.format = format
        self._check_literals()
        check_ending(path, named=format)

    def execute(self, context: Context) -> dict[str, Any]:  # noqa: ARG002 - Airflow's signature
        """Fetch all lines, then write the file."""
        kind = checked_place(self.path.value, self.format)
        rows = ExportRows(lambda page: self.hook.contact_import_errors(self.import_id, page=page), vendor="Callaro")
        export = write_rows(rows, self.path.value, kind=kind)
        self.log.info("Wrote %d refused lines of import %s to %s", export["rows"], self.import_id, self.path)
        return export

    def _moves(self) -> dict[str, list[Any]]:
        return {"takes": [f"contact-imports/{self.import_id}"], "writes": [self.path.value]}


def _id_in(answer: Mapping[str, Any]) -> CampaignId | None:
    named = ({"id": answer.get(name)} for name in (*_ID_FIELDS, "id"))
    return next((found for each in named if (found := campaign_id_in(each)) is not None), None)
