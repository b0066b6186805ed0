"""What is sent again: never a call that may have rung, and never without a pause."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_callkaro.calls import Reason
from airflow_provider_callkaro.exceptions import NotSent, OutcomeUnknown, Rejected, Throttled, Unauthorized
from airflow_provider_callkaro.transport.retry import RetryPolicy
from airflow_provider_callkaro.transport.sync import SyncTransport
from airflow_provider_callkaro.transport.target import Target
from airflow_provider_callkaro.vendors.callkaro.api import CallKaro
from airflow_provider_callkaro.vendors.http import Request

NOT_SENT = NotSent("", vendor="CallKaro")
UNKNOWN = OutcomeUnknown("", vendor="CallKaro", reason=Reason.NO_ANSWER)
REJECTED = Rejected("", vendor="CallKaro", reason=Reason.VENDOR_REJECTED)
UNAUTHORIZED = Unauthorized("", vendor="CallKaro")


def throttled(seconds):
    return Throttled("", vendor="CallKaro", retry_after=seconds)


ATTEMPTS = st.integers(min_value=1, max_value=10_000)
RANDOM = st.floats(min_value=0, max_value=1, exclude_max=True)
WAITS = st.none() | st.floats(min_value=0, allow_infinity=False)
ERRORS = st.sampled_from([NOT_SENT, UNKNOWN, REJECTED, UNAUTHORIZED]) | WAITS.map(throttled)
POLICIES = st.builds(
    RetryPolicy,
    attempts=st.integers(min_value=1, max_value=100),
    throttled_attempts=st.integers(min_value=1, max_value=100),
    base_delay=st.floats(min_value=0.01, max_value=10),
    max_delay=st.floats(min_value=10, max_value=100),
    max_retry_after=st.floats(min_value=1, max_value=10_000),
)


@given(policy=POLICIES, attempt=ATTEMPTS, random=RANDOM)
def test_a_call_that_may_have_rung_is_never_sent_again(policy, attempt, random):
    assert policy.delay(UNKNOWN, attempt=attempt, retry_safe=False, random=lambda: random) is None


@given(policy=POLICIES, attempt=ATTEMPTS, random=RANDOM, status=st.integers(min_value=200, max_value=299))
def test_what_the_vendor_took_is_never_sent_again_whatever_its_answer_says(policy, attempt, random, status):
    taken = OutcomeUnknown("", vendor="CallKaro", reason=Reason.UNREADABLE_ANSWER, status=status)
    for retry_safe in (True, False):
        assert policy.delay(taken, attempt=attempt, retry_safe=retry_safe, random=lambda: random) is None


@pytest.mark.parametrize("status", [None, 302, 500, 504])
def test_what_the_vendor_may_not_have_taken_and_what_only_reads_may_be_sent_again(status):
    policy = RetryPolicy()
    lost = OutcomeUnknown("", vendor="CallKaro", reason=Reason.NO_ANSWER, status=status)
    assert policy.delay(lost, attempt=1, retry_safe=True, random=lambda: 0.0) is not None
    taken = OutcomeUnknown("", vendor="CallKaro", reason=Reason.UNREADABLE_ANSWER, status=200)
    assert policy.delay(taken, attempt=1, retry_safe=True, random=lambda: 0.0, reads=True) is not None


@given(policy=POLICIES, attempt=ATTEMPTS, random=RANDOM, retry_safe=st.booleans())
def test_what_will_never_be_accepted_is_never_sent_again(policy, attempt, random, retry_safe):
    for error in (REJECTED, UNAUTHORIZED):
        assert policy.delay(error, attempt=attempt, retry_safe=retry_safe, random=lambda: random) is None


@given(policy=POLICIES, error=ERRORS, attempt=ATTEMPTS, random=RANDOM, retry_safe=st.booleans())
def test_every_pause_is_within_its_bounds(policy, error, attempt, random, retry_safe):
    delay = policy.delay(error, attempt=attempt, retry_safe=retry_safe, random=lambda: random)
    if delay is None:
        return
    told = getattr(error, "retry_after", None) or 0.0
    assert delay >= min(policy.base_delay, policy.max_delay) / 2
    assert delay >= min(told, policy.max_retry_after)
    assert delay <= max(policy.max_delay, min(told, policy.max_retry_after) + 1)
    assert attempt < max(policy.attempts, policy.throttled_attempts)


@given(seconds=st.floats(max_value=0) | st.just(float("nan")), attempt=ATTEMPTS)
def test_a_vendor_that_asks_for_no_pause_gets_the_backoff(seconds, attempt):
    """Otherwise everybody would be sent twenty times in a row to a vendor that has just said that it cannot keep up."""
    wait = RetryPolicy().wait(throttled(seconds), attempt=attempt, random=lambda: 1.0)
    assert wait == RetryPolicy().wait(throttled(None), attempt=attempt, random=lambda: 1.0) > 0


def test_pauses_double_and_stop_growing():
    policy = RetryPolicy(base_delay=1, max_delay=8)
    delays = [policy.wait(NOT_SENT, attempt=attempt, random=lambda: 1.0) for attempt in range(1, 7)]
    assert delays == [1, 2, 4, 8, 8, 8]
    assert policy.wait(NOT_SENT, attempt=10**6, random=lambda: 1.0) == 8


def test_a_request_is_tried_as_often_as_it_says():
    policy = RetryPolicy(attempts=3, throttled_attempts=5)

    def tries(error, *, retry_safe):
        attempt = 1
        while policy.delay(error, attempt=attempt, retry_safe=retry_safe, random=lambda: 0.5) is not None:
            attempt += 1
        return attempt

    assert tries(NOT_SENT, retry_safe=False) == tries(NOT_SENT, retry_safe=True) == tries(UNKNOWN, retry_safe=True) == 3
    assert tries(throttled(None), retry_safe=False) == tries(throttled(7), retry_safe=True) == 5
    assert tries(UNKNOWN, retry_safe=False) == tries(REJECTED, retry_safe=True) == 1


ACCEPTED = b'{"call_id":"a1b2c3d4e5","batch_id":"68433b7b0dee98e59245ebab"}'


@pytest.fixture
def pauses():
    return []


@pytest.fixture
def transport_to(stack, pauses):
    def open_transport(server, **policy):
        target = Target(vendor="CallKaro", base_url=server.url, headers={"X-API-KEY": "key"})
        transport = SyncTransport(target, policy=RetryPolicy(**policy), sleep=pauses.append, random=lambda: 1.0)
        stack.callback(transport.close)
        return transport

    return open_transport


def hang_up(connection):
    connection.read_request()


def answer_with(status, *headers):
    def script(connection):
        connection.read_request()
        connection.answer(b"{}", status=status, headers=["Connection: close", *headers])

    return script


def accept(connection):
    connection.read_request()
    connection.answer(ACCEPTED, headers=["Connection: close"])


CALL = Request.json("POST", "/call/outbound", {}, retry_safe=False)
CAMPAIGN = CallKaro().create_campaign("Renewals")


def test_a_lost_call_goes_out_once_and_a_lost_campaign_again(serve, transport_to, pauses):
    server = serve(hang_up, hang_up, accept)
    transport = transport_to(server)
    with pytest.raises(OutcomeUnknown):
        transport.call(CALL, CallKaro().read_placed_call)
    assert (len(server.requests), pauses) == (1, [])
    assert transport.call(CAMPAIGN, CallKaro().read_campaign) == "68433b7b0dee98e59245ebab"
    assert (len(server.requests), pauses) == (3, [0.5])


def test_whoever_looks_at_a_silent_task_reads_how_long_it_waits_and_why(serve, transport_to, caplog):
    caplog.set_level("INFO")
    transport_to(serve(answer_with("429 Slow", "Retry-After: 7"), accept)).call(CALL, CallKaro().read_placed_call)
    assert "Waiting 7.7 s before try 2: CallKaro asked to slow down (429)" in caplog.text


def test_a_call_that_was_turned_away_waits_as_long_as_it_was_told(serve, transport_to, pauses):
    server = serve(answer_with("429 Slow", "Retry-After: 7"), answer_with("503 Busy", "Retry-After: 99999"), accept)
    assert transport_to(server).call(CALL, CallKaro().read_placed_call).call_id == "a1b2c3d4e5"
    assert pauses == [pytest.approx(7.7), 601.0]


def test_a_call_that_is_turned_away_for_ever_ends_as_turned_away(serve, transport_to, pauses):
    server = serve(answer_with("429 Slow"))
    with pytest.raises(Throttled):
        transport_to(server, throttled_attempts=3).call(CALL, CallKaro().read_placed_call)
    assert (len(server.requests), len(pauses)) == (3, 2)


def test_a_refused_key_is_not_tried_again(serve, transport_to, pauses):
    server = serve(answer_with("403 Forbidden"))
    with pytest.raises(Unauthorized):
        transport_to(server).call(CALL, CallKaro().read_placed_call)
    assert (len(server.requests), pauses) == (1, [])


def test_a_vendor_that_is_away_for_a_moment_costs_a_pause(serve, transport_to, pauses):
    server = serve(accept)
    server.close()
    with pytest.raises(NotSent):
        transport_to(server, attempts=3).call(CALL, CallKaro().read_placed_call)
    assert pauses == [0.5, 1.0]


@pytest.mark.parametrize(("pause", "connections"), [(1.0, 1), (3.0, 2)])
def test_a_connection_that_may_be_dead_by_now_is_not_trusted_with_a_call(serve, stack, pause, connections):
    """Gateways forget idle connections without a word; a call on one is lost, and nobody knows whether it rang."""

    def keep_accepting(connection):
        while connection.read_request() is not None:
            connection.answer(ACCEPTED)

    server = serve(keep_accepting)
    now = [0.0]
    target = Target(vendor="CallKaro", base_url=server.url, headers={})
    transport = SyncTransport(target, policy=RetryPolicy(), sleep=pytest.fail, random=lambda: 1.0, clock=lambda: now[0])
    stack.callback(transport.close)
    transport.call(CALL, CallKaro().read_placed_call)
    now[0] += pause
    transport.call(CALL, CallKaro().read_placed_call)
    assert (len(server.requests), server.connections) == (2, connections)


def test_a_closed_transport_opens_again(serve, transport_to):
    server = serve(accept)
    transport = transport_to(server)
    for _ in range(2):
        assert transport.call(CALL, CallKaro().read_placed_call).call_id == "a1b2c3d4e5"
        transport.close()
    transport.close()
    assert server.connections == 2
