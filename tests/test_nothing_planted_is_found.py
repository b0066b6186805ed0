"""What SECURITY.md says of where data goes: what is planted is found where its tables say so, and nowhere else."""

from __future__ import annotations

import base64
import gzip
import json
import re
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests
from airflow_fixtures import database_of_its_own
from planting import field, search, what
from planting.search import Text
from planting.what import Kind, Planted
from real_airflow import RealAirflow

from airflow_provider_callkaro.vendors.known import VENDORS

DAG_FILE = Path(field.__file__).with_name("dags") / "planted.py"
PAGE = Path(__file__).parents[1] / "SECURITY.md"
UPSTREAM_XCOM = "task_id = 'people' and key = 'return_value'"
UPSTREAM_LOG = re.compile(r".*\bmsg=SetXCom\(.*'people'.*")  # Airflow's own word on it, at DEBUG


@dataclass(frozen=True, slots=True, kw_only=True)
class Harvest:
    """What a run of the DAG left.

    :param states: of the task instances.
    :param unhit: the faults that hit no request.
    :param tokens: that the vendors gave.
    :param texts: by the columns of the tables; ``elsewhere`` is the rest of Airflow's database.
    :param keyed: likewise, of what has a key.
    """

    states: dict[str, str]
    unhit: list[str]
    tokens: list[Planted]
    texts: dict[str, list[Text]] = dataclass_field(repr=False)
    keyed: dict[str, list[Text]] = dataclass_field(repr=False)


@pytest.fixture(scope="module")
def harvest(postgresql: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harvest]:
    """One run of the operators that are told something private, at DEBUG, against vendors that repeat everything."""
    folder, place = tmp_path_factory.mktemp("field"), tmp_path_factory.mktemp("planted")
    home, dags = place / "home", place / "dags"
    dags.mkdir()
    environment = {
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "DEBUG",
        "AIRFLOW_VAR_PLANTED": json.dumps(field.sow(folder)),
        "AIRFLOW_VAR_PLANTED_FOLDER": str(folder),
    }
    with (
        database_of_its_own(postgresql) as url,
        RealAirflow(home, dags, database_url=url, environment=environment) as airflow,
        field.vendors(airflow.set_connection) as sandboxes,
    ):
        keyed = json.dumps({"ledger_secret": f"k1:{field.LEDGER_SECRET}"})
        airflow.set_connection("warehouse", conn_type="sqlite", host=str(folder / "warehouse.db"))
        airflow.set_connection("ledger_clear", conn_type="sqlite", host=str(folder / "clear.db"))
        airflow.set_connection("ledger_keyed", conn_type="sqlite", host=str(folder / "keyed.db"), extra=keyed)
        airflow.add_dag_file(DAG_FILE)
        airflow.wait_until_parsed("planted")
        run = airflow.trigger("planted")
        airflow.wait("planted", run, states={"failed"})
        tasks = airflow.tasks("planted", run)
        airflow.stop()

        database = list(search.texts_of_postgresql(url, leave_out={"xcom": UPSTREAM_XCOM}))
        of_table = {
            "XCom": "xcom.",
            "rendered field": "rendered_task_instance_fields.",
            "serialized DAG": "serialized_dag.",
            "task state": "task_state_store.",
        }
        texts = {column: _only(database, start) for column, start in of_table.items()}
        texts["elsewhere"] = [text for text in database if not text[0].startswith(tuple(of_table.values()))]
        texts["log"] = [(name, UPSTREAM_LOG.sub("", text)) for name, text in search.texts_of_files(home)]
        texts["ledger"] = list(search.texts_of_sqlite(folder / "clear.db"))
        texts["report"] = list(search.texts_of_files(folder / "reports"))
        texts["vendor"] = [
            (role, json.dumps([sandbox.api_key, *(ring.body for ring in sandbox.rings)], ensure_ascii=False))
            for role, sandbox in sandboxes.items()
        ]
        ledger = list(search.texts_of_sqlite(folder / "keyed.db"))
        yield Harvest(
            states={f"{each['task_id']}[{each['map_index']}]": each["state"] for each in tasks},
            unhit=[unhit for role, sandbox in sandboxes.items() for unhit in _unhit(role, sandbox)],
            tokens=[what.given_by_the_vendor(token) for sandbox in sandboxes.values() for token in sandbox.tokens],
            texts={column: search.read(each) for column, each in texts.items()},
            keyed={"task state": search.read(texts["task state"]), "ledger": search.read(ledger)},
        )


@pytest.mark.airflow
def test_every_way_was_taken_by_every_vendor_mapped_and_not_failing_and_not(harvest: Harvest) -> None:
    assert harvest.unhit == []
    assert set(harvest.states.values()) == {"success", "failed"}
    assert harvest.tokens
    for vendor in (each.connection_type for each in VENDORS):
        mine = {task: state for task, state in harvest.states.items() if task.startswith(vendor)}
        assert {task.endswith("[-1]") for task in mine} == {True, False}
        assert {"success", "failed"} == set(mine.values()), mine


@pytest.mark.airflow
def test_the_search_sees_every_place(harvest: Harvest) -> None:
    for canary, column in {
        "log": "log",
        "rendered": "rendered field",
        "task state": "task state",
        "XCom": "XCom",
    }.items():
        assert search.found(harvest.texts[column], [field.canary(canary)]), column
    assert search.found(harvest.texts["serialized DAG"], [field.SERIALIZED_CANARY])


@pytest.mark.airflow
def test_what_is_planted_stands_where_the_table_says_and_nowhere_else(harvest: Harvest) -> None:
    planted = [*field.everything(), *harvest.tokens, what.VENDOR_TEXT]
    wrong = []
    for kind, cells in _table(0).items():
        mine = [each for each in planted if each.kind is kind]
        for column, cell in cells.items():
            wrong += _wrong(cell, column, harvest.texts[column], mine)
        wrong += _wrong("never", "elsewhere", harvest.texts["elsewhere"], mine)
    assert not wrong, "\n".join(wrong)


@pytest.mark.airflow
def test_under_a_key_no_digest_tells_a_number_either(harvest: Harvest) -> None:
    planted = [each for each in field.everything() if each.whose.startswith(tuple(field.KEYED))]
    wrong = []
    for kind, cells in _table(1).items():
        mine = [each for each in planted if each.kind is kind]
        for column, cell in cells.items():
            wrong += _wrong(cell, column, harvest.keyed[column], mine)
    others = [each for each in field.everything() if each.kind not in (Kind.NUMBER, Kind.CALL_KEY)]
    wrong += _wrong("never", "keyed ledger", harvest.keyed["ledger"], others)
    assert not wrong, "\n".join(wrong)
    assert search.found(harvest.keyed["ledger"], [what.VENDOR_TEXT])


def test_the_tables_name_every_kind_and_every_place() -> None:
    first, second = _table(0), _table(1)
    assert set(first) == set(Kind) - {Kind.DIGEST}
    assert set(second) == {Kind.NUMBER, Kind.CALL_KEY}
    for cells in first.values():
        assert list(cells) == [
            "log",
            "XCom",
            "rendered field",
            "serialized DAG",
            "task state",
            "ledger",
            "report",
            "vendor",
        ]


NUMBER, NAME, KEY = what.number("somebody"), what.name("somebody"), what.secret("somebody")


@pytest.mark.parametrize(
    "text",
    [
        NUMBER.text,
        NUMBER.text[1:],
        f"call 0{NUMBER.text[3:]} now",
        f"{NUMBER.text[:3]} {NUMBER.text[3:8]}_{NUMBER.text[8:]}",
        f"({NUMBER.text[3:6]}) {NUMBER.text[6:9]}-{NUMBER.text[9:]}",
        quote(NUMBER.text, safe=""),
        base64.b64encode(f"x{NUMBER.text}".encode()).decode(),
        base64.urlsafe_b64encode(f'{{"to_number": "{NUMBER.text}"}}'.encode()).decode(),
        NUMBER.text.encode().hex(),
        NAME.text.upper(),
        NAME.text.split()[1],
        quote(json.dumps({"name": NAME.text})),
        KEY.text,
        f"…{KEY.text[8:22]}…",
        f"Bearer {base64.b64encode(KEY.text.encode()).decode()}",
    ],
)
def test_the_search_finds_it_however_it_is_spelt(text: str, tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_text(f"before\n{text}\nafter")
    (tmp_path / "log.gz").write_bytes(gzip.compress(f"before {text} after".encode()))
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as database:
        database.execute("create table kept (place text, detail text)")
        database.execute("insert into kept values ('', ?)", (text,))
        database.commit()
    planted = [NUMBER, NAME, KEY]
    assert {place for place, _ in search.found(search.read(search.texts_of_files(tmp_path)), planted)} >= {
        "log.txt",
        "log.gz",
    }
    assert {
        place for place, _ in search.found(search.read(search.texts_of_sqlite(tmp_path / "ledger.db")), planted)
    } >= {"kept.detail"}


def test_the_search_finds_nothing_where_nothing_is() -> None:
    text = f"+91••••••{NUMBER.text[-4:]} {what.number('another').text} {what.name('another').text} {KEY.text[:6]}"
    assert search.found(search.read([("log", text)]), [NUMBER, NAME, KEY]) == set()


def _only(texts: Iterable[Text], start: str) -> list[Text]:
    return [text for text in texts if text[0].startswith(start)]


def _unhit(role: str, sandbox: Any) -> list[str]:
    faults = requests.get(f"{sandbox.url}/_sandbox/faults", headers=sandbox.control_headers, timeout=30).json()
    return [f"{role}: {fault['path']}" for fault in faults["faults"] if not fault["hit"]]


def _wrong(cell: str, column: str, texts: list[Text], planted: list[Planted]) -> list[str]:
    """In what a cell of the table is not true, without what was found."""
    if cell == "-":
        return []
    hits = search.found(texts, planted)
    if cell in ("in clear", "scrubbed"):
        return [] if hits else [f"{column}: {planted[0].kind} is not there, and the table says {cell}"]
    wrong = [f"{column}: {each.kind} of {each.whose} in {place}" for place, each in hits]
    if cell in ("digest", "HMAC"):
        digests = search.found(texts, what.digests_of(planted))
        if cell == "digest" and not digests:
            wrong.append(f"{column}: no digest of a {planted[0].kind} is there, and the table says so")
        if cell == "HMAC":
            wrong += [f"{column}: a digest of {each.whose} in {place}" for place, each in digests]
    return sorted(wrong)


def _table(index: int) -> dict[Kind, dict[str, str]]:
    """A table of SECURITY.md, by kinds and columns."""
    tables = re.findall(r"(?:^\|.*\n)+", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    header, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in tables[index].splitlines())
    return {Kind(row[0]): dict(zip(header[1:], row[1:], strict=True)) for row in rows}
