"""What a user of Airflow can see: runs, task instances, XCom, state, links, logs.

Everything is read through the REST API, so a test sees what the user interface would show and nothing else.
"""

from __future__ import annotations

import contextlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from datetime import datetime
from pathlib import Path
from typing import Any

from .rest import NoAnswer, Refused, Rest
from .waiting import AirflowStuck, Seen, wait_until

RUN_ENDED = frozenset({"success", "failed"})
TASK_ENDED = frozenset({"success", "failed", "skipped", "upstream_failed", "removed"})
PATIENCE = 400.0  # seconds: far more than anything takes here, for machines that are busy with other things too
NOT_MAPPED = -1  # Airflow's map index of a task that is not mapped


class Views(ABC):
    """The reading half of :class:`real_airflow.RealAirflow`.

    All methods name a task instance by ``dag_id``, ``run_id``, ``task_id`` and, for a mapped task, ``map_index``.
    """

    rest: Rest

    @abstractmethod
    def evidence(self) -> str:
        """Return what the components wrote last."""

    @abstractmethod
    def check_alive(self) -> None:
        """Raise :class:`AirflowStuck` if a component has ended."""

    def until(self, what: str, look: Callable[[], Seen | None], *, timeout: float = PATIENCE) -> Seen:
        """Wait until ``look`` returns something else than ``None``; no answer and a 404 count as nothing to see.

        :param what: what is waited for, as it should read in the error.
        :param timeout: seconds.
        :raises AirflowStuck: when the time is up, or at once when a component has ended.
        """

        def look_while_alive() -> Seen | None:
            seen = None
            try:
                seen = look()
            except Refused as refusal:
                if refusal.status != 404:
                    raise
            except NoAnswer:
                pass
            if seen is None:
                self.check_alive()
            return seen

        return wait_until(what, look_while_alive, timeout=timeout, evidence=self.evidence)

    def wait_until_parsed(self, dag_id: str, *, timeout: float = PATIENCE) -> None:
        """Wait until Airflow knows the newest version of the DAG's file.

        :raises AirflowStuck: at once, with the traceback, if its file cannot be imported; as long as the DAG is
            unknown, if any file cannot.
        """

        def look() -> bool | None:
            broken = self.rest.get("importErrors")["import_errors"]
            try:
                dag = self.rest.get("dags", dag_id)
            except Refused:
                _raise_if(broken)
                raise
            _raise_if([error for error in broken if dag["fileloc"].endswith(error["filename"])])
            written = Path(dag["fileloc"]).stat().st_mtime
            return True if dag["last_parsed_time"] and _timestamp(dag["last_parsed_time"]) > written else None

        self.until(f"DAG {dag_id} to be parsed", look, timeout=timeout)

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        """Return every run of a DAG, oldest first: ``dag_run_id``, ``run_type``, ``state``, ``logical_date``, …"""
        return self.rest.entries("dags", dag_id, "dagRuns", of="dag_runs", order_by="id")

    def wait_for_runs(self, dag_id: str, count: int, *, timeout: float = PATIENCE) -> list[str]:
        """Wait until a DAG has at least ``count`` runs, as after an asset event; return their ids, oldest first."""

        def look() -> list[str] | None:
            found = [run["dag_run_id"] for run in self.runs(dag_id)]
            return found if len(found) >= count else None

        return self.until(f"{count} runs of {dag_id}", look, timeout=timeout)

    def wait(self, dag_id: str, run_id: str, *, states: Collection[str] = RUN_ENDED, timeout: float = PATIENCE) -> str:
        """Wait until a run is in one of the states; return it.

        :raises AirflowStuck: when the time is up, or at once when the run ended in a state that was not asked for.
        """

        def look() -> str | None:
            state: str = self.rest.get("dags", dag_id, "dagRuns", run_id)["state"]
            if state in states:
                return state
            if state in RUN_ENDED:
                raise AirflowStuck(f"{run_id} of {dag_id} ended in {state}")
            return None

        try:
            return self.until(f"{run_id} of {dag_id} to be one of {sorted(states)}", look, timeout=timeout)
        except AirflowStuck as stuck:
            with contextlib.suppress(Refused, NoAnswer):
                stuck.add_note(self.story(dag_id, run_id))
            raise

    def wait_for_task(
        self,
        dag_id: str,
        run_id: str,
        task_id: str,
        *,
        map_index: int = NOT_MAPPED,
        states: Collection[str] = TASK_ENDED,
        timeout: float = PATIENCE,
    ) -> dict[str, Any]:
        """Wait until a task instance is in one of the states; return it as :meth:`task` does."""

        def look() -> dict[str, Any] | None:
            instance = self.task(dag_id, run_id, task_id, map_index=map_index)
            return instance if instance["state"] in states else None

        return self.until(f"{task_id} of {run_id} to be one of {sorted(states)}", look, timeout=timeout)

    def wait_for_try(
        self, dag_id: str, run_id: str, task_id: str, try_number: int, *, map_index: int = NOT_MAPPED
    ) -> dict[str, Any]:
        """Wait until a task instance has ended its try of that number, or a later one; return it as :meth:`task` does.

        That a cleared task has run again stays true, while its states on the way come and go between two looks.
        """

        def look() -> dict[str, Any] | None:
            instance = self.task(dag_id, run_id, task_id, map_index=map_index)
            return instance if instance["try_number"] >= try_number and instance["state"] in TASK_ENDED else None

        return self.until(f"try {try_number} of {task_id} of {run_id} to end", look)

    def task(self, dag_id: str, run_id: str, task_id: str, *, map_index: int = NOT_MAPPED) -> dict[str, Any]:
        """Return a task instance: ``state``, ``try_number``, ``max_tries``, ``pid``, ``start_date``, ``hostname``, …"""
        mapped: tuple[int, ...] = () if map_index == NOT_MAPPED else (map_index,)
        instance: dict[str, Any] = self.rest.get("dags", dag_id, "dagRuns", run_id, "taskInstances", task_id, *mapped)
        return instance

    def tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """Return every task instance of a run, mapped ones included."""
        return self.rest.entries("dags", dag_id, "dagRuns", run_id, "taskInstances", of="task_instances")

    def rendered(self, dag_id: str, run_id: str, task_id: str, *, map_index: int = NOT_MAPPED) -> dict[str, Any]:
        """Return the rendered template fields as the user interface shows them."""
        fields: dict[str, Any] = self.task(dag_id, run_id, task_id, map_index=map_index)["rendered_fields"]
        return fields

    def xcom(
        self, dag_id: str, run_id: str, task_id: str, key: str = "return_value", *, map_index: int = NOT_MAPPED
    ) -> Any:
        """Return the value of an XCom.

        :raises Refused: with status 404 if there is none.
        """
        path = (*_instance(dag_id, run_id, task_id), "xcomEntries", key)
        return self.rest.get(*path, map_index=map_index, deserialize="false")["value"]

    def xcom_keys(self, dag_id: str, run_id: str, task_id: str, *, map_index: int = NOT_MAPPED) -> list[str]:
        """Return the keys of every XCom of a task instance."""
        path = (*_instance(dag_id, run_id, task_id), "xcomEntries")
        return [entry["key"] for entry in self.rest.entries(*path, of="xcom_entries", map_index=map_index)]

    def task_state(self, dag_id: str, run_id: str, task_id: str, *, map_index: int = NOT_MAPPED) -> dict[str, Any]:
        """Return what a task instance keeps in its state store (Airflow 3.3), live while it runs."""
        path = (*_instance(dag_id, run_id, task_id), "state-store")
        entries = self.rest.entries(*path, of="task_state_store", map_index=map_index)
        return {entry["key"]: entry["value"] for entry in entries}

    def links(self, dag_id: str, run_id: str, task_id: str, *, map_index: int = NOT_MAPPED) -> dict[str, str | None]:
        """Return the extra links of a task instance by name."""
        path = (*_instance(dag_id, run_id, task_id), "links")
        links: dict[str, str | None] = self.rest.get(*path, map_index=map_index)["extra_links"]
        return links

    def log(self, dag_id: str, run_id: str, task_id: str, try_number: int = 1, *, map_index: int = NOT_MAPPED) -> str:
        """Return the log of one try, one line per record: the message, then its other fields as JSON."""
        path: tuple[str | int, ...] = (*_instance(dag_id, run_id, task_id), "logs", try_number)
        records = self.rest.get(*path, map_index=map_index, full_content="true")["content"]
        return "\n".join(record if isinstance(record, str) else _log_line(record) for record in records)

    def story(self, dag_id: str, run_id: str) -> str:
        """Tell a run in words: each task instance's state and the end of its last log."""
        told = []
        for instance in self.tasks(dag_id, run_id):
            name, tried, index = instance["task_id"], instance["try_number"], instance["map_index"]
            told.append(f"== {name}[{index}]: {instance['state']}, try {tried}, process {instance['pid']}")
            with contextlib.suppress(Refused, NoAnswer):
                told.append(self.log(dag_id, run_id, name, tried, map_index=index)[-4_000:])
        return "\n".join(told)


def _instance(dag_id: str, run_id: str, task_id: str) -> tuple[str, ...]:
    return ("dags", dag_id, "dagRuns", run_id, "taskInstances", task_id)


def _log_line(record: dict[str, Any]) -> str:
    rest = {field: value for field, value in record.items() if field not in ("event", "timestamp")}
    return f"{record.get('event', '')} {json.dumps(rest, ensure_ascii=False)}"


def _raise_if(import_errors: list[dict[str, Any]]) -> None:
    if import_errors:
        raise AirflowStuck("\n".join(f"{error['filename']}\n{error['stack_trace']}" for error in import_errors))


def _timestamp(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
