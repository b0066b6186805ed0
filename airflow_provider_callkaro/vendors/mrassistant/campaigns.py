"""A long list as MrAssistant campaigns: so many targets in each, named in sequence, and told of when all is done.

A campaign has one agent and one time for all its targets, and starts by itself, so only calls that agree in both go
together. A name's number follows from the row at which its campaign begins, and never falls: a retry of the task goes
on counting where the first try left off.
"""

from __future__ import annotations

import threading
from collections.abc import Hashable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from airflow_provider_callkaro.calls.call import Call
from airflow_provider_callkaro.calls.masking import mask_text
from airflow_provider_callkaro.calls.outcome import Reason
from airflow_provider_callkaro.exceptions import OutcomeUnknown
from airflow_provider_callkaro.vendors.answers import PlacedCall
from airflow_provider_callkaro.vendors.http import Request, Response
from airflow_provider_callkaro.vendors.mrassistant.api import CreatedCampaign, MrAssistant
from airflow_provider_callkaro.vendors.mrassistant.settings import (
    MAX_NAME,
    CampaignSettings,
    read_targets_per_campaign,
)

MAX_TOLD = 100  # campaigns; ours: a list of a million may make 20,000, and an XCom is no place for them
MAX_WORD = 60  # characters of a status or a time; ours, so that no answer can fill an XCom


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignTold:
    """A campaign as MrAssistant told of it when it was created; nothing tells how it stands later.

    Of one that an earlier try created only the id is known.

    :param campaign_id: the vendor's id of the campaign.
    :param status: the vendor's word, such as ``running``; which ones there are is not documented.
    :param total_targets: how many targets the vendor took.
    :param calls_initiated: how many calls had begun by then.
    :param calls_completed: how many had ended well by then.
    :param calls_failed: how many had failed by then.
    :param scheduled_at: when it will start, as the vendor says it; None: at once.
    :param started_at: when it started, as the vendor says it.
    """

    campaign_id: str
    status: str | None = None
    total_targets: int | None = None
    calls_initiated: int | None = None
    calls_completed: int | None = None
    calls_failed: int | None = None
    scheduled_at: str | None = None
    started_at: str | None = None

    @classmethod
    def of(cls, campaign: CreatedCampaign) -> CampaignTold:
        """What is told of a campaign that was just created, fit to be shown: short, and without phone numbers."""
        return cls(
            campaign_id=campaign.campaign_id,
            status=_word(campaign.status),
            total_targets=campaign.total_targets,
            calls_initiated=campaign.calls_initiated,
            calls_completed=campaign.calls_completed,
            calls_failed=campaign.calls_failed,
            scheduled_at=_moment(campaign.scheduled_at),
            started_at=_moment(campaign.started_at),
        )


class MrAssistantCampaigns:
    """Takes the calls of one run as campaigns, and remembers which ones MrAssistant created.

    What is remembered may be read and written from any thread: the dialler reads answers in a thread of its own.

    :param api: what MrAssistant's API says.
    :param settings: of every campaign; its name is numbered where the list makes several.
    :param targets_per_campaign: 1 to 1,000, or the text of it. Source: create campaign, ``targets``.
    :param part: which part of a list these are, for the names; None where it is the whole list.
    :raises ConfigurationError: the number of targets is out of its range.
    """

    def __init__(
        self,
        api: MrAssistant,
        settings: CampaignSettings,
        *,
        targets_per_campaign: int | str,
        part: int | None = None,
    ) -> None:
        self.name = api.name
        self.calls_per_request = read_targets_per_campaign(targets_per_campaign)
        self._api = api
        self._settings = settings
        self._part = "" if part is None else f" part {part},"
        self._number = 0
        self._names: dict[int, str] = {}  # by the row at which a campaign begins; one that has to wait keeps its own
        self._lock = threading.Lock()
        self._told: dict[str, CampaignTold] = {}
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
        """The campaign just created; `created` tells of it from now on. May be called from any thread.

        :raises OutcomeUnknown: MrAssistant took it, perhaps, but did not say under which id, or took only a part of its
            targets and does not say which.
        """
        created = self._api.read_campaign(response, targets=calls)
        self._remember(CampaignTold.of(created))
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
        thread, and as often as the ledger has calls of it.

        :param campaign_id: the ``call_id`` under which the ledger keeps the calls of the campaign.
        """
        self._remember(CampaignTold(campaign_id=campaign_id))

    def created(self) -> dict[str, Any]:
        """Which campaigns there are, as plain JSON for an XCom. May be called from any thread.

        :return: ``count``, how many MrAssistant created, those of which it took only a part too, and ``campaigns``, the
            first 100 of them in the order in which they came to be known, each with the fields of `CampaignTold`.
        """
        with self._lock:
            told = list(self._told.values())
            count = len(self._ids)
        return {"count": count, "campaigns": [asdict(campaign) for campaign in told]}

    def _remember(self, campaign: CampaignTold) -> None:
        with self._lock:
            self._ids.add(hash(campaign.campaign_id))
            known = self._told.get(campaign.campaign_id)
            is_new = known is None and len(self._told) < MAX_TOLD
            is_more = known is not None and known.total_targets is None and campaign.total_targets is not None
            if is_new or is_more:
                self._told[campaign.campaign_id] = campaign

    def _name(self, *, alone: bool) -> str:
        suffix = "" if alone and not self._part else f"{self._part} {self._number}"
        return f"{self._settings.name[: MAX_NAME - len(suffix)]}{suffix}"


def _word(text: str | None) -> str | None:
    return None if text is None else mask_text(text, limit=MAX_WORD)


def _moment(text: str | None) -> str | None:
    """A time as the vendor writes it, and nothing else: its digits would be masked as those of a number."""
    if text is None or len(text) > MAX_WORD:
        return None
    try:
        datetime.fromisoformat(text.strip())
    except ValueError:
        return _word(text)
    return text.strip()
