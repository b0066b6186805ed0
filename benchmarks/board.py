"""``python -m benchmarks.board``: the board over a ledger with one million calls, on SQLite and PostgreSQL.

It fills an empty database (some minutes), then makes each page as the board does, and prints how long it took and how
the database found the rows. PostgreSQL: ``--postgresql`` with the URL of an empty database; without it SQLite alone.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import sqlalchemy
from sqlalchemy import event
from sqlalchemy.engine import Engine

from airflow_provider_callkaro.board.calls import STATES, calls_of
from airflow_provider_callkaro.board.figures import figures_of
from airflow_provider_callkaro.board.ledgers import open_board_ledger
from airflow_provider_callkaro.board.standalone import run_report
from airflow_provider_callkaro.board.task_runs import TaskRun
from airflow_provider_callkaro.board.trail import recent
from benchmarks.board_ledger import fill
from benchmarks.machine import describe, shield

RUN = TaskRun(dag_id="renewals", run_id="scheduled__2026-11-21T00:00:00+00:00", task_id="calls")
CONN_ID = "board_benchmark"
DAY = timedelta(hours=24)
REPEATED = 5  # each figure is the median of so many
BOUND = 1.0  # seconds, for each page


def main() -> int:
    """Fill, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.board", description=__doc__)
    parser.add_argument("--calls", type=int, default=1_000_000)
    parser.add_argument("--sqlite", help="the file; a new one is filled, one that is there is measured as it is")
    parser.add_argument("--postgresql", metavar="URL", help="such as postgresql+psycopg2://postgres@127.0.0.1/board")
    parser.add_argument("--shielded", action="store_true", help="real-time priority; needs root")
    parser.add_argument("--plans", action="store_true", help="print how the database found the rows")
    given = parser.parse_args()
    print(describe())
    with tempfile.TemporaryDirectory() as folder:
        path = given.sqlite or str(Path(folder) / "ledger.db")
        _measure(f"sqlite:///{path}", {"conn_type": "sqlite", "host": path}, given)
        if given.postgresql:
            url = sqlalchemy.make_url(given.postgresql)
            connection = {"conn_type": "postgres", "host": url.host, "login": url.username, "schema": url.database}
            _measure(given.postgresql, {**connection, "port": url.port or 5432}, given)
    return 0


def _measure(url: str, connection: dict[str, Any], given: argparse.Namespace) -> None:
    engine = sqlalchemy.create_engine(url)
    if not sqlalchemy.inspect(engine).has_table("voice_call_ledger"):
        began = time.monotonic()
        fill(engine, run=RUN, calls=given.calls, ended_at=datetime.now(UTC) - DAY - DAY)
        print(f"{engine.dialect.name}: filled in {time.monotonic() - began:.0f} s", file=sys.stderr)
    os.environ[f"AIRFLOW_CONN_{CONN_ID.upper()}"] = json.dumps(connection)
    print(f"\n{engine.dialect.name}, {_rows(engine):,} calls\n")
    for name, page in _pages().items():
        page()  # the first reads from the disk, and imports
        with shield() if given.shielded else nullcontext():
            taken = [_seconds(page) for _ in range(REPEATED)]
        print(f"{name:32} {median(taken):6.2f} s   worst {max(taken):5.2f} s   bound {BOUND:.0f} s")
        if given.plans:
            for statement, plan in _explained(page):
                print(f"    {statement}\n        {plan}")


def _pages() -> dict[str, Callable[[], Any]]:
    pages: dict[str, Callable[[], Any]] = {
        "latest runs": _latest,
        "run: figures": _figures,
        "run: whole page": lambda: run_report(ledger_conn_id=CONN_ID, runs=[RUN]),
        "calls: first page": _calls,
        "calls: a page in the middle": lambda: _calls(after="0" * 32, middle=True),
    }
    return pages | {f"calls: {state}": lambda state=state: _calls(state=str(state)) for state in STATES}


def _latest() -> None:
    with open_board_ledger(CONN_ID) as ledger:
        assert recent(ledger)


def _figures() -> None:
    with open_board_ledger(CONN_ID) as ledger:
        assert figures_of(ledger, [RUN], unresolved_after=DAY)


def _calls(*, state: str | None = None, after: str | None = None, middle: bool = False) -> None:
    with open_board_ledger(CONN_ID) as ledger:
        if middle:
            (place,) = ledger.rows_of(ledger.known([RUN]))
            after = f"{place.scope.digits}8".ljust(32, "0")
        calls_of(ledger, [RUN], unresolved_after=DAY, state=state, after=after)


def _rows(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.exec_driver_sql("SELECT COUNT(*) FROM voice_call_ledger").scalar_one())


def _seconds(page: Callable[[], Any]) -> float:
    began = time.perf_counter()
    page()
    return time.perf_counter() - began


def _explained(page: Callable[[], Any]) -> Iterator[tuple[str, str]]:
    """Each statement of a page over the large tables, and the database's plan for it."""
    explain = {"sqlite": "EXPLAIN QUERY PLAN ", "postgresql": "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) "}
    with _statements() as seen:
        page()
    for engine, statement, parameters in seen:
        if not statement.startswith("SELECT") or "voice_call_" not in statement:
            continue
        with engine.connect() as connection:
            lines = connection.exec_driver_sql(explain[engine.dialect.name] + statement, parameters).all()
        yield " ".join(statement.split())[:240], " | ".join(str(line[-1]).strip() for line in lines)


@contextmanager
def _statements() -> Iterator[list[tuple[Engine, str, Any]]]:
    seen: list[tuple[Engine, str, Any]] = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool) -> None:
        del cursor, context, executemany
        seen.append((connection.engine, statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", note)


if __name__ == "__main__":
    sys.exit(main())
