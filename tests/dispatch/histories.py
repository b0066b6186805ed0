"""What the random histories share: how many are played, what happens in them, and a clock that they put forward.

The quick profile is for every day. ``CALLKARO_HISTORIES=ten-thousand`` plays 10,000 in one run, two thousand in each of
five tests; with ``--hypothesis-seed=…`` they are the same ones each time::

    CALLKARO_HISTORIES=ten-thousand pytest --hypothesis-seed=8 --log-cli-level=INFO tests/dispatch/test_histories*.py
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test
from placing_calls import LedgerAround, numbers

from airflow_provider_callkaro.calls.policy import CallingPolicy
from airflow_provider_callkaro.calls.window import ScheduleWindow
from airflow_provider_callkaro.dispatch.hours import CallingHours, WhenClosed
from airflow_provider_callkaro.dispatch.limits import Limits
from airflow_provider_callkaro.dispatch.preparation import Rules
from airflow_provider_callkaro.sandbox import FaultKind, Sandbox
from airflow_provider_callkaro.transport.retry import RetryPolicy

if TYPE_CHECKING:
    from airflow_provider_callkaro.sandbox.request_log import Ring

settings.register_profile(
    "histories",
    max_examples=60,
    stateful_step_count=10,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.register_profile("many-histories", settings.get_profile("histories"), max_examples=400, derandomize=False)
settings.register_profile("ten-thousand", settings.get_profile("histories"), max_examples=2_000, derandomize=False)
PROFILE = settings.get_profile(os.environ.get("CALLKARO_HISTORIES", "histories"))

PEOPLE = numbers(12)
QUICK = RetryPolicy(attempts=3, throttled_attempts=3, base_delay=0.002, max_delay=0.004, max_retry_after=0.01)
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
REDIALS = st.sampled_from(["unknown", "rejected", ["unknown", "rejected"]])
PAUSES = st.sampled_from(
    [
        timedelta(minutes=30),  # it closes in this very moment
        timedelta(hours=1),
        timedelta(minutes=29, seconds=57),  # three seconds before that
        timedelta(hours=22),  # the next opening
    ]
)

_log = logging.getLogger(__name__)


def play(new_history: Callable[[], RuleBasedStateMachine]) -> None:
    """Play as many histories as the profile asks for, and say how many they were."""
    played = 0

    def next_history() -> RuleBasedStateMachine:
        nonlocal played
        played += 1
        return new_history()

    try:
        run_state_machine_as_test(next_history, settings=PROFILE)
    finally:
        _log.info("%d histories were played", played)


def about_newcomers(contacts: Sequence[Mapping[str, Any]], *, group: int) -> list[Mapping[str, Any]]:
    """The same rows, but about people of another group, whom nobody has called yet."""
    return [
        row if row["to_number"] == "junk" else {**row, "to_number": _moved(row["to_number"], group)} for row in contacts
    ]


def _moved(number: str, group: int) -> str:
    return f"{number[:-5]}{group:03d}{number[-2:]}"


def people_of(group: int) -> list[str]:
    """Who belongs to a group; the people of every day are group 0."""
    return [_moved(number, group) for number in PEOPLE]


def person(contact: Mapping[str, Any]) -> str:
    """Whom a contact row is about, E.164."""
    return "+" + "".join(filter(str.isdigit, contact["to_number"]))


class Killed(BaseException):
    """The process is no more."""


class Struck(BaseException):
    """Raised out of nowhere, as Airflow's timeout is and KeyboardInterrupt."""


class Breaking(LedgerAround):
    """A ledger one of whose commits fails.

    :param at: the number of that commit, from 1.
    :param written: whether that commit is written all the same.
    :param for_good: whether nothing reaches the store from then on.
    """

    def __init__(self, ledger: Any, *, at: int, error: BaseException, written: bool, for_good: bool) -> None:
        super().__init__(ledger)
        self._at = at
        self._error = error
        self._written = written
        self._for_good = for_good

    def commit(self, *, settle=(), claim=()):
        self.commits += 1
        if self.commits < self._at or (self.commits > self._at and not self._for_good):
            return self.ledger.commit(settle=settle, claim=claim)
        if self.commits == self._at and self._written:
            self.ledger.commit(settle=settle, claim=claim)
        raise self._error


class Slow(LedgerAround):
    """A ledger one of whose commits takes its time: a lock, or a failover.

    :param at: the number of that commit, from 1.
    :param pass_time: lets the time pass, once the commit is written.
    """

    def __init__(self, ledger: Any, *, at: int, pass_time: Callable[[], None]) -> None:
        super().__init__(ledger)
        self._at = at
        self._pass_time = pass_time

    def commit(self, *, settle=(), claim=()):
        lost = super().commit(settle=settle, claim=claim)
        if self.commits == self._at:
            self._pass_time()
        return lost


class Clock:
    """The clock on the wall, from 12:00 on, and a window from 10:00 to 12:30 of each day.

    It stands still until it is put forward, and that waits until nothing is on its way to the vendor: so the moment of
    each ring can be told exactly, and no history depends on how fast the machine is.
    """

    OPENS, CLOSES = timedelta(hours=10), timedelta(hours=12, minutes=30)

    def __init__(self, sandbox: Sandbox) -> None:
        self.now = datetime(2026, 1, 5, 12, tzinfo=UTC)
        self._sandbox = sandbox
        self._moments: list[tuple[int, datetime]] = []  # how many rings there were when it was put forward from there
        self._under_way = 0  # requests
        self._frozen = False
        self._lock = threading.Lock()

    def __call__(self) -> float:
        return self.now.timestamp()

    def begin_a_new_day(self) -> None:
        """Stand at noon of the next day."""
        noon = self.now.replace(hour=12, minute=0, second=0)
        self.put_forward(noon + timedelta(days=1) - self.now)

    def put_forward(self, by: timedelta, *, then: Callable[[], None] = lambda: None) -> None:
        """Let time pass; whatever has left arrives before, and whatever has not left leaves after.

        :param then: what happens before anything leaves again.
        """
        with self._lock:
            self._frozen = True
        while (under_way := self._under_way) and not self._are_held(under_way):
            pass
        self._moments.append((len(self._sandbox.rings), self.now))
        self.now += by
        then()
        self._frozen = False

    def begin_request(self) -> bool:
        """Note that a request is on its way from now on, if it may leave now."""
        with self._lock:
            self._under_way += not self._frozen
            return not self._frozen

    def end_request(self) -> None:
        """Note that a request has come to its end."""
        with self._lock:
            self._under_way -= 1

    def _are_held(self, requests: int) -> bool:
        try:
            self._sandbox.wait_for_held(requests, timeout=0.001)
        except TimeoutError:
            return False
        return True

    def rang_at(self, ring: Ring) -> datetime:
        """When a phone rang, by this clock."""
        return next((moment for rings, moment in self._moments if ring.order <= rings), self.now)

    def is_open(self, moment: datetime) -> bool:
        """Whether a phone may ring then."""
        midnight = moment.replace(hour=0, minute=0, second=0)
        return self.OPENS <= moment - midnight < self.CLOSES

    def rules(self, when_closed: WhenClosed) -> Rules:
        """The rules of a run that keeps to the window."""
        policy = CallingPolicy(timezone="UTC", windows=ScheduleWindow("10:00", "12:30"))
        return Rules(
            hours=CallingHours(
                policy=policy,
                when_closed=when_closed,
                due=self.now,
                expires_after=None,
                vendor_zone=None,
                now=lambda: self.now,
            )
        )

    def around(self, transport: Any) -> Any:
        """The transport, which lets nothing leave while the clock is put forward."""
        return _Punctual(self, transport)

    @contextmanager
    def stalls(self, *, by: timedelta, after: int, path: str) -> Iterator[None]:
        """A vendor that keeps all requests after so many waiting for their answers, until the time has passed."""
        over = threading.Event()

        def let_go() -> None:
            self._sandbox.clear_faults()
            self._sandbox.release()

        def hold() -> None:
            while not over.is_set() and not self._are_held(1):
                pass
            if over.is_set():
                let_go()
            else:
                self.put_forward(by, then=let_go)

        self._sandbox.fault(FaultKind.HOLD_AFTER_ACCEPTING, path=path, after=after)
        vendor = threading.Thread(target=hold)
        vendor.start()
        try:
            yield
        finally:
            over.set()
            vendor.join()


class _Punctual:
    def __init__(self, clock: Clock, transport: Any) -> None:
        self._clock = clock
        self._transport = transport
        self.deadline = transport.deadline

    async def __aenter__(self) -> _Punctual:
        await self._transport.__aenter__()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._transport.__aexit__(*exc_info)

    async def send(self, request: Any, *, not_after: float) -> Any:
        while not self._clock.begin_request():
            await asyncio.sleep(0.0005)
        try:
            return await self._transport.send(request, not_after=not_after)
        finally:
            self._clock.end_request()


def breaking_off(contacts: Sequence[Any], *, at: int, event: Callable[[], None]) -> Iterator[Any]:
    """The contacts, with something that happens before one of them is read, or at their end."""
    for index, contact in enumerate(contacts):
        if index == at:
            event()
        yield contact
    if at >= len(contacts):
        event()
