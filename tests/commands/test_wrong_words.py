"""Whatever is typed wrongly is answered by one sentence and an exit code that is not 0, and never by a traceback."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy

from airflow_provider_callkaro.commands.definition import main
from airflow_provider_callkaro.ledger.contract import Claim
from airflow_provider_callkaro.ledger.sql.ledger import SqlLedger

NUMBER = "+919876500001"
CONNECTIONS = {
    "calls": {"conn_type": "sqlite", "host": "calls.db"},
    "keyed": {"conn_type": "sqlite", "host": "calls.db", "extra": {"ledger_secret": "k1:short"}},
    "empty": {"conn_type": "sqlite", "host": "empty.db"},
    "no_database": {"conn_type": "sqlite", "host": "no_database.db"},
    "no_folder": {"conn_type": "sqlite", "host": "missing/calls.db"},
    "web": {"conn_type": "http", "host": "ledger.example"},
    "stranger": {"conn_type": "warehouse9", "host": "ledger.example"},
    "refuses": {"conn_type": "postgres", "host": "127.0.0.1", "port": 1, "login": "airflow", "schema": "calls"},
}


@pytest.fixture(autouse=True)
def _connected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'calls.db'}")
    with SqlLedger(engine, scope="calls", run="a run") as ledger:
        ledger.commit(claim=[Claim(key=NUMBER, number=NUMBER)])
    engine.dispose()
    (tmp_path / "empty.db").touch()
    (tmp_path / "no_database.db").write_text("a letter to somebody\n" * 100)
    for name, connection in CONNECTIONS.items():
        host = str(tmp_path / connection["host"]) if connection["conn_type"] == "sqlite" else connection["host"]
        monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps({**connection, "host": host}))


TABLE = [
    # words, what is typed into standard input, the sentence
    ("", "", "the following arguments are required: command"),
    ("shwo --conn-id calls", "", "invalid choice: 'shwo'"),
    ("audit", "", "the following arguments are required: command"),
    ("show", "", "the following arguments are required: --conn-id"),
    ("show --conn-id", "", "--conn-id: expected one argument"),
    ("show --conn-id nobody", "", 'no connection is named "nobody"'),
    ("show --conn-id empty", "", "there is no call ledger"),
    ("show --conn-id no_folder", "", "there is no call ledger"),
    ("show --conn-id no_database", "", "it is no database: correct the path of the connection"),
    ("check --conn-id no_database", "", "it is no database"),
    ("show --conn-id web", "", '--conn-id "web" is a connection of type "http", which is no SQL database'),
    ("show --conn-id stranger", "", '--conn-id "stranger" is a connection of type "warehouse9"'),
    ("show --conn-id refuses", "", "its host refuses the connection"),
    ("show --conn-id keyed", "", '"ledger_secret" in the extra of connection "keyed" must be "k1:"'),
    ("show --conn-id calls -o xml", "", "invalid choice: 'xml'"),
    ("show --conn-id calls more", "", "unrecognized arguments: more"),
    ("show --conn-id calls --limit 0", "", "--limit: must be a whole number from 1 to 1000000"),
    ("show --conn-id calls --limit=-5", "", "--limit: must be a whole number"),
    ("show --conn-id calls --limit 1.5", "", "--limit: must be a whole number"),
    ("show --conn-id calls --limit ٣", "", "--limit: must be a whole number"),
    ("show --conn-id calls --limit 99999999999999999999", "", "--limit: must be a whole number"),
    ("audit show --conn-id calls --limit 99999999999999999999", "", "--limit: must be a whole number"),
    ("audit show --conn-id calls --limit 0", "", "--limit: must be a whole number"),
    ("show --conn-id calls --state rang", "", "invalid choice: 'rang'"),
    ("show --conn-id calls --person", "", "that cannot be read as a phone number"),
    ("show --conn-id calls --person", "Asha", "that cannot be read as a phone number"),
    ("show --conn-id calls --person", NUMBER[3:], "that cannot be read as a phone number: give it with +"),
    ("show --conn-id calls --person --default-region India", NUMBER[3:], "default_region 'India' is no region"),
    ("resolve --conn-id calls", "", "the following arguments are required: resolution"),
    ("resolve perhaps --conn-id calls", "", "invalid choice: 'perhaps'"),
    ("resolve called --conn-id calls", "", "say which call: --call with its id"),
    ("resolve called --conn-id calls --call none", "", "the ledger has no call none"),
    ("resolve called --conn-id calls --call x --person", NUMBER, "--call and --person both say which call"),
    ("resolve called --conn-id calls --person", "+919876500002", "no call to this number is unknown"),
    ("prune --conn-id calls", "", "the following arguments are required: --older-than"),
    ("prune --conn-id calls --older-than long", "", "--older-than takes a number and a unit"),
    ("prune --conn-id calls --older-than 5h", "", "--older-than must be a day or more"),
    ("prune --conn-id calls --older-than 999999w", "", "--older-than must be at most 3652 days"),
    ("prune --conn-id calls --older-than=-5d", "", "--older-than takes a number and a unit"),
    ("prune --conn-id calls --older-than 9d --longest-cap long", "", "--longest-cap takes a number and a unit"),
    ("prune --conn-id calls --older-than 9d --longest-cap 999999w", "", "so rows that are younger must stay"),
    ("erase --conn-id calls", NUMBER, "nobody can be erased from a ledger without a key"),
    ("erase --conn-id calls one two", "", "unrecognized arguments: two"),
    ("carry-over --conn-id calls", "", "there is no key to carry over to"),
    ("audit verify --conn-id calls --last x", "", 'a mark of the audit trail is "place:digest"'),
    ("audit verify --conn-id calls --last 99999999999999999999:00", "", 'a mark of the audit trail is "place:digest"'),
]


@pytest.mark.parametrize(("words", "typed", "sentence"), TABLE)
def test_it_is_answered_in_one_sentence(words, typed, sentence, capsys, monkeypatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    with pytest.raises(SystemExit) as ended:
        main(words.split())
    assert ended.value.code  # a text is printed, and is exit code 1
    said = ended.value.code if isinstance(ended.value.code, str) else capsys.readouterr().err.splitlines()[-1]
    assert sentence in said
    assert "\n" not in said
    assert NUMBER[-5:] not in said


def test_a_process_ends_with_the_sentence_alone_and_exit_code_1() -> None:
    command = [sys.executable, "-m", "airflow_provider_callkaro.ledger", "show", "--conn-id", "no_database"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("error: the call ledger ")
    assert len(done.stderr.splitlines()) == 1
    assert "Traceback" not in done.stderr


def test_a_scope_that_is_not_there_is_no_empty_ledger(capsys) -> None:
    main(["show", "--conn-id", "calls", "--scope", "misspelt"])
    assert capsys.readouterr().out == "the ledger has no such scope\n"


def test_a_person_and_a_state_are_both_kept_to(capsys, monkeypatch) -> None:
    for state, count in (("accepted", 0), ("claimed", 1)):
        monkeypatch.setattr("sys.stdin", io.StringIO(NUMBER))
        main(["show", "--conn-id", "calls", "--person", "--state", state, "-o", "json"])
        assert len(json.loads(capsys.readouterr().out)) == count
