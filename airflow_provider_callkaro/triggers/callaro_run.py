"""Waiting for a campaign that a task runs, and stopping the campaign when somebody ends that task.

The wait only reads. What `on_kill` sends, a pause or a cancel, is retry-safe.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from airflow_provider_callkaro.exceptions import ConfigurationError, NotAllowed, VendorError
from airflow_provider_callkaro.triggers.status import StatusTrigger, hook_class
from airflow_provider_callkaro.vendors.callaro.states import CampaignState

if TYPE_CHECKING:
    from airflow_provider_callkaro.hooks.callaro import CallaroHook
    from airflow_provider_callkaro.vendors.callaro.answers import CallaroCampaign, CampaignId

# an unknown state may be somebody else's pause
_RUNNING = frozenset({CampaignState.RUNNING, CampaignState.SCHEDULED})


class OnKill(StrEnum):
    """What happens to a campaign whose task Airflow ends."""

    PAUSE = "pause"
    CANCEL = "cancel"
    LEAVE = "leave"


def on_kill_named(name: str) -> OnKill:
    """The choice as an enum. Raises ConfigurationError if it is unknown."""
    try:
        return OnKill(name)
    except ValueError:
        raise ConfigurationError('on_kill must be "pause", "cancel" or "leave"') from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """What happened to a campaign whose task was ended. ``said``: a sentence for the log. ``paused``: the campaign
    after our pause, if it ran before; else None."""

    said: str
    paused: CallaroCampaign | None = None


def stop_campaign(hook: CallaroHook, campaign_id: CampaignId, on_kill: OnKill) -> Stopped:
    """Pause, cancel or leave a campaign, as ``on_kill`` says, unless its state allows neither. Raises VendorError if it
    could not be done."""
    if on_kill is OnKill.LEAVE:
        return Stopped(said=f'campaign {campaign_id} is left as it is (on_kill="leave")')
    before = hook.get_campaign(campaign_id).state
    try:
        after = (hook.pause if on_kill is OnKill.PAUSE else hook.cancel)(campaign_id)
    except NotAllowed:
        return Stopped(said=f"campaign {campaign_id} is {before}: there is nothing to {on_kill}")
    is_ours = before in _RUNNING and after.state is CampaignState.PAUSED
    return Stopped(said=f"campaign {campaign_id} is {after.state} now", paused=after if is_ours else None)


class CallaroRunTrigger(StatusTrigger):
    """Asks for a campaign's state, as `StatusTrigger` does, and stops the campaign when somebody ends the waiting task.

    Airflow calls `on_kill` from 3.3 on, when a user marks the deferred task or clears it; never at a timeout, a restart
    of the triggerer, or a move to another one.

    :param hook: the dotted path of the Callaro hook.
    :param conn_id: the connection that the hook reads.
    :param subject: the campaign's id.
    :param statuses: the states that end the wait.
    :param poll_interval: seconds between two questions, above 0.
    :param at_kill: ``pause``, ``cancel`` or ``leave``.
    :raises ConfigurationError: an argument cannot work.
    """

    def __init__(
        self, *, hook: str, conn_id: str, subject: str, statuses: Sequence[str], poll_interval: float, at_kill: str
    ) -> None:
        super().__init__(hook=hook, conn_id=conn_id, subject=subject, statuses=statuses, poll_interval=poll_interval)
        self.at_kill = on_kill_named(at_kill).value  # "on_kill" is the method's name

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """What Airflow stores of the trigger, and makes it from again."""
        path, arguments = super().serialize()
        return path, {**arguments, "at_kill": self.at_kill}

    async def on_kill(self) -> None:
        """Stop the campaign, because a user ended the task."""
        try:
            hook: Any = hook_class(self.hook)(self.conn_id)
            await hook.async_connection()  # read here: another thread must not ask Airflow for it
            stopped = await asyncio.to_thread(stop_campaign, hook, self.subject, OnKill(self.at_kill))
        except (VendorError, ConfigurationError) as error:
            self.log.error("Campaign %s may go on ringing: %s", self.subject, error)
        else:
            self.log.info("The task was ended: %s", stopped.said)
