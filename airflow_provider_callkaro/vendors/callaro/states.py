"""What may be done to a Callaro campaign in which state: the vendor's table of transitions, as code.

Source: the guide to bulk call campaigns, "State transition guidance". The table names draft, running and paused; the
help pages add scheduled. How a campaign ends, and how the API spells any of it, is not documented: words are read
without regard to case, and a word that nobody knows is `other`, from which nothing is done that may ring a phone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

from airflow_provider_callkaro.exceptions import ConfigurationError, NotAllowed


class CampaignState(StrEnum):
    """How a campaign stands."""

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
    """What is to be done about an action."""

    SEND = "send"
    """The state allows it."""
    DONE = "done"
    """It has happened already."""


TERMINAL = frozenset({CampaignState.COMPLETED, CampaignState.CANCELLED, CampaignState.FAILED})
"""From these a campaign does not move again."""

_STOPPING = frozenset({Action.PAUSE, Action.CANCEL})  # ring nobody, so they are sent where the table says nothing
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


def read_state(campaign: Mapping[str, Any]) -> CampaignState:
    """How a campaign stands, by what the vendor says of it.

    :param campaign: the campaign as Callaro gave it.
    """
    known = (_known(word) for word in _words(campaign))
    return next((state for state in known if state is not CampaignState.OTHER), CampaignState.OTHER)


def state_word(campaign: Mapping[str, Any]) -> str:
    """How a campaign stands, in one word: the state, or, where it is none of ours, the vendor's own word in lower case.

    :param campaign: the campaign as Callaro gave it.
    """
    state = read_state(campaign)
    return next(_words(campaign), state.value) if state is CampaignState.OTHER else state.value


def in_known_words(campaign: Mapping[str, Any], words: Mapping[str, CampaignState]) -> Mapping[str, Any]:
    """A campaign whose state is said in our words.

    :param words: which state each of the account's own words means.
    """
    meant = {
        name: words[plain_word(word)].value
        for name in _FIELDS
        if isinstance(word := campaign.get(name), str) and plain_word(word) in words
    }
    return {**campaign, **meant} if meant else campaign


def states_named(given: Mapping[str, Any]) -> dict[str, CampaignState]:
    """What a connection says of the account's own words for states.

    :param given: word to state, such as ``{"created": "draft", "finished": "completed"}``.
    :raises ConfigurationError: a state is none of ours.
    """
    try:
        return {plain_word(str(word)): CampaignState(plain_word(str(state))) for word, state in given.items()}
    except ValueError:
        raise ConfigurationError(f"each word must mean one of {', '.join(CampaignState)}") from None


def plain_word(word: str) -> str:
    """A word for a state as a user may write it, in the one spelling in which states are compared."""
    plain = word.strip().lower()
    return _SPELLINGS.get(plain, plain)


def decide(action: Action, state: CampaignState) -> Decision:
    """What is to be done about an action on a campaign in this state.

    :raises NotAllowed: the state does not allow it, naming what it does allow.
    """
    if state in _HAPPENED[action]:
        return Decision.DONE
    if action in _ALLOWED[state]:
        return Decision.SEND
    allowed = " and ".join(each for each in Action if each in _ALLOWED[state]) or "nothing"
    raise NotAllowed(f"{action} is not allowed while the campaign's state is {state}, which allows {allowed}")


def decide_after_loss(action: Action, *, before: CampaignState, now: CampaignState) -> Decision:
    """What is to be done once the answer to an action was lost and the state has been read again.

    :param before: the state in which the action was sent.
    :param now: the state since.
    :return: DONE where the campaign has moved on as the action would have moved it, whatever came after; SEND where it
        has not moved.
    :raises NotAllowed: it has moved to where the action did not lead.
    """
    if now is before:
        return Decision.SEND
    if now is CampaignState.OTHER or (action is Action.LAUNCH and now is CampaignState.PAUSED):
        return Decision.DONE
    return decide(action, now)


def _words(campaign: Mapping[str, Any]) -> Iterator[str]:
    for name in _FIELDS:
        word = campaign.get(name)
        if isinstance(word, str) and 0 < len(word.strip()) <= _LONGEST_WORD and word.isprintable():
            yield plain_word(word)


def _known(word: str) -> CampaignState:
    try:
        return CampaignState(word)
    except ValueError:
        return CampaignState.OTHER
