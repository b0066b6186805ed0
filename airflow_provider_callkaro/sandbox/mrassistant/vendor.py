"""What MrAssistant decides: is the token good, does the agent exist, who is rung, how far is the call.

The create-campaign page is the contract; everything else is from the vendor's other pages. Where they are silent (the
words for a status, a past ``schedule_at``, a second end of a call) the answer is the sandbox's own.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

from airflow_provider_callkaro.sandbox.endpoints import Endpoint, VendorPath
from airflow_provider_callkaro.sandbox.mrassistant import bodies
from airflow_provider_callkaro.sandbox.mrassistant.bodies import moment, read_body, without_spaces
from airflow_provider_callkaro.sandbox.mrassistant.calls import Calls
from airflow_provider_callkaro.sandbox.mrassistant.outbound import OutboundConfigs
from airflow_provider_callkaro.sandbox.mrassistant.tokens import LIFETIME, LOGIN, TokenPair, Tokens
from airflow_provider_callkaro.sandbox.mrassistant.webhook import (
    SIGNATURE_HEADER,
    call_completed,
    retries_of,
    webhook_of,
)
from airflow_provider_callkaro.sandbox.request_log import RequestLog, Ring
from airflow_provider_callkaro.sandbox.settings import Settings
from airflow_provider_callkaro.sandbox.vendor import Answer, Asked, Handler, Refused, Vendor
from airflow_provider_callkaro.sandbox.webhooks.fates import EndedTry
from airflow_provider_callkaro.sandbox.webhooks.webhook import Webhook, hmac_of

UNKNOWN_AGENTS = "00000000"  # an agent whose id begins so does not exist
_IDS = UUID("3c90c3cc-0d44-4b50-8888-8dd25736052a")  # the example on the vendor's pages; ids are derived from it
_OPEN = frozenset({Endpoint.MRASSISTANT_TOKEN, Endpoint.MRASSISTANT_REFRESH})


@dataclass(frozen=True, slots=True, kw_only=True)
class MrAssistantCampaign:
    """One campaign that was created with MrAssistant, and so was started or scheduled. ``total_targets``: how many
    people it rings. ``fields``: the body with which it was created, without the targets."""

    campaign_id: str
    name: str
    agent_id: str
    total_targets: int
    fields: Mapping[str, Any] = field(repr=False)


class MrAssistant(Vendor):
    """MrAssistant's decisions. The API key is the password of the one user, and a token that never expires."""

    name = "MrAssistant"
    connection_type = "mrassistant"
    login = LOGIN
    prefixes = ("/auth/", "/campaigns", "/calls/", "/outbound/")
    campaigns_name = "mrassistant_campaigns"

    def __init__(self, *, settings: Settings, request_log: RequestLog) -> None:
        super().__init__(settings=settings, request_log=request_log)
        self.tokens = Tokens(api_key=settings.api_key)
        self._calls = Calls(call_seconds=settings.mrassistant_call_seconds)
        self._outbound = OutboundConfigs()
        self._lock = threading.Lock()
        self._campaigns: dict[str, MrAssistantCampaign] = {}

    def handlers(self) -> Mapping[VendorPath, Handler]:
        """What answers at each path."""
        return {
            Endpoint.MRASSISTANT_TOKEN: self._log_in,
            Endpoint.MRASSISTANT_REFRESH: self._refresh,
            Endpoint.MRASSISTANT_CAMPAIGNS: self._create_campaign,
            Endpoint.MRASSISTANT_OUTBOUND: self._place_call,
            Endpoint.MRASSISTANT_AGENT_CALLS: self._calls_of_agent,
            Endpoint.MRASSISTANT_CALL: self._call,
            Endpoint.MRASSISTANT_TRANSFER: self._transfer,
            Endpoint.MRASSISTANT_END: self._end,
            Endpoint.MRASSISTANT_CONFIGURE: self._configure,
            Endpoint.MRASSISTANT_CONFIGURATION: self._configuration,
        }

    @property
    def campaigns(self) -> list[MrAssistantCampaign]:
        """Every campaign, in order."""
        with self._lock:
            return list(self._campaigns.values())

    def campaigns_by_id(self) -> Mapping[str, MrAssistantCampaign]:
        """Every campaign, in order, by its id."""
        return {campaign.campaign_id: campaign for campaign in self.campaigns}

    def forget(self) -> None:
        """Forget campaigns, calls, configurations and tokens."""
        self.tokens.forget()
        self._calls.forget()
        self._outbound.forget()
        with self._lock:
            self._campaigns.clear()

    def check_key(self, asked: Asked) -> Answer | None:
        """Return the refusal if there is no good bearer token: 401. A login needs none."""
        if asked.endpoint in _OPEN:
            return None
        scheme, _, token = asked.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not self.tokens.is_good(token.strip()):
            return self.error(self.key_refused(401))
        return None

    def key_refused(self, status: int) -> Refused:
        """Refuse the token."""
        return Refused(status, "Not authenticated" if status == 401 else "Forbidden")

    def rejected(self, status: int, body: bytes) -> Refused:
        """Refuse the number of the call, or of the first target, and repeat it."""
        place: list[str | int] = ["body"]
        try:
            fields = json.loads(body)
            if "targets" in fields:
                place += ["targets", 0]
                fields = fields["targets"][0]
            number = str(fields["to_number"])
        except (ValueError, TypeError, KeyError, IndexError, RecursionError):
            number = "unknown"
        message = f"Number {number} ({number.removeprefix('+')}) is not reachable"
        finding = {
            "type": "value_error",
            "loc": [*place, "to_number"],
            "msg": f"Value error, {message}",
            "input": number,
        }
        return Refused(status, message, details=[finding] if status == 422 else None)

    def error(self, refusal: Refused) -> Answer:
        """Put a refusal in FastAPI's shape: ``detail`` is a text, or a list of findings."""
        return Answer(status=refusal.status, body={"detail": refusal.details or refusal.message})

    def webhook(self, ended: EndedTry) -> Mapping[str, object]:
        """What it tells of a try that has ended."""
        return call_completed(ended)

    def retries_of(self, ring: Ring) -> int:
        """How often it rings again where nobody answers: as often as the campaign asks for."""
        return retries_of(self._fields_of(ring))

    def own_webhook(self, ring: Ring) -> Webhook | None:
        """Whom the campaign says to tell."""
        return webhook_of(self._fields_of(ring))

    def signature(self, body: bytes, *, secret: str) -> Mapping[str, str]:
        """The header that signs a webhook; no page says what it is called."""
        return {SIGNATURE_HEADER: f"sha256={hmac_of(body, secret=secret)}"}

    def _fields_of(self, ring: Ring) -> Mapping[str, Any]:
        """The fields of the campaign to which a call belongs; none where it belongs to none."""
        campaign = self._campaigns.get(ring.batch_id or "")
        return campaign.fields if campaign else {}

    def _log_in(self, asked: Asked) -> Answer:
        fields = read_body(bodies.LogIn, asked.body)
        return _tokens(
            self.tokens.log_in(username=fields["username"], password=fields["password"]),
            otherwise="Incorrect username or password",
        )

    def _refresh(self, asked: Asked) -> Answer:
        fields = read_body(bodies.Refresh, asked.body)
        return _tokens(self.tokens.refresh(fields["refresh_token"]), otherwise="Invalid refresh token")

    def _create_campaign(self, asked: Asked) -> Answer:
        fields = read_body(bodies.Campaign, asked.body)
        _existing(fields["agent_id"])
        now = datetime.now(UTC)
        schedule_at = moment(fields["schedule_at"]) if fields.get("schedule_at") else None
        is_scheduled = schedule_at is not None and schedule_at > now
        targets = fields["targets"]
        with self._lock:
            campaign = MrAssistantCampaign(
                campaign_id=str(uuid5(_IDS, f"campaign {len(self._campaigns) + 1}")),
                name=fields["name"],
                agent_id=fields["agent_id"],
                total_targets=len(targets),
                fields={name: value for name, value in fields.items() if name != "targets"},
            )
            self._campaigns[campaign.campaign_id] = campaign
        for target in targets:
            self._ring(target, agent_id=campaign.agent_id, batch_id=campaign.campaign_id, schedule_at=schedule_at)
        body = {
            "campaign_id": campaign.campaign_id,
            "agent_id": campaign.agent_id,
            "name": campaign.name,
            "total_targets": campaign.total_targets,
            "status": "scheduled" if is_scheduled else "running",
            "scheduled_at": fields.get("schedule_at"),
            "started_at": None if is_scheduled else now.isoformat(),
            "calls_initiated": 0,
            "calls_completed": 0,
            "calls_failed": 0,
        }
        return Answer(status=201, body=body)

    def _place_call(self, asked: Asked) -> Answer:
        fields = read_body(bodies.Call, asked.body)
        agent_id = _existing(fields["agent_id"])
        ring = self._ring(fields, agent_id=agent_id, batch_id=None, schedule_at=None)
        return Answer(body=self._calls.placed(ring))

    def _ring(
        self, target: Mapping[str, Any], *, agent_id: str, batch_id: str | None, schedule_at: datetime | None
    ) -> Ring:
        ring = self._request_log.ring(
            vendor=self.name,
            call_id=_call_id,
            to_number=without_spaces(target["to_number"]),
            agent_id=agent_id,
            batch_id=batch_id,
            metadata=target.get("context"),
            body=target,
            schedule_at=schedule_at,
        )
        self._calls.add(ring)
        return ring

    def _call(self, asked: Asked) -> Answer:
        return Answer(body=self._calls.report(asked.id, now=datetime.now(UTC)))

    def _calls_of_agent(self, asked: Asked) -> Answer:
        query = asked.query
        page = bodies.read_page(query)
        listed = [call for call in self._calls.of_agent(asked.id, now=datetime.now(UTC)) if _passes(call, query)]
        return Answer(body={"calls": listed[page.offset : page.offset + page.limit], "total": len(listed)})

    def _transfer(self, asked: Asked) -> Answer:
        fields = read_body(bodies.Transfer, asked.body)
        call = self._calls.report(asked.id, now=datetime.now(UTC))
        if call["status"] == "ended":
            raise Refused(400, "Call is not active")
        return Answer(
            body={
                "call_id": asked.id,
                "status": "transferred",
                "transfer_to": fields["transfer_to"],
                "transfer_type": fields.get("transfer_type", "cold"),
            }
        )

    def _end(self, asked: Asked) -> Answer:
        self._calls.end(asked.id, now=datetime.now(UTC))
        return Answer(body={"call_id": asked.id, "status": "ended"})

    def _configure(self, asked: Asked) -> Answer:
        fields = read_body(bodies.OutboundConfig, asked.body)
        self._outbound.write(_existing(asked.id), fields)
        return self._configuration(asked)

    def _configuration(self, asked: Asked) -> Answer:
        now = datetime.now(UTC)
        today = sum(
            datetime.fromisoformat(call["started_at"]).date() == now.date()
            for call in self._calls.of_agent(_existing(asked.id), now=now)
        )
        return Answer(body=self._outbound.report(asked.id, now=now, calls_today=today))


_FILTERS: dict[str, Callable[[Mapping[str, Any], str], bool]] = {
    "direction": lambda call, wanted: call["direction"] == wanted,
    "status_filter": lambda call, wanted: call["status"] == wanted,
    "start_date": lambda call, wanted: datetime.fromisoformat(call["started_at"]) >= moment(wanted),
    "end_date": lambda call, wanted: datetime.fromisoformat(call["started_at"]) <= moment(wanted),
}


def _passes(call: Mapping[str, object], query: Mapping[str, str]) -> bool:
    return all(passes(call, query[name]) for name, passes in _FILTERS.items() if name in query)


def _tokens(pair: TokenPair | None, *, otherwise: str) -> Answer:
    if pair is None:
        raise Refused(401, otherwise)
    body = {"access_token": pair.access, "refresh_token": pair.refresh, "token_type": "bearer", "expires_in": LIFETIME}
    return Answer(body=body)


def _existing(agent_id: str) -> str:
    if agent_id.startswith(UNKNOWN_AGENTS):
        raise Refused(404, "Agent not found")
    return agent_id


def _call_id(calls_before: int) -> str:
    return str(uuid5(_IDS, f"call {calls_before + 1}"))
