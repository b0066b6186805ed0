"""A Callaro campaign: its states, and how it dials its audience one after another.

Both are functions of the time during which it ran, so a pause only stops that clock. Nothing here reads a clock or
logs a ring.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

CALL_SECONDS = 30  # what the results say of each call's length


class State(StrEnum):
    """What the vendor calls ``status``. Source: the state table of the campaigns' page; the last two words are ours."""

    DRAFT = "draft"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class Action(StrEnum):
    """What changes a campaign's state."""

    LAUNCH = "launch"
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"


_ALLOWED_FROM: dict[Action, frozenset[State]] = {
    Action.LAUNCH: frozenset({State.DRAFT}),
    Action.PAUSE: frozenset({State.RUNNING}),
    Action.RESUME: frozenset({State.PAUSED}),
    Action.CANCEL: frozenset({State.RUNNING, State.PAUSED}),
}
_LEADS_TO: dict[Action, State] = {
    Action.LAUNCH: State.RUNNING,
    Action.PAUSE: State.PAUSED,
    Action.RESUME: State.RUNNING,
    Action.CANCEL: State.CANCELLED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CallaroCampaign:
    """One campaign that was created with Callaro, as a test sees it.

    :param id: 123 is the first.
    :param status: ``draft``, ``running``, ``paused``, ``completed`` or ``cancelled``.
    :param launches: how often a launch was accepted: 0 or 1.
    :param resumes: how often a resume was accepted.
    :param created_at: UTC.
    :param fields: the body with which it was created, and what updates have changed since.
    """

    id: int
    name: str
    status: str
    launches: int
    resumes: int
    created_at: datetime
    fields: Mapping[str, Any] = field(repr=False)


@dataclass(slots=True, kw_only=True)
class Campaign:
    """One campaign as the vendor remembers it.

    :param audience: whom it dials, fixed by the launch.
    :param dialled_at: when each of them was dialled, as far as they were; UTC.
    :param answered: how many of those calls have ended.
    :param ran: seconds that it has run, up to the last time it began to run.
    :param runs_since: when it last began to run, on the dialling clock; None while it does not run.
    """

    id: int
    fields: dict[str, Any]
    created_at: datetime
    state: State = State.DRAFT
    launched_at: datetime | None = None
    paused_at: datetime | None = None
    finished_at: datetime | None = None
    launches: int = 0
    resumes: int = 0
    audience: Sequence[Mapping[str, Any]] = ()
    dialled_at: list[datetime] = field(default_factory=list)
    answered: int = 0
    ran: float = 0.0
    runs_since: float | None = None

    def allows(self, action: Action) -> bool:
        """Whether the state table allows it now."""
        return self.state in _ALLOWED_FROM[action]

    def act(self, action: Action, *, moment: datetime, clock: float) -> None:
        """Do an action that `allows` allows. ``moment``: the time, UTC. ``clock``: the time on the dialling clock, in
        seconds."""
        if self.runs_since is not None:
            self.ran += clock - self.runs_since
        self.state = _LEADS_TO[action]
        is_running = self.state is State.RUNNING
        self.runs_since = clock if is_running else None
        self.paused_at = moment if self.state is State.PAUSED else None
        match action:
            case Action.LAUNCH:
                self.launched_at = moment
                self.launches += 1
            case Action.RESUME:
                self.resumes += 1
            case Action.CANCEL:
                self.finished_at = moment
        if not is_running:
            self.answered = len(self.dialled_at)  # a stop lets the call under way end

    def due(self, *, clock: float, dial_seconds: float) -> int:
        """Count the contacts that should have been dialled by now. ``dial_seconds``: the running time over which the
        whole audience is spread."""
        return min(len(self.audience), math.floor(self._share(clock, dial_seconds) * len(self.audience)) + 1)

    def settle(self, *, moment: datetime, clock: float, dial_seconds: float) -> None:
        """End the calls that have ended by now, and the campaign with the last of them."""
        ended = math.floor(self._share(clock, dial_seconds) * len(self.audience))
        self.answered = min(len(self.dialled_at), max(self.answered, ended))
        if self.answered == len(self.audience):
            self.state, self.runs_since, self.finished_at = State.COMPLETED, None, moment

    def seconds_to_next(self, *, clock: float, dial_seconds: float) -> float:
        """The seconds until the next contact is dialled, or until the last call ends."""
        per_contact = dial_seconds / len(self.audience)
        begun = math.floor(self._share(clock, dial_seconds) * len(self.audience)) + 1
        return max(0.0, begun * per_contact - self._ran(clock))

    def _ran(self, clock: float) -> float:
        return self.ran if self.runs_since is None else self.ran + clock - self.runs_since

    def _share(self, clock: float, dial_seconds: float) -> float:
        return self._ran(clock) / dial_seconds if dial_seconds else 1.0

    def as_seen(self) -> CallaroCampaign:
        """Give what a test sees."""
        return CallaroCampaign(
            id=self.id,
            name=self.fields["name"],
            status=self.state.value,
            launches=self.launches,
            resumes=self.resumes,
            created_at=self.created_at,
            fields=dict(self.fields),
        )

    def as_json(self) -> dict[str, Any]:
        """Give the campaign as the vendor's answers show it."""
        return {
            "id": self.id,
            "timezone": None,
            "campaign_phone_number_ids": [],
            "concurrency_limit": 1,
            **{name: value for name, value in self.fields.items() if name != "id"},
            "status": self.state.value,
            "created_at": self.created_at.isoformat(),
            "launched_at": _iso(self.launched_at),
            "paused_at": _iso(self.paused_at),
            "pause_reason": None if self.paused_at is None else "requested",
            "finished_at": _iso(self.finished_at),
        }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
