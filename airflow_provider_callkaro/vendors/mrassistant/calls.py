"""MrAssistant's routes for single calls: place one, look at it, transfer it, end it.

Source: the pages of the call routes. What they leave out is accepted as it comes. No page shows the path of "End Call":
it follows that of its siblings.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from typing import Any
from urllib.parse import quote

from airflow_provider_callkaro.calls.call import Call
from airflow_provider_callkaro.calls.masking import HIDDEN
from airflow_provider_callkaro.calls.outcome import Reason
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.vendors.answers import (
    PlacedCall,
    first_text,
    number_in,
    raise_refusal,
    read_accepted,
    read_answer,
    text_in,
    unclear,
    whole_in,
)
from airflow_provider_callkaro.vendors.http import Request, Response
from airflow_provider_callkaro.vendors.mrassistant.fields import (
    CALL_FIELDS,
    RINGING_TIMEOUT,
    SECRET_FIELDS,
    SHOWN_FIELDS,
    own_fields_of,
)

DIRECTIONS = ("inbound", "outbound")  # source: list agent calls, direction
STATUSES = ("initiated", "ringing", "answered", "ended", "failed")  # source: list agent calls, status_filter
TRANSFER_TYPES = ("cold", "warm")  # source: transfer call, transfer_type
PAGE = (1, 500)  # calls; source: list agent calls, limit
ANSWER_MARGIN = 30.0  # seconds; ours: how much longer than the ringing an answer may take that waits for it
_CALL_ID = ("call_id", "callId", "id")
_LISTS = ("calls", "data", "items", "results")


@dataclass(frozen=True, slots=True, kw_only=True)
class CallDetails:
    """The state of a call, as far as the vendor tells it.

    :param status: ``initiated``, ``ringing``, ``answered``, ``ended``, ``failed``, or a word that is not documented.
    :param raw: the whole answer, with numbers and the recording's address.
    """

    call_id: str | None
    status: str | None
    direction: str | None = None
    disposition: str | None = None
    duration_seconds: float | None = None
    started_at: str | None = None
    ended_at: str | None = None
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)


class MrAssistantCalls:
    """The call routes of MrAssistant's API."""

    name = "MrAssistant"

    def place_call(self, call: Call) -> Request:
        """One outbound call, now. Rings a phone. Raises ConfigurationError if the call names no agent, or asks for
        something that this route does not have, such as a ``schedule_at``. Raises InvalidCall if a field of
        ``call.extra`` is out of its range."""
        if call.agent_id is None:
            raise ConfigurationError("no agent is known: set agent_id, or set it in the extra of the connection")
        if call.schedule_at is not None:
            raise ConfigurationError(
                "MrAssistant rings a single call at once: leave schedule_at out, or place it in a campaign"
            )
        own = own_fields_of(call, CALL_FIELDS)
        body: dict[str, Any] = {"agent_id": call.agent_id, "to_number": call.to_number}
        if "from_number" in own:
            body["from_number"] = own.pop("from_number")
        if call.metadata:
            body["context"] = dict(call.metadata)
        return Request.json("POST", "/calls/outbound", {**body, **own}, retry_safe=False, shown_fields=SHOWN_FIELDS)

    def read_placed_call(self, response: Response) -> PlacedCall:
        """The call just placed. Raises OutcomeUnknown if MrAssistant may have accepted it, but gave no id."""
        answer = read_accepted(self.name, without_echo(response), ringing_ids=_CALL_ID)
        found = first_text(answer, _CALL_ID)
        if found is None:
            raise unclear(self.name, response, "without a call id", reason=Reason.NO_CALL_ID)
        return PlacedCall(response.label(found[1]), found[0], answer)

    @staticmethod
    def answer_may_take(fields: Mapping[str, Any]) -> float:
        """Seconds that the answer to `place_call` may take because it waits for the phone; 0 where it does not.
        ``fields``: the call's own fields."""
        if not fields.get("wait_until_answered"):
            return 0.0
        return float(fields.get("ringing_timeout_seconds") or RINGING_TIMEOUT[1]) + ANSWER_MARGIN

    def get_call(self, call_id: str) -> Request:
        """The state of a call."""
        return Request.json("GET", f"/calls/{in_path('call_id', call_id)}")

    def read_call(self, response: Response) -> CallDetails:
        """The state of the call; ``failed`` is a state here, not a failure of the request."""
        return _details(read_answer(self.name, without_echo(response)))

    def list_agent_calls(
        self,
        agent_id: str,
        *,
        limit: int = 100,
        offset: int = 0,
        direction: str | None = None,
        status_filter: str | None = None,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
    ) -> Request:
        """The calls of an agent.

        :param limit: how many, 1 to 500.
        :param offset: how many to pass over, 0 or more.
        :param direction: ``inbound`` or ``outbound``.
        :param status_filter: one of `STATUSES`.
        :param start_date: from when on, aware.
        :param end_date: until when, aware.
        :raises ConfigurationError: an argument is out of its range.
        """
        if whole_in(limit) is None or not PAGE[0] <= limit <= PAGE[1]:
            raise ConfigurationError(f"limit must be a whole number from {PAGE[0]} to {PAGE[1]}")
        if whole_in(offset) is None or offset < 0:
            raise ConfigurationError("offset must be a whole number of 0 or more")
        _check_word("direction", direction, DIRECTIONS)
        _check_word("status_filter", status_filter, STATUSES)
        query = {"limit": str(limit), "offset": str(offset), "direction": direction, "status_filter": status_filter}
        query["start_date"] = None if start_date is None else utc_text("start_date", start_date, zone=None)
        query["end_date"] = None if end_date is None else utc_text("end_date", end_date, zone=None)
        return Request.json(
            "GET",
            f"/calls/agent/{in_path('agent_id', agent_id)}/calls",
            query={name: value for name, value in query.items() if value is not None},
        )

    def read_agent_calls(self, response: Response) -> list[CallDetails]:
        """The calls listed. The page does not show the answer: a list is taken, or an object that holds one."""
        value = response.json_value()
        if not 200 <= response.status < 300 or not isinstance(value, list):
            answer = read_answer(self.name, without_echo(response))
            lists = [found for found in answer.values() if isinstance(found, list)]
            named = next((answer[name] for name in _LISTS if isinstance(answer.get(name), list)), None)
            value = named if named is not None else (lists[0] if len(lists) == 1 else None)
        if value is None:
            raise unclear(self.name, response, "without a list of calls")
        return [_details(call) for call in value if isinstance(call, dict)]

    def transfer_call(
        self, call_id: str, transfer_to: str, *, transfer_type: str = "cold", play_dialtone: bool | None = None
    ) -> Request:
        """Transfer a call. Rings the phone that it is transferred to. ``transfer_to``: ``tel:`` and a number, or
        ``sip:`` and an address. ``transfer_type``: ``cold`` or ``warm``. Raises ConfigurationError if an argument is
        out of its range."""
        check_transfer(transfer_to, transfer_type)
        body: dict[str, Any] = {"transfer_to": transfer_to, "transfer_type": transfer_type}
        if play_dialtone is not None:
            body["play_dialtone"] = play_dialtone
        path = f"/calls/{in_path('call_id', call_id)}/transfer"
        return Request.json("POST", path, body, retry_safe=False, secret_fields=SECRET_FIELDS)

    def end_call(self, call_id: str) -> Request:
        """End a call. The path is inferred from its siblings': no page shows it."""
        return Request.json("POST", f"/calls/{in_path('call_id', call_id)}/end")

    def read_done(self, response: Response) -> dict[str, Any]:
        """The answer to a transfer or an end. It is not documented, so it may be empty."""
        if not 200 <= response.status < 300:
            raise_refusal(self.name, without_echo(response))
        return response.json_object()


def check_transfer(transfer_to: Any, transfer_type: Any) -> None:
    """Check the arguments of a transfer. Raises ConfigurationError if an argument cannot work, naming it; the number is
    not in the message."""
    is_address = isinstance(transfer_to, str) and transfer_to.isprintable() and " " not in transfer_to
    if not is_address or not re.match(r"(tel|sip):.", transfer_to):
        raise ConfigurationError("transfer_to must be tel: and a number, or sip: and an address")
    if transfer_type is None:
        raise ConfigurationError(f"transfer_type must be one of {', '.join(TRANSFER_TYPES)}")
    _check_word("transfer_type", transfer_type, TRANSFER_TYPES)


def utc_text(name: str, moment: datetime, *, zone: tzinfo | None) -> str:
    """A time as RFC 3339 in UTC, with ``Z``. ``zone``: the zone of a time without an offset; None refuses it. Raises
    ConfigurationError if it has no offset."""
    if isinstance(moment, datetime) and moment.utcoffset() is None and zone is not None:
        moment = moment.replace(tzinfo=zone)
    if not isinstance(moment, datetime) or moment.utcoffset() is None:
        raise ConfigurationError(
            f'{name} needs a time zone: give an aware datetime, or set "schedule_timezone" in the extra of the '
            "connection"
        )
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _details(answer: Mapping[str, object]) -> CallDetails:
    nested = answer.get("data")
    call = nested if isinstance(nested, dict) and "status" not in answer else answer
    found = first_text(answer, _CALL_ID)
    status = (text_in(call.get("status")) or "").strip()
    return CallDetails(
        call_id=found[1] if found else None,
        status=status.lower() or None,
        direction=text_in(call.get("direction")),
        disposition=text_in(call.get("disposition")),
        duration_seconds=number_in(call.get("duration_seconds")),
        started_at=text_in(call.get("started_at")),
        ended_at=text_in(call.get("ended_at")),
        raw=answer,
    )


def in_path(name: str, value: str) -> str:
    """An id as one segment of a path. ``name``: the name of the argument, for messages. Raises ConfigurationError if it
    is no id (``None`` is what a template makes of a missing one), or a part of it is hidden."""
    text = str(value).strip() if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
    if not 0 < len(text) <= 200 or not text.isprintable() or text in (".", "..", "None"):
        raise ConfigurationError(f"{name} must be an id of 1 to 200 characters")
    if HIDDEN in text:
        raise ConfigurationError(
            f"{name} is no whole id: MrAssistant repeated in it what it was told of the person, which is hidden; look "
            "for the call in MrAssistant"
        )
    return quote(text, safe="")


def _check_word(name: str, value: object, words: tuple[str, ...]) -> None:
    if value is not None and value not in words:
        raise ConfigurationError(f"{name} must be one of {', '.join(words)}")


def without_echo(response: Response) -> Response:
    """The answer; a 422 keeps only the list of its findings, of which the reader takes places and types: the texts hold
    what was sent. Source: the validation body (FastAPI's) on the pages of the call routes."""
    if response.status != 422:
        return response
    detail = response.json_object().get("detail")
    kept = {"detail": detail} if isinstance(detail, list) else {}
    return replace(response, body=json.dumps(kept).encode())


def without_text(response: Response) -> Response:
    """The answer; a refusal loses its body, because the request held a password or a token that the body may repeat."""
    return response if 200 <= response.status < 300 else replace(response, body=b"")
