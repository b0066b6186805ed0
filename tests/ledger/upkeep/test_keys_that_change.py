"""While runs go on, a ledger is put under a key, carried over, put under another: nobody twice, nothing lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy
from ageing_ledger import let_time_pass
from ledger_contract import (
    AN_HOUR_AND_MORE,
    INDIA,
    LEGACY_NUMBER,
    NUMBER,
    OTHER_NUMBER,
    accept,
    claim,
    everything,
    reject,
    release,
)
from ledger_secrets import keys

from airflow_provider_callkaro.ledger.contract import CallCaps, Claim, EntryState, OverCap
from airflow_provider_callkaro.ledger.run_record import RunRecord
from airflow_provider_callkaro.ledger.sql.ledger import SqlLedger
from airflow_provider_callkaro.ledger.sql.run_records import SqlRunRecords
from airflow_provider_callkaro.ledger.upkeep.carry_over import CarriedOver, carry_over

pytestmark = pytest.mark.slow

HERE = Path(__file__).parents[1]
SCOPE = "renewals"
PEOPLE = [f"+9198765{index:05d}" for index in range(1_500)]  # whom the workers claim
RECORD = RunRecord(scopes=(SCOPE,), due=datetime(2026, 5, 1, tzinfo=UTC))

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def engine(empty_database_url: str) -> Iterator[sqlalchemy.Engine]:
    engine = sqlalchemy.create_engine(empty_database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def connection(tmp_path: Path) -> Path:
    """Stands for the ledger's connection: the names of its keys."""
    return tmp_path / "keys"


@pytest.fixture
def start(empty_database_url: str, connection: Path) -> Iterator[Start]:
    """Start a process of its own; whatever still runs at the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def start(script: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        worker = subprocess.Popen(
            [sys.executable, str(HERE / script), empty_database_url, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "LEDGER_KEYS_IN": str(connection), **environment},
        )
        started.append(worker)
        return worker

    yield start
    for worker in started:
        worker.kill()
        worker.communicate()


def claiming(start: Start, *, run: str, seed: int, **environment: str) -> subprocess.Popen[str]:
    worker = start("claiming_worker.py", SCOPE, run, str(len(PEOPLE)), str(seed), **environment)
    assert worker.stdout.readline() == "ready\n"
    return worker


def go(worker: subprocess.Popen[str]) -> None:
    worker.stdin.write("go\n")
    worker.stdin.flush()


def until_it_pauses(*workers: subprocess.Popen[str]) -> Counter[str]:
    """Whom workers win at their beginning; they stand in the middle of their lists then."""
    for worker in workers:
        go(worker)
    return Counter(key for worker in workers for _ in range(5) for key in json.loads(worker.stdout.readline()))


def rest(worker: subprocess.Popen[str]) -> Counter[str]:
    """Whom a worker wins until it ends."""
    return Counter(key for line in worker.stdout for key in json.loads(line))


def test_a_key_that_changes_while_runs_claim_rings_nobody_twice_and_loses_nobody(engine, connection, start) -> None:
    connection.write_text("k1")
    told = claiming(start, run="told", seed=1, LEDGER_PAUSE="1")
    stale = claiming(start, run="stale", seed=2, LEDGER_PAUSE="1", LEDGER_KEYS_ONCE="1")
    won = until_it_pauses(told, stale)
    connection.write_text("k2,k1")
    new = claiming(start, run="new", seed=3)
    for worker in (told, stale, new):
        go(worker)
    for worker in (told, stale, new):
        won += rest(worker)
    assert (told.wait(), new.wait()) == (0, 0)
    assert stale.wait() == 1
    assert "under the key k2, which this process does not have" in stale.stderr.read()
    assert won == dict.fromkeys(PEOPLE, 1)
    with SqlLedger(engine, scope=SCOPE, run="the next night", keys=keys("k2", "k1")) as ledger:
        found = ledger.state_of(PEOPLE)
    assert found.keys() == set(PEOPLE)
    with engine.connect() as connected:
        query = sqlalchemy.text(
            "SELECT COUNT(*), COUNT(DISTINCT call_id) FROM voice_call_ledger WHERE number LIKE :key"
        )
        under = {key: connected.execute(query, {"key": f"{key}:%"}).one()[0] for key in ("k1", "k2")}
    assert sum(under.values()) == len(PEOPLE)
    assert min(under.values()) > 0


def test_a_clear_ledger_is_put_under_a_key_while_runs_in_clear_go_on(engine, connection, start) -> None:
    connection.write_text("")
    told = claiming(start, run="told", seed=1, LEDGER_PAUSE="1")
    stale = claiming(start, run="stale", seed=2, LEDGER_PAUSE="1", LEDGER_KEYS_ONCE="1")
    won = until_it_pauses(told, stale)
    connection.write_text("k1")
    new = claiming(start, run="new", seed=3)
    for worker in (told, stale, new):
        go(worker)
    for worker in (told, stale, new):
        won += rest(worker)
    assert (told.wait(), stale.wait(), new.wait()) == (0, 1, 0)
    assert "this process has no key" in stale.stderr.read()
    assert won == dict.fromkeys(PEOPLE, 1)


def test_a_carry_over_that_is_killed_and_begun_again_while_a_run_claims_loses_nobody(engine, connection, start) -> None:
    rung = PEOPLE[::2]
    with SqlLedger(engine, scope=SCOPE, run="before", also=["replayed"]) as ledger:
        ledger.commit(claim=[claim(key) for key in rung])
        ledger.commit(settle=[accept(key) for key in rung])
    connection.write_text("k1")
    run = claiming(start, run="now", seed=1)
    carrying = start("carrying_worker.py")
    go(run)
    for _ in range(5):
        carrying.stdout.readline()
    carrying.send_signal(signal.SIGKILL)
    assert carrying.wait() == -signal.SIGKILL
    again = start("carrying_worker.py")
    won = rest(run)
    assert (run.wait(), again.wait()) == (0, 0)
    assert won == dict.fromkeys(PEOPLE[1::2], 1)
    assert carry_over(engine, keys("k1")) == CarriedOver()
    with engine.connect() as connected:
        columns = "id, call_digest, number, run, owner, detail"  # these workers make call ids of numbers
        rows = connected.execute(sqlalchemy.text(f"SELECT {columns} FROM voice_call_ledger")).all()
        assert connected.execute(sqlalchemy.text("SELECT place FROM voice_call_keys")).scalars().all() == [1]
    assert len(rows) == 2 * len(rung) + len(PEOPLE[1::2])
    assert not any(PEOPLE[0][1:9] in str(row) for row in rows)
    with SqlLedger(engine, scope="replayed", run="later", keys=keys("k1")) as ledger:
        assert ledger.state_of(PEOPLE).keys() == set(rung)
        assert ledger.commit(claim=[claim(key) for key in rung[:40]]).keys() == set(rung[:40])


def test_what_is_carried_over_says_what_it_said_before(engine) -> None:
    long, strange = "customer " * 500, "ग्राहक \x00👩"
    given = {"scope": "calls " * 300, "run": "an old run", "also": ["more"]}
    caps = CallCaps(max_calls=1, per=timedelta(days=7))
    with SqlLedger(engine, **given) as ledger:
        ledger.commit(claim=[claim(key) for key in (NUMBER, long, strange)])
        ledger.commit(settle=[reject(), accept(long), accept(strange)])
        before = everything(ledger, NUMBER, long, strange)
    SqlRunRecords(engine, run="an old run").begin(RECORD)
    done = carry_over(engine, keys("k1"), batch=2)
    assert (done.rows, done.runs, done.left) == (6, 1, 0)
    assert SqlRunRecords(engine, run="an old run", keys=keys("k1")).find() == RECORD
    with SqlLedger(engine, **given, caps=caps, keys=keys("k1")) as ledger:
        assert everything(ledger, NUMBER, long, strange) == before
        assert ledger.commit(claim=[Claim(key="another", number=NUMBER)]) == {"another": OverCap()}


def test_whoever_may_be_ringing_is_carried_over_later_and_settled_meanwhile(engine) -> None:
    both = {"reread": lambda: keys("k1")}
    with SqlLedger(engine, scope=SCOPE, run="frozen") as frozen:
        frozen.commit(claim=[claim()])
    with SqlLedger(engine, scope=SCOPE, run="clear", **both) as run:
        run.commit(claim=[claim(OTHER_NUMBER)])
        assert carry_over(engine, keys("k1")) == CarriedOver(left=2)
        assert run.commit(claim=[claim()])[NUMBER].may_be_ringing is True
        run.commit(settle=[accept(OTHER_NUMBER)])
    assert carry_over(engine, keys("k1")) == CarriedOver(rows=1, left=1)
    let_time_pass(engine, AN_HOUR_AND_MORE)
    assert carry_over(engine, keys("k1")) == CarriedOver(rows=1)
    with SqlLedger(engine, scope=SCOPE, run="after", keys=keys("k1")) as ledger:
        found = everything(ledger, NUMBER, OTHER_NUMBER)
        assert [found[key].state for key in (NUMBER, OTHER_NUMBER)] == [EntryState.UNKNOWN, EntryState.ACCEPTED]


def test_a_redial_of_a_clear_call_that_never_left_gives_it_back_under_the_key(engine) -> None:
    with SqlLedger(engine, scope=SCOPE, run="before") as ledger:
        ledger.commit(claim=[claim()])
        ledger.commit(settle=[reject()])
    with SqlLedger(engine, scope=SCOPE, run="now", keys=keys("k1")) as ledger:
        before = everything(ledger)
        assert ledger.commit(claim=[claim(replaces=before[NUMBER])]) == {}
        assert carry_over(engine, keys("k1")) == CarriedOver()
        ledger.commit(settle=[release()])
        assert everything(ledger) == before
    with SqlLedger(engine, scope=SCOPE, run="later", keys=keys("k1")) as ledger:
        assert everything(ledger) == before


def test_legacy_spellings_are_found_after_the_carry_over(engine) -> None:
    with SqlLedger(engine, scope=SCOPE, run="before") as ledger:
        ledger.commit(claim=[Claim(key=LEGACY_NUMBER, number=LEGACY_NUMBER)])
        ledger.commit(settle=[accept(LEGACY_NUMBER)])
    assert carry_over(engine, keys("k1"), legacy=INDIA) == CarriedOver(rows=1)
    for some in (keys("k1"), keys("k2", "k1")):
        with SqlLedger(engine, scope=SCOPE, run="after", keys=some, legacy=INDIA) as ledger:
            assert ledger.commit(claim=[claim()])[NUMBER].state is EntryState.ACCEPTED
            assert len(ledger.called_since([NUMBER], datetime.now(UTC) - timedelta(minutes=5))[NUMBER]) == 1


def test_a_redial_that_never_left_gives_nothing_back_where_another_has_taken_its_place_in_clear(engine) -> None:
    with SqlLedger(engine, scope=SCOPE, run="before") as ledger:
        ledger.commit(claim=[claim()])
        ledger.commit(settle=[reject()])
    told = {"scope": SCOPE, "reread": lambda: keys("k1")}
    with SqlLedger(engine, run="monday", **told) as monday, SqlLedger(engine, run="tuesday", **told) as tuesday:
        monday.commit(claim=[claim(replaces=everything(monday)[NUMBER])])
        let_time_pass(engine, AN_HOUR_AND_MORE)
        assert tuesday.commit(claim=[claim(replaces=everything(tuesday)[NUMBER])]) == {}
        with SqlLedger(engine, scope=SCOPE, run="keyed", keys=keys("k1")) as keyed:
            assert monday.commit(settle=[release()], claim=[claim(OTHER_NUMBER)]) == {}
            assert everything(keyed)[NUMBER].redials == 2
    with engine.connect() as connected:
        assert connected.execute(sqlalchemy.text("SELECT COUNT(*) FROM voice_call_ledger")).scalar() == 2
