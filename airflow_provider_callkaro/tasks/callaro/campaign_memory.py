"""What a task's state remembers of what the task made in Callaro, from one try to the next (Airflow 3.3 and later).

Each fact has a key of its own and is written when it becomes true, because a worker may die between any two of them.
Without a task state nothing is remembered, and every question gets the answer of a first try.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from enum import StrEnum
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from airflow_provider_callkaro.tasks.task_state import keep, task_state_of
from airflow_provider_callkaro.vendors.callaro.answers import CallaroCampaign, CampaignId

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


CAMPAIGN = "callaro_campaign"
FIELDS = "callaro_fields"
LAUNCH = "callaro_launch"
PAUSE = "callaro_run"
ON_TIME = "callaro_admitted"
MADE = "callaro_made"

log = logging.getLogger(__name__)


class Launch(StrEnum):
    """How far a launch of the campaign has come."""

    SENT = "sent"
    """A try was about to send it: Callaro may have taken it."""
    TAKEN = "taken"
    """Callaro took it."""


class CampaignMemory:
    """What the task's state remembers of its campaign. ``context``: what Airflow gave to this try."""

    def __init__(self, context: Context) -> None:
        self._store = task_state_of(context)

    @property
    def lasts(self) -> bool:
        """Whether the next try will remember anything."""
        return self._store is not None

    @property
    def campaign_id(self) -> CampaignId | None:
        """The campaign that an earlier try made."""
        found: CampaignId | None = self._get(CAMPAIGN).get("campaign_id")
        return found

    def keep_campaign(self, campaign_id: CampaignId) -> None:
        """Remember which campaign is the task's own."""
        self._set(CAMPAIGN, {"campaign_id": campaign_id})

    def forget_campaign(self) -> None:
        """Make the next try look for its campaign in the list again."""
        self._set(CAMPAIGN, {})

    def keep_fields(self, fields: Mapping[str, Any]) -> None:
        """Remember the digest of the fields with which the campaign is made."""
        self._set(FIELDS, {"digest": _digest(fields)})

    def has_other_fields(self, fields: Mapping[str, Any]) -> bool:
        """Whether the campaign was certainly made with other fields than these."""
        known = self._get(FIELDS).get("digest")
        return known is not None and known != _digest(fields)

    def launch_of(self, campaign_id: CampaignId) -> Launch | None:
        """How far a launch of this campaign has come; None: no try has sent one."""
        record = self._get(LAUNCH)
        return Launch(record["launch"]) if str(record.get("campaign_id")) == str(campaign_id) else None

    def keep_launch(self, campaign_id: CampaignId, launch: Launch) -> None:
        """Remember how far the launch has come."""
        self._set(LAUNCH, {"campaign_id": campaign_id, "launch": launch.value})

    @property
    def was_on_time(self) -> bool:
        """Whether the run was on time when it started first: then it never becomes stale, however long it waits."""
        return self._get(ON_TIME).get("admitted") is True or "launch" in self._get(LAUNCH)

    def keep_on_time(self) -> None:
        """Remember that the run was on time."""
        self._set(ON_TIME, {"admitted": True})

    @property
    def making(self) -> Launch | None:
        """How far the making of a thing that must exist once has come: a template, an import."""
        record = self._get(MADE).get("made")
        return None if record is None else Launch(record)

    @property
    def made_id(self) -> CampaignId | None:
        """The id of what was made; None where Callaro gave none."""
        found: CampaignId | None = self._get(MADE).get("id")
        return found

    def keep_making(self, made: Launch, made_id: CampaignId | None = None) -> None:
        """Remember how far the making of that thing has come."""
        self._set(MADE, {"made": made.value, "id": made_id})

    def forget_making(self) -> None:
        """Forget it: certainly nothing was made."""
        self._set(MADE, {})

    def keep_pause(self, paused: CallaroCampaign) -> None:
        """Remember that this task paused the campaign, and when, where Callaro says when. Airflow may take nothing more
        from a try that it has ended: then the log says what the next try will wait for."""
        try:
            self._set(PAUSE, {"paused": True, "paused_at": _paused_at(paused)})
        except Exception as error:
            log.error(
                "It could not be remembered that this task paused campaign %s (%s): the next try waits until somebody "
                "resumes or cancels it in Callaro",
                paused.id,
                type(error).__name__,
            )

    def forget_pause(self) -> None:
        """From now on a pause is not this task's to undo."""
        if self.has_paused:
            self._set(PAUSE, {"paused": False})

    @property
    def has_paused(self) -> bool:
        """Whether an earlier try paused the campaign, and no try has seen it go on since."""
        return self._get(PAUSE).get("paused") is True

    def is_our_pause(self, paused: CallaroCampaign) -> bool:
        """Whether the pause that the campaign is in is the one that an earlier try made."""
        ours = self._get(PAUSE).get("paused_at")
        return self.has_paused and (ours is None or ours == _paused_at(paused))

    def _get(self, key: str) -> Mapping[str, Any]:
        return {} if self._store is None else self._store.get(key, default={})

    def _set(self, key: str, value: dict[str, Any]) -> None:
        if self._store is not None:
            keep(self._store, key, value)


def may_have_been_made(memory: CampaignMemory, context: Context) -> bool:
    """Whether an earlier try may have made what this one is about to make; without a memory, any earlier try may."""
    if memory.lasts:
        return memory.making is Launch.SENT
    return "ti" in context and context["ti"].try_number > 1


def _digest(fields: Mapping[str, Any]) -> str:
    """Short, so that it reveals no number."""
    return blake2b(json.dumps(fields, sort_keys=True, default=str).encode(), digest_size=4).hexdigest()


def _paused_at(campaign: CallaroCampaign) -> str | None:
    moment = campaign.raw.get("paused_at")
    return None if moment is None else str(moment)
