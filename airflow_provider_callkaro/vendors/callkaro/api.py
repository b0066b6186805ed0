"""CallKaro's HTTP API: what to ask, and how to read the answer.

Source: CallKaro's API documents on campaigns (v1 and v2), outbound calls and scheduled-call deletion.
Answers are read tolerantly, because two shapes are documented: `call_id` with "success", and `call_sid` with "done".
"""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Any

from airflow_provider_callkaro.calls.call import Call, InvalidCall
from airflow_provider_callkaro.calls.outcome import Reason
from airflow_provider_callkaro.calls.wall_clock import readings
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.vendors.answers import PlacedCall, first_text, read_accepted, unclear
from airflow_provider_callkaro.vendors.http import Request, Response

DEFAULT_HOST = "https://api.callkaro.ai"  # source: server of the API description
DASHBOARD = "https://callkaro.ai/dashboard/batch-calls/"  # source: create campaign, "Monitor in dashboard"
MAX_CAMPAIGN_NAME = 200  # characters; source: create campaign, name
_BATCH_ID = ("batch_id", "batchId")
_CALL_ID = ("call_sid", "call_id", "callSid", "id")
_SENT_AS_THEY_ARE = (
    *("agent_id", "batch_id", "min_trigger_time", "max_trigger_time", "carry_over"),
    *("number_of_retries", "priority", "language"),
)
_SHOWN = frozenset({"agent_id", "batch_id", "name"})  # chosen by the author of a DAG; `name` is a campaign's


class CallKaro:
    """What CallKaro's API says. ``schedule_timezone``: the zone in which CallKaro reads ``schedule_at``, which it takes
    without an offset and does not document; None refuses calls that need it."""

    name = "CallKaro"

    def __init__(self, *, schedule_timezone: tzinfo | None = None) -> None:
        self.schedule_timezone = schedule_timezone

    @staticmethod
    def headers(api_key: str) -> dict[str, str]:
        """The headers that carry the key and the content type."""
        return {"X-API-KEY": api_key, "Content-Type": "application/json", "Accept": "application/json"}

    def create_campaign(self, name: str, agent_id: str | None = None) -> Request:
        """A campaign of one agent (v1) or, without an agent, of any agents (v2). Rings nobody. ``name``: 1 to 200
        characters. Raises ConfigurationError if the name is empty or too long."""
        if not isinstance(name, str) or not len(name.strip()) > 0 or len(name) > MAX_CAMPAIGN_NAME:
            raise ConfigurationError(f"the campaign's name must have 1 to {MAX_CAMPAIGN_NAME} characters")
        if agent_id is None:
            return Request.json("POST", "/v2/call/campaign", {"name": name}, shown_fields=_SHOWN)
        return Request.json("POST", "/call/campaign", {"name": name, "agent_id": agent_id}, shown_fields=_SHOWN)

    def read_campaign(self, response: Response) -> str:
        """The ``batch_id`` of the campaign just created."""
        found = first_text(read_accepted(self.name, response), _BATCH_ID)
        if found is None:
            raise unclear(self.name, response, "without a batch_id", reason=Reason.NO_CALL_ID)
        return response.label(found[1])

    def place_call(self, call: Call) -> Request:
        """One outbound call, now or at its ``schedule_at``. Rings a phone.

        :raises ConfigurationError: the call has a ``schedule_at`` and the vendor's time zone is not known.
        :raises InvalidCall: its ``schedule_at`` is ambiguous: the vendor's clock shows it twice.
        """
        body = self._outbound_body(call)
        return Request.json("POST", "/call/outbound", body, retry_safe=False, shown_fields=_SHOWN)

    def read_placed_call(self, response: Response) -> PlacedCall:
        """The call just placed. Raises OutcomeUnknown if CallKaro may have accepted it, but gave no id."""
        answer = read_accepted(self.name, response, ringing_ids=_CALL_ID)
        found = first_text(answer, _CALL_ID)
        if found is None:
            raise unclear(self.name, response, "without a call id", reason=Reason.NO_CALL_ID)
        return PlacedCall(response.label(found[1]), found[0], answer)

    def delete_scheduled_call(self, to_number: str, agent_id: str) -> Request:
        """Delete the scheduled calls of one agent to one number, whichever campaign or DAG scheduled them."""
        return Request.json(
            "POST", "/call/delete-schedule-call", {"to_number": to_number}, query={"agent_id": agent_id}
        )

    def read_deleted_call(self, response: Response) -> None:
        """Check that the deletion was accepted."""
        read_accepted(self.name, response)

    @staticmethod
    def campaign_page(batch_id: str) -> str:
        """The campaign's page in the CallKaro dashboard, for a person to open."""
        from urllib.parse import quote

        return f"{DASHBOARD}{quote(batch_id, safe='')}"

    def _outbound_body(self, call: Call) -> dict[str, Any]:
        body: dict[str, Any] = {"to_number": call.to_number}
        for name in _SENT_AS_THEY_ARE:
            value = getattr(call, name)
            if value is not None:
                body[name] = value
        if call.metadata:
            body["metadata"] = call.metadata
        if (rings_at := call.rings_at) is not None:
            body["schedule_at"] = self._local_time(rings_at)
        if call.gap_between_retries is not None:
            gaps = call.gap_between_retries
            body["gap_between_retries"] = gaps if isinstance(gaps, int) else list(gaps)
        return body

    def _local_time(self, moment: datetime) -> str:
        if self.schedule_timezone is None:
            raise ConfigurationError(
                'schedule_at needs a time zone: set "schedule_timezone" in the extra of the connection, '
                'such as "Asia/Kolkata"'
            )
        local = moment.astimezone(self.schedule_timezone).replace(tzinfo=None)
        if len(readings(local, self.schedule_timezone)) > 1:
            raise InvalidCall(
                Reason.BAD_SCHEDULE_AT,
                "schedule_at falls into the hour that comes twice on the vendor's clock, and cannot be told without an "
                "offset: choose another hour",
            )
        return local.strftime("%Y-%m-%dT%H:%M:%S")
