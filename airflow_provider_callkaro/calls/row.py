"""From a contact row, a mapping that the user's source gives, to a Call that can be sent.

Columns that are fields of a call set these fields, after `column_map` has renamed them; every other column becomes
metadata. The DAG's author decides which columns may be fields, and which go along as metadata (`row_rights`). A row
that cannot be a call raises `InvalidCall` with the reason. A list that cannot be right as a whole raises
`ConfigurationError` at its first row, before anything is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import tzinfo
from typing import TYPE_CHECKING, Any

from airflow_provider_callkaro.calls import coercion
from airflow_provider_callkaro.calls.call import Call, InvalidCall, is_plain, key_of
from airflow_provider_callkaro.calls.options import checked_column_map, checked_options, options_metadata
from airflow_provider_callkaro.calls.outcome import Reason
from airflow_provider_callkaro.calls.phone import NumberReader, is_rounded
from airflow_provider_callkaro.calls.row_columns import ColumnPlans, FieldReader
from airflow_provider_callkaro.calls.row_rights import RowRights, refusal_of_row
from airflow_provider_callkaro.calls.row_schema import CALLKARO, PERSONAL_FIELDS, RowSchema
from airflow_provider_callkaro.calls.row_times import RowTimes
from airflow_provider_callkaro.exceptions import ConfigurationError

if TYPE_CHECKING:
    from airflow_provider_callkaro.calls.number_rules import NumberRules

REFERENCE = "call_reference"
"""The name under which a call carries its reference."""
_TAKEN = (
    f'the metadata has a "{REFERENCE}" of its own, and under that name the call carries its reference: rename the '
    "column, or set call_reference=False"
)
ROUNDED_LIST = 10  # rows, the first of a list, whose numbers were all rounded: then so were the others
_ROUNDED = (
    "rounded by a spreadsheet, or may have been (as 1.2E+11): its last digits are lost. Export the column as text"
)


class RowReader:
    """Reads contact rows as calls.

    :param agent_id: the agent for rows that name none.
    :param batch_id: the campaign of every call.
    :param options: fields for every call whose row does not say otherwise, such as ``{"priority": 5}``; its
        ``metadata`` is joined with the row's.
    :param column_map: source column to call field, such as ``{"phone": "to_number"}``, upper and lower case alike; None
        as field leaves the column out altogether.
    :param schedule_timezone: the zone of naive ``schedule_at`` values and of trigger times; None refuses both.
    :param row_schema: which columns mean something to the vendor; default: those of CallKaro.
    :param judged: whether a calling policy judges the calls before they go out. It alone knows the next window, and it
        moves a moment that the vendor cannot express; without it such rows are refused, which is the default.
    :param row_fields: the fields that a row may set; None takes the vendor's cautious choice. A column that
        ``column_map`` names may set its field too.
    :param metadata_columns: the columns that go along as metadata, and the names in a row's own ``metadata``; None lets
        all of them go.
    :param allowed_numbers: which numbers may be rung; None allows all.
    :param say: logs, in sentences, which columns go along unnamed; None logs nothing.
    :param reference: gives the reference of a call by its key, which goes along as the metadata `REFERENCE`; None sends
        none.
    :raises ConfigurationError: an option or a mapping that cannot work, naming it.
    """

    def __init__(
        self,
        *,
        numbers: NumberReader | None = None,
        agent_id: str | None = None,
        batch_id: str | None = None,
        options: Mapping[str, Any] | None = None,
        column_map: Mapping[str, str | None] | None = None,
        schedule_timezone: tzinfo | None = None,
        row_schema: RowSchema = CALLKARO,
        judged: bool = False,
        row_fields: Collection[str] | None = None,
        metadata_columns: Collection[str] | None = None,
        allowed_numbers: NumberRules | None = None,
        say: Callable[[str], None] | None = None,
        reference: Callable[[str], str] | None = None,
    ) -> None:
        self._numbers = numbers or NumberReader()
        self._rounded = 0  # rows from the first on with a rounded number; ROUNDED_LIST once there is no more to count
        self._times = RowTimes(zone=schedule_timezone, takes_offset=row_schema.takes_offset, judged=judged)
        self._row_schema = row_schema
        columns = checked_column_map({} if column_map is None else column_map, row_schema.columns)
        self._rights = RowRights.of(
            row_schema, row_fields=row_fields, metadata_columns=metadata_columns, column_map=columns
        )
        self._allowed_numbers = allowed_numbers
        self._reference = reference
        self._readers: dict[str, FieldReader] = {
            "agent_id": coercion.read_text,
            "batch_id": coercion.read_text,
            "schedule_at": self._times.read_schedule_at,
            "min_trigger_time": self._times.read_trigger_time,
            "max_trigger_time": self._times.read_trigger_time,
            "carry_over": coercion.read_boolean,
            "number_of_retries": coercion.read_whole_number,
            "gap_between_retries": coercion.read_gaps,
            "priority": coercion.read_whole_number,
            "language": coercion.read_language,
            "call_key": coercion.read_text,
            "timezone": coercion.read_text,
        }
        self._plans = ColumnPlans(
            row_schema=row_schema,
            column_map=columns,
            rights=self._rights,
            readers=self._readers,
            check_first=self._check_first,
            say=say,
        )
        options = checked_options({} if options is None else options, frozenset(row_schema.columns) - PERSONAL_FIELDS)
        self._metadata = options_metadata(options.get("metadata"))
        self._extra: dict[str, Any] = {}
        self._defaults = self._read_defaults([("batch_id", batch_id), ("agent_id", agent_id), *options.items()])

    def read(self, row: object) -> Call:
        """The call that ``row`` asks for: a mapping, or a plain number. Raises InvalidCall if this row cannot be a
        call. Raises ConfigurationError if no row of this list can be one; raised at the first row only."""
        try:
            return self._call(row if isinstance(row, (dict, Mapping)) else _row_of_number(row))
        except (InvalidCall, ConfigurationError):
            raise
        except Exception as error:  # the code of a value's own class failed: reject its row, not the list
            kind = type(error).__name__
            raise InvalidCall(Reason.NOT_A_ROW, f"the row holds a value that cannot be read ({kind})") from None

    def _call(self, row: Mapping[Any, Any]) -> Call:
        plan = self._plans[tuple(row)]
        number = None if plan.number is None else row[plan.number]
        if coercion.is_absent(number):
            raise InvalidCall(Reason.MISSING_NUMBER, "the row has no phone number")
        to_number = self._numbers.read(number)
        if to_number is None:
            raise self._bad_number(number)
        self._rounded = ROUNDED_LIST
        if self._allowed_numbers is not None:
            self._allowed_numbers.check(to_number)
        if plan.forbidden and (why := refusal_of_row(row, plan.forbidden)):
            raise InvalidCall(Reason.FIELD_NOT_ALLOWED, why)
        values = dict(self._defaults)
        for column, field, reader in plan.fields:
            value = row[column]
            if not coercion.is_absent(value):
                values[field] = reader(value)
        if "agent_id" not in values and "batch_id" not in values:
            raise InvalidCall(
                Reason.MISSING_AGENT, "the row names no agent and no campaign, and there is no agent_id for all rows"
            )
        metadata = {name: row[column] for column, name in plan.metadata}
        if plan.metadata_column is not None and not coercion.is_absent(row[plan.metadata_column]):
            own_metadata = coercion.read_metadata(row[plan.metadata_column])
            metadata.update(self._rights.of_mapping(own_metadata, column=plan.metadata_column))
        if not is_plain(metadata):
            metadata = coercion.without_absent(metadata)
        if self._metadata:
            metadata = {**self._metadata, **metadata}
        if self._reference is not None:
            if REFERENCE in metadata:
                raise InvalidCall(Reason.BAD_METADATA, _TAKEN)
            metadata[REFERENCE] = self._reference(key_of(to_number, values.get("call_key")))
        if not plan.own_fields and not self._extra:
            return Call(to_number=to_number, metadata=metadata, **values)
        fields = ((name, row[column], reader) for column, name, reader in plan.own_fields)
        own = {name: reader(value) for name, value, reader in fields if not coercion.is_absent(value)}
        return Call(to_number=to_number, metadata=metadata, extra={**self._extra, **own}, **values)

    def _bad_number(self, number: object) -> InvalidCall:
        """The rejection of a row. Raises ConfigurationError where each of the first numbers was rounded."""
        if not is_rounded(number):
            self._rounded = ROUNDED_LIST
            return InvalidCall(Reason.BAD_NUMBER, "the phone number cannot be read as E.164")
        self._rounded += 1
        if self._rounded == ROUNDED_LIST:
            raise ConfigurationError(
                f"each phone number in the first {ROUNDED_LIST} rows was {_ROUNDED}; nobody was rung"
            )
        return InvalidCall(Reason.BAD_NUMBER, f"the phone number was {_ROUNDED}")

    def _check_first(self, fields: Collection[str]) -> None:
        """Refuse a list whose rows have these columns and cannot be calls."""
        if not {"agent_id", "batch_id"} & {*fields, *self._defaults}:
            raise ConfigurationError(
                "no agent is known: set agent_id on the operator or in the extra of the connection, or give the "
                'contacts a column agent_id and name it in row_fields=["agent_id"]'
            )
        for field in sorted(fields):
            self._times.require_zone(field, "a column of the contacts")

    def _read_defaults(self, options: Iterable[tuple[str, Any]]) -> dict[str, Any]:
        defaults: dict[str, Any] = {}
        for field, value in options:
            if field == "metadata" or coercion.is_absent(value):
                continue
            self._times.require_zone(field, "given for all calls")
            try:
                if field in self._row_schema.own_fields:
                    self._extra[field] = self._row_schema.own_fields[field](value)
                    continue
                defaults[field] = self._readers[field](value)
                Call(to_number="+10", **{field: defaults[field]})
            except InvalidCall as error:
                raise ConfigurationError(f"given for all calls: {error}") from None
        try:
            Call(to_number="+10", **defaults)  # fields that exclude each other
        except InvalidCall as error:
            raise ConfigurationError(f"given for all calls: {error}") from None
        return defaults


def _row_of_number(row: object) -> Mapping[str, Any]:
    if row is None:
        raise InvalidCall(
            Reason.NOT_A_ROW, "the row cannot be read: its line is broken or a value of it is none that Python can have"
        )
    if not isinstance(row, (str, int)) or isinstance(row, bool):
        raise InvalidCall(Reason.NOT_A_ROW, "a contact row must be a mapping of columns, or a number")
    return {"to_number": row}
