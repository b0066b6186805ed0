"""Random histories: runs, retries, crashes, two at once, redials and every fault of the vendor, in any order.

Four things hold in all of them: nobody is rung twice unasked, every row is accounted for, a run leaves exactly one
summary however it ends, and nobody is rung outside the hours of a run that keeps to some. A crash is a ledger that
raises at some commit, just before or just after it is written, and takes no word from then on: what a killed process
leaves behind. (Processes that are really killed are in `test_killed_workers.py`, runs in several scopes and under caps
in `test_histories_of_scopes.py`.)
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from airflow_task_state import TaskStateInMemory
from histories import (
    CONTACTS,
    FAULTS,
    LIMITS,
    OPTIONS,
    PAUSES,
    PEOPLE,
    QUICK,
    REDIALS,
    Breaking,
    Clock,
    Killed,
    Slow,
    Struck,
    about_newcomers,
    breaking_off,
    people_of,
    person,
    play,
)
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from placing_calls import Caller, CampaignCaller, Lines, Run

from airflow_provider_callkaro.calls.outcome import Outcome, Reason
from airflow_provider_callkaro.dispatch.hours import WhenClosed
from airflow_provider_callkaro.dispatch.limits import Stop, redial_states
from airflow_provider_callkaro.dispatch.tally import Summary
from airflow_provider_callkaro.exceptions import ConfigurationError, LedgerError
from airflow_provider_callkaro.ledger.contract import Entry, EntryState
from airflow_provider_callkaro.ledger.sql.ledger import SqlLedger
from airflow_provider_callkaro.ledger.task_state.ledger import TaskStateLedger
from airflow_provider_callkaro.sandbox import Sandbox

pytestmark = pytest.mark.slow

NOBODY_THERE = "http://127.0.0.1:1"
READ_AS_NO_CALL = {Reason.BAD_NUMBER, Reason.BAD_PRIORITY, Reason.DUPLICATE}
WHICH_RUN = st.sampled_from(["the same run", "another run"])
BLOWS = st.sampled_from([OverflowError(), ConfigurationError("the list cannot be read"), Struck()])


class Full(Lines):
    """A report that cannot be written from one line on.

    :param at: that line, from 0.
    """

    def __init__(self, *, at: int, error: BaseException) -> None:
        super().__init__()
        self._at = at
        self._error = error

    def add(self, row) -> None:
        if len(self.rows) >= self._at:
            raise self._error
        super().add(row)


class Histories(RuleBasedStateMachine):
    """What may happen to one list within one scope."""

    def __init__(self, sandbox: Sandbox, caller: Caller) -> None:
        super().__init__()
        self.sandbox = sandbox
        self.caller = caller
        self.runs = itertools.count(1)
        self.run = "run 0"
        self.most_rings = 1
        self.people = list(PEOPLE)
        self.groups = itertools.count(1)
        sandbox.reset()
        self.clock = Clock(sandbox)

    def which(self, which_run: str) -> str:
        if which_run == "another run":
            self.run = f"run {next(self.runs)}"
        return self.run

    def switch_on(self, faults: Sequence[Mapping[str, Any]]) -> None:
        for fault in faults:
            self.sandbox.fault(**fault, path=self.caller.path, **OPTIONS.get(fault["kind"], {}))

    def place(
        self,
        contacts: Sequence[Mapping[str, Any]],
        *,
        run: str,
        rows: Any = None,
        knows_total: bool = True,
        **options: Any,
    ) -> Run | None:
        """One try, and a close look at what it did and at the account that it gives.

        :return: what it came to; None where it broke off.
        """
        known = self.caller.entries(*self.people, run=run)
        rang = self.sandbox.rings_per_number()
        total = len(contacts) if knows_total else None
        read, broke_off_with = [], []

        def counted() -> Iterator[Any]:
            for contact in contacts if rows is None else rows:
                read.append(contact)
                yield contact
            read.append("the end")

        try:
            ended = self.caller.place(
                counted(), run=run, policy=QUICK, total=total, on_failure=broke_off_with.append, **options
            )
        except (Killed, Struck, OverflowError, ConfigurationError, LedgerError, OSError):
            ended = None
        self.sandbox.clear_faults()
        if ended is None:
            [summary] = broke_off_with
            self.check_account(summary, rang=sum(rang.values()))
            assert summary.unread is (total is None and read[-1:] != ["the end"])
            assert summary.total == (total or len([row for row in read if row != "the end"]))
            return None
        assert broke_off_with == []
        assert ended.summary.total == len(contacts)
        self.check_account(ended.summary, rang=sum(rang.values()))
        self.check(ended, contacts, known=known, rang=rang, redial=options.get("redial"))
        return ended

    def check_account(self, summary: Summary, *, rang: int) -> None:
        """The counts add up, and nobody who was rung is counted as not rung."""
        counts = (summary.accepted, summary.rejected, summary.skipped, summary.unknown, summary.pending)
        assert sum(counts) == summary.total
        assert len(self.sandbox.rings) - rang <= summary.accepted + summary.unknown

    def check(
        self, ended: Run, contacts: Sequence[Mapping[str, Any]], *, known: Mapping[str, Entry], rang: Any, redial: Any
    ) -> None:
        deciding = {
            person(contacts[row.row_number - 1]): row for row in ended.rows if row.reason not in READ_AS_NO_CALL
        }
        for number in self.people:
            rung_now = self.sandbox.rings_per_number().get(number, 0) - rang.get(number, 0)
            before = known[number].state if number in known else None
            row = deciding.get(number)
            settled_before = number in known and (before not in redial_states(redial) or known[number].redials > 0)
            if row is not None and settled_before and row.outcome is not Outcome.PENDING:
                assert (row.outcome is Outcome.SKIPPED) is not known[number].this_run
            if row is None or row.outcome in (Outcome.REJECTED, Outcome.SKIPPED, Outcome.PENDING):
                assert rung_now == 0
            elif row.outcome is Outcome.ACCEPTED:
                assert rung_now == (0 if before is EntryState.ACCEPTED else 1)
            else:
                assert rung_now <= (0 if before is EntryState.UNKNOWN and redial is None else 1)

    @rule(contacts=CONTACTS, which_run=WHICH_RUN, faults=FAULTS, limits=LIMITS)
    def a_run(self, contacts, which_run, faults, limits) -> None:
        self.switch_on(faults)
        self.place(contacts, run=self.which(which_run), limits=limits)

    @rule(contacts=CONTACTS, faults=FAULTS, limits=LIMITS, at=st.integers(1, 12), written=st.booleans())
    def a_crash_and_a_retry(self, contacts, faults, limits, at, written) -> None:
        run = self.which("another run")
        self.switch_on(faults)
        ledger = Breaking(self.caller.open_ledger(run), at=at, error=Killed(), written=written, for_good=True)
        self.place(contacts, run=run, limits=limits, ledger=ledger)
        self.place(contacts, run=run)

    @rule(contacts=CONTACTS, which_run=WHICH_RUN, limits=LIMITS, at=st.integers(0, 30), faults=FAULTS)
    def a_stop_in_the_middle(self, contacts, which_run, limits, at, faults) -> None:
        stop = Stop(clock=time.monotonic)
        rows = breaking_off(contacts, at=at, event=lambda: stop.ask("Airflow ended the task"))
        self.switch_on(faults)
        self.place(contacts, run=self.which(which_run), rows=rows, limits=limits, stop=stop)

    @rule(
        contacts=CONTACTS,
        which_run=WHICH_RUN,
        faults=FAULTS,
        limits=LIMITS,
        at=st.integers(0, 30),
        error=BLOWS,
        knows_total=st.booleans(),
    )
    def a_source_that_breaks(self, contacts, which_run, faults, limits, at, error, knows_total) -> None:
        def strike() -> None:
            raise error

        self.switch_on(faults)
        rows = breaking_off(contacts, at=at, event=strike)
        self.place(contacts, run=self.which(which_run), rows=rows, limits=limits, knows_total=knows_total)

    @rule(
        contacts=CONTACTS,
        faults=FAULTS,
        limits=LIMITS,
        at=st.integers(1, 12),
        error=st.sampled_from([LedgerError("the database has gone"), Struck()]),
        written=st.booleans(),
        for_good=st.booleans(),
        knows_total=st.booleans(),
    )
    def a_ledger_that_fails(self, contacts, faults, limits, at, error, written, for_good, knows_total) -> None:
        run = self.which("another run")
        self.switch_on(faults)
        ledger = Breaking(self.caller.open_ledger(run), at=at, error=error, written=written, for_good=for_good)
        self.place(contacts, run=run, limits=limits, ledger=ledger, knows_total=knows_total)

    @rule(
        contacts=CONTACTS,
        which_run=WHICH_RUN,
        faults=FAULTS,
        limits=LIMITS,
        at=st.integers(0, 30),
        error=st.sampled_from([OSError(28, "No space left on device"), Struck()]),
        knows_total=st.booleans(),
    )
    def a_report_that_fails(self, contacts, which_run, faults, limits, at, error, knows_total) -> None:
        self.switch_on(faults)
        report = Full(at=at, error=error)
        self.place(contacts, run=self.which(which_run), limits=limits, report=report, knows_total=knows_total)

    @rule(
        contacts=CONTACTS,
        which_run=WHICH_RUN,
        faults=FAULTS,
        limits=LIMITS,
        slow=st.sampled_from(["vendor", "ledger", "source"]),
        at=st.integers(0, 6),
        by=PAUSES,
        when_closed=st.sampled_from([WhenClosed.STOP, WhenClosed.WAIT]),
    )
    def a_window_that_closes_in_the_middle(
        self, contacts, which_run, faults, limits, slow, at, by, when_closed
    ) -> None:
        """Of people who have not been called yet, so that there is somebody to ring too late."""
        run = self.which(which_run)
        group = next(self.groups)
        self.people += people_of(group)
        contacts = about_newcomers(contacts, group=group)
        self.clock.begin_a_new_day()
        options = {"limits": limits, "wall": self.clock, "around": self.clock.around, "run": run}
        rules = self.clock.rules(when_closed)
        pass_time = partial(self.clock.put_forward, by)
        rung = len(self.sandbox.rings)
        self.switch_on(faults)
        if slow == "vendor":
            with self.clock.stalls(by=by, after=at, path=self.caller.path):
                ended = self.place(contacts, rules=rules, **options)
        elif slow == "ledger":
            ledger = Slow(self.caller.open_ledger(run), at=at + 1, pass_time=pass_time)
            ended = self.place(contacts, rules=rules, ledger=ledger, **options)
        else:
            rows = breaking_off(contacts, at=at, event=pass_time)
            ended = self.place(contacts, rules=rules, rows=rows, **options)
        if when_closed is WhenClosed.WAIT and ended is not None and ended.summary.resume_at is not None:
            self.clock.put_forward(ended.summary.resume_at - self.clock.now)
            self.place(contacts, rules=self.clock.rules(when_closed), **options)
        for ring in self.sandbox.rings[rung:]:
            assert self.clock.is_open(self.clock.rang_at(ring))

    @rule(contacts=CONTACTS, which_run=WHICH_RUN)
    def a_vendor_that_cannot_be_reached(self, contacts, which_run) -> None:
        self.place(contacts, run=self.which(which_run), base_url=NOBODY_THERE)

    @rule(contacts=CONTACTS, which_run=WHICH_RUN)
    def a_dry_run(self, contacts, which_run) -> None:
        self.place(contacts, run=self.which(which_run), dry_run=True)

    @rule(contacts=CONTACTS, which_run=WHICH_RUN, faults=FAULTS, limits=LIMITS, redial=REDIALS)
    def a_redial(self, contacts, which_run, faults, limits, redial) -> None:
        self.most_rings = 2
        self.switch_on(faults)
        self.place(contacts, run=self.which(which_run), limits=limits, redial=redial)

    @invariant()
    def nobody_is_rung_twice_unasked(self) -> None:
        assert self.caller.most_rings() <= self.most_rings

    @invariant()
    def the_ledger_knows_everybody_who_was_rung(self) -> None:
        rings = self.sandbox.rings_per_number()
        states = {number: entry.state for number, entry in self.caller.entries(*self.people, run=self.run).items()}
        assert set(rings) <= set(states)
        for number, state in states.items():
            if state is EntryState.ACCEPTED:
                assert 1 <= rings[number] <= self.most_rings

    def teardown(self) -> None:
        """When the trouble is over, one more try brings the whole list to its end."""
        everybody = [{"to_number": number} for number in self.people]
        self.place(everybody, run=self.run)
        self.nobody_is_rung_twice_unasked()
        assert set(self.caller.entries(*self.people, run=self.run)) == set(self.people)


class SharedHistories(Histories):
    """What may happen besides, where runs share a ledger."""

    @rule(
        first=CONTACTS,
        second=CONTACTS,
        which_run=WHICH_RUN,
        faults=FAULTS,
        limits=LIMITS,
        redial=st.none() | REDIALS,
    )
    def two_at_once(self, first, second, which_run, faults, limits, redial) -> None:
        self.most_rings = 2 if redial else self.most_rings
        self.switch_on(faults)
        runs = [self.which("another run"), self.which(which_run)]
        with ThreadPoolExecutor(2) as pool:
            both = [
                pool.submit(self.caller.place, contacts, run=run, policy=QUICK, limits=limits, redial=redial)
                for run, contacts in zip(runs, (first, second), strict=True)
            ]
        self.sandbox.clear_faults()
        for one in both:
            one.result()


@pytest.fixture
def new_scope(tmp_path: Path) -> Iterator[Callable[..., Caller]]:
    """Gives callers whose runs share a scope of the SQL ledger that no other caller knows."""
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'ledger.db'}")
    scopes = itertools.count()

    def new(sandbox: Sandbox, kind: type[Caller] = Caller) -> Caller:
        scope = f"scope {next(scopes)}"
        return kind(sandbox, lambda run: SqlLedger(engine, scope=scope, run=run))

    yield new
    engine.dispose()


def test_no_history_over_the_sql_ledger_rings_anybody_twice_or_loses_a_row(sandbox, new_scope) -> None:
    play(lambda: SharedHistories(sandbox, new_scope(sandbox)))


def test_no_history_of_campaigns_rings_anybody_twice_or_loses_a_row(sandbox, new_scope) -> None:
    play(lambda: SharedHistories(sandbox, new_scope(sandbox, CampaignCaller)))


def test_no_history_of_one_run_over_the_task_state_rings_anybody_twice_or_loses_a_row(sandbox) -> None:
    def new_history() -> Histories:
        store = TaskStateInMemory()  # every run is a try of the one run that the store belongs to
        return Histories(sandbox, Caller(sandbox, lambda run: TaskStateLedger(store)))

    play(new_history)
