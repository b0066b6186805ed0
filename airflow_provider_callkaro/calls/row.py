"""The one reading of a contact row: from a mapping that the user's source gives to a Call that can be sent.

Columns that are fields of a call are taken as such, after `column_map` renamed them; every other column becomes
metadata. What a column means is worked out once per set of columns, not per row. A row that cannot be a call raises
`InvalidCall` with the reason; a list that cannot be right as a whole raises `ConfigurationError` at its first row,
before anything is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from airflow_provider_callkaro.calls import values as reading
from airflow_provider_callkaro.calls.call import Call, InvalidCall, is_plain
from airflow_provider_callkaro.calls.masking import mask_text
from airflow_provider_callkaro.calls.options import NEEDS_POLICY, checked_column_map, checked_options, options_metadata
from airflow_provider_callkaro.calls.outcome import Reason
from airflow_provider_callkaro.calls.phone import NumberReader
from airflow_provider_callkaro.calls.vocabulary import CALLKARO, PERSONAL_FIELDS, Vocabulary
from airflow_provider_callkaro.exceptions import ConfigurationError

TIME_FIELDS = frozenset({"schedule_at", "min_trigger_time", "max_trigger_time"})
MAX_PLANS = 1_000  # sets of columns remembered; rows of JSON may each have a set of their own


@dataclass(frozen=True, slots=True, repr=False)
class _Columns:
    """What each column of a row means: `fields` as (column, field, reader), the rest as (column, name in metadata)."""

    number: Any
    fields: tuple[tuple[Any, str, Callable[[Any], Any]], ...]
    own_fields: tuple[tuple[Any, str, Callable[[Any], Any]], ...]
    metadata_column: Any
    metadata: tuple[tuple[Any, str], ...]


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
    :param vocabulary: which columns mean something to the vendor; default: those of CallKaro.
    :param judged: whether a calling policy judges the calls before they go out: it alone knows the next window, and it
        moves a moment that the vendor cannot be told. Without it such rows are refused. Default: they are refused.
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
        vocabulary: Vocabulary = CALLKARO,
        judged: bool = False,
    ) -> None:
        self._numbers = numbers or NumberReader()
        self._schedule_timezone = schedule_timezone
        self._vocabulary = vocabulary
        self._judged = judged
        self._words = frozenset(vocabulary.words)
        self._column_map = checked_column_map(column_map or {}, vocabulary.words)
        self._plans: dict[tuple[Any, ...], _Columns] = {}
        self._first_row_seen = False
        self._readers: dict[str, Callable[[Any], Any]] = {
            "agent_id": reading.read_text,
            "batch_id": reading.read_text,
            "schedule_at": self._read_schedule_at,
            "min_trigger_time": self._read_trigger_time,
            "max_trigger_time": self._read_trigger_time,
            "carry_over": reading.read_boolean,
            "number_of_retries": reading.read_whole_number,
            "gap_between_retries": reading.read_gaps,
            "priority": reading.read_whole_number,
            "language": reading.read_language,
            "call_key": reading.read_text,
            "timezone": reading.read_text,
        }
        options = checked_options(options or {}, frozenset(vocabulary.words) - PERSONAL_FIELDS)
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
        if reading.is_absent(number):
            raise InvalidCall(Reason.MISSING_NUMBER, "the row has no phone number")
        to_number = self._numbers.read(number)
        if to_number is None:
            raise InvalidCall(Reason.BAD_NUMBER, "the phone number cannot be read as E.164")
        values = dict(self._defaults)
        for column, field, reader in columns.fields:
            value = row[column]
            if not reading.is_absent(value):
                values[field] = reader(value)
        if "agent_id" not in values and "batch_id" not in values:
            raise InvalidCall(
                Reason.MISSING_AGENT, "the row names no agent and no campaign, and there is no agent_id for all rows"
            )
        metadata = {name: row[column] for column, name in columns.metadata}
        if columns.metadata_column is not None and not reading.is_absent(row[columns.metadata_column]):
            metadata.update(reading.read_metadata(row[columns.metadata_column]))
        if not all(map(is_plain, metadata.values())):
            metadata = reading.without_absent(metadata)
        if self._metadata:
            metadata = {**self._metadata, **metadata}
        if not columns.own_fields and not self._extra:
            return Call(to_number=to_number, metadata=metadata, **values)
        given = ((name, row[column], reader) for column, name, reader in columns.own_fields)
        own = {name: reader(value) for name, value, reader in given if not reading.is_absent(value)}
        return Call(to_number=to_number, metadata=metadata, extra={**self._extra, **own}, **values)

    def _plan(self, names: tuple[Any, ...]) -> _Columns:
        column_of: dict[str, Any] = {}
        metadata = []
        for column in names:
            meaning = self._meaning(column)
            if meaning in self._words and meaning in column_of:
                self._refuse_columns(f"two columns of the contacts mean {meaning}: rename one, or use column_map")
            elif meaning in self._words:
                column_of[meaning] = column
            elif meaning is not None:
                metadata.append((column, meaning))
        if not self._first_row_seen:
            self._check_first_row(names, column_of)
            self._first_row_seen = True
        if len(self._plans) >= MAX_PLANS:
            self._plans.clear()
        columns = self._plans[names] = _Columns(
            number=column_of.get("to_number"),
            fields=tuple(
                (column, field, self._readers[field])
                for field, column in column_of.items()
                if field in self._readers and field in self._vocabulary.fields
            ),
            own_fields=tuple(
                (column_of[name], name, reader)
                for name, reader in self._vocabulary.own_fields.items()
                if name in column_of
            ),
            metadata_column=column_of.get("metadata"),
            metadata=tuple(metadata),
        )
        return columns

    def _meaning(self, column: Any) -> str | None:
        """The field that a column is, the column's own name where it is metadata, None where it is left out."""
        name = str(column)
        folded = name.lower()  # databases such as Snowflake fold names to upper case
        if folded in self._column_map:
            return self._column_map[folded]
        folded = self._vocabulary.aliases.get(folded, folded)
        return folded if folded in self._words else name

    def _refuse_columns(self, message: str) -> None:
        if self._first_row_seen:
            raise InvalidCall(Reason.NOT_A_ROW, message)
        raise ConfigurationError(message)

    def _check_first_row(self, names: tuple[Any, ...], column_of: Mapping[str, Any]) -> None:
        # a file without a header line has its first contact for names
        shown = mask_text(_columns_shown(names, self._words))
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
        if not {"agent_id", "batch_id"} & {*column_of, *self._defaults}:
            raise ConfigurationError(
                "no agent is known: set agent_id on the operator or in the extra of the connection, or give the "
                "contacts a column agent_id"
            )
        if self._vocabulary.takes_offset:
            return
        for field in sorted(TIME_FIELDS & set(column_of)):
            self._check_schedule_timezone(field, "a column of the contacts")

    def _check_schedule_timezone(self, field: str, place: str) -> None:
        if self._schedule_timezone is None:
            raise ConfigurationError(
                f"{field} ({place}) needs a time zone, because the vendor takes it without one: set "
                '"schedule_timezone" in the extra of the connection, such as "Asia/Kolkata"'
            )

    def _read_defaults(self, given: Iterable[tuple[str, Any]]) -> dict[str, Any]:
        defaults: dict[str, Any] = {}
        for field, value in given:
            if field == "metadata" or reading.is_absent(value):
                continue
            if field in TIME_FIELDS and not self._vocabulary.takes_offset:
                self._check_schedule_timezone(field, "given for all calls")
            try:
                if field in self._vocabulary.own_fields:
                    self._extra[field] = self._vocabulary.own_fields[field](value)
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

    def _read_schedule_at(self, value: Any) -> Any:
        if reading.is_next_window(value):
            if not self._judged:
                raise InvalidCall(Reason.BAD_SCHEDULE_AT, NEEDS_POLICY)
        elif not self._vocabulary.takes_offset:
            self._require_zone()
        moment = reading.read_schedule_at(value, self._schedule_timezone)
        if isinstance(moment, datetime) and moment.utcoffset() is None:
            self._require_zone()
        if self._judged or self._vocabulary.takes_offset:
            return moment
        if reading.is_shown_twice(moment, self._schedule_timezone):
            raise InvalidCall(
                Reason.BAD_SCHEDULE_AT,
                "schedule_at falls into the hour that comes twice on the vendor's clock, which is told no offset: "
                "choose another hour",
            )
        return moment

    def _read_trigger_time(self, value: Any) -> Any:
        self._require_zone()
        return reading.read_trigger_time(value)

    def _require_zone(self) -> None:
        if self._schedule_timezone is None:
            raise InvalidCall(
                Reason.SCHEDULE_TIMEZONE_UNKNOWN,
                'the row has a time of day, but the connection\'s extra has no "schedule_timezone"',
            )


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
