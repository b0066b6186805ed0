"""How Callaro reads a campaign, a page and an import, and what it refuses.

The page on campaigns names five fields in one example and no limits, so the limits are the sandbox's own. Any other
field is kept as it is. A wrong field is a 422 with ``errors`` by field, as the vendor's page on errors says.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from airflow_provider_callkaro.sandbox.bodies import Body, Number, Zone, errors_in, read_form, read_object
from airflow_provider_callkaro.sandbox.vendor import Asked, Refused

UNKNOWN_AGENT = 404404  # the one agent that does not exist
PER_PAGE = 20  # entries of a page, unless asked for otherwise; the campaigns' page
MOST_PER_PAGE = 100

_NUMBER = re.compile(r"\+[1-9][0-9]{1,14}")


def _is_agent(agent_id: int) -> int:
    if agent_id == UNKNOWN_AGENT:
        raise ValueError("no such agent")
    return agent_id


class _Contact(Body):
    phone_e164: Number


class _Campaign(Body):
    """The fields of a campaign that the sandbox checks. Each may be null."""

    name: Annotated[str, Field(min_length=1, max_length=255)] | None = None
    agent_id: Annotated[int, AfterValidator(_is_agent)] | None = None
    timezone: Zone | None = None
    campaign_phone_number_ids: list[int] | None = None
    concurrency_limit: Annotated[int, Field(ge=1, le=100)] | None = None
    contacts: list[_Contact] | None = None


_MEANING = {
    "name": "must be 1 to 255 characters",
    "agent_id": "must be the id of an agent",
    "timezone": "must be an IANA time zone",
    "campaign_phone_number_ids": "must be a list of ids",
    "concurrency_limit": "must be 1 to 100",
    "contacts": "must be a list of objects with a phone_e164",
}


def read_fields(body: bytes) -> dict[str, Any]:
    """Read the body of a new campaign. Raises Refused if a field is missing or cannot be."""
    fields = read_object(body)
    missing = {name: ["is required"] for name in ("name", "agent_id") if fields.get(name) is None}
    _check(fields, errors=missing)
    return fields


def read_changes(body: bytes) -> dict[str, Any]:
    """Read the body of an update or of a clone: any of the fields, or nothing. Raises Refused if a field cannot be."""
    changes = read_object(body) if body else {}
    _check(changes, errors={name: ["is required"] for name in ("name", "agent_id") if changes.get(name, "") is None})
    return changes


def _check(fields: Mapping[str, object], *, errors: dict[str, list[str]]) -> None:
    wrong = dict.fromkeys(str(error["loc"][0]) for error in errors_in(_Campaign, fields))
    errors |= {name: [_MEANING[name]] for name in wrong if name not in errors}
    if errors:
        raise invalid(errors)


def invalid(errors: Mapping[str, Sequence[str]]) -> Refused:
    """The refusal of wrong fields. ``errors``: by field, what is wrong with it."""
    return Refused(422, "Validation failed", details=errors)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of a list. ``number``: from 1. ``size``: entries on it."""

    number: int
    size: int

    @classmethod
    def read(cls, query: Mapping[str, str]) -> Page:
        """Read ``page`` and ``per_page``. Raises Refused if one of them is out of its range."""
        return cls(
            number=_whole(query, "page", default=1, within=range(1, 1_000_000)),
            size=_whole(query, "per_page", default=PER_PAGE, within=range(1, MOST_PER_PAGE + 1)),
        )

    def envelope(self, entries: Sequence[object]) -> tuple[Sequence[Any], dict[str, int]]:
        """Cut the page out of a list, and give the ``meta`` of the answer."""
        start = (self.number - 1) * self.size
        meta = {
            "count": len(entries),
            "page": self.number,
            "per_page": self.size,
            "pages": -(-len(entries) // self.size),
        }
        return entries[start : start + self.size], meta


def read_days(query: Mapping[str, str]) -> tuple[date, date]:
    """Read ``from`` and ``to``; without one of them, everything on that side is meant. Raises Refused if one is no
    date, or they are in the wrong order."""
    start, end = _day(query, "from", default=date.min), _day(query, "to", default=date.max)
    if start > end:
        raise invalid({"to": ["must not be before from"]})
    return start, end


@dataclass(frozen=True, slots=True, kw_only=True)
class CallaroImport:
    """One accepted import of contacts, as a test sees it.

    :param import_id: 1 is the first.
    :param rows: lines of the file, without its header.
    :param column_mapping: as it was sent, decoded.
    :param options: as they were sent, decoded; empty where there were none.
    :param file: the text of the file.
    :param filename: what the file was called.
    :param refused: the lines of the file that are no contacts, each with its number and what is wrong with it.
    """

    import_id: int
    rows: int
    column_mapping: Mapping[str, Any]
    options: Mapping[str, Any]
    file: str = field(repr=False)
    filename: str = ""
    refused: Sequence[Mapping[str, Any]] = field(default=(), repr=False)

    def as_json(self) -> dict[str, Any]:
        """Give the import as the vendor's answers show it."""
        return {
            "id": self.import_id,
            "filename": self.filename,
            "status": "completed",
            "rows": self.rows,
            "imported": self.rows - len(self.refused),
            "failed": len(self.refused),
        }


def read_import(asked: Asked, *, import_id: int) -> CallaroImport:
    """Read an import of contacts: a multipart form with a CSV and JSON texts. Raises Refused if it is no such form, or
    a part is missing or cannot be."""
    form = read_form(asked.body, content_type=asked.headers.get("content-type", ""))
    if "file" not in form:
        raise invalid({"file": ["is required"]})
    rows = [row for row in csv.reader(form["file"].splitlines()) if row]
    if not rows:
        raise invalid({"file": ["has no header"]})
    if "column_mapping" not in form:
        raise invalid({"column_mapping": ["is required"]})
    columns = _object(form, "column_mapping")
    return CallaroImport(
        import_id=import_id,
        rows=len(rows) - 1,
        column_mapping=columns,
        options=_object(form, "options") if "options" in form else {},
        file=form["file"],
        filename=_filename(asked),
        refused=_refused(rows, columns),
    )


def _filename(asked: Asked) -> str:
    found = re.search(rb'name="file"; filename="([^"]*)"', asked.body[:2_000])
    return "" if found is None else found[1].decode("utf-8", "replace")


def _refused(rows: Sequence[Sequence[str]], columns: Mapping[str, object]) -> list[dict[str, Any]]:
    """The lines without a phone number, where the mapping names the column of the number."""
    places = [place for place, name in enumerate(rows[0]) if columns.get(name) == "phone_e164"]
    return [
        {"line": number, "phone_e164": row[place], "error": "is no number"}
        for place in places[:1]
        for number, row in enumerate(rows[1:], start=2)
        if len(row) <= place or not _NUMBER.fullmatch(row[place])
    ]


def _object(form: Mapping[str, str], name: str) -> dict[str, Any]:
    try:
        value = json.loads(form[name])
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise invalid({name: ["must be a JSON object"]})
    return value


def _whole(query: Mapping[str, str], name: str, *, default: int, within: range) -> int:
    text = query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) in within):
        raise invalid({name: [f"must be {within.start} to {within.stop - 1}"]})
    return int(text)


def _day(query: Mapping[str, str], name: str, *, default: date) -> date:
    if (text := query.get(name)) is None:
        return default
    try:
        if len(text) != len("2026-04-01"):
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        raise invalid({name: ["must be a date such as 2026-04-01"]}) from None
