"""The schema of a contact row: which columns are fields of a call, for each vendor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

CALL_FIELDS = (
    "to_number",
    "agent_id",
    "batch_id",
    "schedule_at",
    "min_trigger_time",
    "max_trigger_time",
    "carry_over",
    "number_of_retries",
    "gap_between_retries",
    "priority",
    "language",
    "metadata",
    "call_key",
    "timezone",
)
TIME_FIELDS = frozenset({"schedule_at", "min_trigger_time", "max_trigger_time"})
PERSONAL_FIELDS = frozenset({"to_number", "call_key"})  # different for each call
ALWAYS = frozenset({"to_number", "metadata"})
"""The fields that every row may set: whom to ring, and what the agent should know."""
UNNAMED = ALWAYS | {"schedule_at", "min_trigger_time", "max_trigger_time", "carry_over", "priority", "language"}
"""The fields that a row may set where the author names none: when, in which order and in which language it rings.

The others (agent, campaign, caller's number, number of redials, zone and key) decide about money, identity and law.
"""
ContactRow: TypeAlias = Mapping[str, Any] | str | None
"""Columns by name, or a plain number. None is a row that could not be read; it is passed on, so that it is counted and
rejected and not lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowSchema:
    """The columns of a contact row that mean something to a vendor.

    :param fields: those of `CALL_FIELDS` that the vendor has; a column of another name is metadata. A vendor without
        ``schedule_at`` rings at once, so its rows may have no column of `TIME_FIELDS`.
    :param own_fields: the fields that only this vendor has, each with a reader that gives the value as the vendor takes
        it, or raises `InvalidCall`. They go into the call's ``extra``.
    :param aliases: the vendor's own names of fields, such as ``{"context": "metadata"}``.
    :param takes_offset: whether the vendor takes moments with their offset, so that only those without one need a zone.
    :param row_fields: the fields that a row may set where the DAG's author names none; of ``own_fields`` only those
        that are named here.
    """

    fields: tuple[str, ...] = CALL_FIELDS
    own_fields: Mapping[str, Callable[[object], object]] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    takes_offset: bool = False
    row_fields: frozenset[str] = UNNAMED

    @property
    def columns(self) -> tuple[str, ...]:
        """The names that a column may have to be more than metadata."""
        return (*self.fields, *self.own_fields)

    @property
    def refused_columns(self) -> frozenset[str]:
        """The columns that say when to ring, where the vendor takes no ``schedule_at``: it would ring such a row at
        once."""
        return frozenset() if "schedule_at" in self.columns else TIME_FIELDS


CALLKARO = RowSchema()
