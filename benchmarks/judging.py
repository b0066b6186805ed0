"""What it costs to decide whether a phone may ring, per call, and what a policy costs a DAG file that has one.

A call is judged as the fan-out judges it: `CallingHours`, up to the call that may be sent. Every call is another
number, because a list has no number twice, and what was learned of one must serve the next of its prefix. Each kind
of list is judged at a moment at which its people may be called and at one at which they may not and the call is
scheduled for the next opening; the costlier of the two counts.

Runs as ``python -m benchmarks.judging '{"kind": "FIXED", "open": true, "calls": 20000}'``.
"""

from __future__ import annotations

import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from zoneinfo import ZoneInfo

from airflow_provider_callkaro.calls import Call, CallingPolicy
from airflow_provider_callkaro.dispatch.hours import CallingHours, WhenClosed
from airflow_provider_callkaro.dispatch.job import Judged as Passed
from benchmarks.figures import Bound, Figure, Unit
from benchmarks.imports import milliseconds
from benchmarks.processes import CLIENT_CORE, MeasurementFailed, finish, module
from benchmarks.scale import Scale

SEED = 20261123
DAY = datetime(2026, 11, 23, tzinfo=UTC)  # a Monday, without a clock change anywhere near
VENDOR_ZONE = ZoneInfo("Asia/Kolkata")
AGENT = "6803fa770b666a64ab1694c1"
MOST_FIXED, MOST_RECIPIENT = 15.0, 60.0  # µs per call
MOST_PARSED = 5.0  # ms
ZONES = ("America/New_York", "America/Chicago", "America/Denver", "America/Phoenix", "America/Los_Angeles")
TOLL_FREE = ("800", "833", "844", "855", "866", "877", "888")
NOBODYS = ("222", "299", "370", "555", "967")  # area codes that do not exist
MIX = (60, 20, 10, 10)  # percent: of an area, toll-free, of an unknown area, broken

PARSED = """
import time
from airflow.providers.common.compat.sdk import DAG
import airflow_provider_callkaro.operators.callkaro
from airflow_provider_callkaro.calls import CallingPolicy, ScheduleWindow
began = time.perf_counter()
{policy}
print(1_000 * (time.perf_counter() - began))
"""
POLICIES = {
    "a rule pack": 'CallingPolicy.rules("in-promotional")',
    "a policy of windows": 'CallingPolicy(windows=ScheduleWindow("10:00", "21:00"), timezone="Asia/Kolkata")',
}


class Kind(Enum):
    """Whose calls are judged: the words of the table, and the hour (UTC) at which most of them may be called."""

    FIXED = ("fixed zone", 6)
    COLUMN = ("recipient's zone by a column", 19)
    INDIA = ("recipient's zone by number, India", 6)
    UNITED_KINGDOM = ("recipient's zone by number, United Kingdom", 12)
    NORTH_AMERICA = ("recipient's zone by number, North America", 19)
    MIXED = ("recipient's zone by number, the same with 40% toll-free, unknown or broken", 19)

    def __init__(self, words: str, open_hour: int) -> None:
        self.words = words
        self.open_hour = open_hour

    def moment(self, *, is_open: bool) -> datetime:
        """When the calls are judged: when most of these people may be called, or twelve hours later, when few may."""
        return DAY + timedelta(hours=self.open_hour + (0 if is_open else 12))

    def policy(self) -> CallingPolicy:
        """The rules: a pack, where it is the recipient's with the margin that makes it look closer at each number."""
        if self is Kind.FIXED:
            return CallingPolicy.rules("in-promotional")
        return CallingPolicy.rules("us-federal", mobile_margin=timedelta(hours=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What judging cost.

    :param each: µs of CPU per call, without the first.
    :param first: ms of CPU of the first call, which loads the numbering plan of its country.
    """

    each: float
    first: float


def measure(scale: Scale) -> Iterator[Figure]:
    """The figures of judging, and of a policy in a DAG file."""
    first: list[float] = []
    for kind in Kind:
        costs = [
            [_in_a_process(kind, is_open=is_open, calls=scale.calls) for is_open in (True, False)]
            for _ in range(scale.repetitions)
        ]
        if kind is Kind.NORTH_AMERICA:
            first = [cost.first for both in costs for cost in both]
        yield Figure(
            name=f"judging a call, {kind.words}",
            unit=Unit.MICROSECONDS,
            values=[max(cost.each for cost in both) for both in costs],
            bound=Bound(at_most=MOST_FIXED if kind is Kind.FIXED else MOST_RECIPIENT),
        )
    yield Figure(name="judging the first call of a process, North America", unit=Unit.MILLISECONDS, values=first)
    with tempfile.TemporaryDirectory() as home:
        for words, policy in POLICIES.items():
            script = PARSED.format(policy=policy)
            values = [milliseconds(script, home) for _ in range(2 * scale.repetitions + 1)]
            yield Figure(
                name=f"{words} in a DAG file, once the operators are imported",
                unit=Unit.MILLISECONDS,
                values=values[1:],  # the first may compile
                bound=Bound(at_most=MOST_PARSED),
            )


def judge(kind: Kind, *, is_open: bool, calls: int) -> Judged:
    """Judge so many calls of a kind.

    :raises MeasurementFailed: most of them were not judged as they should have been.
    """
    moment = kind.moment(is_open=is_open)
    given = list(some_calls(kind, calls))
    hours = CallingHours(
        policy=kind.policy(),
        when_closed=WhenClosed.SCHEDULE,
        due=moment,
        expires_after=None,
        vendor_zone=VENDOR_ZONE,
        now=lambda: moment,
    )
    began = time.process_time()
    hours.judge(given[0])
    started = time.process_time()
    verdicts = [hours.judge(call) for call in given[1:]]
    ended = time.process_time()
    ready = [verdict.call for verdict in verdicts if isinstance(verdict, Passed)]
    ring_now = sum(call.schedule_at is None for call in ready) / len(verdicts)
    if is_open is (ring_now < 0.5):
        raise MeasurementFailed(f"{kind.name}: {ring_now:.0%} may ring at {moment}")
    return Judged(each=1e6 * (ended - started) / len(verdicts), first=1e3 * (started - began))


def some_calls(kind: Kind, count: int) -> Iterator[Call]:
    """Calls to numbers made up at random, the same in every run."""
    rng = random.Random(SEED)
    number = _NUMBERS[kind](rng)
    for _ in range(count):
        yield Call(to_number=number(), agent_id=AGENT, timezone=rng.choice(ZONES) if kind is Kind.COLUMN else None)


def _indian(rng: random.Random) -> Callable[[], str]:
    return lambda: f"+91{rng.choice('6789')}{_digits(rng, 9)}"


def _british(rng: random.Random) -> Callable[[], str]:
    return lambda: f"+44{rng.choice(('7400', '7700', '7911', '2079', '1612', '1212'))}{_digits(rng, 6)}"


def _north_american(rng: random.Random) -> Callable[[], str]:
    from phonenumbers.tzdata import TIMEZONE_DATA

    areas = sorted({prefix[:4] for prefix in TIMEZONE_DATA if prefix.startswith("1") and len(prefix) >= 4})
    return lambda: f"+{rng.choice(areas)}{rng.choice('23456789')}{_digits(rng, 6)}"


def _mixed(rng: random.Random) -> Callable[[], str]:
    makers = (
        _north_american(rng),
        lambda: f"+1{rng.choice(TOLL_FREE)}{rng.choice('23456789')}{_digits(rng, 6)}",
        lambda: f"+1{rng.choice(NOBODYS)}{rng.choice('23456789')}{_digits(rng, 6)}",
        lambda: f"+1{_digits(rng, rng.choice((5, 7, 9, 11, 12)))}",
    )
    return lambda: rng.choices(makers, MIX)[0]()


def _digits(rng: random.Random, count: int) -> str:
    return "".join(rng.choices("0123456789", k=count))


_NUMBERS: dict[Kind, Callable[[random.Random], Callable[[], str]]] = {
    Kind.FIXED: _indian,
    Kind.COLUMN: _north_american,
    Kind.INDIA: _indian,
    Kind.UNITED_KINGDOM: _british,
    Kind.NORTH_AMERICA: _north_american,
    Kind.MIXED: _mixed,
}


def _in_a_process(kind: Kind, *, is_open: bool, calls: int) -> Judged:
    order = json.dumps({"kind": kind.name, "open": is_open, "calls": calls})
    return Judged(**json.loads(finish(module("benchmarks.judging", order))))


def main() -> None:
    """Judge what the command line says, and say what it cost."""
    given = json.loads(sys.argv[1])
    os.sched_setaffinity(0, {CLIENT_CORE})
    print(json.dumps(asdict(judge(Kind[given["kind"]], is_open=given["open"], calls=given["calls"]))))


if __name__ == "__main__":
    main()
