"""Callaro's stand-in: a campaign that rings before its launch, or after its end, would teach the wrong thing."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from airflow_provider_callkaro.sandbox import Sandbox
from airflow_provider_callkaro.sandbox.callaro.campaigns import Action, Campaign, State

UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
NUMBERS = [f"+12025550{number}" for number in range(101, 106)]
ALLOWED = {
    ("draft", "launch"): "running",
    ("running", "pause"): "paused",
    ("paused", "resume"): "running",
    ("running", "cancel"): "cancelled",
    ("paused", "cancel"): "cancelled",
}


@pytest.fixture(scope="module")
def slow_sandbox():
    with Sandbox(callaro_dial_seconds=3600) as sandbox:
        yield sandbox


@pytest.fixture
def slow(slow_sandbox):
    """A sandbox whose campaigns dial their first contact at once and the second one after the test."""
    slow_sandbox.reset()
    return slow_sandbox


@pytest.fixture
def quick():
    """A sandbox whose campaigns dial everybody at once."""
    with Sandbox(callaro_dial_seconds=0) as sandbox:
        yield sandbox


def code_of(answer):
    body = answer.json()
    assert set(body) == {"error", "error_code", "details", "errors", "request_id"}
    return answer.status_code, body["error_code"]


@pytest.mark.parametrize("key", [None, "wrong", ""])
def test_without_the_right_key_nothing_is_done(client, sandbox, key):
    client.draft()
    for method, path in [("GET", ""), ("POST", ""), ("POST", "/123/launch"), ("POST", "//api/v1/contacts/import")]:
        assert code_of(client.callaro(method, path, key=key)) == (401, "UNAUTHORIZED")
    assert [campaign.status for campaign in sandbox.callaro_campaigns] == ["draft"]


def test_a_campaign_is_shown_as_it_was_created_with_what_the_page_does_not_name_too(client, sandbox):
    fields = {"name": "Renewals", "agent_id": 42, "timezone": "Asia/Kolkata", "budget": {"cap": 5}}
    created = client.callaro("POST", json=fields)
    assert created.status_code == 201
    shown = client.callaro("GET", "/123").json()
    assert set(shown) == {"data", "message", "request_id"}
    assert shown["data"] == created.json()["data"]
    assert shown["data"] | fields | {"id": 123, "status": "draft", "launched_at": None} == shown["data"]
    [campaign] = sandbox.callaro_campaigns
    assert (campaign.id, campaign.name, campaign.fields, campaign.launches) == (123, "Renewals", fields, 0)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", None),
        ("name", ""),
        ("name", "n" * 256),
        ("name", 7),
        ("agent_id", None),
        ("agent_id", "42"),
        ("agent_id", True),
        ("agent_id", 404404),
        ("timezone", "Asia/Nowhere"),
        ("timezone", 5),
        ("campaign_phone_number_ids", 101),
        ("campaign_phone_number_ids", ["101"]),
        ("concurrency_limit", 0),
        ("concurrency_limit", 101),
        ("contacts", "+12025550101"),
        ("contacts", ["+12025550101"]),
        ("contacts", [{"phone_e164": "12025550101"}]),
    ],
)
def test_a_field_that_cannot_be_is_named_in_the_errors(client, sandbox, field, value):
    answer = client.callaro("POST", json={"name": "Renewals", "agent_id": 42, field: value})
    assert code_of(answer) == (422, "VALIDATION_ERROR")
    assert list(answer.json()["errors"]) == [field]
    assert sandbox.callaro_campaigns == []


@pytest.mark.parametrize("campaign_id", ["122", "cmp_123", "999999999999999999999999", "-1"])
@pytest.mark.parametrize("action", ["", "/launch", "/pause", "/resume", "/cancel", "/tasks", "/analytics"])
def test_a_campaign_that_does_not_exist_is_a_404(client, campaign_id, action):
    client.draft()
    method = "POST" if action in ("/launch", "/pause", "/resume", "/cancel") else "GET"
    assert code_of(client.callaro(method, f"/{campaign_id}{action}")) == (404, "CAMPAIGN_NOT_FOUND")


def test_a_campaign_dials_its_audience_and_is_completed(quick, client_of):
    client = client_of(quick)
    client.draft()
    launched = client.callaro("POST", "/123/launch").json()["data"]
    assert (launched["status"], launched["finished_at"] is not None) == ("completed", True)
    assert [(ring.to_number, ring.batch_id, ring.agent_id) for ring in quick.rings] == [
        (number, "123", "42") for number in NUMBERS
    ]
    assert [ring.call_id for ring in quick.rings] == ["9001", "9002", "9003", "9004", "9005"]


def test_a_campaign_dials_while_nobody_looks(client_of):
    with Sandbox(callaro_dial_seconds=0.2) as sandbox:
        client = client_of(sandbox)
        client.draft()
        client.callaro("POST", "/123/launch")
        sandbox.wait_for_rings(5)
    assert [ring.to_number for ring in sandbox.rings] == NUMBERS


def test_the_contacts_of_a_campaign_go_before_those_of_the_account(quick, client_of):
    client = client_of(quick)
    contact = {"phone_e164": "+12025550177", "first_name": "Asha"}
    client.callaro("POST", f"/{client.draft(contacts=[contact])}/launch")
    assert [(ring.to_number, ring.body) for ring in quick.rings] == [("+12025550177", contact)]


def test_a_launch_without_anybody_to_dial_is_refused_and_may_be_repeated_with_somebody(slow, client_of):
    client = client_of(slow)
    client.draft(contacts=[])
    answer = client.callaro("POST", "/123/launch")
    assert code_of(answer) == (422, "VALIDATION_ERROR")
    assert answer.json()["error"] == "no contacts"
    client.callaro("PATCH", "/123", json={"contacts": [{"phone_e164": "+12025550177"}]})
    assert client.callaro("POST", "/123/launch").status_code == 200
    assert [campaign.launches for campaign in slow.callaro_campaigns] == [1]


def test_a_pause_stops_the_dialling_and_a_cancellation_ends_it(slow, client_of):
    client = client_of(slow)
    client.draft()
    client.callaro("POST", "/123/launch")
    assert client.callaro("GET", "/123/tasks").json()["data"][0]["status"] == "dialing"
    paused = client.callaro("POST", "/123/pause").json()["data"]
    assert paused["paused_at"]
    assert [task["status"] for task in client.callaro("GET", "/123/tasks").json()["data"]] == ["completed"] + [
        "pending"
    ] * 4
    cancelled = client.callaro("POST", "/123/cancel").json()["data"]
    assert (cancelled["status"], cancelled["paused_at"], bool(cancelled["finished_at"])) == ("cancelled", None, True)
    assert len(slow.rings) == 1


def test_only_a_draft_and_a_paused_campaign_can_be_changed(slow, client_of):
    client = client_of(slow)
    client.draft()
    assert client.callaro("PATCH", "/123", json={"concurrency_limit": 7}).json()["data"]["concurrency_limit"] == 7
    assert code_of(client.callaro("PATCH", "/123", json={"concurrency_limit": 0})) == (422, "VALIDATION_ERROR")
    client.callaro("POST", "/123/launch")
    assert code_of(client.callaro("PATCH", "/123", json={"concurrency_limit": 8})) == (409, "INVALID_STATE")
    client.callaro("POST", "/123/pause")
    assert client.callaro("PATCH", "/123", json={"concurrency_limit": 9}).status_code == 200
    assert [campaign.fields["concurrency_limit"] for campaign in slow.callaro_campaigns] == [9]


def test_a_reset_ends_every_campaign_and_numbers_them_anew(slow, client_of):
    client = client_of(slow)
    client.draft()
    client.callaro("POST", "/123/launch")
    slow.reset()
    assert (slow.rings, slow.callaro_campaigns) == ([], [])
    assert client.draft() == 123


def test_a_stopped_sandbox_dials_nobody_and_goes_on_when_it_is_started_again(client_of):
    before = set(threading.enumerate())
    with Sandbox(callaro_dial_seconds=0.5) as sandbox:
        client = client_of(sandbox)
        client.draft()
        client.callaro("POST", "/123/launch")
        sandbox.stop()
        assert set(threading.enumerate()) <= before
        sandbox.start()
        sandbox.wait_for_rings(5)


class Campaigns(RuleBasedStateMachine):
    """Whatever is asked of campaigns in whatever order, they follow the page's table of states."""

    sandbox: Sandbox
    client: object

    def __init__(self):
        super().__init__()
        self.sandbox.reset()
        self.states = []

    @rule()
    def create(self):
        assert self.client.draft() == 123 + len(self.states)
        self.states.append(["draft", 0, 0])

    @precondition(lambda self: self.states)
    @rule(data=st.data(), action=st.sampled_from(["launch", "pause", "resume", "cancel"]))
    def act(self, data, action):
        index = data.draw(st.integers(0, len(self.states) - 1))
        answer = self.client.callaro("POST", f"/{123 + index}/{action}")
        model = self.states[index]
        if (after := ALLOWED.get((model[0], action))) is None:
            assert code_of(answer) == (409, "INVALID_STATE")
            return
        assert (answer.status_code, answer.json()["data"]["status"]) == (200, after)
        self.states[index] = [after, model[1] + (action == "launch"), model[2] + (action == "resume")]

    @invariant()
    def what_is_seen_is_what_was_done(self):
        seen = self.sandbox.callaro_campaigns
        assert [[campaign.status, campaign.launches, campaign.resumes] for campaign in seen] == self.states

    @invariant()
    def only_what_was_launched_has_rung(self):
        launched = [str(123 + index) for index, (_, launches, _) in enumerate(self.states) if launches]
        assert sorted(ring.batch_id for ring in self.sandbox.rings) == launched


def test_campaigns_follow_the_table_of_states(slow_sandbox, client_of):
    class Bound(Campaigns):
        sandbox = slow_sandbox
        client = client_of(slow_sandbox)

    from hypothesis.stateful import run_state_machine_as_test

    run_state_machine_as_test(Bound, settings=settings(max_examples=25, stateful_step_count=15, deadline=None))


@given(
    size=st.integers(1, 30),
    steps=st.lists(st.tuples(st.booleans(), st.integers(1, 64)), max_size=40),
)
def test_a_campaign_dials_by_its_running_time_alone(size, steps):
    campaign = Campaign(id=1, fields={}, created_at=None, audience=range(size))
    clock, ran, dial_seconds = 0.0, 0.0, 8.0
    campaign.act(Action.LAUNCH, moment=None, clock=clock)
    for toggles, quarters in steps:
        clock += quarters / 4
        if campaign.state is State.RUNNING:
            ran += quarters / 4
            due = campaign.due(clock=clock, dial_seconds=dial_seconds)
            assert due >= len(campaign.dialled_at)
            campaign.dialled_at += [None] * (due - len(campaign.dialled_at))
            campaign.settle(moment=None, clock=clock, dial_seconds=dial_seconds)
            assert len(campaign.dialled_at) == min(size, int(ran * size / dial_seconds) + 1)
        if ran >= dial_seconds:
            assert campaign.state is State.COMPLETED
            return
        if toggles:
            action = Action.PAUSE if campaign.state is State.RUNNING else Action.RESUME
            if campaign.allows(action):
                campaign.act(action, moment=None, clock=clock)
