"""Show and resolve: one person's calls are found by their number, and it stands nowhere in the answer."""

from __future__ import annotations

import io
import json
from datetime import timedelta

import pytest
import sqlalchemy
from ageing_ledger import let_time_pass

from airflow_provider_callkaro.commands.definition import main
from airflow_provider_callkaro.ledger.contract import Claim, EntryState, OverCap, Settlement
from airflow_provider_callkaro.ledger.sql.ledger import SqlLedger

PERSON, OTHER = "+442071838750", "+919876500002"


def ring(engine: sqlalchemy.Engine, *numbers: str, scope: str = "calls", state: EntryState | None = EntryState.UNKNOWN):
    """A run that also blocks a second scope; what it has won."""
    with SqlLedger(engine, scope=scope, also=["all days"], run=f"run of {scope}") as ledger:
        lost = ledger.commit(claim=[Claim(key=number, number=number) for number in numbers])
        won = [number for number in numbers if number not in lost]
        if state is not None:
            ledger.commit(settle=[Settlement(key=number, state=state, reason="no_answer") for number in won])
    assert not any(isinstance(each, OverCap) for each in lost.values())
    return won


def test_a_persons_calls_are_shown_and_their_number_is_not(engine, command) -> None:
    ring(engine, PERSON, OTHER)
    (call,) = command("show", "--person", typed="+44 (0)20 7183 8750\n")
    assert (call["scope"], call["state"], call["reason"]) == ("calls", "unknown", "no_answer")
    for answer in (command("show", output="table"), command("show", "--state", "unknown", output="table")):
        assert "calls" in answer
        assert "7183" not in answer
        assert "98765" not in answer
    assert len(command("show", "--state", "unknown", "--limit", "1")) == 1
    assert {scope["scope"]: scope["unknown"] for scope in command("show")} == {"calls": 2, "all days": 0}


@pytest.mark.parametrize(("word", "rung_again"), [("called", []), ("free", [PERSON])])
def test_an_unknown_call_is_resolved_in_every_scope_that_it_blocks(engine, command, word, rung_again) -> None:
    ring(engine, PERSON, OTHER)
    answer = command("resolve", word, "--person", typed=PERSON)
    assert answer["resolved"] == word
    assert ring(engine, PERSON, OTHER, scope="calls") == rung_again
    assert ring(engine, PERSON, OTHER, scope="calls of another day") == []
    (line,) = command("audit", "show")
    assert (line["action"], line["resolution"], line["call"]) == ("resolved", word, answer["call"])
    if word == "called":
        assert command("show", "--person", typed=PERSON)[0]["reason"] == "resolved"
        assert command("resolve", word, "--call", answer["call"])["resolved"] == word  # said twice, it is the same


def test_what_may_be_ringing_is_resolved_only_when_its_lease_is_over(engine, command) -> None:
    ring(engine, PERSON, state=None)
    with pytest.raises(SystemExit, match="may be ringing right now"):
        command("resolve", "free", "--person", typed=PERSON)
    let_time_pass(engine, timedelta(minutes=61))
    with pytest.raises(SystemExit):  # somebody has to look
        command("check")
    command("resolve", "free", "--person", typed=PERSON)
    command("check")
    assert ring(engine, PERSON) == [PERSON]


@pytest.mark.parametrize("word", ["called", "free"])
def test_a_frozen_try_that_wakes_up_after_a_person_has_spoken_rings_nobody_twice(engine, command, word) -> None:
    with SqlLedger(engine, scope="calls", run="frozen") as frozen:
        frozen.commit(claim=[Claim(key=PERSON, number=PERSON)])
        let_time_pass(engine, timedelta(minutes=61))
        command("resolve", word, "--person", typed=PERSON)
        frozen.commit(settle=[Settlement(key=PERSON, state=EntryState.ACCEPTED, call_id="late")])
    assert ring(engine, PERSON) == []  # it was rung after all
    assert [call["state"] for call in command("show", "--person", typed=PERSON)] == ["accepted"]


def test_only_what_is_unknown_is_resolved(engine, command) -> None:
    ring(engine, OTHER, state=EntryState.ACCEPTED)
    ring(engine, PERSON, scope="monday")
    for words, typed, message in (
        (("--person",), OTHER, "no call to this number is unknown"),
        (("--call", command("show", "--person", typed=OTHER)[0]["call"]), "", "only what is unknown"),
        (("--call", "0" * 32), "", "has no call"),
        ((), "", "--call.*--person"),
        (("--person",), "not a number", "cannot be read as a phone number"),
    ):
        with pytest.raises(SystemExit, match=message) as told:
            command("resolve", "called", *words, typed=typed)
        assert "98765" not in str(told.value)


def test_a_number_is_asked_for_without_an_echo(tmp_path, monkeypatch, capsys) -> None:
    path = tmp_path / "calls.db"
    monkeypatch.setenv("AIRFLOW_CONN_CALL_LEDGER", json.dumps({"conn_type": "sqlite", "host": str(path)}))
    ring(sqlalchemy.create_engine(f"sqlite:///{path}"), PERSON)

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr("airflow_provider_callkaro.commands.person.getpass", lambda prompt: PERSON)
    main(["show", "--person", "--conn-id", "call_ledger"])
    captured = capsys.readouterr()
    assert "no_answer" in captured.out
    assert "7183" not in captured.out + captured.err
