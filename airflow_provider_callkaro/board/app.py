"""The board's pages: the latest runs, one run or task, and its calls one by one.

Every route asks `access` first. What a page shows is found by names that the path gives, of a DAG that the user may
read: the ledger's rows carry the name of the run that made them, and no other way leads to them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Query, Request
from fastapi.responses import FileResponse, HTMLResponse, Response
from starlette.exceptions import HTTPException as StarletteHTTPException

from airflow_provider_callkaro.board.access import User, check_dag_exists, may_read_runs, may_see_numbers, readable_dags
from airflow_provider_callkaro.board.airflow_runs import identified, latest_task_runs, task_runs
from airflow_provider_callkaro.board.calls import STATES, calls_of
from airflow_provider_callkaro.board.campaigns import campaigns_of, runs_in
from airflow_provider_callkaro.board.figures import RunFigures, figures_of
from airflow_provider_callkaro.board.ledgers import BoardLedger, open_board_ledger
from airflow_provider_callkaro.board.links import Links
from airflow_provider_callkaro.board.rendering import FOLDER, PAGE_POLICY, board_page
from airflow_provider_callkaro.board.settings import LEDGERS, SECTION, ledger_conn_ids, unresolved_after
from airflow_provider_callkaro.board.standalone import heading_of
from airflow_provider_callkaro.board.task_runs import TaskRun
from airflow_provider_callkaro.board.trail import recent
from airflow_provider_callkaro.board.view import shown_of
from airflow_provider_callkaro.calls.masking import mask_text
from airflow_provider_callkaro.exceptions import ConfigurationError, LedgerError, VoiceCallError

_HEADERS = {
    "Content-Security-Policy": PAGE_POLICY,
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_LATEST = 50  # runs on the first page
_ID = r"^[0-9a-f]{32}$"
_REFUSALS = {
    401: ("Please log in", "Log in to Airflow in this browser, then open this page again."),
    403: ("Not for you", "You may not read the runs of this DAG. Ask whoever gives rights in this Airflow."),
}
_log = logging.getLogger(__name__)

app = FastAPI(title="Voice calls", docs_url=None, redoc_url=None, openapi_url=None)

LedgerName = Annotated[str | None, Query(alias="ledger", max_length=250)]
MapIndex = Annotated[int | None, Query(ge=-1)]


@app.get("/")
def latest_runs(request: Request, user: User) -> Response:
    """The latest runs of the DAGs that the user may read."""
    conn_ids = ledger_conn_ids()
    links = Links(_base(request))
    dags = readable_dags(user)
    found, problems = [], []
    for conn_id in conn_ids:
        try:
            with open_board_ledger(conn_id) as ledger:
                named = identified(recent(ledger), dags=dags, keys=ledger.keys)
                found += [(run, trail, conn_id) for run, trail in named]
        except VoiceCallError as error:
            problems.append(str(error))
    if not conn_ids:
        problems.append(
            f"The board shows no ledger yet: name the connections that the tasks have as ledger_conn_id in the "
            f"setting [{SECTION}] {LEDGERS}, separated by commas."
        )
    found.sort(key=lambda one: one[1].last_at, reverse=True)
    return _page(request, "runs.html", listed=found[:_LATEST], ledgers=conn_ids, problems=problems, link=links)


@app.get("/dags/{dag_id}/runs/{run_id}", dependencies=[may_read_runs])
@app.get("/dags/{dag_id}/runs/{run_id}/tasks/{task_id}", dependencies=[may_read_runs])
def one_run(
    request: Request,
    dag_id: str,
    run_id: str,
    task_id: str | None = None,
    map_index: MapIndex = None,
    conn_id: LedgerName = None,
) -> Response:
    """The figures of a run, or of one of its tasks."""
    runs = _asked(dag_id, run_id, task_id=task_id, map_index=map_index)
    found_in, (figures, campaigns) = _first_with(conn_id, runs, _figures_and_campaigns)
    links = Links(_base(request))
    shown = shown_of(
        figures,
        conn_id=found_in,
        tasks=_tasks(figures, links, found_in),
        campaigns=[(name, links.campaign(dag_id, name, ledger=found_in)) for name in campaigns],
        calls_link=links.calls(dag_id, run_id, task_id=task_id, map_index=map_index, ledger=found_in),
        state_links={
            state: links.calls(dag_id, run_id, task_id=task_id, map_index=map_index, ledger=found_in, state=state)
            for state in STATES
        },
    )
    return _page(request, "run.html", heading=heading_of(figures.runs), subheading=_told(figures, run_id), shown=shown)


@app.get("/dags/{dag_id}/campaigns/{campaign_id}", dependencies=[may_read_runs])
def one_campaign(request: Request, dag_id: str, campaign_id: str, conn_id: LedgerName = None) -> Response:
    """The figures of a campaign of the vendor, as far as this DAG has called in it."""
    check_dag_exists(dag_id)

    def read(ledger: BoardLedger, _: list[TaskRun]) -> RunFigures | None:
        runs = runs_in(ledger, campaign_id, dag_id=dag_id, latest=partial(latest_task_runs, dag_id))
        return figures_of(ledger, runs, unresolved_after=unresolved_after())

    found_in, figures = _first_with(conn_id, [], read)
    links = Links(_base(request))
    shown = shown_of(
        figures,
        conn_id=found_in,
        tasks=[(f"{run.run_id}: {run.task_id}", links.task(run, found_in)) for run in figures.runs],
    )
    heading, subheading = f"{dag_id}: campaign {campaign_id}", _told(figures, f"{len(figures.runs)} task instances")
    return _page(request, "run.html", heading=heading, subheading=subheading, shown=shown)


@app.get("/dags/{dag_id}/calls/{run_id}", dependencies=[may_read_runs])
def calls_one_by_one(
    request: Request,
    user: User,
    dag_id: str,
    run_id: str,
    task_id: Annotated[str | None, Query(max_length=250)] = None,
    map_index: MapIndex = None,
    conn_id: LedgerName = None,
    state: Annotated[str | None, Query(max_length=20)] = None,
    after: Annotated[str | None, Query(pattern=_ID)] = None,
    numbers: Annotated[str | None, Query(pattern=r"^full$")] = None,
) -> Response:
    """The calls of a run, page by page."""
    if state is not None and state not in STATES:
        raise HTTPException(404, "There is no such state")
    runs = _asked(dag_id, run_id, task_id=task_id, map_index=map_index)
    found_in, (known, is_keyed) = _first_with(
        conn_id,
        runs,
        lambda ledger, asked: (tuple(known), ledger.upkeep.is_keyed) if (known := ledger.known(asked)) else None,
    )
    allowed = not is_keyed and may_see_numbers(user, conn_id=found_in)
    in_full = numbers is not None and allowed
    if numbers is not None and not allowed:
        raise HTTPException(403, "You may not see the numbers of this ledger")
    if in_full:
        who = mask_text(str(user.get_name()))
        _log.info("User %s looks at the numbers of DAG %s, run %s", who, mask_text(dag_id), mask_text(run_id))
    with _open(found_in) as ledger:
        page = calls_of(
            ledger, known, unresolved_after=unresolved_after(), state=state, after=after, numbers_in_full=in_full
        )
    links = Links(_base(request))

    def link(**changes: Any) -> str:
        asked = {"state": state, "numbers": numbers, **changes}
        return links.calls(dag_id, run_id, task_id=task_id, map_index=map_index, ledger=found_in, **asked)

    return _page(
        request,
        "calls.html",
        heading=heading_of(known),
        run_link=links.run_of(dag_id, run_id, task_id=task_id, map_index=map_index, ledger=found_in),
        filters=[(name or "all", link(state=name), name == state) for name in (None, *STATES)],
        numbers_link=link(numbers="full", after=after) if allowed and not in_full else "",
        page=page,
        first_link=link() if after else "",
        next_link=link(after=page.after) if page.after else "",
    )


@app.get("/board.css")
def style() -> Response:
    """The style; it tells nothing, so it needs no user."""
    return FileResponse(FOLDER / "board.css", media_type="text/css", headers={"X-Content-Type-Options": "nosniff"})


@app.get("/theme.js")
def script() -> Response:
    """The script that follows Airflow's light or dark; likewise."""
    return FileResponse(
        FOLDER / "theme.js", media_type="text/javascript", headers={"X-Content-Type-Options": "nosniff"}
    )


@app.exception_handler(StarletteHTTPException)
def refused(request: Request, error: Any) -> Response:
    """An answer that a person can read, with the status of the error."""
    heading, sentence = _REFUSALS.get(error.status_code, ("Not found", f"{error.detail}."))
    return _page(request, "message.html", status=error.status_code, heading=heading, sentence=sentence)


@app.exception_handler(VoiceCallError)
def failed(request: Request, error: Any) -> Response:
    """The ledger cannot be read, or is not what the setting says; its message says so without any number."""
    status = 503 if isinstance(error, LedgerError) else 404
    return _page(request, "message.html", status=status, heading="Nothing to show", sentence=str(error))


def _figures_and_campaigns(ledger: BoardLedger, runs: list[TaskRun]) -> tuple[RunFigures, list[str]] | None:
    figures = figures_of(ledger, runs, unresolved_after=unresolved_after())
    return None if figures is None else (figures, campaigns_of(ledger, runs))


def _asked(dag_id: str, run_id: str, *, task_id: str | None, map_index: int | None) -> list[TaskRun]:
    check_dag_exists(dag_id)
    runs = [
        run for run in task_runs(dag_id, run_id, task_id=task_id) if map_index is None or run.map_index == map_index
    ]
    if not runs:
        raise HTTPException(404, "Airflow has no such run, or no such task in it")
    return runs


def _open(conn_id: str) -> Any:
    return open_board_ledger(conn_id)


def _first_with(conn_id: str | None, runs: list[TaskRun], read: Callable[[Any, list[TaskRun]], Any]) -> tuple[str, Any]:
    """The first of the ledgers that knows any of the runs, and what is read of it."""
    conn_ids = ledger_conn_ids()
    if conn_id is not None and conn_id not in conn_ids:
        raise HTTPException(404, "The board shows no such ledger")
    for name in conn_ids if conn_id is None else (conn_id,):
        with _open(name) as ledger:
            if (found := read(ledger, runs)) is not None:
                return name, found
    raise ConfigurationError(
        "No ledger of the board knows calls of this run: its tasks place no calls, have no ledger_conn_id, or the "
        f"setting [{SECTION}] {LEDGERS} does not name it"
    )


def _tasks(figures: RunFigures, links: Links, conn_id: str) -> list[tuple[str, str]]:
    return [
        (f"{run.task_id} [{run.map_index}]" if run.map_index >= 0 else run.task_id, links.task(run, conn_id))
        for run in figures.runs
    ]


def _told(figures: RunFigures, run_id: str) -> str:
    state = {None: "", True: "It has ended.", False: "It is under way."}[figures.is_over]
    return f"{run_id}. {state} Scope: {', '.join(figures.scopes)}."


def _base(request: Request) -> str:
    """The path under which the board is mounted, a prefix of the whole Airflow included."""
    path: str = request.scope.get("root_path", "")
    return path.rstrip("/")


def _page(request: Request, template: str, *, status: int = 200, **values: Any) -> Response:
    return HTMLResponse(board_page(template, base=_base(request), **values), status_code=status, headers=_HEADERS)
