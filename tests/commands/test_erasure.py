"""Erase: a person is neither found nor rung again, whatever is under way, whichever key the ledger stands under."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
import sqlalchemy
from connection_keys import keys

from airflow_provider_callkaro.exceptions import LedgerError
from airflow_provider_callkaro.ledger.contract import Claim, Entry, EntryState, Erasure, Settlement
from airflow_provider_callkaro.ledger.digests import Purpose
from airflow_provider_callkaro.ledger.sql.keys import open_names
from airflow_provider_callkaro.ledger.sql.ledger import SqlLedger
from airflow_provider_callkaro.ledger.sql.table import TABLE
from airflow_provider_callkaro.ledger.upkeep.database import Upkeep
from airflow_provider_callkaro.ledger.upkeep.persons import Erasures

PERSON, OTHER = "+919876500001", "+919876500002"


def ledger(engine: sqlalchemy.Engine, *ids: str, scope: str = "calls", run: str = "a run") -> SqlLedger:
    return SqlLedger(engine, scope=scope, also=["all days"], run=run, keys=keys(*(ids or ("k1",))))


def claims(*numbers: str, replaces: Entry | None = None) -> list[Claim]:
    return [Claim(key=number, number=number, replaces=replaces) for number in numbers]


def settled(*numbers: str, state: EntryState | None = EntryState.ACCEPTED) -> list[Settlement]:
    return [Settlement(key=number, state=state, call_id="c") for number in numbers]


def rows(engine: sqlalchemy.Engine) -> int:
    with engine.connect() as connection:
        return int(connection.exec_driver_sql("SELECT COUNT(*) FROM voice_call_ledger").scalar_one())


def test_an_erased_person_is_neither_found_nor_rung_again(engine, keyed, command) -> None:
    with ledger(engine) as open_before:
        assert open_before.commit(claim=claims(PERSON, OTHER)) == {}
        open_before.commit(settle=settled(PERSON, OTHER))
        assert command("erase", "-", typed=f"{PERSON}\n") == {
            "erased": True,
            "calls": 1,
            "under_way": 0,
            "known": False,
        }
        assert rows(engine) == 2
        assert command("show", "--person", typed=PERSON) == []
        assert len(command("show", "--person", typed=OTHER)) == 1
        assert open_before.commit(claim=claims(PERSON)) == {PERSON: Erasure()}  # it saw nobody erased when it opened
    with ledger(engine, scope="calls of another day") as another:
        another_key = [Claim(key="customer 7", number=PERSON), *claims(OTHER)]
        lost = another.commit(claim=another_key)
        assert lost["customer 7"] == Erasure()
        assert lost[OTHER] != Erasure()
    assert command("erase", typed=PERSON)["known"]
    lines = command("audit", "show")
    assert [line["action"] for line in lines] == ["erased", "erased"]
    assert "98765" not in json.dumps(lines)
    assert command("audit", "verify")["whole"]


def test_what_is_under_way_is_taken_out_and_settles_into_nothing(engine, keyed, command, caplog) -> None:
    with ledger(engine) as first:
        first.commit(claim=claims(PERSON, OTHER))
        first.commit(settle=settled(PERSON, OTHER, state=EntryState.UNKNOWN))
    with ledger(engine, run="a redial") as under_way:
        standing = under_way.state_of([PERSON])[PERSON]
        assert under_way.commit(claim=claims(PERSON, OTHER, replaces=standing)) == {}
        answer = command("erase", "-", typed=PERSON)
        assert (answer["calls"], answer["under_way"]) == (1, 1)
        under_way.commit(settle=[*settled(PERSON), *settled(OTHER, state=None)])  # one was rung, one is released
        assert under_way.state_of([PERSON, OTHER]) == {OTHER: under_way.state_of([OTHER])[OTHER]}
        assert under_way.commit(claim=claims(PERSON)) == {PERSON: Erasure()}
    assert rows(engine) == 2
    assert "had lost" not in caplog.text


@pytest.mark.parametrize("state", [None, EntryState.UNKNOWN])
def test_a_redial_that_is_given_up_puts_nothing_of_an_erased_person_back(engine, keyed, command, state) -> None:
    with ledger(engine) as first:
        first.commit(claim=claims(PERSON))
        first.commit(settle=settled(PERSON, state=EntryState.UNKNOWN))
    with ledger(engine, run="a redial") as under_way:
        assert under_way.commit(claim=claims(PERSON, replaces=under_way.state_of([PERSON])[PERSON])) == {}
        command("erase", "-", typed=PERSON)
        under_way.commit(settle=settled(PERSON, state=state))
    assert rows(engine) == 0


def test_a_further_key_finds_who_was_erased_under_the_one_before(engine, keyed, command) -> None:
    with ledger(engine) as first:
        first.commit(claim=claims(PERSON))
        first.commit(settle=settled(PERSON))
    command("erase", "-", typed=PERSON)
    keyed("k2", "k1")
    with ledger(engine, "k2", "k1", scope="another day") as second:
        assert second.commit(claim=claims(PERSON, OTHER)) == {PERSON: Erasure()}
        second.commit(settle=settled(OTHER))
    assert command("erase", "-", typed=PERSON)["known"]
    assert [each["found"] for each in command("check") if each["what"].startswith("key ")] == [
        "reads; rows: 0, erased people: 1",
        "writes; rows: 2, erased people: 0",
    ]
    with pytest.raises(LedgerError, match="under the key k1"), ledger(engine, "k2", scope="another day"):
        pass


def test_a_ledger_in_clear_forgets_a_person_too_once_it_has_a_key(engine, command, request) -> None:
    with SqlLedger(engine, scope="calls", run="in clear") as clear:
        clear.commit(claim=claims(PERSON, OTHER))
        clear.commit(settle=settled(PERSON, OTHER))
    with pytest.raises(SystemExit, match=r"without a key.*ledger_secret"):
        command("erase", "-", typed=PERSON)
    assert rows(engine) == 2
    request.getfixturevalue("keyed")
    assert command("erase", "-", typed=PERSON)["calls"] == 1
    assert command("carry-over") == {"rows": 1, "runs": 0, "left": 0}
    command("check")
    with ledger(engine) as now_keyed:
        lost = now_keyed.commit(claim=claims(PERSON, OTHER))
    assert lost[PERSON] == Erasure()
    assert lost[OTHER].state is EntryState.ACCEPTED
    assert [line["action"] for line in command("audit", "show")] == ["erased", "carried over"]


def test_a_keyed_ledger_is_shown_pruned_and_resolved_as_a_clear_one(engine, keyed, command) -> None:
    with ledger(engine) as first:
        first.commit(claim=claims(PERSON))
        first.commit(settle=settled(PERSON, state=EntryState.UNKNOWN))
    assert command("show", "--person", typed=PERSON)[0]["state"] == "unknown"
    assert command("resolve", "free", "--person", typed=PERSON)["resolved"] == "free"
    assert rows(engine) == 0
    assert command("prune", "--older-than", "30d")["rows"] == 0


def test_claims_and_erasures_at_one_moment_leave_nothing_of_whoever_was_erased(engine, keyed) -> None:
    numbers = [f"+9198765{index:05d}" for index in range(60)]
    with ledger(engine):
        pass
    start = threading.Barrier(4)

    def dial(worker: int) -> None:
        with ledger(engine, scope=f"list {worker}", run=f"run {worker}") as dialling:
            start.wait(timeout=60)
            for first in range(0, len(numbers), 4):
                some = numbers[first : first + 4]
                lost = dialling.commit(claim=claims(*some))
                dialling.commit(settle=settled(*(number for number in some if number not in lost)))

    def erase() -> None:
        with Upkeep(engine) as upkeep:
            upkeep.find_ledger()
            names = open_names(upkeep.session, dialect=upkeep.dialect, keys=keys("k1"), table=TABLE)
            erasures = Erasures(upkeep, names=names)
            start.wait(timeout=60)
            for number in numbers[::2]:
                upkeep.write(partial(erasures.erase_in, digits=[number[1:]]))

    with ThreadPoolExecutor(4) as pool:
        for done in [*(pool.submit(dial, worker) for worker in range(3)), pool.submit(erase)]:
            done.result(timeout=120)
    with ledger(engine, scope="list 0", run="a look") as afterwards:
        lost = afterwards.commit(claim=claims(*numbers))
    assert [number for number in numbers if lost[number] == Erasure()] == numbers[::2]
    digests = {keys("k1").first.digest(Purpose.NUMBER, number[1:]) for number in numbers[::2]}
    with engine.connect() as connection:
        stand = connection.exec_driver_sql("SELECT number, call_digest FROM voice_call_ledger").all()
    assert not digests & {number for number, _ in stand}
    assert len({key for _, key in stand}) == len(numbers) / 2  # nor in a further scope
