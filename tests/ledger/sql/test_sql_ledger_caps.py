"""Caps are checked by the ledger as it claims: whoever races for one person, nobody is called too often."""

from __future__ import annotations

import json
import random
import secrets
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy
from ageing_ledger import let_time_pass
from ledger_contract import accept, reject, release

from airflow_provider_callkaro.ledger.contract import (
    CallCaps,
    Claim,
    Entry,
    EntryState,
    LegacyNumbers,
    OverCap,
    Settlement,
)
from airflow_provider_callkaro.ledger.sql.ledger import SqlLedger

WORKER = Path(__file__).parents[1] / "claiming_worker.py"
ONCE_A_MONTH = CallCaps(max_calls=1, per=timedelta(days=30))
DAILY = CallCaps(min_gap=timedelta(hours=24))


@pytest.fixture
def number() -> str:
    """A number that no other test calls."""
    return f"+9196{random.randrange(10**8):08d}"


def claim(key: str, number: str, *, replaces: Entry | None = None) -> Claim:
    return Claim(key=key, number=number, replaces=replaces)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [2, 4])
def test_of_several_runs_in_scopes_of_their_own_that_race_through_one_list_nobody_is_called_twice(
    empty_database_url, workers
) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, str(WORKER), empty_database_url, f"scope {seed}", f"run {seed}", "400", str(seed), "1"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in range(workers)
    ]
    try:
        for process in processes:
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            process.stdin.write("go\n")
            process.stdin.flush()
        winners: Counter[str] = Counter()
        for process in processes:
            for line in process.stdout:
                winners.update(json.loads(line))
            assert process.wait() == 0
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    assert winners == {f"+9198765{index:05d}": 1 for index in range(400)}


def test_a_person_who_was_called_in_another_scope_is_not_called_again_within_the_span(engine, scope, number) -> None:
    with SqlLedger(engine, scope=f"{scope}/a", run="monday") as ledger:
        ledger.commit(claim=[claim("policy 1", number)])
        ledger.commit(settle=[accept("policy 1")])
    with SqlLedger(engine, scope=f"{scope}/b", run="tuesday", caps=ONCE_A_MONTH) as ledger:
        assert ledger.commit(claim=[claim("policy 2", number)]) == {"policy 2": OverCap()}
        assert ledger.state_of(["policy 2"]) == {}
        let_time_pass(engine, timedelta(days=31), scope=f"{scope}/a")
        assert ledger.commit(claim=[claim("policy 2", number)]) == {}


def test_within_the_gap_the_ledger_says_until_when(engine, scope, number) -> None:
    before = datetime.now(UTC)
    with SqlLedger(engine, scope=f"{scope}/a", run="monday") as ledger:
        ledger.commit(claim=[claim("policy 1", number)])
    let_time_pass(engine, timedelta(hours=4), scope=f"{scope}/a")
    with SqlLedger(engine, scope=f"{scope}/b", run="tuesday", caps=DAILY) as ledger:
        (over,) = ledger.commit(claim=[claim("policy 2", number)]).values()
        assert isinstance(over, OverCap)
        assert timedelta(seconds=-2) < over.until - (before + timedelta(hours=20)) < timedelta(minutes=1)


@pytest.mark.parametrize(("settlement", "counts"), [(accept, True), (reject, False), (release, False)])
def test_what_may_have_rung_counts_and_what_did_not_does_not(engine, scope, number, settlement, counts) -> None:
    with SqlLedger(engine, scope=scope, run="monday", caps=ONCE_A_MONTH) as ledger:
        ledger.commit(claim=[claim("policy 1", number)])
        lost = ledger.commit(settle=[settlement("policy 1")], claim=[claim("policy 2", number)])
        assert lost == ({"policy 2": OverCap()} if counts else {})


def test_two_calls_to_one_person_in_one_commit_count_each_other(engine, scope, number) -> None:
    with SqlLedger(engine, scope=scope, run="monday", caps=ONCE_A_MONTH) as ledger:
        assert ledger.commit(claim=[claim("policy 1", number), claim("policy 2", number)]) == {"policy 2": OverCap()}


def test_a_call_that_is_known_already_is_told_as_known_and_takes_nobodys_place(engine, scope, number) -> None:
    with SqlLedger(engine, scope=scope, run="monday", caps=ONCE_A_MONTH) as ledger:
        ledger.commit(claim=[claim("policy 1", number)])
        ledger.commit(settle=[reject("policy 1")])
        lost = ledger.commit(claim=[claim("policy 1", number), claim("policy 2", number)])
        assert {key: entry.state for key, entry in lost.items()} == {"policy 1": EntryState.REJECTED}
        ledger.commit(settle=[accept("policy 2")])
        lost = ledger.commit(claim=[claim("policy 2", number), claim("policy 3", number)])
        assert (lost["policy 2"].state, lost["policy 3"]) == (EntryState.ACCEPTED, OverCap())


def test_a_redial_counts_like_any_other_call(engine, scope, number) -> None:
    with SqlLedger(engine, scope=scope, run="monday", caps=ONCE_A_MONTH) as ledger:
        ledger.commit(claim=[claim("policy 1", number)])
        ledger.commit(settle=[reject("policy 1")])
        rejected = ledger.state_of(["policy 1"])["policy 1"]
        assert ledger.commit(claim=[claim("policy 1", number, replaces=rejected)]) == {}
        assert ledger.commit(claim=[claim("policy 2", number)]) == {"policy 2": OverCap()}


@pytest.mark.parametrize("settlement", [accept, reject])
def test_a_call_that_was_redialled_counts_as_two(engine, scope, number, settlement) -> None:
    """Its answer was lost, so it may have rung; its redial stands in its place, and must not make it forgotten."""
    twice = CallCaps(max_calls=2, per=timedelta(days=30))
    with SqlLedger(engine, scope=f"{scope}/a", run="monday", caps=twice) as ledger:
        ledger.commit(claim=[claim("policy 1", number)])
        ledger.commit(settle=[Settlement(key="policy 1", state=EntryState.UNKNOWN, reason="no_answer")])
        lost = ledger.state_of(["policy 1"])["policy 1"]
        assert ledger.commit(claim=[claim("policy 1", number, replaces=lost)]) == {}
        was_rung = settlement is accept
        verdict = ledger.commit(settle=[settlement("policy 1")], claim=[claim("policy 2", number)])
        assert verdict == ({"policy 2": OverCap()} if was_rung else {})
        since = datetime.now(UTC) - timedelta(days=1)
        assert len(ledger.called_since([number], since)[number]) == 2
        assert ledger.commit(claim=[claim("policy 3", number)]) == {"policy 3": OverCap()}


def test_a_call_in_two_scopes_counts_once(engine, scope, number) -> None:
    twice = CallCaps(max_calls=2, per=timedelta(days=30))
    with SqlLedger(engine, scope=f"{scope}/a", also=[f"{scope}/b"], run="monday", caps=twice) as ledger:
        for key, lost in (("policy 1", {}), ("policy 2", {}), ("policy 3", {"policy 3": OverCap()})):
            assert ledger.commit(claim=[claim(key, number)]) == lost


def test_a_call_in_the_spelling_of_an_earlier_version_counts(engine, scope, number) -> None:
    legacy = LegacyNumbers(prefixes=("910",), spellings=lambda one: (f"+910{one[3:]}",))
    (spelling,) = legacy.spellings(number)
    with SqlLedger(engine, scope=f"{scope}/a", run="monday") as ledger:
        ledger.commit(claim=[claim("policy 1", spelling)])
    with SqlLedger(engine, scope=f"{scope}/b", run="monday", caps=ONCE_A_MONTH, legacy=legacy) as ledger:
        assert ledger.commit(claim=[claim("policy 2", number)]) == {"policy 2": OverCap()}


def test_a_commit_under_caps_that_runs_again_does_not_count_its_own_calls(engine, scope, number) -> None:
    """Its answer is lost after it was carried out, so the same transaction finds what it has claimed itself."""
    second = sqlalchemy.create_engine(engine.url)
    lose: list[str] = []

    def lose_the_answer(connection) -> None:
        if lose:
            lose.pop()
            connection.connection.dbapi_connection.commit()
            raise sqlalchemy.exc.OperationalError("COMMIT", {}, Exception(), connection_invalidated=True)

    sqlalchemy.event.listen(second, "commit", lose_the_answer)
    with SqlLedger(second, scope=scope, run="monday", caps=ONCE_A_MONTH, sleep=[].append) as ledger:
        lose.append(secrets.token_hex(2))
        assert ledger.commit(claim=[claim("policy 1", number)]) == {}
        assert lose == []
        ledger.commit(settle=[accept("policy 1")])
        assert ledger.state_of(["policy 1"])["policy 1"].state is EntryState.ACCEPTED
    second.dispose()
