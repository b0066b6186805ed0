"""CallKaro's campaigns: a name, an id, and for v1 the one agent of all their calls."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, datetime

# Ids count up from that in CallKaro's documentation, so that its examples work here word for word, in their order.
FIRST_BATCH_ID = 0x68433B7B0DEE98E59245EBAB


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """One campaign that was created with CallKaro.

    :param batch_id: its id.
    :param name: as it was sent.
    :param agent_id: the one agent of a v1 campaign; None for v2, where each call names its own.
    :param created_at: UTC.
    """

    batch_id: str
    name: str
    agent_id: str | None
    created_at: datetime


class Campaigns:
    """The campaigns of one account. May be used from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._campaigns: dict[str, Campaign] = {}

    def create(self, *, name: str, agent_id: str | None) -> Campaign:
        """Open a campaign."""
        with self._lock:
            batch_id = f"{FIRST_BATCH_ID + len(self._campaigns):x}"
            campaign = Campaign(batch_id=batch_id, name=name, agent_id=agent_id, created_at=datetime.now(UTC))
            self._campaigns[batch_id] = campaign
        return campaign

    def find(self, batch_id: str) -> Campaign | None:
        """Find a campaign by its id."""
        return self._campaigns.get(batch_id)

    def by_id(self) -> dict[str, Campaign]:
        """Every campaign in the order of creation, by its id."""
        with self._lock:
            return dict(self._campaigns)

    def forget(self) -> None:
        """Forget every campaign; ids start again."""
        with self._lock:
            self._campaigns.clear()
