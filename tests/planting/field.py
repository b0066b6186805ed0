"""Where everything is planted: the warehouse, the files, the Variable, the connections, and the vendors behind them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

from airflow_provider_callkaro.sandbox import Endpoint, Sandbox

from . import what
from .what import Planted

GROUPS = {"callkaro_list": 8, "callkaro_shards": 8, "mrassistant_list": 6, "source_that_breaks": 2}
"""Of the warehouse, and how many customers each has."""
PERSONS = (
    "callkaro_call",
    "callkaro_call_mapped",
    "callkaro_deletion",
    "mrassistant_call",
    "mrassistant_transfer",
    "mrassistant_configure",
    "callaro_create",
    "callaro_run",
)
FILES = ("callkaro_failing", "source_without_header", "callaro_import")
KEYED = frozenset({"callkaro_list", "callkaro_failing", "callkaro_call", "mrassistant_list"})
"""Those whose ledger, or task state, has a key."""
CANARIES = ("log", "rendered", "task state", "XCom")
SERIALIZED_CANARY = Planted(what.Kind.METADATA, "canary 7205169384", "canary of serialized")
"""It stands in the DAG file."""
_OF_A_PERSON = (what.number, what.name, what.fact, what.call_key)
LEDGER_SECRET = what.secret("ledger").text + what.secret("more of the ledger").text

_REFUSED = {"kind": "echo_before_accepting"}
FAULTS: dict[str, list[dict[str, Any]]] = {
    "mixed": [
        _REFUSED | {"status": 422, "every": 4, "path": Endpoint.OUTBOUND},
        _REFUSED | {"status": 500, "every": 3, "path": Endpoint.OUTBOUND},
        {"kind": "echo_after_accepting", "every": 2, "path": Endpoint.OUTBOUND},
        _REFUSED | {"status": 422, "first": 1, "path": Endpoint.MRASSISTANT_CAMPAIGNS},
        _REFUSED | {"status": 500, "after": 1, "first": 1, "path": Endpoint.MRASSISTANT_CAMPAIGNS},
        {"kind": "echo_after_accepting", "path": Endpoint.MRASSISTANT_CAMPAIGNS},
    ],
    "echoing": [
        {"kind": "echo_after_accepting", "path": path}
        for path in (Endpoint.OUTBOUND, Endpoint.MRASSISTANT_OUTBOUND, Endpoint.CALLARO_CREATE, Endpoint.CALLARO_LIST)
    ],
    "refusing": [
        _REFUSED | {"status": 422, "path": Endpoint.OUTBOUND},
        _REFUSED | {"status": 400, "path": Endpoint.CAMPAIGN},
        _REFUSED | {"status": 403, "path": Endpoint.DELETE_SCHEDULED},
        _REFUSED | {"status": 422, "path": Endpoint.MRASSISTANT_TRANSFER},
        _REFUSED | {"status": 422, "path": Endpoint.MRASSISTANT_CONFIGURE},
        _REFUSED | {"status": 422, "path": Endpoint.CALLARO_CREATE},
        _REFUSED | {"status": 400, "path": Endpoint.CALLARO_CONTACTS_IMPORT},
    ],
    "failing": [
        _REFUSED | {"status": 500, "path": Endpoint.OUTBOUND},
        _REFUSED | {"status": 401, "path": Endpoint.MRASSISTANT_TOKEN},
    ],
}
"""What the vendor of each role does."""


def people() -> list[dict[str, str]]:
    """What the upstream task gives: facts that look like a template, and like a broken one."""
    return [
        {
            "number": what.number("upstream").text,
            "name": what.name("upstream").text,
            "fact": "{{ conn.callkaro_refusing.password }} " + what.fact("upstream").text,
            "note": "{% broken " + what.fact("note of upstream").text,
        }
    ]


def canary(place: str) -> Planted:
    """What is leaked on purpose in one place."""
    return what.fact(f"canary of {place}")


def everything() -> list[Planted]:
    """Whatever is planted, but for what the vendors make up, and what they say by themselves."""
    customers = [f"{group} {index}" for group, count in GROUPS.items() for index in range(count)]
    whose = [*customers, *PERSONS, *FILES, "upstream"]
    return [
        *(make(each) for each in whose for make in _OF_A_PERSON),
        *(what.fact(each) for each in ("note of upstream", "callkaro_options", "mrassistant_options")),
        *(what.secret(each) for each in (*FAULTS, "webhook", "ledger", "more of the ledger")),
    ]


def sow(folder: Path) -> dict[str, Any]:
    """Fill the warehouse and the files; return what the Variable holds."""
    (folder / "reports").mkdir()
    with closing(sqlite3.connect(folder / "warehouse.db")) as warehouse:
        warehouse.execute("create table customers (grouped, number, name, fact, call_key, amount integer)")
        for group, count in GROUPS.items():
            for index in range(count):
                whose = f"{group} {index}"
                row = (group, *(make(whose).text for make in _OF_A_PERSON), index)
                warehouse.execute("insert into customers values (?, ?, ?, ?, ?, ?)", row)
        broken = what.name("source_that_breaks 1").text.encode() + b"\xff"
        warehouse.execute(
            "update customers set name = cast(? as text) where number = ?",
            (broken, what.number("source_that_breaks 1").text),
        )
        warehouse.commit()
    for whose in FILES:
        header = "" if whose == "source_without_header" else f"{_column(whose)},name,fact\n"
        row = [make(whose).text for make in _OF_A_PERSON[:3]]
        (folder / f"{whose}.csv").write_text(f"{header}{','.join(row)}\n")
    return {
        "people": people(),
        "canaries": {place: canary(place).text for place in CANARIES},
        "callkaro_options": what.fact("callkaro_options").text,
        "mrassistant_options": what.fact("mrassistant_options").text,
        "webhook_secret": what.secret("webhook").text,
        **{whose: _person(whose) for whose in PERSONS},
    }


def _column(whose: str) -> str:
    return "number" if whose == "callaro_import" else "to_number"


def _person(whose: str) -> dict[str, str]:
    return {make.__name__: make(whose).text for make in _OF_A_PERSON}


@contextmanager
def vendors(set_connection: Any) -> Iterator[dict[str, Sandbox]]:
    """The vendors by their roles, each with a key of its own, and the connections to them: ``callkaro_mixed``, …"""
    with ExitStack() as stack:
        sandboxes = {
            role: stack.enter_context(Sandbox(api_key=what.secret(role).text, callaro_dial_seconds=0))
            for role in FAULTS
        }
        for role, sandbox in sandboxes.items():
            for fault in FAULTS[role]:
                sandbox.fault(**fault)
            for conn_id, connection in sandbox.airflow_connections.items():
                extra = {"ledger_secret": f"k1:{LEDGER_SECRET}"} if role == "failing" else {}
                vendor = conn_id.removesuffix("default")
                set_connection(f"{vendor}{role}", **json.loads(connection), extra=json.dumps(extra))
        yield sandboxes
