"""What CallKaro decides: is the key right, does the agent exist, is the call accepted.

Statuses and words are those of the vendor's documentation. Where it is silent (an unknown batch_id, another agent than
the campaign's) the answer is a 400 whose words are the sandbox's own.
"""

from __future__ import annotations

import hmac
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase

from airflow_provider_callkaro.sandbox.bodies import read_object
from airflow_provider_callkaro.sandbox.callkaro.reading import (
    OutboundCall,
    optional_text,
    read_campaign_name,
    read_number_to_delete,
)
from airflow_provider_callkaro.sandbox.callkaro.webhook import call_ended, retries_of
from airflow_provider_callkaro.sandbox.endpoints import Endpoint, VendorPath
from airflow_provider_callkaro.sandbox.request_log import RequestLog, Ring
from airflow_provider_callkaro.sandbox.settings import Settings
from airflow_provider_callkaro.sandbox.vendor import Answer, Asked, Handler, Refused, Vendor
from airflow_provider_callkaro.sandbox.webhooks.fates import EndedTry

# Ids count up from that in CallKaro's documentation, so that its examples work here word for word, in their order.
FIRST_BATCH_ID = 0x68433B7B0DEE98E59245EBAB
# Ids count up from that in the vendor's documentation, so that its examples work here word for word, in their order.
FIRST_CALL_ID = 0xA1B2C3D4E5


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """One campaign that was created with CallKaro. ``agent_id``: the one agent of a v1 campaign; None for v2, where
    each call names its own. ``created_at``: UTC."""

    batch_id: str
    name: str
    agent_id: str | None
    created_at: datetime


class Campaigns:
    """The campaigns of one account. May be used from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._campaigns: dict[str, Campaign] = {}

    def create(self, *, name: str, agent_id: str | None) -> Campaign:
        """Open a campaign."""
        with self._lock:
            batch_id = f"{FIRST_BATCH_ID + len(self._campaigns):x}"
            campaign = Campaign(batch_id=batch_id, name=name, agent_id=agent_id, created_at=datetime.now(UTC))
            self._campaigns[batch_id] = campaign
        return campaign

    def find(self, batch_id: str) -> Campaign | None:
        """Find a campaign by its id."""
        return self._campaigns.get(batch_id)

    def by_id(self) -> dict[str, Campaign]:
        """Every campaign in the order of creation, by its id."""
        with self._lock:
            return dict(self._campaigns)

    def forget(self) -> None:
        """Forget every campaign; ids start again."""
        with self._lock:
            self._campaigns.clear()


class CallKaro(Vendor):
    """CallKaro's decisions."""

    name = "CallKaro"
    connection_type = "callkaro"
    prefixes = ("/call/", "/v2/")
    campaigns_name = "campaigns"

    def __init__(self, *, settings: Settings, request_log: RequestLog) -> None:
        super().__init__(settings=settings, request_log=request_log)
        self._campaigns = Campaigns()

    def handlers(self) -> Mapping[VendorPath, Handler]:
        """What answers at each path."""
        return {
            Endpoint.OUTBOUND: self._place_call,
            Endpoint.CAMPAIGN: self._create_campaign,
            Endpoint.CAMPAIGN_V2: self._create_campaign_v2,
            Endpoint.DELETE_SCHEDULED: self._delete_scheduled,
        }

    @property
    def campaigns(self) -> list[Campaign]:
        """Every campaign, in order."""
        return list(self._campaigns.by_id().values())

    def campaigns_by_id(self) -> Mapping[str, Campaign]:
        """Every campaign, in order, by its ``batch_id``."""
        return self._campaigns.by_id()

    def forget(self) -> None:
        """Forget every campaign."""
        self._campaigns.forget()

    def check_key(self, asked: Asked) -> Answer | None:
        """Return the refusal if the key is missing or wrong. The vendor answers 403 to both, never 401."""
        key = asked.headers.get("x-api-key")
        if key is None:
            return self.error(Refused(403, "Missing X-API-KEY in headers"))
        if not hmac.compare_digest(key.encode(), self._settings.api_key.encode()):
            return self.error(self.key_refused(403))
        return None

    def key_refused(self, status: int) -> Refused:
        """Refuse the key."""
        return Refused(status, "Invalid API key")

    def rejected(self, status: int, body: bytes) -> Refused:
        """Refuse a number, and repeat it with ``+`` and without."""
        try:
            number = str(json.loads(body)["to_number"])
        except (ValueError, TypeError, KeyError, RecursionError):
            number = "unknown"
        return Refused(status, f"Number {number} ({number.removeprefix('+')}) is not reachable")

    def error(self, refusal: Refused) -> Answer:
        """Put a refusal in the vendor's one error shape."""
        return Answer(status=refusal.status, body={"status": "error", "message": refusal.message})

    def newer(self, accepted: Answer, asked: Asked) -> Answer:
        """Give the answer to an outbound call in the newer shape of the vendor's own examples."""
        if asked.endpoint is not Endpoint.OUTBOUND:
            return accepted
        call_id = accepted.body["call_id"]
        return Answer(body={"status": "done", "message": "Call queued successfully", "call_sid": call_id})

    def webhook(self, ended: EndedTry) -> Mapping[str, object]:
        """What it tells of a try that has ended."""
        return call_ended(ended)

    def retries_of(self, ring: Ring) -> int:
        """How often it rings again where nobody answers: as often as the call asks for."""
        return retries_of(ring)

    def _place_call(self, asked: Asked) -> Answer:
        call = OutboundCall.read(asked.body)
        agent_id = self._agent_of(call)
        if call.to_number in self._settings.do_not_disturb:
            raise Refused(400, "DND_NUMBER")
        ring = self._request_log.ring(
            vendor=self.name,
            call_id=_call_id,
            to_number=call.to_number,
            agent_id=agent_id,
            batch_id=call.batch_id,
            metadata=call.metadata,
            body=call.body,
            schedule_at=call.schedule_at,
        )
        return Answer(body={"status": "success", "message": "Call initiated successfully", "call_id": ring.call_id})

    def _agent_of(self, call: OutboundCall) -> str:
        agent_id = call.agent_id
        if call.batch_id is not None:
            campaign = self._campaigns.find(call.batch_id)
            if campaign is None:
                raise Refused(400, "Campaign does not exist")
            if campaign.agent_id is not None and agent_id not in (None, campaign.agent_id):
                raise Refused(400, "agent_id differs from the agent of the campaign")
            agent_id = agent_id or campaign.agent_id
        return self._existing_agent(agent_id)

    def _existing_agent(self, agent_id: str | None) -> str:
        if agent_id is None:
            raise Refused(400, "Missing agent_id")
        if any(fnmatchcase(agent_id, pattern) for pattern in self._settings.unknown_agents):
            raise Refused(404, "Agent does not exist")
        return agent_id

    def _create_campaign(self, asked: Asked) -> Answer:
        fields = read_object(asked.body)
        name = read_campaign_name(fields)
        agent_id = self._existing_agent(optional_text(fields, "agent_id"))
        return _campaign_created(self._campaigns.create(name=name, agent_id=agent_id))

    def _create_campaign_v2(self, asked: Asked) -> Answer:
        name = read_campaign_name(read_object(asked.body))
        return _campaign_created(self._campaigns.create(name=name, agent_id=None))

    def _delete_scheduled(self, asked: Asked) -> Answer:
        agent_id = asked.query.get("agent_id", "")
        if not agent_id:
            raise Refused(400, "Missing agent_id in request query")
        digits = read_number_to_delete(asked.body, content_type=asked.headers.get("content-type", ""))
        self._request_log.delete_scheduled(vendor=self.name, agent_id=agent_id, digits=digits)
        return Answer(body={"status": "success", "message": "Scheduled call deleted successfully"})


def _call_id(calls_before: int) -> str:
    return f"{FIRST_CALL_ID + calls_before:x}"


def _campaign_created(campaign: Campaign) -> Answer:
    return Answer(body={"batch_id": campaign.batch_id, "message": "Campaign created successfully", "status": "success"})
