"""The outbound configuration of an agent through the hook, against the sandbox."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from airflow_provider_callkaro.exceptions import ConfigurationError, OutcomeUnknown, Rejected, Unauthorized
from airflow_provider_callkaro.hooks.mrassistant import MrAssistantHook

AGENT = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
NUMBERS = [{"phone_number": "+12025550190", "daily_limit": 7}]
ALWAYS = {"start_time": "00:00", "end_time": "24:00", "days_of_week": list(range(7)), "timezone": "Asia/Kolkata"}
PATH = "/outbound/agents/{agent_id}/outbound-config"


@pytest.fixture
def mrassistant(connect, sandbox):
    def define(**extra):
        login = {"login": "sandbox", "password": sandbox.api_key}
        extra = {"agent_id": AGENT, **extra}
        connect(conn_id="mrassistant_default", conn_type="mrassistant", host=sandbox.url, extra=extra, **login)
        return MrAssistantHook()

    return define


@pytest.fixture
def hook(mrassistant):
    return mrassistant()


def schedules(**window):
    return [{"name": "Day", "time_windows": [{**ALWAYS, **window}]}]


def test_what_was_written_is_answered_and_can_be_read_back(hook, sandbox):
    written = hook.configure_outbound(phone_numbers=NUMBERS, schedules=schedules())
    assert written == hook.get_outbound_config()
    assert (written.can_call_now, written.calls_remaining_today, written.total_calls_today) == (True, 7, 0)
    assert written.schedules[0].windows[0].timezone == "Asia/Kolkata"
    assert sandbox.rings == []


def test_an_agent_that_may_not_call_says_when_it_may(hook):
    config = hook.configure_outbound(phone_numbers=[{**NUMBERS[0], "daily_limit": 0}], schedules=schedules())
    assert config.can_call_now is False
    assert config.next_available_time > datetime.now(UTC)


def test_another_agents_configuration_is_another_one(hook):
    hook.configure_outbound(phone_numbers=NUMBERS)
    with pytest.raises(Rejected, match="404"):
        hook.get_outbound_config(AGENT.replace("3c90", "4d01"))


@pytest.mark.parametrize("fault", ["drop_answer_after_accepting", "error_after_accepting", "throttled"])
def test_a_configuration_whose_answer_got_lost_is_written_again_because_it_says_the_same(hook, sandbox, fault):
    hook._sleep = lambda seconds: None
    sandbox.fault(fault, path=f"POST {PATH}", first=2)
    assert hook.configure_outbound(phone_numbers=NUMBERS, schedules=schedules()).can_call_now


def test_one_that_was_taken_and_cannot_be_read_is_not_written_again(hook, sandbox):
    sandbox.fault("unreadable_answer", path=f"POST {PATH}")
    with pytest.raises(OutcomeUnknown):
        hook.configure_outbound(phone_numbers=NUMBERS)
    assert [request.endpoint for request in sandbox.requests].count(f"POST {PATH}") == 1


def test_one_that_cannot_be_read_is_asked_for_again(hook, sandbox):
    hook.configure_outbound(phone_numbers=NUMBERS, schedules=schedules())
    hook._sleep = lambda seconds: None
    sandbox.fault("unreadable_answer", path=f"GET {PATH}", first=2)
    assert hook.get_outbound_config().can_call_now


def test_a_refused_key_is_said_at_once(hook, sandbox):
    hook.configure_outbound(phone_numbers=NUMBERS)
    sandbox.fault("key_refused", path=f"GET {PATH}")
    with pytest.raises(Unauthorized):
        hook.get_outbound_config()


class TestPolicy:
    def test_the_hours_of_the_account_are_a_policy(self, mrassistant):
        hook = mrassistant(day_numbers="Mon=0")
        hook.configure_outbound(
            phone_numbers=NUMBERS, schedules=schedules(start_time="10:00", end_time="19:00", days_of_week=[0, 1, 2])
        )
        policy = hook.calling_policy(agent_id=AGENT)
        assert policy.timezone == "Asia/Kolkata"
        assert [str(window) for window in policy.windows] == ["10:00-19:00 mon-wed"]

    def test_a_campaign_has_no_hours_of_its_own(self, hook):
        with pytest.raises(ConfigurationError, match="give agent_id in place of campaign_id"):
            hook.calling_policy(campaign_id="c-1")

    def test_without_an_agent_there_are_none(self, mrassistant):
        with pytest.raises(ConfigurationError, match="no agent is known"):
            mrassistant(agent_id="").calling_policy()

    def test_days_that_are_numbered_in_an_unknown_way_are_refused_with_the_connection(self, mrassistant):
        with pytest.raises(ConfigurationError, match='"day_numbers" in the extra of connection "mrassistant_default"'):
            mrassistant(day_numbers="tuesday").connection  # noqa: B018
