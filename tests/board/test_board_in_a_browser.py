"""A person with a browser: logs in, finds the board in the navigation and on a run, and reads what the database has.

Where no Chromium is installed, these tests are skipped; `test_board_over_http` asks for the same pages without one.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from teams import Teams
from visiting import BOARD, run_path, steps

pytestmark = pytest.mark.airflow

QUIETLY = "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync"
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 420, "height": 900}
PATIENCE = 120_000  # milliseconds; a busy machine draws late


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    if found is None:
        pytest.skip("no Chromium is installed")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=found, args=[*QUIETLY.split(), "--no-first-run"])
        yield browser
        browser.close()


def page_of(chromium: Any, teams: Teams, user: str | None, **options: Any) -> Any:
    """A page of a browser of its own, logged in as the user through the form."""
    base = f"http://127.0.0.1:{teams.airflow.rest.port}"
    page = chromium.new_context(base_url=base, viewport=WIDE, **options).new_page()
    page.set_default_timeout(PATIENCE)
    if user is not None:
        page.goto("/")
        page.fill("input[name=username]", user)
        page.fill("input[name=password]", teams.airflow.passwords[user])
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Browse").wait_for()
    return page


def board_in(page: Any) -> Any:
    """The board within a page of Airflow."""
    frame = page.frame_locator("iframe").locator("main")
    frame.wait_for()
    return frame


def tab_of_run(page: Any, team: str, teams: Teams) -> Any:
    """Open a run of Airflow's UI, and the board's tab on it."""
    page.goto(f"/dags/{team}_outreach/runs/{quote(teams.runs[team], safe='')}")
    page.get_by_role("link", name="Voice calls").first.click()
    return board_in(page)


def held(teams: Teams, team: str) -> Counter[str]:
    with closing(sqlite3.connect(teams.airflow.ledger)) as connection:
        query = "SELECT state, COUNT(*) FROM voice_call_ledger WHERE run LIKE ? GROUP BY state"
        return Counter(dict(connection.execute(query, (f"{team}_outreach/%",)).fetchall()))


def shot(page: Any, name: str) -> None:
    """Keep a picture for whoever wants to look: ``CALLKARO_TEST_PICTURES`` names the folder."""
    if folder := os.environ.get("CALLKARO_TEST_PICTURES"):
        page.screenshot(path=Path(folder) / f"{name}.png")


def test_the_navigation_and_a_run_lead_to_the_figures_of_the_database(chromium: Any, teams: Teams) -> None:
    page = page_of(chromium, teams, "ruby")
    page.get_by_role("button", name="Browse").click()
    page.get_by_role("menuitem", name="Voice calls").click()
    board = board_in(page)
    board.get_by_text("red_outreach").first.wait_for()
    shot(page, "runs")
    assert "blue_outreach" not in board.inner_text()
    board.get_by_role("link", name="red_outreach").first.click()
    board.get_by_role("heading", name="red_outreach: calls").wait_for()
    states = held(teams, "red")
    from_navigation = steps(board.inner_html())
    assert {name: from_navigation[name] for name in ("accepted", "unknown")} == dict(states)
    assert steps(tab_of_run(page, "red", teams).inner_html()) == from_navigation
    shot(page, "run")
    board = board_in(page)
    board.get_by_role("link", name="The calls one by one").click()
    board.get_by_role("heading", name="The calls one by one").wait_for()
    shot(page, "calls")
    assert "+91••••••" in board.inner_text()


def test_another_teams_run_and_a_stranger_are_refused(chromium: Any, teams: Teams) -> None:
    page = page_of(chromium, teams, "bela")
    answer = page.goto(f"{BOARD}{run_path('red_outreach', teams.runs['red'])}")
    assert (answer.status, page.get_by_role("heading").inner_text()) == (403, "Not for you")
    stranger = page_of(chromium, teams, None)
    answer = stranger.goto(f"{BOARD}{run_path('red_outreach', teams.runs['red'])}")
    assert (answer.status, stranger.get_by_role("heading").inner_text()) == (401, "Please log in")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_board_is_light_and_dark_as_airflow_is_and_fits_a_narrow_screen(
    chromium: Any, teams: Teams, scheme: str
) -> None:
    page = page_of(chromium, teams, "ruby", color_scheme=scheme)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if "Content Security" in message.text else None)
    tab_of_run(page, "red", teams)
    frame = next(frame for frame in page.frames if BOARD in frame.url)
    frame.wait_for_selector(f"html[data-theme={page.evaluate('document.documentElement.className')}]")
    paper = frame.evaluate("getComputedStyle(document.body).backgroundColor")
    assert paper == {"light": "rgb(255, 255, 255)", "dark": "rgb(16, 21, 28)"}[scheme]
    shot(page, f"{scheme}-wide")
    page.goto(f"{BOARD}{run_path('red_outreach', teams.runs['red'])}")
    page.set_viewport_size(NARROW)
    shot(page, f"{scheme}-narrow")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert complaints == []
