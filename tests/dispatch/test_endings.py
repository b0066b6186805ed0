"""However a run ends, its account is given: everything settled, every row counted, and the summary handed over."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from placing_calls import CampaignCaller, LedgerAround, Lines, numbers, rows

from airflow_provider_callkaro.calls.outcome import Outcome, Reason
from airflow_provider_callkaro.dispatch import progress
from airflow_provider_callkaro.dispatch.limits import Limits
from airflow_provider_callkaro.dispatch.tally import Summary, Tally
from airflow_provider_callkaro.exceptions import ConfigurationError, LedgerError
from airflow_provider_callkaro.ledger.contract import EntryState

LIMITS = Limits(max_concurrency=8)


class Struck(BaseException):
    """Raised out of nowhere, as Airflow's timeout is and KeyboardInterrupt."""


class Endings:
    """Takes the summaries of runs that fail."""

    def __init__(self) -> None:
        self.summaries: list[Summary] = []

    def __call__(self, summary: Summary) -> None:
        self.summaries.append(summary)

    @property
    def only(self) -> Summary:
        [summary] = self.summaries
        counted = (summary.accepted, summary.rejected, summary.skipped, summary.unknown, summary.pending)
        assert sum(counted) == summary.total
        return summary


@pytest.fixture
def endings() -> Endings:
    return Endings()


def breaking_off(contacts: list[Any], *, after: int, error: BaseException) -> Iterator[Any]:
    yield from contacts[:after]
    raise error


def check_what_was_rung(caller, summary: Summary, count: int) -> None:
    assert summary.accepted == len(caller.sandbox.rings) > 0
    states = [entry.state for entry in caller.entries(*numbers(count)).values()]
    assert states == [EntryState.ACCEPTED] * summary.accepted


@pytest.mark.parametrize("error", [ConfigurationError("its end cannot be read"), OverflowError(), Struck()], ids=repr)
def test_a_source_that_breaks_in_the_middle_leaves_a_summary(caller, endings, error) -> None:
    contacts = breaking_off(rows(1_000), after=600, error=error)
    with pytest.raises(type(error)) as raised:
        caller.place(contacts, total=1_000, on_failure=endings, limits=LIMITS)
    assert raised.value is error
    summary = endings.only
    check_what_was_rung(caller, summary, 1_000)
    assert summary.total == 1_000
    assert Counter(summary.reasons) == Counter({Reason.STOPPED: 600 - summary.accepted, Reason.UNREAD: 400})
    assert summary.stopped == f"it failed ({type(error).__name__})"
    assert "unread" not in summary.as_xcom(campaign={}, report=None)


def test_rows_that_were_not_read_are_named_where_nobody_knows_how_many_they_are(caller, endings) -> None:
    with pytest.raises(OverflowError):
        caller.place(breaking_off(rows(300), after=300, error=OverflowError()), on_failure=endings, limits=LIMITS)
    summary = endings.only
    check_what_was_rung(caller, summary, 300)
    assert summary.total == 300
    assert Counter(summary.reasons) == Counter({Reason.STOPPED: 300 - summary.accepted})  # none, if all went out before
    assert summary.as_xcom(campaign={}, report=None)["unread"] is True
    assert "the list was not read to its end" in str(summary)


def test_a_run_that_ends_well_tells_nobody_of_a_failure(caller, endings) -> None:
    run = caller.place(rows(20), on_failure=endings)
    assert endings.summaries == []
    assert not run.summary.unread
    assert "unread" not in run.summary.as_xcom(campaign={}, report=None)


def test_a_source_that_breaks_while_a_run_is_stopped_leaves_a_summary_too(caller, endings) -> None:
    caller.sandbox.fault("key_refused", after=50)
    contacts = breaking_off(rows(900), after=800, error=OverflowError())
    with pytest.raises(OverflowError):
        caller.place(contacts, total=900, on_failure=endings, limits=LIMITS)
    summary = endings.only
    assert (summary.accepted, summary.pending) == (50, 850)
    assert summary.reasons[Reason.UNREAD] == 100


@pytest.mark.parametrize("at", [1, 5])
def test_a_ledger_that_fails_leaves_a_summary(caller, endings, at) -> None:
    class Failing(LedgerAround):
        def commit(self, *, settle=(), claim=()):
            if self.commits + 1 >= at:
                raise LedgerError("the database has gone")
            return super().commit(settle=settle, claim=claim)

    with pytest.raises(LedgerError):
        caller.place(
            rows(200), total=200, ledger=Failing(caller.open_ledger("monday")), on_failure=endings, limits=LIMITS
        )
    summary = endings.only
    assert summary.total == 200
    assert summary.accepted + summary.unknown >= len(caller.sandbox.rings)


def test_a_ledger_that_cannot_be_opened_leaves_a_summary_too(caller, endings) -> None:
    class Closed(LedgerAround):
        def __enter__(self):
            raise LedgerError("no such database")

    with pytest.raises(LedgerError):
        caller.place(rows(20), total=20, ledger=Closed(caller.open_ledger("monday")), on_failure=endings)
    assert endings.only.reasons == {Reason.UNREAD: 20}


def test_a_second_blow_while_the_run_settles_leaves_a_summary_too(caller, endings) -> None:
    """Airflow's timeout strikes; the run waits for the calls in flight; then the supervisor strikes as well."""
    caller.sandbox.fault("hold_after_accepting", after=20)

    class Clock:
        """Strikes in the main thread, as a signal does, and once more a moment later."""

        strikes_at = math.inf

        def __call__(self) -> float:
            now = time.monotonic()
            if now > self.strikes_at and threading.current_thread() is threading.main_thread():
                self.strikes_at = now + 0.3
                raise Struck
            return now

    class TwentyLines(Lines):
        def add(self, row) -> None:
            super().add(row)
            if len(self.rows) == 20:
                are_settled.set()

    def strike_once_a_call_is_in_flight() -> None:
        caller.sandbox.wait_for_held(1)
        assert are_settled.wait(30)
        clock.strikes_at = 0.0

    are_settled = threading.Event()
    clock = Clock()
    hand = threading.Thread(target=strike_once_a_call_is_in_flight)
    hand.start()
    with pytest.raises(Struck):
        caller.place(
            rows(100),
            total=100,
            on_failure=endings,
            clock=clock,
            limits=Limits(max_concurrency=2),
            report=TwentyLines(),
        )
    hand.join()
    summary = endings.only
    assert (summary.accepted, summary.total) == (20, 100)
    assert summary.unknown >= 1
    caller.sandbox.release()


def test_a_summary_that_cannot_be_kept_does_not_hide_what_ended_the_run(caller, caplog) -> None:
    def keep(summary: Summary) -> None:
        raise RuntimeError("502 Bad Gateway from the API server")

    with pytest.raises(OverflowError):
        caller.place(breaking_off(rows(50), after=40, error=OverflowError()), on_failure=keep)
    assert "accepted" in caplog.text  # the counts stand in the log at least


def test_a_word_about_the_progress_that_cannot_be_written_ends_no_run(caller, monkeypatch, caplog) -> None:
    monkeypatch.setattr(progress, "INTERVAL", 0.0)
    tried: list[int] = []

    def say(snapshot) -> None:
        tried.append(snapshot.done)
        raise RuntimeError("502 Bad Gateway from the API server")

    run = caller.place(rows(200), say=say, limits=LIMITS)
    assert (run.summary.accepted, run.summary.stopped) == (200, None)
    assert len(tried) > 1  # it may be written the next time
    assert [record.levelname for record in caplog.records if "progress" in record.message] == ["WARNING"]


def test_a_kill_that_strikes_while_the_progress_is_written_is_heeded() -> None:
    def say(snapshot) -> None:
        raise Struck

    now = [0.0]
    words = progress.Progress(total=None, say=say, clock=lambda: now[0])
    now[0] += 60.0
    with pytest.raises(Struck):
        words.tick(Tally())


def test_a_report_that_fails_within_an_answer_for_many_calls_leaves_none_of_them_unsettled(
    sandbox, durable_caller, endings
) -> None:
    class Full(Lines):
        def add(self, row) -> None:
            super().add(row)
            if len(self.rows) == 3:
                raise OSError(28, "No space left on device")

    kind = type("Ten", (CampaignCaller,), {"targets_per_campaign": 10})
    campaigns = kind(sandbox, durable_caller.open_ledger)
    with pytest.raises(OSError, match="No space left"):
        campaigns.place(rows(10), report=Full(), on_failure=endings)
    assert (endings.only.accepted, endings.only.total) == (10, 10)
    again = campaigns.place(rows(10))
    assert (again.summary.accepted, again.summary.resumed, len(sandbox.mrassistant_campaigns)) == (10, 10, 1)


def test_a_report_that_fails_among_rows_that_are_no_calls_forgets_nobody(caller, endings) -> None:
    """Rows are read in groups; what was read beside the row whose line cannot be kept is still somebody's call."""

    class Full(Lines):
        def add(self, row) -> None:
            raise OSError(28, "No space left on device")

    contacts = [*rows(30), {"to_number": "no number"}, *rows(30, start=30)]
    with pytest.raises(OSError, match="No space left"):
        caller.place(contacts, report=Full(), on_failure=endings, total=61, limits=LIMITS)
    assert endings.only.total == 61
    assert endings.only.accepted == len(caller.sandbox.rings)
    again = caller.place(contacts)
    assert (again.summary.accepted, again.summary.rejected) == (60, 1)
    assert caller.most_rings() == 1


def test_a_run_that_has_to_wait_says_why_and_how_long_and_not_too_often(caller, caplog) -> None:
    caplog.set_level(logging.INFO)
    caller.sandbox.fault("throttled", after=20, first=3, retry_after=0.02)
    run = caller.place(rows(200), limits=LIMITS)
    assert run.summary.accepted == 200
    lines = [record.getMessage() for record in caplog.records if record.name.endswith("dispatch.notices")]
    assert any("before the next call" in line and "slow down (429)" in line for line in lines)
    assert any("did not go out and are sent again" in line for line in lines)
    assert len(lines) <= 4


def test_a_run_that_gives_up_says_why(caller, caplog) -> None:
    caller.sandbox.fault("drop_answer_after_accepting")
    run = caller.place(rows(100))
    assert run.summary.stopped is not None
    [line] = [record.getMessage() for record in caplog.records if "ends before its list" in record.message]
    assert run.summary.stopped in line
    assert "CallKaro got lost" in line
    assert "98765" not in caplog.text
    assert {row.outcome for row in run.rows} == {Outcome.UNKNOWN, Outcome.PENDING}
