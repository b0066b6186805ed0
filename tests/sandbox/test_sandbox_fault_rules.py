"""Which requests a fault hits, and which faults cannot be: a test that asks for every tenth must get every tenth."""

from __future__ import annotations

from bisect import bisect_right

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_callkaro.sandbox.active_faults import ActiveFaults, SlidingWindow
from airflow_provider_callkaro.sandbox.faults import Endpoint, Fault, FaultKind, RetryAfterForm

MANY = 200


@given(every=st.integers(1, 20), after=st.integers(0, 50))
def test_every_nth_after_the_skipped_ones_is_hit(every, after):
    fault = Fault(kind=FaultKind.REJECTED, every=every, after=after)
    hits = [number for number in range(1, MANY + 1) if fault.is_hit(number)]
    assert hits == list(range(after + every, MANY + 1, every))


@given(every=st.integers(1, 20), after=st.integers(0, 50), first=st.integers(1, 100))
def test_only_the_first_ones_after_the_skipped_ones_are_in_question(every, after, first):
    fault = Fault(kind=FaultKind.REJECTED, every=every, after=after, first=first)
    hits = [number for number in range(1, MANY + 1) if fault.is_hit(number)]
    assert hits == list(range(after + every, min(after + first, MANY) + 1, every))


@given(limit=st.integers(1, 5), steps=st.lists(st.integers(0, 96), max_size=60))
def test_a_window_never_lets_too_many_pass_and_never_turns_away_without_need(limit, steps):
    now = 0.0
    window = SlidingWindow(limit=limit, clock=lambda: now)
    passed = []
    for step in steps:
        now += step / 64  # sums of these are exact
        in_window = len(passed) - bisect_right(passed, now - 1.0)
        wait = window.seconds_to_wait()
        assert (wait == 0) == (in_window < limit)
        if wait:
            assert 0 < wait <= 1
        else:
            passed.append(now)


def test_a_client_that_waits_as_told_is_let_in():
    now = 100.0
    window = SlidingWindow(limit=2, clock=lambda: now)
    assert [window.seconds_to_wait() for _ in range(3)][:2] == [0, 0]
    now += window.seconds_to_wait()
    assert window.seconds_to_wait() == 0


def test_two_faults_count_for_themselves_and_strike_in_the_order_they_were_switched_on():
    active_faults = ActiveFaults()
    active_faults.add(Fault(kind=FaultKind.LATENCY, every=2))
    active_faults.add(Fault(kind=FaultKind.THROTTLED, every=3))
    active_faults.add(Fault(kind=FaultKind.REDIRECT, path=Endpoint.CAMPAIGN))
    struck = [[strike.fault.kind for strike in active_faults.strikes(Endpoint.OUTBOUND)] for _ in range(6)]
    assert struck == [[], ["latency"], ["throttled"], ["latency"], [], ["latency", "throttled"]]
    assert [(line["seen"], line["hit"]) for line in active_faults.report()] == [(6, 3), (6, 2), (0, 0)]


@given(st.sampled_from(FaultKind), st.sampled_from(Endpoint), st.integers(1, 9), st.integers(0, 9))
def test_a_fault_survives_its_way_through_json(kind, path, every, after):
    fault = Fault(kind=kind, path=path, every=every, after=after)
    assert Fault.from_json(fault.as_json()) == fault


def test_a_fault_that_names_only_its_kind_has_the_documented_defaults():
    assert Fault(kind=FaultKind.LATENCY).seconds == 1
    assert Fault(kind=FaultKind.RATE_LIMIT).calls_per_second == 10
    assert Fault(kind=FaultKind.THROTTLED).retry_after_as is RetryAfterForm.SECONDS
    assert Fault(kind=FaultKind.KEY_REFUSED).status == 403
    assert Fault(kind=FaultKind.REDIRECT).status == 302


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ([], "JSON object"),
        ({}, "kind"),
        ({"kind": "earthquake"}, "latency"),
        ({"kind": ["latency"]}, "kind"),
        ({"kind": "latency", "every": 0}, "every"),
        ({"kind": "latency", "every": True}, "every"),
        ({"kind": "latency", "every": None}, "every"),
        ({"kind": "latency", "first": 0}, "first"),
        ({"kind": "latency", "after": -1}, "after"),
        ({"kind": "latency", "after": 1.5}, "after"),
        ({"kind": "latency", "path": "/elsewhere"}, "/call/outbound"),
        ({"kind": "latency", "seconds": -1}, "seconds"),
        ({"kind": "latency", "seconds": "2"}, "seconds"),
        ({"kind": "latency", "seconds": float("nan")}, "seconds"),
        ({"kind": "latency", "seconds": float("inf")}, "seconds"),
        ({"kind": "latency", "status": 500}, "status"),
        ({"kind": "latency", "colour": "red"}, "colour"),
        ({"kind": "throttled", "retry_after": -1}, "retry_after"),
        ({"kind": "throttled", "retry_after_as": "minutes"}, "retry_after_as"),
        ({"kind": "rate_limit", "calls_per_second": 0}, "calls_per_second"),
        ({"kind": "rate_limit", "calls_per_second": 0.5}, "calls_per_second"),
        ({"kind": "error_after_accepting", "status": 200}, "status"),
        ({"kind": "error_after_accepting", "status": "500"}, "status"),
        ({"kind": "error_after_accepting", "status": 500.0}, "status"),
        ({"kind": "key_refused", "status": 404}, "403, 401"),
        ({"kind": "redirect", "location": "a\r\nb"}, "location"),
        ({"kind": "redirect", "location": 7}, "location"),
    ],
)
def test_a_fault_that_cannot_be_is_refused_with_the_option_it_is_about(options, names):
    with pytest.raises(ValueError, match=names):
        Fault.from_json(options)
