"""What nobody foresaw: a transport that breaks, arguments that cannot be right, and whose context the dialling has."""

from __future__ import annotations

import threading
from contextvars import ContextVar

import pytest
from placing_calls import numbers, rows

from airflow_provider_callkaro.calls.outcome import Outcome, Reason
from airflow_provider_callkaro.dispatch.limits import Limits, redial_states
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.ledger.contract import EntryState


class TransportAround:
    """A transport that passes everything on to a real one; a test overrides what it wants to go wrong."""

    def __init__(self, transport) -> None:
        self.transport = transport

    @property
    def deadline(self):
        return self.transport.deadline

    async def __aenter__(self):
        await self.transport.__aenter__()
        return self

    async def __aexit__(self, *exc_info) -> None:
        await self.transport.__aexit__(*exc_info)

    async def send(self, request, *, not_after):
        return await self.transport.send(request, not_after=not_after)


def test_an_error_that_nobody_foresaw_leaves_the_call_unknown_because_the_phone_may_be_ringing(caller) -> None:
    class Breaking(TransportAround):
        async def send(self, request, *, not_after):
            answer = await self.transport.send(request, not_after=not_after)
            if len(caller.sandbox.rings) == 5:
                raise RuntimeError("an answer of +919876500004 that broke the reader")
            return answer

    run = caller.place(rows(20), around=Breaking, limits=Limits(max_concurrency=1))
    assert run.summary.accepted == 19
    assert [row.reason for row in run.rows if row.outcome is Outcome.UNKNOWN] == [Reason.NO_ANSWER]
    assert "98765" not in str(run)
    assert caller.place(rows(20)).summary.unknown == 1
    assert caller.most_rings() == 1


def test_a_transport_that_cannot_be_opened_ends_the_run_before_anything_is_claimed(caller) -> None:
    class Closed(TransportAround):
        async def __aenter__(self):
            raise OSError("no such certificate file")

    before = threading.active_count()
    with pytest.raises(OSError, match="certificate"):
        caller.place(rows(20), around=Closed)
    assert caller.entries(*numbers(20)) == {}
    assert threading.active_count() == before


def test_the_dialling_runs_in_the_context_of_the_task_so_that_secrets_stay_masked(caller) -> None:
    task = ContextVar("task", default="nobody's")
    seen: set[str] = set()

    class Looking(TransportAround):
        async def send(self, request, *, not_after):
            seen.add(task.get())
            return await self.transport.send(request, not_after=not_after)

    task.set("the task's")
    caller.place(rows(3), around=Looking)
    assert seen == {"the task's"}


def test_no_thread_and_no_socket_is_left_behind(caller) -> None:
    before = threading.active_count()
    caller.place(rows(50))
    assert threading.active_count() == before


def test_no_request_leaves_before_its_claim_is_in_the_ledger(caller) -> None:
    claimed_in_time: list[bool] = []

    class Looking(TransportAround):
        async def send(self, request, *, not_after):
            entries = caller.entries(*numbers(60))
            claimed_in_time.append(any(number.encode() in request.body for number in entries))
            return await self.transport.send(request, not_after=not_after)

    caller.place(rows(60), around=Looking, limits=Limits(max_concurrency=8))
    assert claimed_in_time == [True] * 60
    assert {entry.state for entry in caller.entries(*numbers(60)).values()} == {EntryState.ACCEPTED}


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("max_concurrency", [0, -1, 1_001]),
        ("calls_per_second", [0, -1.0, float("inf"), float("nan")]),
        ("stop_after_unknown", [0, -1]),
    ],
)
def test_a_limit_that_cannot_be_is_refused_by_name(name, values) -> None:
    for value in values:
        with pytest.raises(ConfigurationError, match=name):
            Limits(**{name: value})


@pytest.mark.parametrize(
    ("redial", "states"),
    [
        (None, set()),
        ("", set()),
        ("None", set()),
        ([], set()),
        ("unknown", {EntryState.UNKNOWN}),
        (" Rejected ", {EntryState.REJECTED}),
        (["unknown", "rejected"], {EntryState.UNKNOWN, EntryState.REJECTED}),
    ],
)
def test_what_to_redial_is_read_as_people_and_templates_write_it(redial, states) -> None:
    assert redial_states(redial) == states


@pytest.mark.parametrize("redial", ["accepted", "all", ["unknown", "claimed"]])
def test_nothing_else_can_be_redialled(redial) -> None:
    with pytest.raises(ConfigurationError, match="unknown and rejected"):
        redial_states(redial)
