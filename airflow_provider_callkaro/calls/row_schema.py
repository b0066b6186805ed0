"""The words of a contact row: which columns are fields of a call, for the vendor at hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

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
PERSONAL_FIELDS = frozenset({"to_number", "call_key"})  # never the same for all calls
ALWAYS = frozenset({"to_number", "metadata"})
"""What every row says: whom to ring, and what the agent should know of them."""
UNNAMED = ALWAYS | {
    "schedule_at",
    "min_trigger_time",
    "max_trigger_time",
    "carry_over",
    "priority",
    "language",
}
"""What a row may set where nobody has named it: when, in which order and in which language one person is called.

Not who speaks, from which number and in which campaign, how often it rings, where the phone is said to be, or under
which key somebody counts as rung: these choose money, identity and law.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowSchema:
    """What a vendor's calls are made of, in the words of a contact row.

    :param fields: those of `CALL_FIELDS` that it knows; a column of another name is metadata.
    :param own_fields: what it alone knows: a reader for each, which gives the value as the vendor takes it, or raises
        `InvalidCall`. They stand in the call's ``extra``.
    :param aliases: its own words for fields, such as ``{"context": "metadata"}``.
    :param takes_offset: whether it is told moments with their offset, so that only those without one need a zone.
    :param row_fields: what a row may set where the DAG's author names nothing; ``own_fields`` are not among them unless
        they are named here.
    """

    fields: tuple[str, ...] = CALL_FIELDS
    own_fields: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    takes_offset: bool = False
    row_fields: frozenset[str] = UNNAMED

    @property
    def columns(self) -> tuple[str, ...]:
        """The names that a column may have to be more than metadata."""
        return (*self.fields, *self.own_fields)


CALLKARO = RowSchema()
