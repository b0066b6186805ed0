"""What a contact row may decide, and which of its columns go to the vendor.

A row is data from outside. It says whom to ring and what the agent should know. It decides who speaks, from which
number, how often, under which key and in which zone only where the author of the DAG allows that by name.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_callkaro.calls import coercion
from airflow_provider_callkaro.calls.masking import mask_text
from airflow_provider_callkaro.calls.row_schema import ALWAYS, RowSchema
from airflow_provider_callkaro.exceptions import ConfigurationError

MAX_NAMES = 100  # of columns that are logged, at most
_LIKE_A_NAME = re.compile(r"[^\W\d][\w .\-/]{0,39}")
_DIGITS = re.compile(r"\d{5}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RowRights:
    """Which columns of a row may be fields of the call, and which go along as metadata.

    :param fields: the fields that a row may set by a column of that name.
    :param mapped: the columns, in lower case, that the author maps to a field: such a column may set it too.
    :param metadata: the columns, in lower case, that go along; None lets all of them go.
    """

    fields: frozenset[str]
    mapped: frozenset[str] = frozenset()
    metadata: frozenset[str] | None = None

    @classmethod
    def of(
        cls,
        row_schema: RowSchema,
        *,
        row_fields: Collection[str] | None,
        metadata_columns: Collection[str] | None,
        column_map: Mapping[str, str | None],
    ) -> RowRights:
        """The rights that a DAG's author gives.

        :param row_fields: what a row may set; None takes the vendor's cautious choice.
        :param metadata_columns: the columns that go along; None lets all of them go.
        :param column_map: columns, in lower case, by the field that each means.
        :raises ConfigurationError: an argument is no list of names, or names what is no field of the vendor's calls.
        """
        named = row_schema.row_fields if row_fields is None else checked_names("row_fields", row_fields)
        unknown = sorted(named - {*row_schema.columns}) if row_fields is not None else []
        if unknown:
            raise ConfigurationError(
                f"row_fields names {', '.join(map(shown_name, unknown))}, which is no field of a call: use some of "
                f"{', '.join(word for word in row_schema.columns if word not in ALWAYS)}"
            )
        return cls(
            fields=named | ALWAYS,
            mapped=frozenset(column for column, field in column_map.items() if field is not None),
            metadata=None if metadata_columns is None else checked_names("metadata_columns", metadata_columns),
        )

    def may_set(self, field: str, *, column: object) -> bool:
        """Whether a column may set a field of the call."""
        return field in self.fields or str(column).lower() in self.mapped

    def goes_along(self, name: object) -> bool:
        """Whether metadata of this name goes to the vendor."""
        return self.metadata is None or str(name).lower() in self.metadata

    def names_metadata(self, name: str) -> bool:
        """Whether the author names this column as one that goes along."""
        return self.metadata is not None and name.lower() in self.metadata

    def of_mapping(self, metadata: Mapping[Any, object], *, column: object) -> Mapping[Any, object]:
        """The part of a row's own mapping that goes along: all of it where its column is named, else the named
        entries."""
        if self.goes_along(column) or self.goes_along("metadata"):
            return metadata
        return {name: value for name, value in metadata.items() if self.goes_along(name)}


def checked_names(argument: str, names: object) -> frozenset[str]:
    """Names of columns or fields, in lower case. Raises ConfigurationError if it is no collection of texts."""
    if isinstance(names, (str, bytes, Mapping)) or not isinstance(names, Collection):
        raise ConfigurationError(f'{argument} must be a list of names, such as ["language"]')
    if not all(isinstance(name, str) and name.strip() for name in names):
        raise ConfigurationError(f"{argument} holds what is no name: give texts that are not empty")
    return frozenset(name.strip().lower() for name in names)


def shown_name(name: object) -> str:
    """A column's name for a log line; hidden where it looks like data, such as a number or an address."""
    text = str(name)
    is_name = _LIKE_A_NAME.fullmatch(text) and not _DIGITS.search(text)
    return mask_text(text) if is_name else "••••••"


def refusal_of_columns(columns: Mapping[Any, str], *, wanted: Collection[str]) -> str:
    """Why a list is refused whose columns would set fields that its rows may not set. ``columns``: such columns, with
    the field that each means. ``wanted``: the other fields that the list sets."""
    names = [f'"{field}"' for field in sorted({*columns.values(), *wanted} - ALWAYS)]
    dropped = ", ".join(f'"{column}": None' for column in columns)
    forgetting = ""
    if "call_key" in columns.values():
        forgetting = (
            ". Whoever was rung under a call_key may be rung again once it is left out: do that in new lists only"
        )
    return (
        f"the contacts have columns that decide how a call is placed, and their rows may not set them: "
        f"{', '.join(map(str, columns))}. Allow it with row_fields=[{', '.join(names)}], or leave them out with "
        f"column_map={{{dropped}}}{forgetting}"
    )


def refusal_of_times(columns: Collection[object]) -> str:
    """Why a list is refused whose columns say when to ring, for a vendor that takes no time.

    :param columns: such columns.
    """
    dropped = ", ".join(f'"{column}": None' for column in columns)
    return (
        f"the vendor takes no time of a call and rings at once, but the contacts have columns that say when: "
        f"{', '.join(map(str, columns))}. Leave them out with column_map={{{dropped}}}; what is no time to ring but a "
        "fact for the agent goes along if metadata_columns names it"
    )


def refusal_of_row(row: Mapping[Any, object], columns: Mapping[Any, str]) -> str | None:
    """Why a row is refused that sets a field it may not set; None where those columns are empty."""
    fields = sorted({field for column, field in columns.items() if not coercion.is_absent(row[column])})
    if not fields:
        return None
    return f"the row sets {', '.join(fields)}, which no row of this list may: row_fields does not name it"
