"""All Callaro campaigns of the account, and the thread that dials while one of them runs.

Every read first dials what is due, and so shows the state of this moment. The thread only makes phones ring while
nothing is read.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from airflow_provider_callkaro.sandbox.callaro.campaigns import Action, CallaroCampaign, Campaign, State
from airflow_provider_callkaro.sandbox.request_log import RequestLog

FIRST_CAMPAIGN_ID = 123  # that of the examples on the campaigns' page
FIRST_VOICE_SESSION_ID = 9001  # that of the example on the webhooks' page
LONGEST_WAIT = 3600.0  # seconds; a condition cannot wait for years


class Campaigns:
    """The campaigns of one account. May be used from any thread: one condition guards them. ``request_log``: where
    rings are written. ``dial_seconds``: the running time over which a campaign dials its audience."""

    def __init__(self, *, request_log: RequestLog, dial_seconds: float) -> None:
        self._request_log = request_log
        self._dial_seconds = dial_seconds
        self._changed = threading.Condition(threading.RLock())
        self._campaigns: dict[int, Campaign] = {}
        self._dialler: threading.Thread | None = None
        self._is_open = False

    @contextmanager
    def now(self) -> Iterator[Mapping[int, Campaign]]:
        """Give the campaigns as they are at this moment; nothing changes until the block is left."""
        with self._changed:
            self._catch_up()
            yield self._campaigns

    def seen(self) -> list[CallaroCampaign]:
        """Give the campaigns in the order of creation, as a test sees them."""
        with self.now() as campaigns:
            return [campaign.as_seen() for campaign in campaigns.values()]

    def create(self, fields: dict[str, object]) -> Campaign:
        """Open a draft."""
        with self._changed:
            campaign_id = FIRST_CAMPAIGN_ID + len(self._campaigns)
            campaign = Campaign(id=campaign_id, fields=fields, created_at=datetime.now(UTC))
            self._campaigns[campaign_id] = campaign
            return campaign

    def act(self, campaign: Campaign, action: Action, *, audience: Sequence[Mapping[str, object]]) -> None:
        """Launch, pause, resume or cancel, where that is allowed. ``audience``: whom a launch will dial."""
        with self._changed:
            if action is Action.LAUNCH:
                campaign.audience = audience
            campaign.act(action, moment=datetime.now(UTC), clock=time.monotonic())
            self._catch_up()
            self._wake()

    def forget(self) -> None:
        """Forget every campaign, and dial no more."""
        with self._changed:
            self._campaigns.clear()
            self._wake()

    def open(self) -> None:
        """Dial, and go on with campaigns that the last close interrupted."""
        with self._changed:
            self._is_open = True
            self._wake()

    def close(self) -> None:
        """Stop dialling until it is opened again."""
        with self._changed:
            self._catch_up()
            self._is_open = False
            self._wake()
            dialler = self._dialler
        if dialler is not None:
            dialler.join()

    def _catch_up(self) -> None:
        if not self._is_open:
            return
        clock, moment = time.monotonic(), datetime.now(UTC)
        for campaign in self._running():
            due = campaign.due(clock=clock, dial_seconds=self._dial_seconds)
            for contact in campaign.audience[len(campaign.dialled_at) : due]:
                campaign.dialled_at.append(moment)
                self._ring(campaign, contact)
            campaign.settle(moment=moment, clock=clock, dial_seconds=self._dial_seconds)

    def _ring(self, campaign: Campaign, contact: Mapping[str, Any]) -> None:
        self._request_log.ring(
            vendor="Callaro",
            call_id=_voice_session_id,
            to_number=contact["phone_e164"],
            agent_id=str(campaign.fields["agent_id"]),
            batch_id=str(campaign.id),
            metadata=None,
            body=contact,
        )

    def _running(self) -> list[Campaign]:
        return [campaign for campaign in self._campaigns.values() if campaign.state is State.RUNNING]

    def _wake(self) -> None:
        """Start the dialler where there is something to dial, and let it look again where it waits."""
        self._changed.notify_all()
        if self._dialler is None and self._is_open and self._running():
            self._dialler = threading.Thread(target=self._dial, name="callaro-sandbox", daemon=True)
            self._dialler.start()

    def _dial(self) -> None:
        with self._changed:
            while self._is_open:
                self._catch_up()
                clock = time.monotonic()
                if not (running := self._running()):
                    break
                waits = (each.seconds_to_next(clock=clock, dial_seconds=self._dial_seconds) for each in running)
                self._changed.wait(min(LONGEST_WAIT, *waits))
            self._dialler = None


def _voice_session_id(calls_before: int) -> str:
    return str(FIRST_VOICE_SESSION_ID + calls_before)
