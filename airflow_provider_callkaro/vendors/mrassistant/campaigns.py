"""A long list as MrAssistant campaigns: so many targets in each, with numbered names.

A campaign has one agent and one time for all its targets, so only calls that agree in both go together. The number in
a name follows from the row at which its campaign begins, and only grows: a retry of the task counts on where the first
try stopped.
"""

from __future__ import annotations

import threading
from collections.abc import Hashable, Sequence
from datetime import datetime
from typing import Any

from airflow_provider_callkaro.calls.call import Call
from airflow_provider_callkaro.calls.masking import mask_text
from airflow_provider_callkaro.calls.outcome import Reason
from airflow_provider_callkaro.exceptions import OutcomeUnknown
from airflow_provider_callkaro.vendors.answers import PlacedCall
from airflow_provider_callkaro.vendors.http import Request, Response
from airflow_provider_callkaro.vendors.mrassistant.api import CreatedCampaign, MrAssistant
from airflow_provider_callkaro.vendors.mrassistant.settings import MAX_NAME, CampaignSettings, read_targets_per_campaign

MAX_CAMPAIGNS_SHOWN = 100  # campaigns; ours: a list of a million may make 20,000, and an XCom is no place for them
SHOWN = ("campaign_id", "status", "total_targets", "calls_initiated", "calls_completed", "calls_failed")
"""What an XCom says of a campaign, beside when it starts; of one that an earlier try created, only the id is known."""
MAX_WORD_LENGTH = 60  # characters of a status or a time; ours, so that no answer can fill an XCom


class MrAssistantCampaigns:
    """Places the calls of one run as campaigns, and remembers which ones MrAssistant created.

    Two threads share what it remembers: the dialler reads answers on its own thread, while the task's thread adds
    campaigns of earlier tries and asks for all of them. A lock guards it.

    :param api: what MrAssistant's API says.
    :param settings: the settings of every campaign; the name gets a number where the list makes several.
    :param targets_per_campaign: 1 to 1,000, or the text of it. Source: create campaign, ``targets``.
    :param part: which part of a list these are, for the names; None where it is the whole list.
    :raises ConfigurationError: the number of targets is out of its range.
    """

    def __init__(
        self, api: MrAssistant, settings: CampaignSettings, *, targets_per_campaign: int | str, part: int | None = None
    ) -> None:
        self.name = api.name
        self.calls_per_request = read_targets_per_campaign(targets_per_campaign)
        self._api = api
        self._settings = settings
        self._part = "" if part is None else f" part {part},"
        self._number = 0
        self._names: dict[int, str] = {}  # by the row at which a campaign begins; one that has to wait keeps its own
        self._lock = threading.Lock()
        self._known: dict[str, dict[str, Any]] = {}
        self._ids: set[int] = set()  # a hash of each id: a list may make a million campaigns of one target

    def batch_key(self, call: Call) -> Hashable:
        """What the targets of a campaign have in common: who speaks, and when they are rung."""
        return call.agent_id, call.schedule_at

    def place_calls(self, calls: Sequence[Call], *, first_row: int, is_whole_list: bool) -> Request:
        """One campaign, which starts at once or at its time. Rings phones."""
        if first_row not in self._names:
            self._number = max(self._number + 1, -(-first_row // self.calls_per_request))
            self._names[first_row] = self._name(alone=is_whole_list and self._number == 1)
        return self._api.create_campaign(
            self._settings,
            name=self._names[first_row],
            agent_id=calls[0].agent_id or "",
            targets=calls,
            schedule_at=calls[0].rings_at,
        )

    def read_placed_calls(self, response: Response, *, calls: int) -> PlacedCall:
        """The campaign just created, which `created` lists from now on. May be called from any thread.

        :raises OutcomeUnknown: MrAssistant may have accepted it but gave no id, or accepted only some of its targets
            and does not say which.
        """
        created = self._api.read_campaign(response, targets=calls)
        self._remember(created)
        if created.total_targets is not None and created.total_targets != calls:
            raise OutcomeUnknown(
                f"{self.name} took {created.total_targets} of {calls} targets for campaign {created.campaign_id}, and "
                "does not say which",
                vendor=self.name,
                status=response.status,
                request_id=response.request_id,
                reason=Reason.PARTLY_ACCEPTED,
            )
        return PlacedCall(created.campaign_id, "campaign_id", {})

    def remember(self, campaign_id: str) -> None:
        """Remember a campaign that an earlier try created, of which the ledger knows the id. May be called from any
        thread, and as often as the ledger has calls of it."""
        self._remember(CreatedCampaign(campaign_id=campaign_id))

    def created(self) -> dict[str, Any]:
        """The campaigns of the run, as plain JSON for an XCom. May be called from any thread.

        :return: ``count``, how many MrAssistant created (with those that it accepted in part), and ``campaigns``, the
            first 100 of them in the order in which they became known, each as MrAssistant described it when it was
            created; no route shows its state later. Of one that an earlier try created, only the id is known.
        """
        with self._lock:
            return {"count": len(self._ids), "campaigns": [dict(campaign) for campaign in self._known.values()]}

    def _remember(self, campaign: CreatedCampaign) -> None:
        with self._lock:
            self._ids.add(hash(campaign.campaign_id))
            known = self._known.get(campaign.campaign_id)
            is_new = known is None and len(self._known) < MAX_CAMPAIGNS_SHOWN
            is_more = known is not None and known["total_targets"] is None and campaign.total_targets is not None
            if is_new or is_more:
                self._known[campaign.campaign_id] = _as_shown(campaign)

    def _name(self, *, alone: bool) -> str:
        suffix = "" if alone and not self._part else f"{self._part} {self._number}"
        return f"{self._settings.name[: MAX_NAME - len(suffix)]}{suffix}"


def _as_shown(campaign: CreatedCampaign) -> dict[str, Any]:
    """A campaign for an XCom: short, and without phone numbers."""
    shown = {name: getattr(campaign, name) for name in SHOWN} | {"status": _word(campaign.status)}
    return shown | {"scheduled_at": _moment(campaign.scheduled_at), "started_at": _moment(campaign.started_at)}


def _word(text: str | None) -> str | None:
    return None if text is None else mask_text(text, limit=MAX_WORD_LENGTH)


def _moment(text: str | None) -> str | None:
    """A time as the vendor writes it. Any other text is masked, which would hide the digits of a time too."""
    if text is None or len(text) > MAX_WORD_LENGTH:
        return None
    try:
        datetime.fromisoformat(text.strip())
    except ValueError:
        return _word(text)
    return text.strip()
