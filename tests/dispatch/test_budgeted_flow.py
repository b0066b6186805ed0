"""The flow control of a run that shares a budget: both must let a call start, on a clock of the test's own."""

from __future__ import annotations

import math

import pytest

from airflow_provider_callkaro.budgets.lease import Lease
from airflow_provider_callkaro.budgets.messages import Grant
from airflow_provider_callkaro.dispatch.flow_control import FlowControl, Headroom
from airflow_provider_callkaro.exceptions import Throttled


@pytest.fixture
def lease() -> Lease:
    """Two tokens that are ready at once, a third one half a second later, and two slots; from 0 to 10."""
    lease = Lease(most_slots=8)
    lease.report(now=0.0, backlog=True)
    grant = Grant(version=1, seconds=10.0, period=1.0, tokens=(0.0, 0.0, 0.5), target_tokens=3, slots=2, target_slots=2)
    lease.grant(grant, began=0.0, now=0.0)
    return lease


def test_a_call_starts_only_where_pace_and_budget_let_it(lease: Lease) -> None:
    flow = FlowControl(max_concurrency=8, calls_per_second=4.0, share=lease)
    assert flow.capacity() == 2
    assert flow.may_start(now=0.0)
    permit = flow.start(now=0.0)
    assert permit is not None
    assert permit.may_leave(now=0.0)
    assert not flow.may_start(now=0.1), "its own pace"
    assert flow.may_start(now=0.25)
    flow.start(now=0.25)
    assert not flow.may_start(now=0.6), "both slots are in use"


def test_without_a_lease_nothing_starts_and_nothing_is_claimed() -> None:
    flow = FlowControl(max_concurrency=8, share=Lease(most_slots=8))
    assert (flow.capacity(), flow.may_start(now=0.0), flow.starts_at(now=0.0)) == (0, False, math.inf)
    headroom = Headroom(flow=flow, many=False, clock=lambda: 0.0)
    assert headroom.room(0.0, out=0, waiting=0) == 0


def test_a_run_wakes_for_the_next_token(lease: Lease) -> None:
    flow = FlowControl(max_concurrency=8, share=lease)
    headroom = Headroom(flow=flow, many=False, clock=lambda: 0.0)
    assert headroom.room(0.0, out=0, waiting=0) == 2
    lead = headroom.lead()
    assert headroom.patience(0.0, waiting=2, longest=5.0) == pytest.approx(0.5 - lead, abs=0.01)
    assert headroom.patience(0.0, waiting=2, longest=0.1) == 0.1


def test_a_token_finds_its_call_claimed_however_long_renewals_take(lease: Lease) -> None:
    headroom = Headroom(flow=FlowControl(max_concurrency=8, share=lease), many=False, clock=lambda: 0.0)
    assert headroom.lead() >= 0.1, "a token that waits for a claim is lost for all"
    for _ in range(30):
        headroom.renewed(0.2)
    assert headroom.lead() >= 0.4
    assert headroom.room(0.0, out=0, waiting=0) == 2, "two slots, and hardly anything ahead of them"

    alone = Headroom(flow=FlowControl(max_concurrency=8), many=False, clock=lambda: 0.0)
    assert alone.lead() < 0.1, "a run without a budget claims no earlier than its turns ask for"


def test_a_throttling_is_passed_on_and_makes_the_run_renew_at_once(lease: Lease) -> None:
    flow = FlowControl(max_concurrency=8, share=lease)
    flow.start(now=0.0)
    flow.failed(Throttled("later", vendor="CallKaro", status=429), started_at=0.0, now=0.2, wait=3.0)
    assert lease.due_at == -math.inf
    assert not flow.may_start(now=3.1)
    assert flow.starts_at(now=0.3) >= 3.2
