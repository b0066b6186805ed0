"""``python -m benchmarks.receiver``: how many webhooks a second the receiver writes, and whether it loses any.

The receiver runs alone, as a process of its own; this process is the flood. Three floods for each database: deliveries
only; as many that must be refused among them; and with the database stopped in the middle. What was acknowledged is
compared with the rows of the table each time. ``--database`` names one more database beside SQLite by SQLAlchemy's URL,
such as ``postgresql+psycopg2://postgres@127.0.0.1/test``. It must hold no outcomes yet.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain

import psutil
import sqlalchemy

from airflow_provider_callkaro.ledger.contract import Claim, EntryState, Settlement
from airflow_provider_callkaro.ledger.sql.ledger import SqlLedger
from benchmarks.figures import Bound, Figure, Unit, table
from benchmarks.flood import SECRET, Flood, bad, good
from benchmarks.machine import describe
from benchmarks.processes import environment, module
from benchmarks.unreliable_database import UnreliableDatabase

CONNECTIONS = 64
AIRFLOW_TYPES = {"postgresql": "postgres", "mysql": "mysql", "sqlite": "sqlite"}
DEFAULT_PORTS = {"postgresql": 5432, "mysql": 3306}
STOPPED_AFTER, STOPPED_SECONDS = 1.0, 3.0
AT_ONCE = 500  # calls of one commit
KINDS = 5  # of deliveries that are refused, as `bad` makes them


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """A running receiver. ``url``: of its database, past whatever stands before it."""

    port: int
    process: psutil.Process
    url: sqlalchemy.URL

    def cpu_seconds(self) -> float:
        """What it has used of the processor until now."""
        times = self.process.cpu_times()
        return times.user + times.system

    def written(self) -> set[str]:
        """The calls in the table that have found theirs in the ledger."""
        engine = sqlalchemy.create_engine(self.url)
        with engine.connect() as connection:
            return set(
                connection.execute(
                    sqlalchemy.text("select call_id from voice_call_outcomes where ledger_id is not null")
                ).scalars()
            )


@contextmanager
def running(url: sqlalchemy.URL, *, port: int | None) -> Iterator[Receiver]:
    """A receiver before a database.

    :param port: where the receiver is to find the database; None: where it is.
    """
    ledger = {
        "conn_type": AIRFLOW_TYPES[url.get_backend_name()],
        "host": url.database if url.host is None else url.host,
        "port": port or url.port,
        "login": url.username,
        "password": url.password and str(url.password),
        "schema": None if url.host is None else url.database,
    }
    webhooks = {"ledger_conn_id": "call_ledger", "secret": SECRET}
    vendor = {"conn_type": "callkaro", "password": "key", "extra": {"webhooks": webhooks}}
    settings = environment(
        AIRFLOW_CONN_CALL_LEDGER=json.dumps(ledger), AIRFLOW_CONN_CALLKARO_DEFAULT=json.dumps(vendor)
    )
    command = module("airflow_provider_callkaro.receiver", "--port", 0, "--connection", "callkaro_default")
    process = subprocess.Popen(command, env=settings, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    assert process.stderr is not None
    try:
        address = next(line for line in iter(process.stderr.readline, "") if line.startswith("Listens at"))
        yield Receiver(port=int(address.split(":")[2].partition("/")[0]), process=psutil.Process(process.pid), url=url)
    finally:
        process.terminate()
        process.communicate()


def measure(url: sqlalchemy.URL, *, calls: int, rounds: int) -> Iterator[Figure]:
    """The figures of one database."""
    name = url.get_backend_name()
    place(url, run="warm", calls=CONNECTIONS)
    with running(url, port=None) as receiver:
        flood(receiver, run="warm", calls=CONNECTIONS)
        yield from _alone(receiver, name=name, calls=calls, rounds=rounds)
        yield from _among_strangers(receiver, name=f"{name}, half of them refused", calls=calls, rounds=rounds)
    if url.host is not None:
        yield from _stopped(url, name=f"{name}, stopped for {STOPPED_SECONDS:.0f} s", calls=calls)


def place(url: sqlalchemy.URL, *, run: str, calls: int) -> None:
    """Have the ledger remember calls that the vendor has accepted, as a fan-out does; their events are `good`'s."""
    engine = sqlalchemy.create_engine(url)
    placed = [Claim(key=f"{run}-{number:07d}", number=f"+9198{number % 10**8:08d}") for number in range(calls)]
    with SqlLedger(engine, scope=run, run=run) as ledger:
        for some in batched(placed, AT_ONCE):
            ledger.commit(settle=[], claim=some)
            ledger.commit(
                settle=[Settlement(key=each.key, state=EntryState.ACCEPTED, call_id=each.key) for each in some],
                claim=[],
            )
    engine.dispose()


def batched(placed: Sequence[Claim], size: int) -> Iterator[Sequence[Claim]]:
    """The claims, so many at a time."""
    return (placed[start : start + size] for start in range(0, len(placed), size))


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One flood. ``lost``: what was acknowledged and is not in the table beside its call of the ledger."""

    written_per_second: float
    answers_per_second: float
    longest: float
    cpu_per_event: float
    lost: int
    told_to_come_again: int
    unanswered: int


def flood(receiver: Receiver, *, run: str, calls: int, strangers: int = 0) -> Round:
    """Flood a receiver with the calls of a run.

    :param strangers: how many of each kind of delivery that must be refused are among them.
    """
    if run != "warm":
        place(receiver.url, run=run, calls=calls)
    deliveries = list(chain(good(calls, run=run), bad(strangers) if strangers else ()))
    random.Random(run).shuffle(deliveries)
    before = receiver.cpu_seconds()
    done = Flood(port=receiver.port, deliveries=iter(deliveries), connections=CONNECTIONS)
    done.run()
    return Round(
        written_per_second=calls / done.seconds,
        answers_per_second=sum(done.answers.values()) / done.seconds,
        longest=done.longest,
        cpu_per_event=(receiver.cpu_seconds() - before) / calls,
        lost=len(done.acknowledged - receiver.written()),
        told_to_come_again=done.answers["good", 503],
        unanswered=done.answers["good", 0],
    )


def _alone(receiver: Receiver, *, name: str, calls: int, rounds: int) -> Iterator[Figure]:
    done = [flood(receiver, run=f"alone-{number}", calls=calls) for number in range(rounds)]
    yield Figure(name=f"{name}: written and acknowledged", values=_of(done, "written_per_second"), unit=Unit.PER_SECOND)
    yield Figure(
        name=f"{name}: the receiver's CPU for an event",
        values=[1e6 * each for each in _of(done, "cpu_per_event")],
        unit=Unit.MICROSECONDS,
    )
    yield from _promises(done, name=name)


def _among_strangers(receiver: Receiver, *, name: str, calls: int, rounds: int) -> Iterator[Figure]:
    strangers = calls // KINDS
    done = [flood(receiver, run=f"among-{number}", calls=calls, strangers=strangers) for number in range(rounds)]
    yield Figure(name=f"{name}: written and acknowledged", values=_of(done, "written_per_second"), unit=Unit.PER_SECOND)
    yield Figure(name=f"{name}: answers", values=_of(done, "answers_per_second"), unit=Unit.PER_SECOND)
    yield from _promises(done, name=name)


def _stopped(url: sqlalchemy.URL, *, name: str, calls: int) -> Iterator[Figure]:
    assert url.host is not None
    port = url.port or DEFAULT_PORTS[url.get_backend_name()]
    with UnreliableDatabase(host=url.host, port=port) as proxy, running(url, port=proxy.port) as receiver:
        started_again = threading.Timer(STOPPED_SECONDS, proxy.start)

        def stop() -> None:
            proxy.stop()
            started_again.start()

        stopped = threading.Timer(STOPPED_AFTER, stop)
        stopped.start()
        done = flood(receiver, run="stopped", calls=calls)
        stopped.join()
        started_again.join()
    yield Figure(name=f"{name}: told to come again", values=[done.told_to_come_again], unit=Unit.CALLS)
    yield from _promises([done], name=name)


def _promises(done: Sequence[Round], *, name: str) -> Iterator[Figure]:
    yield Figure(
        name=f"{name}: longest answer",
        values=[1000 * each for each in _of(done, "longest")],
        unit=Unit.MILLISECONDS,
        bound=Bound(at_most=5000),
        sum_up=max,
    )
    none = Bound(at_most=0)
    yield Figure(name=f"{name}: lost", values=_of(done, "lost"), unit=Unit.CALLS, bound=none, sum_up=max)
    yield Figure(name=f"{name}: unanswered", values=_of(done, "unanswered"), unit=Unit.CALLS, bound=none, sum_up=max)


def _of(done: Sequence[Round], name: str) -> list[float]:
    return [float(getattr(each, name)) for each in done]


def main() -> int:
    """Take the figures and print them. Returns 0, also where a bound is not reached: the table says so."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.receiver", description=__doc__)
    parser.add_argument("--calls", type=int, default=20_000, help="of each flood (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="(default: %(default)s)")
    parser.add_argument("--database", action="append", default=[], help="SQLAlchemy's URL of one more database")
    options = parser.parse_args()
    machine = describe()
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="callkaro-receiver-") as folder:
        os.environ["AIRFLOW_HOME"] = folder
        for url in (f"sqlite:///{folder}/ledger.db", *options.database):
            figures += measure(sqlalchemy.make_url(url), calls=options.calls, rounds=options.rounds)
    print(machine, table(figures), sep="\n\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
