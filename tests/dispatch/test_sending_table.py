"""The sending table, line by line: what a row ends as, what the ledger keeps, who was rung, and what the next run does.

Each line is played over real sockets with the SQL ledger. Then the fault is gone, and the same run is tried again, and
another run of the same scope goes over the same list.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from placing_calls import DND_NUMBER, numbers, rows

from airflow_provider_callkaro.calls.outcome import Outcome, Reason
from airflow_provider_callkaro.dispatch.limits import Limits
from airflow_provider_callkaro.exceptions import Unauthorized
from airflow_provider_callkaro.ledger.contract import EntryState
from airflow_provider_callkaro.transport.retry import RetryPolicy

SOON = {"retry_after": 0.01}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the table: a fault, and what it makes of a row.

    :param rings: how often the phone rang.
    """

    kind: str | None
    options: Mapping[str, Any] = field(default_factory=dict)
    outcome: Outcome
    reason: Reason | None = None
    rings: int = 0

    @property
    def id(self) -> str:
        options = ",".join(f"{name}={value}" for name, value in self.options.items())
        return f"{self.kind or 'all is well'} {options}".strip()


def accepted(kind: str | None = None, **options: Any) -> Line:
    return Line(kind=kind, options=options, outcome=Outcome.ACCEPTED, rings=1)


def rejected(**options: Any) -> Line:
    return Line(kind="rejected", options=options, outcome=Outcome.REJECTED, reason=Reason.VENDOR_REJECTED)


def unknown(reason: Reason, kind: str, *, rings: int, **options: Any) -> Line:
    return Line(kind=kind, options=options, outcome=Outcome.UNKNOWN, reason=reason, rings=rings)


def throttled(kind: str, **options: Any) -> Line:
    return Line(kind=kind, options=options, outcome=Outcome.PENDING, reason=Reason.THROTTLED)


def refused(**options: Any) -> Line:
    return Line(kind="key_refused", options=options, outcome=Outcome.PENDING, reason=Reason.STOPPED)


TABLE = [
    accepted(),
    accepted("newer_answer"),
    rejected(status=400),
    rejected(status=404),
    rejected(status=422),
    refused(status=401),
    refused(status=403),
    throttled("throttled"),
    throttled("throttled", **SOON),
    throttled("unavailable", **SOON),
    unknown(Reason.SERVER_ERROR, "unavailable", rings=0),
    *(unknown(Reason.SERVER_ERROR, "error_before_accepting", rings=0, status=code) for code in (500, 502, 504)),
    *(unknown(Reason.SERVER_ERROR, "error_after_accepting", rings=1, status=code) for code in (500, 502, 503, 504)),
    unknown(Reason.SERVER_ERROR, "redirect", rings=0, status=302),
    unknown(Reason.SERVER_ERROR, "redirect", rings=0, status=307),
    unknown(Reason.NO_ANSWER, "reset_before_accepting", rings=0),
    unknown(Reason.NO_ANSWER, "reset_after_accepting", rings=1),
    unknown(Reason.NO_ANSWER, "drop_answer_after_accepting", rings=1),
    unknown(Reason.NO_ANSWER, "truncated_answer", rings=1),
    unknown(Reason.UNREADABLE_ANSWER, "unreadable_answer", rings=1),
    unknown(Reason.NO_CALL_ID, "answer_without_id", rings=1),
]

ENTRY_OF = {
    Outcome.ACCEPTED: EntryState.ACCEPTED,
    Outcome.REJECTED: EntryState.REJECTED,
    Outcome.UNKNOWN: EntryState.UNKNOWN,
}
SKIPPED_BY_ANOTHER_RUN = {
    Outcome.ACCEPTED: Reason.ALREADY_ACCEPTED,
    Outcome.REJECTED: Reason.ALREADY_REJECTED,
    Outcome.UNKNOWN: Reason.ALREADY_UNKNOWN,
}


def check_line(caller, line: Line, *, after_the_fault=lambda: None, **place: Any) -> None:
    """Play the line with one contact, then a second try of the run, then another run."""
    [number] = numbers(1)
    first = caller.place(rows(1), **place)
    [row] = first.rows
    assert (row.outcome, row.reason) == (line.outcome, line.reason)
    assert number not in str(row.detail)
    entries = caller.entries(number)
    after_the_fault()
    caller.sandbox.clear_faults()
    if line.outcome is Outcome.PENDING:  # the claim is free again, so the next try rings
        assert entries == {}
        assert caller.sandbox.rings_per_number() == {}
        assert caller.place(rows(1)).summary.accepted == 1
        assert caller.sandbox.rings_per_number() == {number: 1}
        return
    entry = entries[number]
    assert (entry.state, entry.reason, entry.call_id) == (ENTRY_OF[line.outcome], line.reason, row.call_id)
    again = caller.place(rows(1))
    assert [(row.outcome, row.reason) for row in again.rows] == [(line.outcome, line.reason)]
    assert (again.summary.dialled, again.summary.resumed) == (0, 1)
    tuesday = caller.place(rows(1), run="tuesday")
    assert [(row.outcome, row.reason) for row in tuesday.rows] == [
        (Outcome.SKIPPED, SKIPPED_BY_ANOTHER_RUN[line.outcome])
    ]
    assert caller.sandbox.rings_per_number().get(number, 0) == line.rings
    assert caller.entries(number) == entries


@pytest.mark.parametrize("line", TABLE, ids=lambda line: line.id)
def test_each_answer_has_the_outcome_that_the_table_names_and_nobody_is_rung_twice(durable_caller, line) -> None:
    if line.kind is not None:
        durable_caller.sandbox.fault(line.kind, **line.options)
    check_line(durable_caller, line)


@pytest.mark.parametrize(("kind", "rings"), [("hold_before_accepting", 1), ("hold_after_accepting", 1)])
def test_an_answer_that_never_comes_is_unknown_even_if_the_vendor_acts_later(durable_caller, kind, rings) -> None:
    sandbox = durable_caller.sandbox
    sandbox.fault(kind)

    def let_the_vendor_act() -> None:
        sandbox.release()
        sandbox.wait_for_rings(1)

    check_line(
        durable_caller,
        unknown(Reason.NO_ANSWER, kind, rings=rings),
        after_the_fault=let_the_vendor_act,
        read_timeout=0.2,
    )


def test_a_vendor_that_refuses_connections_leaves_the_call_to_the_next_try(durable_caller) -> None:
    durable_caller.sandbox.stop()
    line = Line(kind="refused", outcome=Outcome.PENDING, reason=Reason.NOT_SENT)
    check_line(durable_caller, line, after_the_fault=durable_caller.sandbox.start)


def test_a_host_that_speaks_no_tls_never_saw_the_call(durable_caller) -> None:
    line = Line(kind="no TLS", outcome=Outcome.PENDING, reason=Reason.NOT_SENT)
    check_line(durable_caller, line, base_url=durable_caller.sandbox.url.replace("http://", "https://"))


def test_a_host_that_takes_no_connection_in_time_never_saw_the_call(durable_caller) -> None:
    line = Line(kind="connect timeout", outcome=Outcome.PENDING, reason=Reason.NOT_SENT)
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for client in (first, second):  # the queue holds one more than it was told; nobody ever accepts
            client.setblocking(False)
            client.connect_ex(full.getsockname())
        check_line(
            durable_caller,
            line,
            base_url="http://{}:{}".format(*full.getsockname()),
            connect_timeout=0.2,
            policy=RetryPolicy(attempts=2, base_delay=0.01),
        )


def test_a_person_who_must_not_be_disturbed_and_an_agent_that_does_not_exist_are_named_as_such(caller) -> None:
    run = caller.place([{"to_number": DND_NUMBER}, {"to_number": "+919876500001", "agent_id": "unknown agent"}])
    assert [row.reason for row in run.rows] == [Reason.DO_NOT_DISTURB, Reason.AGENT_NOT_FOUND]
    assert caller.sandbox.rings == []


def test_a_call_that_could_not_be_sent_is_sent_as_soon_as_the_vendor_is_back(caller) -> None:
    sandbox = caller.sandbox
    sandbox.stop()
    failures = 0

    def jitter() -> float:  # asked once per failed attempt
        nonlocal failures
        failures += 1
        if failures == 3:
            sandbox.start()
        return 1.0

    patient = RetryPolicy(attempts=30, base_delay=0.02, max_delay=0.02)
    run = caller.place(rows(1), policy=patient, jitter=jitter)
    assert run.summary.accepted == 1
    assert caller.most_rings() == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_wrong_key_stops_the_run_at_once_instead_of_burning_through_the_list(caller, status) -> None:
    caller.sandbox.fault("key_refused", status=status)
    run = caller.place(rows(1_000))
    assert isinstance(run.summary.refusal, Unauthorized)
    assert run.summary.stopped == "the vendor refused the key or token"
    assert run.summary.pending == 1_000
    assert run.summary.reasons == {Reason.STOPPED: 1_000}
    assert len(caller.sandbox.requests) <= 20
    assert caller.entries(*numbers(1_000)) == {}
    caller.sandbox.clear_faults()
    assert caller.place(rows(1_000)).summary.accepted == 1_000
    assert caller.most_rings() == 1


def test_a_key_that_is_withdrawn_in_mid_run_costs_no_more_than_what_was_in_flight(caller) -> None:
    caller.sandbox.fault("key_refused", after=300)
    run = caller.place(rows(1_000), limits=Limits(max_concurrency=16))
    assert (run.summary.accepted, run.summary.pending) == (300, 700)
    assert len(caller.sandbox.requests) <= 300 + 16
    caller.sandbox.clear_faults()
    assert caller.place(rows(1_000)).summary.accepted == 1_000
    assert caller.most_rings() == 1


def test_a_row_that_stays_throttled_does_not_keep_the_others_from_being_called(caller) -> None:
    caller.sandbox.fault("throttled", first=8, **SOON)  # two rows at the least, four attempts each
    run = caller.place(rows(50), limits=Limits(max_concurrency=1))
    assert 1 <= run.summary.pending <= 2
    assert run.summary.accepted == 50 - run.summary.pending
    assert run.summary.stopped is None
    assert caller.place(rows(50)).summary.accepted == 50
    assert caller.most_rings() == 1


def test_an_error_of_the_vendor_does_not_put_the_number_it_repeats_into_ledger_or_report(durable_caller) -> None:
    durable_caller.sandbox.fault("rejected")
    run = durable_caller.place(rows(3))
    entries = durable_caller.entries(*numbers(3))
    for text in [str(run), str(list(entries.values()))]:
        assert "98765" not in text
        assert "is not reachable" in text
