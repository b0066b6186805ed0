"""`make demo`: a night of outreach under a real Airflow, killed half-way, finished, and run once more.

It makes a warehouse of a few hundred customers with typical data errors, starts the sandbox in CallKaro's place, and
runs the nightly example DAG three times for the same night. Beside it runs the receiver, which hears by webhook who
picked up. The rings that it shows are counted by the sandbox, not by Airflow.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from rich.console import Console
from rich.table import Table

from airflow_provider_callkaro.sandbox import Sandbox
from example_dags.demo.outcomes import connection_with_webhooks, heard, receiving, table_of
from example_dags.demo.warehouse import CUSTOMERS, make_warehouse

NIGHT = f"{datetime.now(UTC):%Y-%m-%d}"
DAG_ID = "nightly_outreach"
FOLDER = Path(".demo").resolve()
EXAMPLES = Path(__file__).resolve().parents[1]
REPORT = FOLDER / "report.html"
RUNS = 3
RINGS_BEFORE_THE_KILL = 120
OUTCOMES = ("accepted", "rejected", "skipped", "unknown", "pending")

console = Console(highlight=False)

Columns: TypeAlias = list[tuple[str, "Counter[tuple[str, str]]", int]]


def main() -> int:
    """Run the demo; 0 if nobody was rung twice and every row is accounted for."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    make_warehouse(FOLDER / "warehouse.db", due_on=NIGHT)
    console.print(f"[bold]1.[/] A warehouse of {CUSTOMERS} customers is in {FOLDER.name}/warehouse.db")
    with Sandbox() as sandbox:
        console.print(f"[bold]2.[/] The sandbox stands in for CallKaro at {sandbox.url}")
        environment = airflow_environment(sandbox)
        console.print("[bold]3.[/] Airflow makes itself a metadata database")
        run_module(environment, "airflow", "db", "migrate", log="airflow.log").wait()
        console.print("[bold]4.[/] The receiver waits for CallKaro's webhooks: who picked up")
        with receiving(sandbox, partial(run_module, environment)):
            columns, run_id = runs_of_the_night(environment, sandbox)
            if len(columns) < RUNS:
                return 1
            sandbox.wait_for_webhooks(timeout=60)
        rings = sandbox.rings_per_number()
        lost = sum(delivery.is_lost for delivery in sandbox.webhook_deliveries)
    status = conclude(columns, rings)
    status = conclude_outcomes(lost=lost) or status
    if make_report(environment, run_id) != 0:
        console.print(f"[red]There is no HTML report[/]; see {FOLDER.name}/report.log")
        return 1
    console.print(f"The second run as a page to open: [bold]file://{REPORT}[/]")
    return status


def runs_of_the_night(environment: dict[str, str], sandbox: Sandbox) -> tuple[Columns, str]:
    """Run the nightly DAG three times, until one fails. Returns the columns of the table, and the second run's id."""
    console.print(f"[bold]5.[/] {DAG_ID} runs for {NIGHT}, and is killed (kill -9) after {RINGS_BEFORE_THE_KILL} rings")
    run = start_run(environment, "run-1.log")
    sandbox.wait_for_rings(RINGS_BEFORE_THE_KILL, timeout=120)
    os.killpg(run.pid, 9)
    run.wait()
    columns: Columns = [("killed", Counter(), len(sandbox.rings))]
    run_id = ""
    for number, title in ((2, "run again"), (3, "and again")):
        console.print(f"[bold]{number + 4}.[/] {DAG_ID} runs for {NIGHT} {'once more' if number == 3 else 'again'}")
        before = len(sandbox.rings)
        if start_run(environment, f"run-{number}.log").wait() != 0:
            console.print(f"[red]The run failed[/]; see {FOLDER.name}/run-{number}.log")
            break
        columns.append((title, outcomes_of_report(), len(sandbox.rings) - before))
        run_id = run_id or id_of_the_run()
    return columns, run_id


def airflow_environment(sandbox: Sandbox) -> dict[str, str]:
    """A real Airflow that knows nothing but the example DAGs and four connections."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW_")}
    return kept | {
        "AIRFLOW_HOME": str(FOLDER / "airflow"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(EXAMPLES),
        "AIRFLOW_CONN_CALLKARO_DEFAULT": connection_with_webhooks(sandbox.airflow_connection),
        "AIRFLOW_CONN_WAREHOUSE": json.dumps({"conn_type": "sqlite", "host": str(FOLDER / "warehouse.db")}),
        "AIRFLOW_CONN_CALL_LEDGER": json.dumps({"conn_type": "sqlite", "host": str(FOLDER / "ledger.db")}),
        "AIRFLOW_VAR_OUTREACH_REPORTS": str(FOLDER),
        "NO_COLOR": "1",
    }


def run_module(environment: dict[str, str], *arguments: str, log: str) -> subprocess.Popen[bytes]:
    """Start ``python -m …``, as it would be typed, in a process group of its own."""
    with (FOLDER / log).open("wb") as output:
        return subprocess.Popen(  # noqa: S603 - our own arguments
            [sys.executable, "-m", *arguments],
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def start_run(environment: dict[str, str], log: str) -> subprocess.Popen[bytes]:
    """Start `airflow dags test` of the nightly DAG for the night."""
    return run_module(environment, "airflow", "dags", "test", DAG_ID, NIGHT, log=log)


def id_of_the_run() -> str:
    """The id of the only run that Airflow knows: ``dags test`` forgets the one before it."""
    with closing(sqlite3.connect(FOLDER / "airflow" / "airflow.db")) as database:
        (run_id,) = database.execute("select run_id from dag_run where dag_id = ?", (DAG_ID,)).fetchone()
    return str(run_id)


def make_report(environment: dict[str, str], run_id: str) -> int:
    """Have the board write its page about a run; the exit status."""
    return run_module(
        environment,
        *("airflow_provider_callkaro.board", "report", "--conn-id", "call_ledger", "--dag-id", DAG_ID),
        *("--run-id", run_id, "--task-id", "calls", "--unresolved-after-hours", "0", "--output", str(REPORT)),
        log="report.log",
    ).wait()


def outcomes_of_report() -> Counter[tuple[str, str]]:
    """How many rows of the night's report ended in each outcome, for each reason."""
    with (FOLDER / f"{NIGHT}.csv").open(newline="") as lines:
        return Counter((line["state"], line["reason"].replace("_", " ")) for line in csv.DictReader(lines))


def conclude(columns: Columns, rings: dict[str, int]) -> int:
    """Print the table, and check the two promises that it shows."""
    table = Table(title=f"The night of {NIGHT}: {CUSTOMERS} rows")
    table.add_column("")
    for title, _, _ in columns:
        table.add_column(title, justify="right")
    for outcome in OUTCOMES:
        counted = [sum(n for (state, _), n in counts.items() if state == outcome) for _, counts, _ in columns]
        add_row(table, outcome, columns, counted)
        for reason in sorted({why for _, counts, _ in columns for state, why in counts if state == outcome and why}):
            add_row(table, f"  {reason}", columns, [counts[outcome, reason] for _, counts, _ in columns], style="dim")
    table.add_section()
    add_row(table, "rows in all", columns, [counts.total() for _, counts, _ in columns], style="bold")
    table.add_row("phones rung", *(str(rung) for _, _, rung in columns), style="bold")
    console.print(table)
    most = max(rings.values(), default=0)
    console.print(
        f"The sandbox heard {sum(rings.values())} rings at {len(rings)} numbers, at most {most} at any of them."
    )
    kept = most == 1 and columns[-1][2] == 0 and all(counts.total() == CUSTOMERS for _, counts, _ in columns[1:])
    console.print("Nobody was rung twice and every row is accounted for." if kept else "[red]A promise was broken.[/]")
    return 0 if kept else 1


def conclude_outcomes(*, lost: int) -> int:
    """Print who picked up, and check that each accepted call has one outcome or none."""
    counts = heard(FOLDER / "ledger.db")
    console.print(table_of(counts))
    console.print(f"{lost} webhooks were lost on their way; a call without one is unresolved.")
    console.print(f"Logs, the report ({NIGHT}.csv) and the ledger are in {FOLDER.name}/.")
    is_whole = counts.with_outcome + counts.unresolved == counts.accepted and counts.unresolved <= lost
    if not is_whole:
        console.print("[red]An outcome is missing.[/]")
    return 0 if is_whole else 1


def add_row(table: Table, name: str, columns: list[Any], counted: list[int], *, style: str | None = None) -> None:
    """Add one line of figures; a run that was killed has no report, and so no figures."""
    table.add_row(
        name, *(str(n) if counts else "-" for n, (_, counts, _) in zip(counted, columns, strict=True)), style=style
    )


if __name__ == "__main__":
    raise SystemExit(main())
