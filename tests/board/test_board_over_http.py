"""The board of a real Airflow with two teams: the figures are the database's, and nobody sees what is not theirs."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from contextlib import closing

import pytest
from teams import Teams
from visiting import BOARD, Answer, run_path, steps, tables, visit

pytestmark = pytest.mark.airflow

NUMBER = re.compile(r"98765\d{5}")


def ask(teams: Teams, path: str, user: str | None) -> Answer:
    rest = teams.airflow.rest
    token = None if user is None else rest.token((user, teams.airflow.passwords[user]))
    return visit(rest.port, path, token=token)


def held(teams: Teams, team: str) -> Counter[str]:
    """The calls of a team by state, from the database."""
    with closing(sqlite3.connect(teams.airflow.ledger)) as connection:
        query = "SELECT state, COUNT(*) FROM voice_call_ledger WHERE run LIKE ? GROUP BY state"
        return Counter(dict(connection.execute(query, (f"{team}_outreach/%",)).fetchall()))


def campaign_of(teams: Teams, team: str) -> str:
    """The vendor's id of a team's campaign, from the database."""
    with closing(sqlite3.connect(teams.airflow.ledger)) as connection:
        query = "SELECT campaign_id FROM voice_call_campaigns WHERE run LIKE ?"
        return str(connection.execute(query, (f"{team}_outreach/%",)).fetchone()[0])


def paths_of(teams: Teams, team: str) -> list[str]:
    dag_id, run_id = f"{team}_outreach", teams.runs[team]
    return [
        run_path(dag_id, run_id),
        run_path(dag_id, run_id, task_id="calls"),
        run_path(dag_id, run_id, kind="calls"),
        run_path(dag_id, run_id, kind="calls") + "?state=unknown",
        f"/dags/{dag_id}/campaigns/{campaign_of(teams, team)}",
    ]


def test_the_figures_are_those_of_the_database(teams: Teams) -> None:
    states = held(teams, "red")
    for path in [path for path in paths_of(teams, "red") if "/calls/" not in path]:
        page = ask(teams, path, "ruby")
        assert page.status == 200
        shown = steps(page.text)
        assert {name: shown[name] for name in ("accepted", "unknown")} == dict(states)
        assert shown["rows"] == shown["accepted"] + shown["unknown"] + shown["rejected"] + shown["skipped"]
        assert tables(page.text)["Skipped, by reason"] == {"duplicate": 3}
        assert tables(page.text)["Unknown, by reason"] == {"no answer from the vendor's API": states["unknown"]}


def test_nobody_is_let_in_without_a_login(teams: Teams) -> None:
    for path in ("/", *paths_of(teams, "red")):
        answer = ask(teams, path, None)
        assert (path, answer.status) == (path, 401)
        assert "outreach" not in answer.text
    assert visit(teams.airflow.rest.port, "/", token="not a token").status in (401, 403)


def test_another_teams_dag_is_refused_on_every_page(teams: Teams) -> None:
    for user, own, others in (("ruby", "red", "blue"), ("bela", "blue", "red")):
        assert {ask(teams, path, user).status for path in paths_of(teams, own)} == {200}
        refused = [ask(teams, path, user) for path in paths_of(teams, others)]
        assert {answer.status for answer in refused} == {403}
        assert not any(NUMBER.search(answer.text) or "accepted" in answer.text for answer in refused)


def test_the_first_page_lists_the_runs_that_the_viewer_may_read(teams: Teams) -> None:
    pages = {user: ask(teams, "/", user).text for user in ("ruby", "bela", "boss")}
    listed = {user: set(re.findall(r"(\w+)_outreach<br>", page)) for user, page in pages.items()}
    assert listed == {"ruby": {"red"}, "bela": {"blue"}, "boss": {"red", "blue"}}


def test_a_run_does_not_lead_to_the_calls_of_another(teams: Teams) -> None:
    """The path says whose run it is; nothing else that a viewer may write leads to other calls."""
    crossed = run_path("red_outreach", teams.runs["blue"])
    assert ask(teams, crossed, "ruby").status == 404
    own = run_path("red_outreach", teams.runs["red"], kind="calls")
    assert ask(teams, f"{own}?ledger=callkaro_default", "ruby").status == 404
    assert ask(teams, f"{own}?ledger=airflow_db", "boss").status == 404
    assert ask(teams, f"{own}?state=anything", "ruby").status == 404
    assert ask(teams, f"{own}?after='%20OR%201=1", "ruby").status in (404, 422)
    assert ask(teams, run_path("~", teams.runs["red"]), "ruby").status == 404
    assert ask(teams, f"/dags/red_outreach/campaigns/{campaign_of(teams, 'blue')}", "ruby").status == 404


def test_every_call_is_on_one_page_and_in_one_state(teams: Teams) -> None:
    own = run_path("red_outreach", teams.runs["red"], kind="calls")
    ids: list[str] = []
    path = own
    while path:
        page = ask(teams, path, "ruby").text
        ids += re.findall(r'<td class="id">([0-9a-f]{32})</td>', page)
        following = re.search(rf'href="{BOARD}([^"]*after=[^"]*)">Next', page)
        path = following[1].replace("&amp;", "&") if following else ""
    states = held(teams, "red")
    assert len(ids) == len(set(ids)) == states.total()
    unknown = ask(teams, f"{own}?state=unknown", "ruby").text
    assert len(re.findall(r'<td class="id">[0-9a-f]{32}</td>', unknown)) == states["unknown"]


def test_numbers_are_masked_but_for_who_may_edit_the_ledgers_connection(teams: Teams) -> None:
    own = run_path("red_outreach", teams.runs["red"], kind="calls")
    masked = ask(teams, own, "ruby").text
    assert "+91••••••" in masked
    assert not NUMBER.search(masked)
    assert "numbers=full" not in masked
    assert ask(teams, f"{own}?numbers=full", "ruby").status == 403
    assert not NUMBER.search(ask(teams, own, "oskar").text)  # only when asked for
    assert NUMBER.search(ask(teams, f"{own}?numbers=full", "oskar").text)


def test_a_browser_may_load_and_run_nothing_from_elsewhere(teams: Teams) -> None:
    for path in ("/", *paths_of(teams, "red")):
        answer = ask(teams, path, "ruby")
        policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == policy["frame-ancestors"] == "'self'"
        assert answer.headers["cache-control"] == "no-store"
        assert not re.search(r"style=|<script>|onclick|https?://", answer.text)


def test_no_log_of_the_api_server_has_a_number(teams: Teams) -> None:
    logs = "".join(file.read_text(errors="replace") for file in teams.airflow.logs.glob("api-server*.log"))
    assert "looks at the numbers of DAG red_outreach" in logs
    assert not NUMBER.search(logs)
