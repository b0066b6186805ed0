"""Random histories: runs, retries, crashes, two at once, redials and every fault of the vendor, in any order.

Two things hold in all of them: nobody is rung twice unasked, and every row is accounted for. A crash is a ledger that
raises at some commit, just before or just after it is written, and takes no word from then on: what a killed process
leaves behind. (Processes that are really killed are in `test_killed_workers.py`.)
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from airflow_task_state import TaskStateInMemory
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from placing_calls import Caller, CampaignCaller, LedgerAround, Run, numbers

from airflow_provider_callkaro.calls.outcome import Outcome, Reason
from airflow_provider_callkaro.dispatch.run import Limits, redial_states
from airflow_provider_callkaro.dispatch.stop import Stop
from airflow_provider_callkaro.ledger.contract import Entry, EntryState
from airflow_provider_callkaro.ledger.sql import SqlLedger
from airflow_provider_callkaro.ledger.task_state import TaskStateLedger
from airflow_provider_callkaro.sandbox import FaultKind, Sandbox
from airflow_provider_callkaro.transport.retry import RetryPolicy

settings.register_profile(
    "histories",
    max_examples=150,
    stateful_step_count=10,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.register_profile("many-histories", settings.get_profile("histories"), max_examples=1_000)
PROFILE = settings.get_profile(os.environ.get("CALLKARO_HISTORIES", "histories"))

PEOPLE = numbers(12)
QUICK = RetryPolicy(attempts=3, throttled_attempts=3, base_delay=0.002, max_delay=0.004, max_retry_after=0.01)
NOBODY_THERE = "http://127.0.0.1:1"
READ_AS_NO_CALL = {Reason.BAD_NUMBER, Reason.BAD_PRIORITY, Reason.DUPLICATE}
HOLDS = {FaultKind.HOLD_BEFORE_ACCEPTING, FaultKind.HOLD_AFTER_ACCEPTING, FaultKind.RATE_LIMIT, FaultKind.LATENCY}
OPTIONS: dict[FaultKind, dict[str, Any]] = {FaultKind.THROTTLED: {"retry_after": 0.005}}

CONTACTS = st.lists(
    st.one_of(
        st.sampled_from(PEOPLE).map(lambda number: {"to_number": number}),
        st.sampled_from(PEOPLE).map(lambda number: {"to_number": f" {number[:3]} ({number[3:8]}) {number[8:]}"}),
        st.sampled_from(PEOPLE).map(lambda number: {"to_number": number, "priority": 101}),
        st.just({"to_number": "junk"}),
    ),
    max_size=30,
)
FAULTS = st.lists(
    st.fixed_dictionaries(
        {"kind": st.sampled_from([kind for kind in FaultKind if kind not in HOLDS]), "every": st.integers(1, 4)},
        optional={"after": st.integers(0, 12), "first": st.integers(1, 6)},
    ),
    max_size=2,
)
LIMITS = st.builds(
    Limits, max_concurrency=st.sampled_from([1, 2, 5, 64]), stop_after_unknown=st.sampled_from([None, 2, 20])
)
WHICH_RUN = st.sampled_from(["the same run", "another run"])
REDIALS = st.sampled_from(["unknown", "rejected", ["unknown", "rejected"]])


class Killed(BaseException):
    """The process is no more."""


class Dying(LedgerAround):
    """A ledger whose process is killed at one of its commits: nothing reaches the store any more.

    :param at: the number of that commit, from 1.
    :param written: whether that commit is written.
    """

    def __init__(self, ledger: Any, *, at: int, written: bool) -> None:
        super().__init__(ledger)
        self._at = at
        self._written = written

    def commit(self, *, settle=(), claim=()):
        self.commits += 1
        if self.commits > self._at or (self.commits == self._at and not self._written):
            raise Killed
        lost = self.ledger.commit(settle=settle, claim=claim)
        if self.commits == self._at:
            raise Killed
        return lost


def person(contact: Mapping[str, Any]) -> str:
    return "+" + "".join(filter(str.isdigit, contact["to_number"]))


class Histories(RuleBasedStateMachine):
    """What may happen to one list within one scope."""

    def __init__(self, sandbox: Sandbox, caller: Caller) -> None:
        super().__init__()
        self.sandbox = sandbox
        self.caller = caller
        self.runs = itertools.count(1)
        self.run = "run 0"
        self.most_rings = 1
        sandbox.reset()

    def which(self, which_run: str) -> str:
        if which_run == "another run":
            self.run = f"run {next(self.runs)}"
        return self.run

    def switch_on(self, faults: Sequence[Mapping[str, Any]]) -> None:
        for fault in faults:
            self.sandbox.fault(**fault, path=self.caller.path, **OPTIONS.get(fault["kind"], {}))

    def place(self, contacts: Sequence[Mapping[str, Any]], *, run: str, rows: Any = None, **options: Any) -> None:
        """One try, and a close look at what it did."""
        known = self.caller.entries(*PEOPLE, run=run)
        rang = self.sandbox.rings_per_number()
        try:
            ended = self.caller.place(rows or contacts, run=run, policy=QUICK, **options)
        except Killed:
            ended = None
        self.sandbox.clear_faults()
        if ended is not None:
            assert ended.summary.total == len(contacts)
            self.check(ended, contacts, known=known, rang=rang, redial=options.get("redial"))

    def check(
        self, ended: Run, contacts: Sequence[Mapping[str, Any]], *, known: Mapping[str, Entry], rang: Any, redial: Any
    ) -> None:
        deciding = {
            person(contacts[row.row_number - 1]): row for row in ended.rows if row.reason not in READ_AS_NO_CALL
        }
        for number in PEOPLE:
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
        ledger = Dying(self.caller.open_ledger(run), at=at, written=written)
        self.place(contacts, run=run, limits=limits, ledger=ledger)
        self.place(contacts, run=run)

    @rule(contacts=CONTACTS, which_run=WHICH_RUN, limits=LIMITS, at=st.integers(0, 30), faults=FAULTS)
    def a_stop_in_the_middle(self, contacts, which_run, limits, at, faults) -> None:
        stop = Stop(clock=time.monotonic)

        def rows() -> Iterator[Any]:
            for index, contact in enumerate(contacts):
                if index == at:
                    stop.ask("Airflow ended the task")
                yield contact

        self.switch_on(faults)
        self.place(contacts, run=self.which(which_run), rows=rows(), limits=limits, stop=stop)

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
        states = {number: entry.state for number, entry in self.caller.entries(*PEOPLE, run=self.run).items()}
        assert set(rings) <= set(states)
        for number, state in states.items():
            if state is EntryState.ACCEPTED:
                assert 1 <= rings[number] <= self.most_rings

    def teardown(self) -> None:
        """When the trouble is over, one more try brings the whole list to its end."""
        everybody = [{"to_number": number} for number in PEOPLE]
        self.place(everybody, run=self.run)
        self.nobody_is_rung_twice_unasked()
        assert set(self.caller.entries(*PEOPLE, run=self.run)) == set(PEOPLE)


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
    run_state_machine_as_test(lambda: SharedHistories(sandbox, new_scope(sandbox)), settings=PROFILE)


def test_no_history_of_campaigns_rings_anybody_twice_or_loses_a_row(sandbox, new_scope) -> None:
    run_state_machine_as_test(lambda: SharedHistories(sandbox, new_scope(sandbox, CampaignCaller)), settings=PROFILE)


def test_no_history_of_one_run_over_the_task_state_rings_anybody_twice_or_loses_a_row(sandbox) -> None:
    def new_history() -> Histories:
        store = TaskStateInMemory()  # every run is a try of the one run that the store belongs to
        return Histories(sandbox, Caller(sandbox, lambda run: TaskStateLedger(store)))

    run_state_machine_as_test(new_history, settings=PROFILE)
