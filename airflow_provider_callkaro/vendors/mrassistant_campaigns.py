"""A long list as MrAssistant campaigns: so many targets in each, named in sequence.

A campaign has one agent and one time for all its targets, and starts by itself, so only calls that agree in both go
together. A name's number follows from the row at which its campaign begins, and never falls: a retry of the task goes
on counting where the first try left off.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from airflow_provider_callkaro.calls.call import Call
from airflow_provider_callkaro.calls.outcome import Reason
from airflow_provider_callkaro.exceptions import ConfigurationError, OutcomeUnknown
from airflow_provider_callkaro.vendors.answers import PlacedCall
from airflow_provider_callkaro.vendors.http import Request, Response
from airflow_provider_callkaro.vendors.mrassistant import MAX_NAME, MAX_TARGETS, CampaignSettings, MrAssistant


class MrAssistantCampaigns:
    """Takes the calls of one run as campaigns.

    :param api: what MrAssistant's API says.
    :param settings: of every campaign; its name is numbered where the list makes several.
    :param targets_per_campaign: 1 to 1,000. Source: create campaign, ``targets``.
    :param part: which part of a list these are, for the names; None where it is the whole list.
    :raises ConfigurationError: the number of targets is out of its range.
    """

    def __init__(
        self,
        api: MrAssistant,
        settings: CampaignSettings,
        *,
        targets_per_campaign: int,
        part: int | None = None,
    ) -> None:
        if not 1 <= targets_per_campaign <= MAX_TARGETS:
            raise ConfigurationError(f"targets_per_campaign must be from 1 to {MAX_TARGETS}")
        self.name = api.name
        self.calls_per_request = targets_per_campaign
        self._api = api
        self._settings = settings
        self._part = "" if part is None else f" part {part},"
        self._number = 0
        self._names: dict[int, str] = {}  # by the row at which a campaign begins; one that has to wait keeps its own

    def company(self, call: Call) -> Hashable:
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
            schedule_at=calls[0].schedule_at,
        )

    def read_placed_calls(self, response: Response, *, calls: int) -> PlacedCall:
        """The campaign just created.

        :raises OutcomeUnknown: MrAssistant took it, perhaps, but did not say under which id, or took only a part of its
            targets and does not say which.
        """
        created = self._api.read_campaign(response, self._settings, targets=calls)
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

    def _name(self, *, alone: bool) -> str:
        suffix = "" if alone and not self._part else f"{self._part} {self._number}"
        return f"{self._settings.name[: MAX_NAME - len(suffix)]}{suffix}"
