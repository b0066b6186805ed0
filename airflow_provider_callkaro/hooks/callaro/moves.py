"""Launching, pausing, resuming and cancelling a campaign of Callaro's, each at most once.

The campaign's own state decides, before and after. After a lost answer it is read again, and after an answer that says
yes no second request follows.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Protocol

from airflow_provider_callkaro.exceptions import NotAllowed, OutcomeUnknown, Rejected, VendorError
from airflow_provider_callkaro.hooks.vendor import Ask
from airflow_provider_callkaro.transport.retry import RetryPolicy
from airflow_provider_callkaro.vendors.callaro.answers import CallaroCampaign, CampaignId
from airflow_provider_callkaro.vendors.callaro.api import Callaro
from airflow_provider_callkaro.vendors.callaro.states import (
    Action,
    CampaignState,
    Decision,
    decide,
    decide_after_loss,
)

log = logging.getLogger(__name__)


class Wait(Protocol):
    """Waits before a look at what became of a request whose answer was lost."""

    def __call__(self, error: VendorError, *, attempt: int) -> None: ...


class CampaignMoves:
    """Moves campaigns from state to state.

    :param vendor: builds the requests, and reads the answers.
    :param ask: sends a request and reads its answer.
    :param look: reads a campaign.
    :param wait: waits after a lost answer.
    """

    def __init__(
        self,
        vendor: Callaro,
        *,
        ask: Ask,
        look: Callable[[CampaignId], CallaroCampaign],
        wait: Wait,
    ) -> None:
        self._vendor = vendor
        self._ask = ask
        self._look = look
        self._wait = wait

    def act(self, action: Action, campaign_id: CampaignId) -> CallaroCampaign:
        """Do what the campaign's state allows, unless it has happened.

        :return: the campaign afterwards.
        :raises NotAllowed: the state does not allow it, naming what it does allow.
        :raises OutcomeUnknown: it may have happened.
        """
        before = self._look(campaign_id)
        try:
            if decide(action, before.state) is Decision.DONE:
                return before
            return self._send_action(action, before.state, campaign_id)
        except NotAllowed as error:
            raise NotAllowed(f"campaign {campaign_id}: {error}") from None

    def _send_action(self, action: Action, before: CampaignState, campaign_id: CampaignId) -> CallaroCampaign:
        """Send an action that the state allows. After a lost answer, the state says what became of it.

        An action that Callaro answered with a yes is never sent again, whatever else the answer says: the campaign's
        state decides. Where the yes cannot be read and the state is as before, the outcome stays unknown.
        """
        request = self._vendor.act(action, campaign_id)
        read = partial(self._vendor.read_change, asked=campaign_id)
        attempts = RetryPolicy().attempts if not request.retry_safe else 1  # the transport repeats what is retry-safe
        was_lost = False
        for attempt in range(1, attempts + 1):
            try:
                answered = self._ask(request, read)
            except OutcomeUnknown as error:
                refusal: VendorError = error
                was_lost = True
                self._wait(error, attempt=attempt)
            except Rejected as error:  # perhaps because it has happened: by a lost request of ours, or by somebody else
                refusal = error
            else:
                if request.retry_safe:
                    return answered or self._look(campaign_id)
                return self._taken(answered, campaign_id)
            campaign = self._state_after(refusal, campaign_id)
            if campaign.state is before and (isinstance(refusal, Rejected) or _was_decided(refusal)):
                raise refusal
            now = campaign.state
            decision = decide_after_loss(action, before=before, now=now) if was_lost else decide(action, now)
            if decision is Decision.DONE:
                log.info("Callaro says that campaign %s is %s: the %s has happened", campaign_id, now, action)
                return campaign
        raise refusal

    def _taken(self, answered: CallaroCampaign | None, campaign_id: CampaignId) -> CallaroCampaign:
        """The campaign after Callaro took an action that rings: as it is read, else as the answer said."""
        try:
            return self._look(campaign_id)
        except VendorError:
            if answered is None:
                raise
            return answered

    def _state_after(self, refusal: VendorError, campaign_id: CampaignId) -> CallaroCampaign:
        try:
            return self._look(campaign_id)
        except VendorError as unread:
            raise refusal from unread


def _was_decided(error: VendorError) -> bool:
    """Whether Callaro itself has answered, with a yes or a no; a gateway that gave up waiting (408) has not."""
    return error.status is not None and (200 <= error.status < 300 or 400 <= error.status < 500) and error.status != 408
