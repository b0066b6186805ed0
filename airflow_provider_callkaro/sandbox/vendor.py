"""What the vendor decides: is the key right, does the agent exist, is the call accepted.

Plain functions of a request and the book; no sockets, no faults. Statuses and words are those of the vendor's
documentation; where it is silent (an unknown batch_id, another agent than the campaign's) the answer is a 400 whose
words are the sandbox's own.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from airflow_provider_callkaro.sandbox.book import Book, Campaign
from airflow_provider_callkaro.sandbox.faults import Endpoint
from airflow_provider_callkaro.sandbox.reading import (
    OutboundCall,
    Refused,
    optional_text,
    read_campaign_name,
    read_number_to_delete,
    read_object,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request to the vendor.

    :param key: the header ``X-API-KEY``; None if it is absent.
    :param agent_id: the query parameter of that name; empty if it is absent.
    :param body: as it came, undecoded.
    """

    endpoint: Endpoint
    key: str | None
    agent_id: str = ""
    content_type: str = ""
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer of the vendor: a status and a JSON object."""

    status: int = 200
    body: Mapping[str, Any]

    @property
    def is_accepted(self) -> bool:
        """Whether the vendor did what it was asked to."""
        return self.status == 200

    @classmethod
    def error(cls, status: int, message: str) -> Answer:
        """Build an answer in the vendor's one error shape."""
        return cls(status=status, body={"status": "error", "message": message})


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The customer's account with the vendor.

    :param api_key: the one key that is right.
    :param unknown_agents: patterns (``*`` and ``?``) of agent ids that do not exist; every other agent does.
    :param do_not_disturb: numbers that the account must not ring, with ``+``.
    """

    api_key: str = field(repr=False)
    unknown_agents: Collection[str]
    do_not_disturb: Collection[str] = field(repr=False)


class StandIn:
    """The vendor's decisions.

    :param account: whose key, agents and numbers.
    :param book: where rings and campaigns are written.
    """

    def __init__(self, *, account: Account, book: Book) -> None:
        self._account = account
        self._book = book
        self._by_endpoint = {
            Endpoint.OUTBOUND: self._place_call,
            Endpoint.CAMPAIGN: self._create_campaign,
            Endpoint.CAMPAIGN_V2: self._create_campaign_v2,
            Endpoint.DELETE_SCHEDULED: self._delete_scheduled,
        }

    def check_key(self, asked: Asked) -> Answer | None:
        """Return the refusal if the key is missing or wrong. The vendor answers 403 to both, never 401."""
        if asked.key is None:
            return Answer.error(403, "Missing X-API-KEY in headers")
        if not hmac.compare_digest(asked.key.encode(), self._account.api_key.encode()):
            return Answer.error(403, "Invalid API key")
        return None

    def answer(self, asked: Asked) -> Answer:
        """Do what is asked, or refuse."""
        try:
            return self._by_endpoint[asked.endpoint](asked)
        except Refused as refusal:
            return Answer.error(refusal.status, refusal.message)

    def _place_call(self, asked: Asked) -> Answer:
        call = OutboundCall.read(asked.body)
        agent_id = self._agent_of(call)
        if call.to_number in self._account.do_not_disturb:
            raise Refused(400, "DND_NUMBER")
        ring = self._book.ring(call, agent_id=agent_id)
        return Answer(
            body={"status": "success", "message": "Call initiated successfully", "call_id": ring.call_id},
        )

    def _agent_of(self, call: OutboundCall) -> str:
        agent_id = call.agent_id
        if call.batch_id is not None:
            campaign = self._book.campaign(call.batch_id)
            if campaign is None:
                raise Refused(400, "Campaign does not exist")
            if campaign.agent_id is not None and agent_id not in (None, campaign.agent_id):
                raise Refused(400, "agent_id differs from the agent of the campaign")
            agent_id = agent_id or campaign.agent_id
        return self._existing_agent(agent_id)

    def _existing_agent(self, agent_id: str | None) -> str:
        if agent_id is None:
            raise Refused(400, "Missing agent_id")
        if any(fnmatchcase(agent_id, pattern) for pattern in self._account.unknown_agents):
            raise Refused(404, "Agent does not exist")
        return agent_id

    def _create_campaign(self, asked: Asked) -> Answer:
        fields = read_object(asked.body)
        name = read_campaign_name(fields)
        agent_id = self._existing_agent(optional_text(fields, "agent_id"))
        return _campaign_created(self._book.create_campaign(name=name, agent_id=agent_id))

    def _create_campaign_v2(self, asked: Asked) -> Answer:
        name = read_campaign_name(read_object(asked.body))
        return _campaign_created(self._book.create_campaign(name=name, agent_id=None))

    def _delete_scheduled(self, asked: Asked) -> Answer:
        if not asked.agent_id:
            raise Refused(400, "Missing agent_id in request query")
        digits = read_number_to_delete(asked.body, content_type=asked.content_type)
        self._book.delete_scheduled(agent_id=asked.agent_id, digits=digits)
        return Answer(body={"status": "success", "message": "Scheduled call deleted successfully"})


def _campaign_created(campaign: Campaign) -> Answer:
    return Answer(body={"batch_id": campaign.batch_id, "message": "Campaign created successfully", "status": "success"})
