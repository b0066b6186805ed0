"""MrAssistant's HTTP API: what to ask, and how to read the answer.

The request that creates a campaign starts it, and so rings up to a thousand phones. No harmless step comes before it,
and nothing takes it back. Source: the create campaign page, and the pages of the routes for tokens and calls. Where
they are silent, answers are read tolerantly.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any, ClassVar

from airflow_provider_callkaro.calls.call import Call
from airflow_provider_callkaro.calls.outcome import Reason
from airflow_provider_callkaro.exceptions import AllRejected, ConfigurationError, Rejected
from airflow_provider_callkaro.vendors.answers import Tokens, first_text, read_accepted, text_in, unclear, whole_in
from airflow_provider_callkaro.vendors.http import Request, Response
from airflow_provider_callkaro.vendors.mrassistant.calls import MrAssistantCalls, utc_text, without_echo, without_text
from airflow_provider_callkaro.vendors.mrassistant.fields import (
    ROW_FIELDS,
    ROW_SCHEMA,
    SECRET_FIELDS,
    SHOWN_FIELDS,
    own_fields_of,
)
from airflow_provider_callkaro.vendors.mrassistant.outbound import DayNumbers, MrAssistantOutbound
from airflow_provider_callkaro.vendors.mrassistant.settings import (
    CAMPAIGN_FIELDS,
    MAX_NAME,
    MAX_TARGETS,
    CampaignSettings,
    check_name,
)

__all__ = [
    "MAX_NAME",
    "MAX_TARGETS",
    "ROW_SCHEMA",
    "CampaignSettings",
    "CreatedCampaign",
    "MrAssistant",
    "invalid_target_indexes",
]

_CAMPAIGN_ID = ("campaign_id", "id")
_SETTINGS = CAMPAIGN_FIELDS - {"agent_id", "targets", "schedule_at"}  # the same for every campaign of a run
_STATUSES = frozenset(
    {"active", "completed", "created", "draft", "in_progress", "pending", "queued", "running", "scheduled", "started"}
)
_MOMENT = re.compile(r"\s*2[0-9]{3}-[0-9]{2}-[0-9]{2}[T ][0-9:.]{5,15}(?:Z|[+-][0-9:]{2,6})?\s*", re.ASCII)
_MAX_TOKEN = 8_000  # characters; ours, far above any token, and below what servers take in one header


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedCampaign:
    """A campaign that MrAssistant accepted. All but its id may be missing.

    :param status: a word; which ones there are is not documented.
    :param scheduled_at: when it will start, as the vendor writes it; the request calls it ``schedule_at``.
    :param raw: the whole answer.
    """

    campaign_id: str
    agent_id: str | None = None
    name: str | None = field(default=None, repr=False)
    total_targets: int | None = None
    status: str | None = None
    scheduled_at: str | None = None
    started_at: str | None = None
    calls_initiated: int | None = None
    calls_completed: int | None = None
    calls_failed: int | None = None
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)


class MrAssistant(MrAssistantCalls, MrAssistantOutbound):
    """What MrAssistant's API says. ``schedule_timezone``: the zone of a ``schedule_at`` without an offset; None refuses
    it. The vendor gets every time in UTC. ``day_numbers``: what the numbers in ``days_of_week`` mean, which is not
    documented; None refuses to guess."""

    row_fields: ClassVar[Mapping[str, Callable[[Any], Any]]] = ROW_FIELDS

    def __init__(self, *, schedule_timezone: tzinfo | None = None, day_numbers: DayNumbers | None = None) -> None:
        self.schedule_timezone = schedule_timezone
        self.day_numbers = day_numbers

    @staticmethod
    def headers(token: str | None = None) -> dict[str, str]:
        """The headers of every request. ``token``: the bearer token; None where it expires, and the transport adds it
        to each request."""
        auth_headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        return {**auth_headers, "Content-Type": "application/json", "Accept": "application/json"}

    def log_in(self, username: str, password: str) -> Request:
        """Tokens for a login. Rings nobody."""
        body = {"username": username, "password": password}
        return Request.json("POST", "/auth/token", body, secret_fields=SECRET_FIELDS)

    def refresh(self, refresh_token: str) -> Request:
        """New tokens for a refresh token, which is then spent. Rings nobody."""
        return Request.json("POST", "/auth/refresh", {"refresh_token": refresh_token}, secret_fields=SECRET_FIELDS)

    def read_tokens(self, response: Response) -> Tokens:
        """The tokens; the access token lives about a day, the refresh token about a month. Raises VendorError if the
        answer has none, or refuses."""
        answer = read_accepted(self.name, without_text(response))
        access = _token(answer.get("access_token"))
        if access is None:
            raise unclear(self.name, response, "without a token")
        return Tokens(access=access, refresh=_token(answer.get("refresh_token")))

    def create_campaign(
        self,
        settings: CampaignSettings,
        *,
        name: str,
        agent_id: str,
        targets: Sequence[Call],
        schedule_at: datetime | None,
    ) -> Request:
        """A campaign, which starts at once or at ``schedule_at``. Rings the phones of all its targets.

        :param settings: what the campaign has beside its targets; the name in it is not used here.
        :param name: what this campaign is called, 1 to 255 characters.
        :param targets: 1 to 1,000 calls. Their agent and their time are those of the campaign.
        :param schedule_at: when it starts, sent in UTC; None: at once.
        :raises ConfigurationError: an argument is out of its range, or a call asks for what a campaign does not have.
        :raises InvalidCall: a field of a call's ``extra`` is out of its range.
        """
        check_name(name)
        if not isinstance(agent_id, str) or not agent_id.strip():
            raise ConfigurationError(
                "a campaign needs an agent: set agent_id, or set it in the extra of the connection"
            )
        if not 1 <= len(targets) <= MAX_TARGETS:
            raise ConfigurationError(f"a campaign must have 1 to {MAX_TARGETS} targets")
        body: dict[str, Any] = {"agent_id": agent_id, "name": name, "targets": [_target(call) for call in targets]}
        if schedule_at is not None:
            body["schedule_at"] = utc_text("schedule_at", schedule_at, zone=self.schedule_timezone)
        body["concurrent_calls"] = settings.concurrent_calls
        body["retry_failed"] = settings.retry_failed
        body["retry_attempts"] = settings.retry_attempts
        optional = ("context", "webhook_url", "webhook_secret")
        body |= {field: value for field in optional if (value := getattr(settings, field)) is not None}
        body["notify_on_call_complete"] = settings.notify_on_call_complete
        body |= settings.extra_fields
        return Request.json(
            "POST", "/campaigns", body, retry_safe=False, shown_fields=SHOWN_FIELDS, secret_fields=SECRET_FIELDS
        )

    def read_campaign(self, response: Response, *, targets: int = MAX_TARGETS) -> CreatedCampaign:
        """The campaign just created.

        :param targets: how many were sent; an index beyond them is ignored.
        :raises Rejected: with ``invalid_indexes``, where the answer says which targets are at fault.
        :raises AllRejected: the answer finds fault with settings that every campaign of the run has.
        :raises OutcomeUnknown: MrAssistant may have accepted it, but gave no id.
        """
        try:
            answer = read_accepted(self.name, without_echo(response), ringing_ids=_CAMPAIGN_ID)
        except Rejected as error:
            error.invalid_indexes = frozenset(index for index in invalid_target_indexes(response) if index < targets)
            if not error.invalid_indexes and _finds_fault_with_settings(response):
                raise AllRejected(
                    f"{error}: correct what the campaign is given",
                    vendor=error.vendor,
                    status=error.status,
                    request_id=error.request_id,
                ) from None
            raise
        found = first_text(answer, _CAMPAIGN_ID)
        if found is None:
            raise unclear(self.name, response, "without a campaign id", reason=Reason.NO_CALL_ID)
        nested = answer.get("data")
        campaign = nested if isinstance(nested, dict) and found[0] not in answer else answer
        return CreatedCampaign(
            campaign_id=response.label(found[1]),
            agent_id=text_in(campaign.get("agent_id")),
            name=text_in(campaign.get("name")),
            total_targets=whole_in(campaign.get("total_targets")),
            status=_shown(response, campaign, "status"),
            scheduled_at=_shown(response, campaign, "scheduled_at"),
            started_at=_shown(response, campaign, "started_at"),
            calls_initiated=whole_in(campaign.get("calls_initiated")),
            calls_completed=whole_in(campaign.get("calls_completed")),
            calls_failed=whole_in(campaign.get("calls_failed")),
            raw=answer,
        )


def invalid_target_indexes(response: Response) -> frozenset[int]:
    """The indexes, from 0, of the targets that a validation found fault with; empty where it names none."""
    detail = response.json_object().get("detail")
    invalid_indexes: set[int] = set()
    for finding in detail if isinstance(detail, list) else ():
        place = finding.get("loc") if isinstance(finding, dict) else None
        if isinstance(place, list) and place[:2] == ["body", "targets"] and len(place) > 2:
            index = whole_in(place[2])
            if index is not None and index >= 0:
                invalid_indexes.add(index)
    return frozenset(invalid_indexes)


def _finds_fault_with_settings(response: Response) -> bool:
    """Whether a validation names fields of the campaign beside its targets and its agent, which rows may choose."""
    detail = response.json_object().get("detail") if response.status == 422 else None
    places = [each.get("loc") for each in detail if isinstance(each, dict)] if isinstance(detail, list) else []
    named = {place[1] for place in places if isinstance(place, list) and place[:1] == ["body"] and len(place) > 1}
    return bool(named) and named <= _SETTINGS


def _target(call: Call) -> dict[str, Any]:
    target: dict[str, Any] = {"to_number": call.to_number, **own_fields_of(call, ROW_FIELDS)}
    if call.metadata:
        target["context"] = dict(call.metadata)
    return target


def _token(value: object) -> str | None:
    """The token, if a header can carry it."""
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_TOKEN:
        return None
    return value if value.isascii() and value.isprintable() and " " not in value else None


def _shown(response: Response, answer: Mapping[str, object], name: str) -> str | None:
    """A word or a time of the answer, redacted unless it is a known state or a plain time."""
    text = text_in(answer.get(name))
    if text is None or text.lower() in _STATUSES or _MOMENT.fullmatch(text):
        return text
    return response.scrub().shown(text)
