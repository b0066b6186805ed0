"""Prune: what it forgets, and what it must not, because somebody would be rung again."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy
from ageing_ledger import let_time_pass
from connection_keys import keys

from airflow_provider_callkaro.exceptions import ConfigurationError, LedgerError
from airflow_provider_callkaro.ledger.contract import CallCaps, Claim, EntryState, Settlement
from airflow_provider_callkaro.ledger.digests import LedgerKeys
from airflow_provider_callkaro.ledger.run_record import RunRecord
from airflow_provider_callkaro.ledger.sql.ledger import SqlLedger
from airflow_provider_callkaro.ledger.sql.run_records import SqlRunRecords
from airflow_provider_callkaro.ledger.sql.scopes import scopes_of
from airflow_provider_callkaro.ledger.upkeep import retention

NUMBERS = [f"+9198765{row:05d}" for row in range(5)]


def ring(
    engine: sqlalchemy.Engine,
    scope: str,
    *,
    also: tuple[str, ...] = (),
    caps: CallCaps | None = None,
    keys: LedgerKeys | None = None,
) -> int:
    """A run in a scope: how many it has rung."""
    with SqlLedger(engine, scope=scope, also=also, run=f"run of {scope}", caps=caps, keys=keys) as ledger:
        lost = ledger.commit(claim=[Claim(key=number, number=number) for number in NUMBERS])
        won = [number for number in NUMBERS if number not in lost]
        ledger.commit(settle=[Settlement(key=number, state=EntryState.ACCEPTED, call_id="c") for number in won])
    return len(won)


def long_after(engine: sqlalchemy.Engine, days: int, *, scope: str = "%") -> None:
    """Let days pass over what stands in some scopes, and over the notes of their use."""
    let_time_pass(engine, timedelta(days=days), scope=scope)
    with engine.begin() as connection:
        names = connection.exec_driver_sql("SELECT DISTINCT scope FROM voice_call_ledger").scalars().all()
        for id_ in [each.digits for each in scopes_of(names) if scope in ("%", each.name)]:
            connection.execute(
                sqlalchemy.text("UPDATE voice_call_scopes SET used_at = :at WHERE id = :id"),
                {"at": "2020-01-01 00:00:00", "id": id_},
            )


def rows(engine: sqlalchemy.Engine) -> int:
    with engine.connect() as connection:
        return int(connection.exec_driver_sql("SELECT COUNT(*) FROM voice_call_ledger").scalar_one())


def test_what_nobody_uses_any_more_is_forgotten_and_never_rung_again_by_a_clear(engine, command) -> None:
    ring(engine, "renewals of old", also=("replayed",))
    long_after(engine, 500)
    ring(engine, "renewals of today")
    assert command("prune", "--older-than", "400d", "--dry-run")["rows"] == 10
    assert rows(engine) == 15
    assert command("prune", "--older-than", "400d") == {
        "scopes": 2,
        "rows": 10,
        "runs": 0,
        "outcomes": 0,
        "kept_scopes": 0,
        "kept_rows": 0,
    }
    assert rows(engine) == 5
    assert ring(engine, "renewals of today") == 0
    with pytest.raises(ConfigurationError, match=r'pruned of scope "renewals of old"'):  # as a cleared run would
        ring(engine, "renewals of old")
    with pytest.raises(ConfigurationError, match=r'pruned of scope "replayed"'):
        ring(engine, "renewals of tomorrow", also=("replayed",))
    assert ring(engine, "renewals of tomorrow") == 5
    assert [line["action"] for line in command("audit", "show")] == ["pruning", "pruned"]


def test_a_scope_that_is_in_use_keeps_what_stands_in_it(engine, command) -> None:
    ring(engine, "welcome, once in a life")
    ring(engine, "renewals of old")
    long_after(engine, 500)
    assert ring(engine, "welcome, once in a life") == 0  # still in use, although it rings nobody new
    with pytest.raises(SystemExit, match=r"welcome, once in a life.*rung again: nothing was pruned"):
        command("prune", "--older-than", "400d")
    assert rows(engine) == 10
    assert command("prune", "--older-than", "400d", "--keep-open-scopes") == {
        "scopes": 1,
        "rows": 5,
        "runs": 0,
        "outcomes": 0,
        "kept_scopes": 1,
        "kept_rows": 5,
    }
    assert ring(engine, "welcome, once in a life") == 0


def test_what_a_cap_still_counts_stays(engine, command) -> None:
    monthly = CallCaps(max_calls=1, per=timedelta(days=30))
    ring(engine, "january", caps=monthly)
    long_after(engine, 20)
    with pytest.raises(SystemExit, match=r"a cap counts calls over 30 days.*nothing was pruned"):
        command("prune", "--older-than", "10d")
    assert ring(engine, "february", caps=monthly) == 0
    long_after(engine, 20)
    assert command("prune", "--older-than", "31d")["rows"] == 5


def test_a_ledger_whose_runs_have_told_nothing_is_not_pruned_unasked(engine, command) -> None:
    ring(engine, "of an earlier version")
    long_after(engine, 500)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE voice_call_scopes")
    with pytest.raises(SystemExit, match="--longest-cap"):
        command("prune", "--older-than", "400d")
    assert command("prune", "--older-than", "400d", "--longest-cap", "30d")["rows"] == 5


def test_a_wrong_path_leaves_no_file_behind(tmp_path, command, monkeypatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_CALL_LEDGER", f"sqlite:///{tmp_path / 'nowhere.db'}")
    with pytest.raises(SystemExit, match="no call ledger"):
        command("check")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("prune", "--older-than", "23h"), "a day or more"),
        (("prune", "--older-than", "soon"), "a number and a unit"),
        (("check",), "no call ledger"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(words, message, tmp_path, command, monkeypatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_CALL_LEDGER", f"sqlite:///{tmp_path / 'empty.db'}")
    if words[0] == "prune":
        ring(sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'empty.db'}"), "today")
    with pytest.raises(SystemExit, match=message):
        command(*words)


def test_a_prune_that_was_killed_is_finished_by_the_next(engine, command, monkeypatch: Any) -> None:
    ring(engine, "renewals of old")
    long_after(engine, 500)

    def killed(connection: Any, **_: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(retention, "_remove_some", killed)
        with pytest.raises(KeyboardInterrupt):
            command("prune", "--older-than", "400d")
    with pytest.raises(ConfigurationError, match="pruned"):
        ring(engine, "renewals of old")
    assert command("prune", "--older-than", "400d")["rows"] == 5
    assert [line["action"] for line in command("audit", "show")] == ["pruning", "pruning", "pruned"]


def test_a_key_under_which_nothing_stands_any_more_may_be_taken_out(engine, keyed, command) -> None:
    record = RunRecord(scopes=("renewals of old",), due=datetime(2025, 1, 1, tzinfo=UTC))
    another = RunRecord(scopes=("a list that was empty",), due=datetime(2025, 1, 1, tzinfo=UTC))
    SqlRunRecords(engine, run="run of renewals of old", keys=keys("k1")).begin(record)
    SqlRunRecords(engine, run="run of nobody", keys=keys("k1")).begin(another)
    ring(engine, "renewals of old", keys=keys("k1"))
    long_after(engine, 500)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE voice_call_runs SET begun_at = '2020-01-01 00:00:00'")
    SqlRunRecords(engine, run="run of today", keys=keys("k2", "k1")).begin(
        replace(record, scopes=("renewals of today",))
    )
    ring(engine, "renewals of today", keys=keys("k2", "k1"))
    with pytest.raises(LedgerError, match="under the key k1"):
        ring(engine, "renewals of tomorrow", keys=keys("k2"))
    keyed("k2", "k1")
    pruned = command("prune", "--older-than", "400d")
    assert (pruned["scopes"], pruned["rows"], pruned["runs"]) == (1, 5, 2)
    assert ring(engine, "renewals of tomorrow", keys=keys("k2")) == 5
    with pytest.raises(ConfigurationError, match="pruned"):
        ring(engine, "a list that was empty", keys=keys("k2"))


def test_a_prune_and_claims_at_one_moment_ring_nobody_again(engine, command) -> None:
    names = [f"list {number}" for number in range(12)]
    for name in names:
        ring(engine, name)
    long_after(engine, 500)
    start = threading.Barrier(2)

    def ring_again() -> list[int | str]:
        start.wait(timeout=60)
        return [rung(name) for name in reversed(names)]

    def rung(name: str) -> int | str:
        try:
            return ring(engine, name)
        except ConfigurationError:
            return "refused"

    with ThreadPoolExecutor(1) as pool:
        ringing = pool.submit(ring_again)
        start.wait(timeout=60)
        pruned = command("prune", "--older-than", "400d", "--keep-open-scopes")
        came_back = ringing.result(timeout=60)
    assert set(came_back) <= {0, "refused"}
    assert came_back.count("refused") == pruned["scopes"]
    assert rows(engine) == 5 * came_back.count(0)


@pytest.mark.parametrize("span", ["999999w", "999999d", "99999w", "3653d"])
def test_a_span_that_reaches_before_every_calendar_forgets_nobody(engine, command, span) -> None:
    """SQLite makes of such a moment one that is later than all others."""
    ring(engine, "monday")
    with pytest.raises(SystemExit, match="--older-than must be at most 3652 days"):
        command("prune", "--older-than", span)
    assert rows(engine) == len(NUMBERS)
    assert command("prune", "--older-than", "3652d")["rows"] == 0
    assert ring(engine, "monday") == 0
