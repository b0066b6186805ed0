"""Several workers on one table, and workers that die: nobody is won twice, and no claim is forgotten."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy
from ledger_contract import NUMBER, accept, claim, everything, reject, release

from airflow_provider_callkaro.ledger.contract import EntryState
from airflow_provider_callkaro.ledger.sql.ledger import SqlLedger

WORKER = Path(__file__).parents[1] / "claiming_worker.py"


@pytest.fixture
def start_worker():
    """Start a process that waits until a line is written to it; whatever still runs at the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def start(url: str, *, scope: str, run: str, count: int, seed: int) -> subprocess.Popen[str]:
        command = [sys.executable, str(WORKER), url, scope, run, str(count), str(seed)]
        worker = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        started.append(worker)
        return worker

    yield start
    for worker in started:
        worker.kill()
        worker.communicate()


def go(worker: subprocess.Popen[str]) -> None:
    worker.stdin.write("go\n")
    worker.stdin.flush()


@pytest.mark.slow
def test_two_workers_that_race_through_one_list_win_everybody_once(database_url, engine, scope, start_worker) -> None:
    workers = [start_worker(database_url, scope=scope, run=f"run {seed}", count=2_000, seed=seed) for seed in (1, 2)]
    for worker in workers:
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        go(worker)
    winners: Counter[str] = Counter()
    for worker in workers:
        for line in worker.stdout:
            winners.update(json.loads(line))
        assert worker.wait() == 0
    keys = [f"+9198765{index:05d}" for index in range(2_000)]
    assert winners == dict.fromkeys(keys, 1)
    with SqlLedger(engine, scope=scope, run="the next night") as ledger:
        assert len(ledger.state_of(keys)) == 2_000


@pytest.mark.slow
def test_workers_that_race_in_scopes_that_overlap_win_everybody_once_and_leave_no_halves(
    database_url, engine, scope, start_worker
) -> None:
    a, b, c = (f"{scope} {name}" for name in "abc")
    workers = [
        start_worker(database_url, scope="|".join(scopes), run=f"run {seed}", count=600, seed=seed)
        for seed, scopes in enumerate(([a, b], [b, a], [c, b]))
    ]
    for worker in workers:
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        go(worker)
    winners: Counter[str] = Counter()
    for worker in workers:
        for line in worker.stdout:
            winners.update(json.loads(line))
        assert worker.wait() == 0
    keys = [f"+9198765{index:05d}" for index in range(600)]
    assert winners == dict.fromkeys(keys, 1)
    with engine.connect() as connection:
        query = sqlalchemy.text("SELECT scope, state FROM voice_call_ledger WHERE scope IN (:a, :b, :c)")
        states = Counter(state for _, state in connection.execute(query, {"a": a, "b": b, "c": c}))
    assert sum(states.values()) == 1_200
    assert sum(count for state, count in states.items() if state.startswith("also ")) == 600


def test_whoever_was_claimed_when_a_worker_was_killed_is_not_forgotten(
    database_url, engine, scope, start_worker
) -> None:
    worker = start_worker(database_url, scope=scope, run="monday", count=50_000, seed=1)
    assert worker.stdout.readline() == "ready\n"
    go(worker)
    claimed = [key for _ in range(10) for key in json.loads(worker.stdout.readline())]
    worker.send_signal(signal.SIGKILL)
    rest = worker.stdout.read().splitlines()
    claimed += [key for line in rest if line.endswith("]") for key in json.loads(line)]
    assert worker.wait() == -signal.SIGKILL
    with SqlLedger(engine, scope=scope, run="monday") as ledger:
        found = ledger.state_of(claimed)
        assert set(found) == set(claimed)
        assert {entry.state for entry in found.values()} <= {EntryState.ACCEPTED, EntryState.UNKNOWN}
        assert set(ledger.commit(claim=[claim(key) for key in claimed])) == set(claimed)


def test_of_eight_workers_that_redial_one_person_at_once_one_does(engine, scope) -> None:
    with SqlLedger(engine, scope=scope, run="sunday") as ledger:
        ledger.commit(claim=[claim()])
        ledger.commit(settle=[reject()])
    start = threading.Barrier(8)

    def redial(worker: int) -> bool:
        with SqlLedger(engine, scope=scope, run=f"run {worker}") as ledger:
            standing = everything(ledger)[NUMBER]
            start.wait(timeout=60)
            return not ledger.commit(claim=[claim(replaces=standing)])

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(redial, range(8))) == 1


@pytest.mark.services
def test_a_person_released_at_the_very_moment_of_a_lost_claim_is_won_after_all(postgresql_url, scope) -> None:
    holder = SqlLedger(sqlalchemy.create_engine(postgresql_url), scope=scope, run="monday")
    engine = sqlalchemy.create_engine(postgresql_url)

    def release_in_between(connection, cursor, statement, *_) -> None:
        if statement.startswith("INSERT INTO voice_call_ledger") and held:
            holder.commit(settle=[release(held.pop())])

    held: list[str] = []
    sqlalchemy.event.listen(engine, "after_cursor_execute", release_in_between)
    with holder, SqlLedger(engine, scope=scope, run="tuesday") as ledger:
        holder.commit(claim=[claim()])
        held.append(NUMBER)
        assert ledger.commit(claim=[claim()]) == {}
        ledger.commit(settle=[accept()])
        assert everything(holder)[NUMBER].state is EntryState.ACCEPTED


@pytest.mark.services
def test_a_redial_that_is_lost_in_another_scope_at_the_very_moment_forgets_nothing(postgresql_url, scope) -> None:
    engine = sqlalchemy.create_engine(postgresql_url)
    rival = SqlLedger(sqlalchemy.create_engine(postgresql_url), scope=f"{scope} b", run="tuesday")
    with SqlLedger(engine, scope=f"{scope} a", run="sunday") as ledger:
        ledger.commit(claim=[claim()])
        ledger.commit(settle=[reject()])
        before = everything(ledger)

    def claim_in_between(connection, cursor, statement, *_) -> None:
        if statement.startswith("INSERT INTO voice_call_ledger") and pending:
            rival.commit(claim=[claim(pending.pop())])

    pending: list[str] = []
    sqlalchemy.event.listen(engine, "before_cursor_execute", claim_in_between)
    with rival, SqlLedger(engine, scope=f"{scope} a", also=[f"{scope} b", f"{scope} c"], run="monday") as ledger:
        rival.commit(claim=[claim("+919876500099")])  # it has noted its scope, and waits for nobody's note
        standing = everything(ledger)[NUMBER]
        pending.append(NUMBER)
        (entry,) = ledger.commit(claim=[claim(replaces=standing)]).values()
        assert entry.state is EntryState.CLAIMED
        ledger.commit(settle=[accept()])  # of a call that was never won
    for name, expected in (("a", before), ("c", {})):
        with SqlLedger(engine, scope=f"{scope} {name}", run="sunday") as ledger:
            assert everything(ledger) == expected


def test_workers_that_create_the_table_at_once_all_find_it(empty_database_url) -> None:
    start = threading.Barrier(8)

    def open_ledger(worker: int) -> int:
        engine = sqlalchemy.create_engine(empty_database_url)
        ledger = SqlLedger(engine, scope="calls", run="monday")
        start.wait(timeout=60)
        with ledger:
            won = not ledger.commit(claim=[claim()])
        engine.dispose()
        return won

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(open_ledger, range(8))) == 1
