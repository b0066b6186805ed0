"""What the columns of a contact row mean, worked out once per set of columns and not per row."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from airflow_provider_callkaro.calls.call import InvalidCall
from airflow_provider_callkaro.calls.masking import mask_text
from airflow_provider_callkaro.calls.outcome import Reason
from airflow_provider_callkaro.calls.row_rights import (
    MAX_NAMES,
    RowRights,
    refusal_of_columns,
    refusal_of_times,
    shown_name,
)
from airflow_provider_callkaro.calls.row_schema import RowSchema
from airflow_provider_callkaro.exceptions import ConfigurationError

MAX_PLANS = 1_000  # sets of columns remembered; rows of JSON may each have a set of their own
MAX_PLANNED = 1_000_000  # letters of all their names, and ten more for each

FieldReader: TypeAlias = Callable[[Any], object]
Names: TypeAlias = tuple[Any, ...]
"""The columns of a row, in their order; most are texts."""


@dataclass(frozen=True, slots=True, repr=False)
class ColumnPlan:
    """How a row with certain columns is read.

    :param number: the column of the phone number; None where there is none.
    :param fields: the columns of the call's fields, each with its field and its reader.
    :param own_fields: the same for fields that only this vendor has.
    :param metadata_column: the column of the row's own metadata mapping; None where there is none.
    :param metadata: the columns that are metadata, each with its name there.
    :param forbidden: the columns that must be empty, each with its field: a row may not set that field, or the vendor
        takes no time of a call.
    """

    number: Any
    fields: tuple[tuple[Any, str, FieldReader], ...]
    own_fields: tuple[tuple[Any, str, FieldReader], ...]
    metadata_column: Any
    metadata: tuple[tuple[Any, str], ...]
    forbidden: Mapping[Any, str]


class ColumnPlans(dict[Names, ColumnPlan]):
    """The plan of each set of columns that has come so far. To look a set up makes its plan.

    :param column_map: source column, in lower case, to call field; None as field leaves the column out.
    :param check_first: called with the fields of the first row, by their column; may raise `ConfigurationError`.
    :param say: logs, in sentences, which columns go along unnamed; None logs nothing.
    """

    def __init__(
        self,
        *,
        row_schema: RowSchema,
        column_map: Mapping[str, str | None],
        rights: RowRights,
        readers: Mapping[str, FieldReader],
        check_first: Callable[[Collection[str]], None],
        say: Callable[[str], None] | None,
    ) -> None:
        super().__init__()
        self._row_schema = row_schema
        self._fields = frozenset(row_schema.columns)
        self._refused = row_schema.refused_columns
        self._column_map = column_map
        self._rights = rights
        self._readers = readers
        self._check_first = check_first
        self._say = say
        self._said: set[str] = set()
        self._size = 0
        self._has_first_row = False

    def __missing__(self, names: Names) -> ColumnPlan:
        """Make the plan of a set of columns. Raises InvalidCall if two columns mean one field. Raises
        ConfigurationError if the first row shows that no row of this list can be a call."""
        column_of: dict[str, Any] = {}
        forbidden: dict[Any, str] = {}
        times: dict[Any, str] = {}
        metadata: list[tuple[Any, str]] = []
        for column in names:
            meaning = self._meaning(column)
            if meaning is None:
                continue
            if meaning not in self._fields:
                if meaning.lower() in self._refused and not self._rights.names_metadata(meaning):
                    times[column] = meaning.lower()
                elif self._rights.goes_along(meaning):
                    metadata.append((column, meaning))
            elif not self._rights.may_set(meaning, column=column):
                forbidden[column] = meaning
            elif meaning in column_of:
                self._refuse(f"two columns of the contacts mean {meaning}: rename one, or use column_map")
            else:
                column_of[meaning] = column
        if not self._has_first_row:
            self._check_first_row(names, column_of, forbidden)
            if times:
                raise ConfigurationError(refusal_of_times(times))
            self._has_first_row = True
            if "metadata" not in column_of:
                self._say_what_is_missing({name.lower() for _, name in metadata})
        own_metadata = [column_of["metadata"]] if "metadata" in column_of else []
        self._say_what_goes_along([*(column for column, _ in metadata), *own_metadata])
        plan = ColumnPlan(
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
            forbidden=forbidden | times,
        )
        self._remember(names, plan)
        return plan

    def _remember(self, names: Names, plan: ColumnPlan) -> None:
        size = sum(len(str(name)) + 10 for name in names)
        if len(self) >= MAX_PLANS or self._size + size > MAX_PLANNED:
            self.clear()
            self._size = 0
        self._size += size
        self[names] = plan

    def _meaning(self, column: object) -> str | None:
        """The field that a column is, or its name in the metadata; None for a column that is left out."""
        name = str(column)
        folded = name.lower()  # databases such as Snowflake fold names to upper case
        if folded in self._column_map:
            return self._column_map[folded]
        folded = self._row_schema.aliases.get(folded, folded)
        return folded if folded in self._fields else name

    def _refuse(self, message: str) -> None:
        if self._has_first_row:
            raise InvalidCall(Reason.NOT_A_ROW, message)
        raise ConfigurationError(message)

    def _check_first_row(self, names: Names, column_of: Mapping[str, Any], forbidden: Mapping[Any, str]) -> None:
        # a file without a header line has its first contact for names
        shown = mask_text(_columns_shown(names, self._fields))
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
        self._check_first(column_of)

    def _say_what_goes_along(self, columns: Iterable[object]) -> None:
        """Log each name once; where the author has named what goes along, there is nothing to log."""
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
        """A misspelt column would leave all calls without it. Rows of JSON may differ, so this is no error."""
        missing = sorted((self._rights.metadata or frozenset()) - {*names, "metadata"})[:MAX_NAMES]
        if missing and self._say is not None:
            self._say(f"metadata_columns names what the first row has not: {', '.join(map(shown_name, missing))}")


def _columns_shown(names: Names, fields: frozenset[str]) -> str:
    """The columns that are fields by name, the others by their count."""
    known = sorted(fields.intersection(str(name).lower() for name in names))
    return ", ".join([*known, f"{len(names) - len(known)} other"])
