"""The state table, every cell of it: what may be done, what has been done, and what would ring phones by guessing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_callkaro.exceptions import NotAllowed
from airflow_provider_callkaro.vendors.callaro.states import (
    TERMINAL,
    Action,
    CampaignState,
    Decision,
    decide,
    decide_after_loss,
    plain_word,
    read_state,
    state_word,
)

# s: sent; d: done already; -: refused. The columns are launch, pause, resume, cancel.
TABLE = """
draft      s - - -
scheduled  d s - s
running    d s d s
paused     - d s s
completed  d - d -
cancelled  - - - d
failed     - - - -
other      - s - s
"""
CELLS = [
    (CampaignState(row[0]), action, cell)
    for row in (line.split() for line in TABLE.strip().splitlines())
    for action, cell in zip(Action, row[1:], strict=True)
]


def test_the_table_here_is_whole():
    assert {(state, action) for state, action, _ in CELLS} == {(s, a) for s in CampaignState for a in Action}


@pytest.mark.parametrize(("state", "action", "cell"), CELLS)
def test_an_action_is_sent_done_or_refused_as_the_state_says(state, action, cell):
    if cell == "-":
        with pytest.raises(NotAllowed) as error:
            decide(action, state)
        assert f"{action} is not allowed while the campaign's state is {state}" in str(error.value)
    else:
        assert decide(action, state) is {"s": Decision.SEND, "d": Decision.DONE}[cell]


@pytest.mark.parametrize(
    ("state", "allowed"),
    [
        ("paused", "resume and cancel"),
        ("cancelled", "nothing"),
        ("completed", "nothing"),
        ("failed", "nothing"),
        ("other", "pause and cancel"),
    ],
)
def test_a_refusal_says_what_would_be_allowed(state, allowed):
    refused = next(action for each, action, cell in CELLS if each == state and cell == "-")
    with pytest.raises(NotAllowed, match=f"which allows {allowed}$"):
        decide(refused, CampaignState(state))


@pytest.mark.parametrize("now", CampaignState)
def test_a_lost_launch_is_sent_again_to_a_draft_only(now):
    def after():
        return decide_after_loss(Action.LAUNCH, before=CampaignState.DRAFT, now=now)

    if now is CampaignState.DRAFT:
        assert after() is Decision.SEND
    elif now in (CampaignState.CANCELLED, CampaignState.FAILED):
        with pytest.raises(NotAllowed, match=f"is {now}"):
            after()
    else:
        assert after() is Decision.DONE


@pytest.mark.parametrize("now", CampaignState)
def test_a_lost_resume_is_sent_again_to_what_is_paused_only(now):
    def after():
        return decide_after_loss(Action.RESUME, before=CampaignState.PAUSED, now=now)

    if now is CampaignState.PAUSED:
        assert after() is Decision.SEND
    elif now in (CampaignState.RUNNING, CampaignState.COMPLETED, CampaignState.OTHER):
        assert after() is Decision.DONE
    else:
        with pytest.raises(NotAllowed, match=f"is {now}"):
            after()


@pytest.mark.parametrize(
    ("campaign", "state"),
    [
        ({"status": "draft"}, "draft"),
        ({"status": "Draft"}, "draft"),
        ({"state": " RUNNING "}, "running"),
        ({"status": "canceled"}, "cancelled"),
        ({"status": "Canceled"}, "cancelled"),
        ({"status": "success", "state": "paused"}, "paused"),
        ({"status": 3, "state": "failed"}, "failed"),
        ({"status": "ok"}, "other"),
        ({"status": "Launching"}, "other"),
        ({"status": None}, "other"),
        ({"status": ["running"]}, "other"),
        ({}, "other"),
    ],
)
def test_a_state_is_read_however_it_is_written(campaign, state):
    assert read_state(campaign) is CampaignState(state)


def test_a_word_that_nobody_knows_can_be_waited_for():
    assert state_word({"status": " Awaiting Review "}) == "awaiting review"
    assert state_word({"status": "Canceled"}) == "cancelled" == plain_word(" CANCELED")
    assert state_word({"status": {"running": 1}}) == "other"
    assert state_word({"status": "a\nb"}) == "other"


def test_only_three_states_are_ends():
    assert {"completed", "cancelled", "failed"} == TERMINAL


@given(
    st.dictionaries(
        st.text(max_size=8) | st.sampled_from(["status", "state"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
            max_leaves=5,
        ),
    )
)
def test_any_campaign_has_a_state_and_a_word(campaign):
    state = read_state(campaign)
    assert state_word(campaign) == state.value or state is CampaignState.OTHER
