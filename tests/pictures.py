"""`make pictures`: the pictures of Airflow's pages in docs/images/, taken anew from a real Airflow in a real browser.

Runs the example DAGs against the sandbox, as the pages show them, opens Airflow's user interface in headless Chromium,
and writes one PNG for each of `PICTURES`. Look at each before you commit it. It needs Chromium, by default
``/usr/bin/chromium`` (``CHROMIUM`` names another), and Airflow 3.3.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy
from playwright.sync_api import Page, sync_playwright

from airflow_provider_callkaro.board.task_runs import TaskRun
from airflow_provider_callkaro.sandbox import Sandbox
from benchmarks.board_ledger import fill
from example_dags.demo.warehouse import make_warehouse
from tests.real_airflow import RealAirflow

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
LARGEST = 200_000  # bytes of a picture
NIGHT = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
BUCKET = """\
from airflow.sdk.io import attach
from fsspec.implementations.dirfs import DirFileSystem


class Bucket(DirFileSystem):
    protocol = "gs"


attach("gs", fs=Bucket(path="{folder}", fs=__import__("fsspec").filesystem("file", auto_mkdir=True)))
"""
"""A bucket of Google's, as far as Airflow and a link know, that is a folder here."""


def main() -> int:
    """Take every picture; 0 if each is small enough for a repository."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="callkaro-pictures-") as name, Sandbox() as sandbox:
        folder = Path(name)
        make_warehouse(folder / "warehouse.db", due_on=f"{NIGHT:%Y-%m-%d}")
        with RealAirflow(folder / "home", dags_in(folder), environment=settings(folder, sandbox)) as airflow:
            runs = run_examples(airflow)
            fill_board(folder / "board.db", runs)
            with sync_playwright() as driver:
                browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
                for picture, (height, show) in PICTURES.items():
                    page = browser.new_page(
                        base_url=f"http://127.0.0.1:{airflow.rest.port}",
                        color_scheme="light",
                        viewport={"width": 1280, "height": height},
                    )
                    show(page, runs)
                    page.wait_for_load_state("networkidle")
                    page.screenshot(path=IMAGES / picture, animations="disabled")
                    page.close()
                browser.close()
    too_large = [picture for picture in PICTURES if (IMAGES / picture).stat().st_size > LARGEST]
    sys.stdout.writelines(f"{IMAGES / picture}\n" for picture in PICTURES)
    return 1 if too_large else 0


def dags_in(folder: Path) -> Path:
    """The two examples, which run when they are told to and write to the bucket."""
    dags = folder / "dags"
    dags.mkdir()
    (dags / "bucket.py").write_text(BUCKET.format(folder=folder))
    for example in ("nightly_outreach", "approved_outreach"):
        text = (ROOT / "example_dags" / f"{example}.py").read_text().replace('schedule="0 4 * * *"', "schedule=None")
        future = "from __future__ import annotations\n"
        (dags / f"{example}.py").write_text(text.replace(future, f"{future}\nimport bucket\n", 1))
    return dags


def settings(folder: Path, sandbox: Sandbox) -> dict[str, str]:
    """The connections and the variable that the examples name."""
    vendor = {**json.loads(sandbox.airflow_connection), "extra": {"schedule_timezone": "Asia/Kolkata"}}
    return {
        "AIRFLOW_CONN_CALLKARO_DEFAULT": json.dumps(vendor),
        "AIRFLOW_CONN_WAREHOUSE": json.dumps({"conn_type": "sqlite", "host": str(folder / "warehouse.db")}),
        "AIRFLOW_CONN_CALL_LEDGER": json.dumps({"conn_type": "sqlite", "host": str(folder / "ledger.db")}),
        "AIRFLOW_CONN_BOARD_LEDGER": json.dumps({"conn_type": "sqlite", "host": str(folder / "board.db")}),
        "AIRFLOW__CALLKARO__BOARD_LEDGER_CONN_IDS": "board_ledger",
        "AIRFLOW_VAR_OUTREACH_REPORTS": "gs://outreach-reports",
    }


def run_examples(airflow: RealAirflow) -> dict[str, str]:
    """The night that a person is to approve, and a night that is done; the id of each run."""
    runs = {dag: airflow.trigger(dag, logical_date=NIGHT) for dag in ("approved_outreach", "nightly_outreach")}
    airflow.wait_for_task(
        "approved_outreach", runs["approved_outreach"], "approval", states={"awaiting_input", "deferred"}
    )
    airflow.wait("nightly_outreach", runs["nightly_outreach"], states={"success"})
    return runs


def fill_board(path: Path, runs: dict[str, str]) -> None:
    """A ledger in which the night that is done was a long one, for the board."""
    run = TaskRun(dag_id="nightly_outreach", run_id=runs["nightly_outreach"], task_id="calls")
    ended_at = NIGHT - timedelta(days=1) + timedelta(hours=13, minutes=30)
    fill(sqlalchemy.create_engine(f"sqlite:///{path}"), run=run, calls=14_000, ended_at=ended_at)


def task_page(dag_id: str, task_id: str, runs: dict[str, str]) -> str:
    """Where the user interface shows a task of a run."""
    return f"/dags/{dag_id}/runs/{quote(runs[dag_id], safe='')}/tasks/{task_id}"


def show_approval(page: Page, runs: dict[str, str]) -> None:
    """The question whether the customers are to be called, with the preflight's tables."""
    page.goto(f"{task_page('approved_outreach', 'approval', runs)}/required_actions")
    page.get_by_text("would ring").first.wait_for()


def show_links(page: Page, runs: dict[str, str]) -> None:
    """The task that placed the calls, with its links."""
    page.goto(f"{task_page('nightly_outreach', 'calls', runs)}/details")
    page.get_by_text("CallKaro campaign").first.wait_for()


def show_form(page: Page, runs: dict[str, str]) -> None:
    """The form of a CallKaro connection."""
    page.goto("/connections")
    page.get_by_role("button", name="Add Connection").click()
    page.get_by_role("combobox").first.click()
    page.keyboard.type("CallKaro")
    page.get_by_role("option", name="CallKaro", exact=True).click()
    page.get_by_label("Connection ID").fill("callkaro_default")


def show_board(page: Page, runs: dict[str, str]) -> None:
    """The board, on the run that is done."""
    run = quote(runs["nightly_outreach"], safe="")
    page.goto(f"/plugin/voice_calls/callkaro/board/dags/nightly_outreach/runs/{run}")
    page.frame_locator("iframe").get_by_text("Calls over time").wait_for()


PICTURES: dict[str, tuple[int, Callable[[Page, Any], None]]] = {
    "approval.png": (1230, show_approval),
    "links-of-a-fan-out.png": (620, show_links),
    "connection-form.png": (830, show_form),
    "board.png": (1200, show_board),
}
"""Each picture with its height in pixels and what opens the page."""


if __name__ == "__main__":
    raise SystemExit(main())
