"""The vendor's table of transitions as code: which action a campaign's state allows.

Source: the guide to bulk call campaigns, "State transition guidance". The table names draft, running and paused; the
help pages add scheduled. How a campaign ends, and how the API spells any state, is not documented: words are read
without regard to case, and an unknown word is `other`, from which no action is sent that may ring a phone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

from airflow_provider_callkaro.exceptions import ConfigurationError, NotAllowed


class CampaignState(StrEnum):
    """The state of a campaign."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    FAILED = "failed"
    OTHER = "other"
    """A state that no document names."""


class Action(StrEnum):
    """What changes the state of a campaign."""

    LAUNCH = "launch"
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"


class Decision(StrEnum):
    """What to do about an action."""

    SEND = "send"
    """The state allows it."""
    DONE = "done"
    """It has happened already."""


TERMINAL = frozenset({CampaignState.COMPLETED, CampaignState.CANCELLED, CampaignState.FAILED})
"""From these a campaign does not move again."""

_STOPPING = frozenset({Action.PAUSE, Action.CANCEL})  # these ring no phone, so they are sent where the table is silent
_ALLOWED: Mapping[CampaignState, frozenset[Action]] = {
    CampaignState.DRAFT: frozenset({Action.LAUNCH}),
    CampaignState.SCHEDULED: _STOPPING,
    CampaignState.RUNNING: _STOPPING,
    CampaignState.PAUSED: frozenset({Action.RESUME, Action.CANCEL}),
    CampaignState.COMPLETED: frozenset(),
    CampaignState.CANCELLED: frozenset(),
    CampaignState.FAILED: frozenset(),
    CampaignState.OTHER: _STOPPING,
}
_HAPPENED: Mapping[Action, frozenset[CampaignState]] = {
    Action.LAUNCH: frozenset({CampaignState.SCHEDULED, CampaignState.RUNNING, CampaignState.COMPLETED}),
    Action.PAUSE: frozenset({CampaignState.PAUSED}),
    Action.RESUME: frozenset({CampaignState.RUNNING, CampaignState.COMPLETED}),
    Action.CANCEL: frozenset({CampaignState.CANCELLED}),
}
_FIELDS = ("status", "state")  # which of the two the API uses is not documented
_SPELLINGS = {"canceled": CampaignState.CANCELLED}
_LONGEST_WORD = 100  # characters


def read_state(campaign: Mapping[str, object]) -> CampaignState:
    """The state of a campaign, from the vendor's word for it. ``campaign``: the campaign as Callaro gave it."""
    known = (_known(word) for word in _words(campaign))
    return next((state for state in known if state is not CampaignState.OTHER), CampaignState.OTHER)


def state_word(campaign: Mapping[str, object]) -> str:
    """The state in one word: ours, or, where none of ours fits, the vendor's own word in lower case. ``campaign``: the
    campaign as Callaro gave it."""
    state = read_state(campaign)
    return next(_words(campaign), state.value) if state is CampaignState.OTHER else state.value


def in_known_words(campaign: Mapping[str, object], words: Mapping[str, CampaignState]) -> Mapping[str, Any]:
    """A campaign with its state in our words. ``words``: which state each of the account's own words means."""
    meant = {
        name: words[plain_word(word)].value
        for name in _FIELDS
        if isinstance(word := campaign.get(name), str) and plain_word(word) in words
    }
    return {**campaign, **meant} if meant else campaign


def states_named(words: Mapping[str, object]) -> dict[str, CampaignState]:
    """The account's own words for states, as a connection names them. ``words``: word to state, such as ``{"created":
    "draft", "finished": "completed"}``. Raises ConfigurationError if a word means none of our states."""
    try:
        return {plain_word(str(word)): CampaignState(plain_word(str(state))) for word, state in words.items()}
    except ValueError:
        raise ConfigurationError(f"each word must mean one of {', '.join(CampaignState)}") from None


def plain_word(word: str) -> str:
    """A word for a state in the one spelling in which states are compared."""
    plain = word.strip().lower()
    return _SPELLINGS.get(plain, plain)


def decide(action: Action, state: CampaignState) -> Decision:
    """Decide about an action on a campaign in this state. Raises NotAllowed if the state does not allow it; the message
    names what it allows."""
    if state in _HAPPENED[action]:
        return Decision.DONE
    if action in _ALLOWED[state]:
        return Decision.SEND
    allowed = " and ".join(each for each in Action if each in _ALLOWED[state]) or "nothing"
    raise NotAllowed(f"{action} is not allowed while the campaign's state is {state}, which allows {allowed}")


def decide_after_loss(action: Action, *, before: CampaignState, now: CampaignState) -> Decision:
    """Decide about an action whose answer was lost, once the state has been read again.

    :param before: the state in which the action was sent.
    :param now: the state since.
    :return: DONE where the campaign has moved as the action would have moved it, whatever followed; SEND where it has
        not moved.
    :raises NotAllowed: it has moved to a state to which the action does not lead.
    """
    if now is before:
        return Decision.SEND
    if now is CampaignState.OTHER or (action is Action.LAUNCH and now is CampaignState.PAUSED):
        return Decision.DONE
    return decide(action, now)


def _words(campaign: Mapping[str, object]) -> Iterator[str]:
    for name in _FIELDS:
        word = campaign.get(name)
        if isinstance(word, str) and 0 < len(word.strip()) <= _LONGEST_WORD and word.isprintable():
            yield plain_word(word)


def _known(word: str) -> CampaignState:
    try:
        return CampaignState(word)
    except ValueError:
        return CampaignState.OTHER
