"""The MrAssistant hook against the sandbox: each method does one thing at the vendor's, and does not do it twice."""

from __future__ import annotations

import asyncio
import socket
from datetime import UTC, datetime, timedelta

import pytest

from airflow_provider_callkaro.calls import Call, Reason
from airflow_provider_callkaro.exceptions import ConfigurationError, OutcomeUnknown, Rejected, Throttled, Unauthorized
from airflow_provider_callkaro.hooks.mrassistant.hook import MrAssistantHook, with_read_timeout
from airflow_provider_callkaro.sandbox import Sandbox
from airflow_provider_callkaro.vendors.http import Request
from airflow_provider_callkaro.vendors.mrassistant.api import CampaignSettings

NUMBER = "+919876543210"
OTHERS = ["+919876543211", "+919876543212"]
AGENT = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
NO_AGENT = "00000000-0d44-4b50-8888-8dd25736052a"
SECRET = "a-secret-that-signs"
SETTINGS = CampaignSettings(name="Renewals", webhook_secret=SECRET)


@pytest.fixture(scope="module")
def shared_sandbox():
    """A vendor whose calls last longer than any test."""
    with Sandbox(api_key="the-key-of-the-sandbox", mrassistant_call_seconds=600) as sandbox:
        yield sandbox


@pytest.fixture
def mrassistant(connect, sandbox):
    def define(*, conn_id="mrassistant_default", **fields):
        given = {"host": sandbox.url, "login": "sandbox", "password": sandbox.api_key, "extra": {"agent_id": AGENT}}
        connect(conn_id=conn_id, **{"conn_type": "mrassistant", **given, **fields})

    return define


@pytest.fixture
def hook(mrassistant):
    mrassistant()
    return MrAssistantHook()


def calls(*numbers):
    return [Call(to_number=number) for number in numbers]


def asked(sandbox, endpoint):
    return [request.endpoint for request in sandbox.requests].count(endpoint)


class TestCampaigns:
    def test_a_campaign_rings_each_of_its_targets_once(self, hook, sandbox):
        target = Call(to_number=NUMBER, metadata={"due": 5}, extra={"from_number": "+14155550199"})
        settings = CampaignSettings(
            name="Renewals é",
            concurrent_calls=10,
            retry_failed=True,
            retry_attempts=3,
            context={"offer": "renewal"},
            webhook_url="https://hooks.example/mrassistant",
            webhook_secret=SECRET,
            notify_on_call_complete=True,
        )
        campaign = hook.create_campaign(settings, [target, *calls(*OTHERS)])
        (made,) = sandbox.mrassistant_campaigns
        assert (campaign.campaign_id, campaign.name, campaign.agent_id) == (made.campaign_id, "Renewals é", AGENT)
        assert (campaign.total_targets, campaign.status, campaign.scheduled_at) == (3, "running", None)
        assert (campaign.calls_initiated, campaign.calls_completed, campaign.calls_failed) == (0, 0, 0)
        assert campaign.started_at is not None
        assert sandbox.rings_per_number() == {NUMBER: 1, OTHERS[0]: 1, OTHERS[1]: 1}
        assert sandbox.rings[0].metadata == {"due": 5}
        assert sandbox.rings[0].body["from_number"] == "+14155550199"
        assert made.fields == {
            "agent_id": AGENT,
            "name": "Renewals é",
            "concurrent_calls": 10,
            "retry_failed": True,
            "retry_attempts": 3,
            "context": {"offer": "renewal"},
            "webhook_url": "https://hooks.example/mrassistant",
            "webhook_secret": SECRET,
            "notify_on_call_complete": True,
        }

    def test_a_campaign_may_have_another_name_agent_and_time(self, hook, sandbox):
        when = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
        other = AGENT.replace("3c90", "4d01")
        campaign = hook.create_campaign(SETTINGS, calls(NUMBER), name="Renewals 2", agent_id=other, schedule_at=when)
        assert (campaign.name, campaign.agent_id, campaign.status) == ("Renewals 2", other, "scheduled")
        assert campaign.scheduled_at == f"{when:%Y-%m-%dT%H:%M:%SZ}"
        assert sandbox.rings[0].rings_at == when

    @pytest.mark.parametrize(
        "fault",
        [
            "reset_after_accepting",
            "drop_answer_after_accepting",
            "error_after_accepting",
            "truncated_answer",
            "unreadable_answer",
            "answer_without_id",
        ],
    )
    def test_a_campaign_whose_answer_is_lost_is_not_created_twice(self, hook, sandbox, fault):
        sandbox.fault(fault, path="/campaigns", first=1)
        with pytest.raises(OutcomeUnknown) as error:
            hook.create_campaign(SETTINGS, calls(NUMBER, *OTHERS))
        assert sandbox.rings_per_number() == dict.fromkeys([NUMBER, *OTHERS], 1)
        assert asked(sandbox, "/campaigns") == 1
        assert SECRET not in str(error.value)

    def test_a_campaign_that_was_turned_away_is_created_in_the_end(self, hook, sandbox):
        sandbox.fault("throttled", path="/campaigns", first=2, retry_after=0)
        hook.create_campaign(SETTINGS, calls(NUMBER))
        assert sandbox.rings_per_number() == {NUMBER: 1}
        assert asked(sandbox, "/campaigns") == 3

    @pytest.mark.parametrize("status", [400, 404, 422])
    def test_a_rejection_is_said_without_what_was_sent(self, hook, sandbox, status):
        sandbox.fault("rejected", path="/campaigns", status=status)
        with pytest.raises(Rejected) as error:
            hook.create_campaign(SETTINGS, calls(NUMBER, *OTHERS))
        assert error.value.invalid_indexes == ({0} if status == 422 else frozenset())
        assert NUMBER[1:] not in str(error.value)
        assert SECRET not in str(error.value)
        assert (asked(sandbox, "/campaigns"), sandbox.rings) == (1, [])

    def test_an_agent_that_does_not_exist_is_named_as_the_reason(self, hook, sandbox):
        with pytest.raises(Rejected) as error:
            hook.create_campaign(SETTINGS, calls(NUMBER), agent_id=NO_AGENT)
        assert error.value.reason is Reason.AGENT_NOT_FOUND

    def test_a_validation_names_the_field(self, hook, sandbox):
        with pytest.raises(Rejected, match=r"body\.agent_id \(uuid_parsing\)"):
            hook.create_campaign(SETTINGS, calls(NUMBER), agent_id="no uuid")
        assert sandbox.rings == []

    def test_a_campaign_needs_an_agent(self, mrassistant, sandbox):
        mrassistant(extra={})
        with pytest.raises(ConfigurationError, match="a campaign needs an agent"):
            MrAssistantHook().create_campaign(SETTINGS, calls(NUMBER))
        assert sandbox.requests == []


class TestCalls:
    def test_a_call_rings_once_and_is_known_by_its_id(self, hook, sandbox):
        placed = hook.place_call(Call(to_number=NUMBER, metadata={"due": 5}, extra={"priority": "high"}))
        (ring,) = sandbox.rings
        assert (ring.call_id, ring.to_number, ring.agent_id) == (placed.call_id, NUMBER, AGENT)
        assert (ring.metadata, ring.body["priority"]) == ({"due": 5}, "high")

    @pytest.mark.parametrize("fault", ["reset_after_accepting", "error_after_accepting", "answer_without_id"])
    def test_a_call_whose_answer_is_lost_is_not_placed_twice(self, hook, sandbox, fault):
        sandbox.fault(fault, path="/calls/outbound", first=1)
        with pytest.raises(OutcomeUnknown):
            hook.place_call(Call(to_number=NUMBER))
        assert sandbox.rings_per_number() == {NUMBER: 1}
        assert asked(sandbox, "/calls/outbound") == 1

    def test_an_answer_that_waits_for_the_phone_is_waited_for(self, mrassistant, sandbox):
        """With the connection's own patience it would be lost, and the call unknown."""
        mrassistant(extra={"agent_id": AGENT, "read_timeout": 0.2})
        sandbox.fault("latency", path="/calls/outbound", seconds=0.6)
        hook = MrAssistantHook()
        fields = {"wait_until_answered": True, "ringing_timeout_seconds": 1}
        assert hook.place_call(Call(to_number=NUMBER, extra=fields)).call_id == sandbox.rings[0].call_id
        sandbox.clear_faults()
        sandbox.fault("hold_after_accepting", path="/calls/outbound")
        with pytest.raises(OutcomeUnknown):
            hook.place_call(Call(to_number=OTHERS[0]))
        sandbox.release()

    def test_a_patient_connection_stays_as_patient(self, hook):
        target = hook.connection.target
        assert with_read_timeout(target, 110).read_timeout == 110
        assert with_read_timeout(target, 0).read_timeout == target.read_timeout

    def test_how_a_call_stands_can_be_asked(self, hook):
        call_id = hook.place_call(Call(to_number=NUMBER)).call_id
        details = hook.get_call(call_id)
        assert (details.call_id, details.direction) == (call_id, "outbound")
        assert details.status == "initiated"
        assert NUMBER[1:] not in repr(details)
        assert asyncio.run(hook.read_status(call_id)) == "initiated"

    def test_a_question_that_got_lost_is_asked_again(self, hook, sandbox):
        call_id = hook.place_call(Call(to_number=NUMBER)).call_id
        sandbox.fault("drop_answer_after_accepting", path="/calls/{call_id}", first=2)
        assert hook.get_call(call_id).call_id == call_id

    def test_the_calls_of_an_agent_are_listed_by_page_and_filter(self, hook):
        placed = [hook.place_call(Call(to_number=number)).call_id for number in (NUMBER, *OTHERS)]
        assert [call.call_id for call in hook.list_agent_calls()] == placed
        assert [call.call_id for call in hook.list_agent_calls(limit=1, offset=1)] == placed[1:2]
        assert hook.list_agent_calls(direction="inbound") == []
        assert hook.list_agent_calls(AGENT.replace("3c90", "4d01")) == []
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        assert hook.list_agent_calls(start_date=tomorrow) == []
        assert len(hook.list_agent_calls(end_date=tomorrow)) == 3

    def test_a_call_can_be_ended(self, hook):
        call_id = hook.place_call(Call(to_number=NUMBER)).call_id
        assert hook.end_call(call_id)["call_id"] == call_id
        assert hook.get_call(call_id).status == "ended"
        hook.end_call(call_id)

    def test_a_call_can_be_transferred_once(self, hook, sandbox):
        call_id = hook.place_call(Call(to_number=NUMBER)).call_id
        said = hook.transfer_call(call_id, "tel:+14155550123", transfer_type="warm")
        assert (said["transfer_to"], said["transfer_type"]) == ("tel:+14155550123", "warm")
        sandbox.fault("drop_answer_after_accepting", path="/calls/{call_id}/transfer", first=1)
        with pytest.raises(OutcomeUnknown):
            hook.transfer_call(call_id, "tel:+14155550123")
        assert asked(sandbox, "/calls/{call_id}/transfer") == 2

    def test_a_call_that_nobody_knows_is_said(self, hook):
        with pytest.raises(Rejected, match="Call not found"):
            hook.get_call("no-such-call")

    def test_a_trigger_is_told_at_once_to_wait_and_how_long(self, hook, sandbox):
        call_id = hook.place_call(Call(to_number=NUMBER)).call_id
        sandbox.fault("throttled", path="/calls/{call_id}", first=1, retry_after=3)
        with pytest.raises(Throttled) as error:
            asyncio.run(hook.read_status(call_id))
        assert error.value.retry_after == 3

    def test_nothing_that_rings_is_sent_from_an_event_loop(self, hook, sandbox):
        with pytest.raises(ConfigurationError, match="never by a trigger"):
            asyncio.run(
                hook._ask_once(Request("POST", "/calls/outbound", b"{}", retry_safe=False), lambda response: None)
            )
        assert sandbox.requests == []


class TestTestingTheConnection:
    """It rings nobody and says what it could not check."""

    def test_with_a_login_it_logs_in(self, hook, sandbox):
        assert hook.test_connection() == (True, "MrAssistant took login and password. Nobody was rung.")
        assert [request.endpoint for request in sandbox.requests] == ["/auth/token"]
        assert sandbox.token_logins == 1

    def test_with_a_token_and_an_agent_it_looks_at_the_agents_calls(self, mrassistant, sandbox):
        mrassistant(login=None)
        works, message = MrAssistantHook().test_connection()
        assert (works, "took the token" in message) == (True, True)
        assert [request.endpoint for request in sandbox.requests] == ["/calls/agent/{agent_id}/calls"]

    def test_with_a_token_alone_it_says_that_it_was_not_checked(self, mrassistant, sandbox):
        mrassistant(login=None, extra={})
        works, message = MrAssistantHook().test_connection()
        assert (works, "Whether the token is right was not checked" in message) == (True, True)
        assert sandbox.requests == []

    @pytest.mark.parametrize(
        ("fields", "words"),
        [
            ({"password": "a-password-nobody-may-see"}, "refused the key or token"),
            ({"password": "a-token-nobody-may-see", "login": None}, "refused the token (401): a token lives about"),
            ({"host": ""}, "has no host"),
            ({"host": "https://mrassistant.invalid"}, "could not be reached"),
            ({"host": "https://mrassistant.invalid", "login": None}, "could not be reached"),
        ],
    )
    def test_what_cannot_work_is_said(self, mrassistant, fields, words):
        mrassistant(**fields)
        works, message = MrAssistantHook().test_connection()
        assert not works
        assert words in message
        assert "nobody-may-see" not in message

    def test_nobody_at_home_is_said(self, mrassistant):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            mrassistant(host=f"http://127.0.0.1:{taken.getsockname()[1]}")
            works, message = MrAssistantHook().test_connection()
        assert (works, "could not be reached" in message) == (False, True)


def test_a_wrong_token_is_said_with_the_way_out(mrassistant, sandbox):
    mrassistant(login=None, password="a-token-nobody-may-see")
    with pytest.raises(Unauthorized) as error:
        MrAssistantHook().place_call(Call(to_number=NUMBER))
    assert "a token lives about a day" in str(error.value)
    assert "set login and password" in str(error.value)
    assert "nobody-may-see" not in str(error.value)
    assert (len(sandbox.requests), sandbox.rings) == (1, [])
