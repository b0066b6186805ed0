"""The one reading of a contact row: from a mapping that the user's source gives to a Call that can be sent.

Columns that are fields of a call are taken as such, after `column_map` renamed them; every other column becomes
metadata. Which columns may be fields, and which go along as metadata, is for the DAG's author to say (`row_rights`).
What a column means is worked out once per set of columns, not per row. A row that cannot be a call raises
`InvalidCall` with the reason; a list that cannot be right as a whole raises `ConfigurationError` at its first row,
before anything is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from typing import TYPE_CHECKING, Any

from airflow_provider_callkaro.calls import coercion
from airflow_provider_callkaro.calls.call import Call, InvalidCall, is_plain
from airflow_provider_callkaro.calls.masking import mask_text
from airflow_provider_callkaro.calls.options import checked_column_map, checked_options, options_metadata
from airflow_provider_callkaro.calls.outcome import Reason
from airflow_provider_callkaro.calls.phone import NumberReader
from airflow_provider_callkaro.calls.row_rights import (
    MAX_NAMES,
    RowRights,
    refusal_of_columns,
    refusal_of_row,
    shown_name,
)
from airflow_provider_callkaro.calls.row_schema import CALLKARO, PERSONAL_FIELDS, RowSchema
from airflow_provider_callkaro.calls.row_times import RowTimes
from airflow_provider_callkaro.exceptions import ConfigurationError

if TYPE_CHECKING:
    from airflow_provider_callkaro.calls.number_rules import NumberRules

MAX_PLANS = 1_000  # sets of columns remembered; rows of JSON may each have a set of their own
MAX_PLANNED = 1_000_000  # letters of all their names, and ten more for each


@dataclass(frozen=True, slots=True, repr=False)
class _Columns:
    """What each column of a row means: `fields` as (column, field, reader), the rest as (column, name in metadata).

    :param forbidden: columns that mean a field which they may not set.
    """

    number: Any
    fields: tuple[tuple[Any, str, Callable[[Any], Any]], ...]
    own_fields: tuple[tuple[Any, str, Callable[[Any], Any]], ...]
    metadata_column: Any
    metadata: tuple[tuple[Any, str], ...]
    forbidden: Mapping[Any, str]


class RowReader:
    """Reads contact rows as calls.

    :param numbers: how phone numbers are read.
    :param agent_id: the agent for rows that name none.
    :param batch_id: the campaign of every call.
    :param options: fields for every call whose row does not say otherwise, such as ``{"priority": 5}``; its
        ``metadata`` is joined with the row's.
    :param column_map: source column to call field, such as ``{"phone": "to_number"}``, upper and lower case alike; None
        as field leaves the column out altogether.
    :param schedule_timezone: the zone of naive ``schedule_at`` values and of trigger times; None refuses both.
    :param row_schema: which columns mean something to the vendor; default: those of CallKaro.
    :param judged: whether a calling policy judges the calls before they go out: it alone knows the next window, and it
        moves a moment that the vendor cannot be told. Without it such rows are refused. Default: they are refused.
    :param row_fields: the fields that a row may set; None takes the vendor's cautious choice. A column that
        ``column_map`` names may set its field too.
    :param metadata_columns: the columns that go along as metadata, and the names in a row's own ``metadata``; None lets
        all of them go.
    :param allowed_numbers: which numbers may be rung; None allows all.
    :param say: told, in sentences, which columns go along unnamed.
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
    ) -> None:
        self._numbers = numbers or NumberReader()
        self._times = RowTimes(zone=schedule_timezone, takes_offset=row_schema.takes_offset, judged=judged)
        self._row_schema = row_schema
        self._columns = frozenset(row_schema.columns)
        self._column_map = checked_column_map(column_map or {}, row_schema.columns)
        self._rights = RowRights.of(
            row_schema, row_fields=row_fields, metadata_columns=metadata_columns, column_map=self._column_map
        )
        self._allowed_numbers = allowed_numbers
        self._say = say
        self._said: set[str] = set()
        self._plans: dict[tuple[Any, ...], _Columns] = {}
        self._planned = 0
        self._first_row_seen = False
        self._readers: dict[str, Callable[[Any], Any]] = {
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
        options = checked_options(options or {}, frozenset(row_schema.columns) - PERSONAL_FIELDS)
        self._metadata = options_metadata(options.get("metadata"))
        self._extra: dict[str, Any] = {}
        self._defaults = self._read_defaults([("batch_id", batch_id), ("agent_id", agent_id), *options.items()])

    def read(self, row: Any) -> Call:
        """The call that ``row`` asks for: a mapping, or a plain number.

        :raises InvalidCall: this row cannot be a call.
        :raises ConfigurationError: no row of this list can be one; raised at the first row only.
        """
        try:
            return self._call(row if isinstance(row, Mapping) else _row_of_number(row))
        except (InvalidCall, ConfigurationError):
            raise
        except Exception as error:  # the code of a value's own class failed: that costs its row, not the run
            kind = type(error).__name__
            raise InvalidCall(Reason.NOT_A_ROW, f"the row holds a value that cannot be read ({kind})") from None

    def _call(self, row: Mapping[Any, Any]) -> Call:
        names = tuple(row)
        columns = self._plans.get(names) or self._plan(names)
        number = None if columns.number is None else row[columns.number]
        if coercion.is_absent(number):
            raise InvalidCall(Reason.MISSING_NUMBER, "the row has no phone number")
        to_number = self._numbers.read(number)
        if to_number is None:
            raise InvalidCall(Reason.BAD_NUMBER, "the phone number cannot be read as E.164")
        if self._allowed_numbers is not None:
            self._allowed_numbers.check(to_number)
        if columns.forbidden and (why := refusal_of_row(row, columns.forbidden)):
            raise InvalidCall(Reason.FIELD_NOT_ALLOWED, why)
        values = dict(self._defaults)
        for column, field, reader in columns.fields:
            value = row[column]
            if not coercion.is_absent(value):
                values[field] = reader(value)
        if "agent_id" not in values and "batch_id" not in values:
            raise InvalidCall(
                Reason.MISSING_AGENT, "the row names no agent and no campaign, and there is no agent_id for all rows"
            )
        metadata = {name: row[column] for column, name in columns.metadata}
        if columns.metadata_column is not None and not coercion.is_absent(row[columns.metadata_column]):
            own_metadata = coercion.read_metadata(row[columns.metadata_column])
            metadata.update(self._rights.of_mapping(own_metadata, column=columns.metadata_column))
        if not is_plain(metadata):
            metadata = coercion.without_absent(metadata)
        if self._metadata:
            metadata = {**self._metadata, **metadata}
        if not columns.own_fields and not self._extra:
            return Call(to_number=to_number, metadata=metadata, **values)
        given = ((name, row[column], reader) for column, name, reader in columns.own_fields)
        own = {name: reader(value) for name, value, reader in given if not coercion.is_absent(value)}
        return Call(to_number=to_number, metadata=metadata, extra={**self._extra, **own}, **values)

    def _plan(self, names: tuple[Any, ...]) -> _Columns:
        column_of: dict[str, Any] = {}
        forbidden: dict[Any, str] = {}
        metadata = []
        for column in names:
            meaning = self._meaning(column)
            if meaning is None:
                continue
            if meaning not in self._columns:
                if self._rights.goes_along(meaning):
                    metadata.append((column, meaning))
            elif not self._rights.may_set(meaning, column=column):
                forbidden[column] = meaning
            elif meaning in column_of:
                self._refuse_columns(f"two columns of the contacts mean {meaning}: rename one, or use column_map")
            else:
                column_of[meaning] = column
        if not self._first_row_seen:
            self._check_first_row(names, column_of, forbidden)
            self._first_row_seen = True
            if self._say is not None and "metadata" not in column_of:
                self._say_what_is_missing({name.lower() for _, name in metadata})
        self._say_what_goes_along(
            [*(column for column, _ in metadata), *(column for name, column in column_of.items() if name == "metadata")]
        )
        size = sum(len(str(name)) + 10 for name in names)
        if len(self._plans) >= MAX_PLANS or self._planned + size > MAX_PLANNED:
            self._plans.clear()
            self._planned = 0
        self._planned += size
        columns = self._plans[names] = _Columns(
            number=column_of.get("to_number"),
            fields=tuple(
                (column, field, self._readers[field])
                for field, column in column_of.items()
                if field in self._readers and field in self._row_schema.fields
            ),
            own_fields=tuple(
                (column_of[name], name, reader)
                for name, reader in self._row_schema.own_fields.items()
                if name in column_of
            ),
            metadata_column=column_of.get("metadata"),
            metadata=tuple(metadata),
            forbidden=forbidden,
        )
        return columns

    def _say_what_goes_along(self, columns: Iterable[Any]) -> None:
        """Say each name once; where the author has named what goes along, there is nothing to say."""
        if self._say is None or self._rights.metadata is not None or len(self._said) > MAX_NAMES:
            return
        new = [name for name in dict.fromkeys(map(str, columns)) if name not in self._said][:MAX_NAMES]
        self._said.update(new)
        if new:
            self._say(
                f"Columns that go along to the vendor as metadata: {', '.join(map(shown_name, new))}. "
                "metadata_columns=[…] chooses which do"
            )

    def _say_what_is_missing(self, names: Collection[str]) -> None:
        """A misspelt column would leave everybody without it. Rows of JSON may differ, so that is no error."""
        missing = sorted((self._rights.metadata or frozenset()) - {*names, "metadata"})[:MAX_NAMES]
        if missing and self._say is not None:
            self._say(f"metadata_columns names what the first row has not: {', '.join(map(shown_name, missing))}")

    def _meaning(self, column: Any) -> str | None:
        """The field that a column is, the column's own name where it is metadata, None where it is left out."""
        name = str(column)
        folded = name.lower()  # databases such as Snowflake fold names to upper case
        if folded in self._column_map:
            return self._column_map[folded]
        folded = self._row_schema.aliases.get(folded, folded)
        return folded if folded in self._columns else name

    def _refuse_columns(self, message: str) -> None:
        if self._first_row_seen:
            raise InvalidCall(Reason.NOT_A_ROW, message)
        raise ConfigurationError(message)

    def _check_first_row(
        self, names: tuple[Any, ...], column_of: Mapping[str, Any], forbidden: Mapping[Any, str]
    ) -> None:
        # a file without a header line has its first contact for names
        shown = mask_text(_columns_shown(names, self._columns))
        folded = {str(column).lower() for column in names}
        missing = [column for column in self._column_map if self._column_map[column] and column not in folded]
        if missing:
            raise ConfigurationError(
                f"column_map names a column that the contacts do not have: {', '.join(missing)} (columns: {shown})"
            )
        if "to_number" not in column_of:
            raise ConfigurationError(
                "the contacts have no column to_number: rename the column that holds the number, or map it with "
                f'column_map={{"<column>": "to_number"}} (columns: {shown})'
            )
        if forbidden:
            raise ConfigurationError(refusal_of_columns(forbidden, wanted=column_of))
        if not {"agent_id", "batch_id"} & {*column_of, *self._defaults}:
            raise ConfigurationError(
                "no agent is known: set agent_id on the operator or in the extra of the connection, or give the "
                'contacts a column agent_id and name it in row_fields=["agent_id"]'
            )
        for field in sorted(column_of):
            self._times.require_zone(field, "a column of the contacts")

    def _read_defaults(self, given: Iterable[tuple[str, Any]]) -> dict[str, Any]:
        defaults: dict[str, Any] = {}
        for field, value in given:
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


def _columns_shown(names: tuple[Any, ...], words: frozenset[str]) -> str:
    """The columns that are fields by name, the others by their count."""
    known = sorted(words.intersection(str(name).lower() for name in names))
    return ", ".join([*known, f"{len(names) - len(known)} other"])


def _row_of_number(row: Any) -> Mapping[str, Any]:
    if row is None:
        raise InvalidCall(
            Reason.NOT_A_ROW, "the row cannot be read: its line is broken or a value of it is none that Python can have"
        )
    if not isinstance(row, (str, int)) or isinstance(row, bool):
        raise InvalidCall(Reason.NOT_A_ROW, "a contact row must be a mapping of columns, or a number")
    return {"to_number": row}
