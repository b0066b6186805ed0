"""What a user, an operator on duty, or bad luck can do to Airflow: trigger, clear, mark, backfill, kill."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil

from .rest import Refused, path_of
from .views import NOT_MAPPED, PATIENCE, Views

LOCKED = 503  # how Airflow answers when its database has no room for another writer


class Actions(Views):
    """The acting half of :class:`real_airflow.RealAirflow`."""

    dags: Path

    def add_dag_file(self, file: Path) -> None:
        """Copy a DAG file into the DAG folder; see :meth:`wait_until_parsed`."""
        self.write_dag_file(file.name, file.read_text())

    def write_dag_file(self, name: str, source: str) -> None:
        """Write a DAG file into the DAG folder, replacing one of that name; see :meth:`wait_until_parsed`."""
        (self.dags / name).write_text(source)

    def set_connection(self, conn_id: str, **fields: Any) -> None:
        """Create or replace a connection.

        :param fields: ``conn_type``, ``host``, ``port``, ``login``, ``password``, ``schema``, ``extra`` (JSON text).
        """
        with contextlib.suppress(Refused):
            self.rest.call("DELETE", path_of("connections", conn_id))
        self.rest.call("POST", "/connections", body={"connection_id": conn_id, **fields})

    def trigger(
        self,
        dag_id: str,
        *,
        conf: Mapping[str, Any] | None = None,
        logical_date: datetime | None = None,
        run_id: str | None = None,
    ) -> str:
        """Start a run by hand.

        :param conf: what ``dag_run.conf`` holds.
        :param logical_date: aware; absent by default, as in the user interface, and then the run has no data interval.
        :param run_id: made up by Airflow by default.
        :returns: the run's id.
        """
        body: dict[str, Any] = {"logical_date": logical_date.isoformat() if logical_date else None, "conf": conf or {}}
        if run_id is not None:
            body["dag_run_id"] = run_id
        created: str = self.rest.call("POST", path_of("dags", dag_id, "dagRuns"), body=body)["dag_run_id"]
        return created

    def backfill(
        self,
        dag_id: str,
        from_date: datetime,
        to_date: datetime,
        *,
        reprocess: str = "none",
        max_active_runs: int = 10,
        conf: Mapping[str, Any] | None = None,
    ) -> list[str]:
        """Run a DAG for every interval of its schedule between two dates.

        :param from_date: aware; the first logical date.
        :param to_date: aware; the last logical date.
        :param reprocess: which intervals that have a run are run again: ``none``, ``failed`` or ``completed``.
        :param max_active_runs: how many of the runs may be active at once.
        :returns: the ids of the backfill runs between the two dates, oldest first.
        """
        body = {
            "dag_id": dag_id,
            "from_date": from_date.isoformat(),
            "to_date": to_date.isoformat(),
            "reprocess_behavior": reprocess,
            "max_active_runs": max_active_runs,
            "dag_run_conf": dict(conf or {}),
        }

        def create() -> bool | None:
            try:
                self.rest.call("POST", "/backfills", body=body)
            except Refused as refused:
                if refused.status == LOCKED:  # on SQLite one writer at a time, and the scheduler was just writing
                    return None
                raise
            return True

        self.until(f"the backfill of {dag_id} to be taken", create)
        return [
            run["dag_run_id"]
            for run in sorted(self.runs(dag_id), key=lambda run: run["logical_date"] or "")
            if run["run_type"] == "backfill" and from_date <= datetime.fromisoformat(run["logical_date"]) <= to_date
        ]

    def asset_event(self, uri: str, *, extra: Mapping[str, Any] | None = None) -> None:
        """Report that an asset has changed, as an outside system would; DAGs scheduled on it get a run."""

        def look() -> int | None:
            found = self.rest.entries("assets", of="assets", uri_pattern=uri)
            return next((asset["id"] for asset in found if asset["uri"] == uri), None)

        asset_id = self.until(f"asset {uri} to be known", look)
        self.rest.call("POST", "/assets/events", body={"asset_id": asset_id, "extra": dict(extra or {})})

    def clear(
        self, dag_id: str, run_id: str, task_id: str, *, map_index: int = NOT_MAPPED, downstream: bool = False
    ) -> None:
        """Clear a task instance, whatever its state; Airflow runs it again.

        :param downstream: whether what follows it is cleared too.
        """
        body = {
            "dry_run": False,
            "dag_run_id": run_id,
            "task_ids": [task_id if map_index == NOT_MAPPED else [task_id, map_index]],
            "only_failed": False,
            "reset_dag_runs": True,
            "include_downstream": downstream,
        }
        self.rest.call("POST", path_of("dags", dag_id, "clearTaskInstances"), body=body)

    def set_task_state(
        self, dag_id: str, run_id: str, task_id: str, state: str, *, map_index: int = NOT_MAPPED
    ) -> None:
        """Mark a task instance ``success``, ``failed`` or ``skipped``; a running one is told to stop (``on_kill``)."""
        mapped = () if map_index == NOT_MAPPED else (map_index,)
        path = path_of("dags", dag_id, "dagRuns", run_id, "taskInstances", task_id, *mapped)
        self.rest.call("PATCH", path, body={"new_state": state})

    def forget_task_state(
        self, dag_id: str, run_id: str, task_id: str, key: str | None = None, *, map_index: int = NOT_MAPPED
    ) -> None:
        """Delete one entry of a task instance's state store, or all of them (Airflow 3.3)."""
        wanted = () if key is None else (key,)
        path = path_of("dags", dag_id, "dagRuns", run_id, "taskInstances", task_id, "state-store", *wanted)
        self.rest.call("DELETE", path, query={"map_index": map_index})

    def worker_pid(
        self, dag_id: str, run_id: str, task_id: str, *, map_index: int = NOT_MAPPED, timeout: float = PATIENCE
    ) -> int:
        """Wait until a task runs; return the process id of what runs the user's code."""

        def look() -> int | None:
            instance = self.task(dag_id, run_id, task_id, map_index=map_index)
            pid: int | None = instance["pid"]
            return pid if instance["state"] == "running" and pid and psutil.pid_exists(pid) else None

        return self.until(f"a process to run {task_id} of {run_id}", look, timeout=timeout)

    def supervisor_pid(self, dag_id: str, run_id: str, task_id: str, *, map_index: int = NOT_MAPPED) -> int:
        """Wait until a task runs; return the process id of the worker that supervises it and sends its heartbeats."""
        parent: int = psutil.Process(self.worker_pid(dag_id, run_id, task_id, map_index=map_index)).ppid()
        return parent

    def kill_task(self, dag_id: str, run_id: str, task_id: str, *, map_index: int = NOT_MAPPED) -> int:
        """SIGKILL the process that runs the user's code, as the kernel does when memory is short; return its id.

        Its supervisor sees it go, so Airflow retries within about a second.
        """
        pid = self.worker_pid(dag_id, run_id, task_id, map_index=map_index)
        psutil.Process(pid).send_signal(signal.SIGKILL)
        return pid

    def kill_worker(self, dag_id: str, run_id: str, task_id: str, *, map_index: int = NOT_MAPPED) -> int:
        """SIGKILL the supervisor and the task under it, as when a machine is lost; return the task's process id.

        Nobody is left to tell the scheduler, so Airflow retries when the heartbeats have stayed away for long enough.
        """
        task = psutil.Process(self.worker_pid(dag_id, run_id, task_id, map_index=map_index))
        supervisor = task.parent()
        if supervisor is not None:
            supervisor.send_signal(signal.SIGKILL)
        task.send_signal(signal.SIGKILL)
        killed: int = task.pid
        return killed
