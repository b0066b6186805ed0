"""How CallKaro reads a request, and what it refuses.

Every rule comes from the vendor's documentation: the API pages for campaigns (v1, v2), outbound calls and the deletion
of scheduled calls. Where the documentation gives a status but no words for one field, the words are the sandbox's own.
A field that the documentation does not name is ignored.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, Field

from airflow_provider_callkaro.sandbox.bodies import ABSENT, Body, Number, errors_in, read_form, read_object
from airflow_provider_callkaro.sandbox.vendor import Refused

NAME_LENGTH = range(1, 201)  # characters; create campaign, name

_TO_NUMBER = re.compile(r"\+[1-9][0-9]{1,14}")


def _is_moment(text: str) -> str:
    datetime.fromisoformat(text)  # the pattern lets 2026-02-30 pass
    return text


_Minutes: TypeAlias = Annotated[int, Field(ge=0)]
_Moment: TypeAlias = Annotated[
    str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}$"), AfterValidator(_is_moment)
]
_WallTime: TypeAlias = Annotated[str, Field(pattern=r"^([0-1]?[0-9]|2[0-3]):[0-5][0-9]$")]


class _CallBody(Body):
    """The fields of the outbound call page, each of which may be absent but not null."""

    to_number: Number
    metadata: dict[Any, Any] = ABSENT
    schedule_at: _Moment = ABSENT
    min_trigger_time: _WallTime = ABSENT
    max_trigger_time: _WallTime = ABSENT
    carry_over: bool = ABSENT
    number_of_retries: Annotated[int, Field(ge=0, le=10)] = ABSENT
    gap_between_retries: _Minutes | list[_Minutes] = ABSENT
    priority: Annotated[int, Field(ge=-100, le=100)] = ABSENT
    language: Literal["hi", "en", "kn", "mr", "ta", "te", "bn", "gu", "ml"] = ABSENT


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundCall:
    """The body of an outbound call, checked field by field."""

    to_number: str
    agent_id: str | None
    batch_id: str | None
    metadata: Mapping[str, Any] | None
    schedule_at: datetime | None
    body: Mapping[str, Any]

    @classmethod
    def read(cls, body: bytes) -> OutboundCall:
        """Read the body of a request. Raises Refused if a field is missing or cannot be."""
        fields = read_object(body)
        to_number = required_text(fields, "to_number")
        if errors := errors_in(_CallBody, fields):
            raise Refused(400, f"Invalid field: {errors[0]['loc'][0]}")
        schedule_at = fields.get("schedule_at")
        return cls(
            to_number=to_number,
            agent_id=optional_text(fields, "agent_id"),
            batch_id=optional_text(fields, "batch_id"),
            metadata=fields.get("metadata"),
            schedule_at=datetime.fromisoformat(schedule_at) if schedule_at else None,
            body=fields,
        )


def required_text(fields: Mapping[str, object], name: str) -> str:
    """Return a text that must be there. Raises Refused if it is missing, empty or no text."""
    text = optional_text(fields, name)
    if not text:
        raise Refused(400, f"Missing required field: {name}")
    return text


def optional_text(fields: Mapping[str, object], name: str) -> str | None:
    """Return a text that may be absent; null and the empty text count as absent. Raises Refused if it is no text."""
    value = fields.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise Refused(400, f"Invalid field: {name}")
    return value


def read_campaign_name(fields: Mapping[str, object]) -> str:
    """Return the name of a campaign. Raises Refused if it is missing, no text, or longer than 200 characters."""
    name = required_text(fields, "name")
    if len(name) not in NAME_LENGTH:
        raise Refused(400, "Invalid field: name")
    return name


def read_number_to_delete(body: bytes, *, content_type: str) -> str:
    """Return the digits of the number whose scheduled calls are to be deleted.

    The deletion takes JSON or a multipart form, and a number with or without ``+``.

    :raises Refused: it is missing or no number.
    """
    is_form = content_type.lower().startswith("multipart/form-data")
    fields: Mapping[str, Any] = read_form(body, content_type=content_type) if is_form else read_object(body)
    number = optional_text(fields, "to_number")
    if number is None:
        raise Refused(400, "Missing to_number in request")
    if not _TO_NUMBER.fullmatch("+" + number.removeprefix("+")):
        raise Refused(400, "Invalid field: to_number")
    return number.removeprefix("+")
