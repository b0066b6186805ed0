"""After the faults: every run is driven to its end, as somebody on duty would, with what Airflow offers for it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

from tests.real_airflow.rest import NoAnswer, Refused, path_of
from tests.soak.cluster import Cluster
from tests.soak.lists import Run

log = logging.getLogger("soak")

LOOK_EVERY = 3.0  # seconds
CLEARED_AT_MOST = 2  # times: what fails a third time on a healthy cluster fails for a reason


def settle(cluster: Cluster, runs: Sequence[Run], *, within: float, tend: Callable[[], object]) -> dict[str, str]:
    """Wait until every run has ended; clear what failed in it, twice at most.

    :param within: seconds.
    :param tend: called all the time, to keep the cluster up.
    :returns: the state of each run by its id: ``success``, ``failed``, what it was when the time was up, or ``never
        started``.
    """
    ends = time.monotonic() + within
    cleared: dict[str, int] = {}
    states = {run.run_id: "not seen" for run in runs}
    while time.monotonic() < ends:
        tend()
        waiting = [run for run in runs if states[run.run_id] not in ("success", "failed for good", "never started")]
        if not waiting:
            break
        for run in waiting:
            try:
                states[run.run_id] = _look(cluster, run, cleared)
            except NoAnswer:
                break
            except Refused as refusal:
                log.info("%s of %s: Airflow answered %d", run.run_id, run.dag.dag_id, refusal.status)
        time.sleep(LOOK_EVERY)
    return states


def _look(cluster: Cluster, run: Run, cleared: dict[str, int]) -> str:
    try:
        state: str = cluster.rest.get("dags", run.dag.dag_id, "dagRuns", run.run_id)["state"]
    except Refused as refusal:
        if refusal.status == 404:
            return "never started"
        raise
    if state != "failed":
        return state
    if cleared.get(run.run_id, 0) >= CLEARED_AT_MOST:
        return "failed for good"
    failed = [instance for instance in cluster.tasks(run.dag.dag_id, run.run_id) if instance["state"] == "failed"]
    log.info("%s of %s: clears %s", run.run_id, run.dag.dag_id, ", ".join(sorted({each["task_id"] for each in failed})))
    body: dict[str, Any] = {
        "dry_run": False,
        "dag_run_id": run.run_id,
        "only_failed": True,
        "reset_dag_runs": True,
    }
    cluster.rest.call("POST", path_of("dags", run.dag.dag_id, "clearTaskInstances"), body=body)
    cleared[run.run_id] = cleared.get(run.run_id, 0) + 1
    return "cleared"
