"""What an author says of a list's rows and of its report, checked when the DAG is parsed where it is no template."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.sources.inline import WHAT_IT_TAKES, RowContacts
from airflow_provider_callkaro.tasks.argument_values import holds_template
from airflow_provider_callkaro.tasks.arguments import is_template
from airflow_provider_callkaro.tasks.instants import read_instant

if TYPE_CHECKING:
    from airflow_provider_callkaro.calls.row_schema import RowSchema
    from airflow_provider_callkaro.sources.contract import ContactSource
    from airflow_provider_callkaro.tasks.settings import ListSettings


def check_rows(settings: ListSettings, row_schema: RowSchema) -> None:
    """Refuse arguments with which no row could be read: a column mapped to no field, a field out of its range.

    The zone of times without an offset stands in the connection, which no DAG file reads; it is looked for in the run.

    :raises ConfigurationError: naming the argument.
    """
    from airflow_provider_callkaro.calls.row import RowReader

    RowReader(
        agent_id=_plain(settings.agent_id),
        batch_id=_plain(settings.batch_id),
        options=_plain_options(settings),
        column_map=settings.column_map,
        schedule_timezone=UTC,
        row_schema=row_schema,
        judged=settings.policy is not None,
        row_fields=settings.row_fields,
        metadata_columns=settings.metadata_columns,
    )


def check_contacts(contacts: ContactSource) -> None:
    """Refuse a text that no template makes a list of. Raises ConfigurationError if it holds no list."""
    if isinstance(contacts, RowContacts) and isinstance(contacts.value, str) and not is_template(contacts.value):
        raise ConfigurationError(f"contacts is a text and no template: it must be {WHAT_IT_TAKES}")


def check_report_path(path: object) -> None:
    """Refuse a path that is no text, or whose ending names no format of a report; a template is checked in the run.
    Raises ConfigurationError, naming the argument."""
    if path is None or is_template(path):
        return
    if not isinstance(path, str):
        raise ConfigurationError('report_path must be a text, such as "/reports/calls.csv"')
    from airflow_provider_callkaro.dispatch.report import report_format

    report_format(path)


def _plain_options(settings: ListSettings) -> Any:
    """The fields of every call, without those that are, or hold, a template."""
    given: Any = settings.call_options
    if is_template(given):
        given = {}
    options = given if given is not None else {}
    if not hasattr(options, "items"):
        return options  # the reader says that it is no mapping
    moment = {} if settings.schedule_at is None else {"schedule_at": settings.schedule_at}
    plain = {name: value for name, value in {**options, **moment}.items() if not holds_template(value)}
    if unknown := [str(name) for name, value in plain.items() if isinstance(value, float) and value != value]:
        raise ConfigurationError(f"{unknown[0]} is NaN: give it a value, or leave it out")
    if "schedule_at" in plain:
        plain["schedule_at"] = read_instant(plain["schedule_at"])
    return plain


def _plain(value: Any) -> Any:
    return None if is_template(value) else value
