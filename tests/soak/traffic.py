"""The runs of the soak: lists are put into the warehouse, and runs started, as fast as the cluster ends earlier ones.

On a thread of its own, because an API server that is frozen or gone holds up whoever asks it. Each run has an id of its
own, so that a start whose answer was lost is asked for again without a second run.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import psycopg2

from tests.real_airflow.rest import NoAnswer, Refused, path_of
from tests.soak.cluster import Cluster
from tests.soak.databases import Postgres
from tests.soak.lists import BACKFILLED, DAGS, Run, list_name

log = logging.getLogger("soak")

ACTIVE_AT_MOST = 7  # runs: two cores carry no more
LOOK_EVERY = 3.0  # seconds
ALREADY_THERE = 409
FIRST_BACKFILLED = 9_000  # the number of the first run of the backfill; others count from 0
BACKFILLED_FROM = datetime(2026, 1, 3, 4, tzinfo=UTC)
SCHEMA = (
    "CREATE TABLE contacts (id bigserial PRIMARY KEY, list text NOT NULL, phone text NOT NULL, name text NOT NULL)",
    "CREATE INDEX contacts_of_a_list ON contacts (list)",
)


@dataclass(slots=True)
class Traffic:
    """Starts the runs of a plan, in their order, until it is told to stop. ``started`` is read once it has stopped.

    :param days: over how many days the one backfill goes.
    """

    cluster: Cluster
    dag_ids: Sequence[str]
    days: int
    started: list[Run] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin."""
        self._thread = threading.Thread(target=self._go, name="traffic", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End, once the run that is being started has been started."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _go(self) -> None:
        try:
            self._insist("the backfill", self._backfill)
            for number, dag_id in enumerate(self.dag_ids):
                while not self._stop.is_set() and self._active() >= ACTIVE_AT_MOST:
                    self._stop.wait(LOOK_EVERY)
                if self._stop.is_set():
                    return
                run = Run(dag=DAGS[dag_id], run_id=f"soak-{number:04d}", number=number)
                fill_lists(self.cluster.database, run, insist=self._insist)
                self.started.append(run)
                self._insist(run.run_id, lambda run=run: self._trigger(run))
        except _Stopped:
            log.info("a run was being started when the faults ended; it is not in the account unless Airflow has it")

    def _trigger(self, run: Run) -> None:
        try:
            self.cluster.trigger(run.dag.dag_id, run_id=run.run_id, conf={"numbers": run.conf_numbers})
        except Refused as refusal:
            if refusal.status != ALREADY_THERE:
                raise

    def _backfill(self) -> None:
        if not self.started:
            for day in range(self.days):
                at = BACKFILLED_FROM + timedelta(days=day)
                run = Run(dag=BACKFILLED, run_id=f"backfill__{at.isoformat()}", number=FIRST_BACKFILLED + day)
                fill_lists(self.cluster.database, run, insist=self._insist)
                self.started.append(run)
        last = BACKFILLED_FROM + timedelta(days=self.days - 1)
        try:
            self.cluster.backfill(BACKFILLED.dag_id, BACKFILLED_FROM, last, max_active_runs=2)
        except Refused as refusal:
            if refusal.status != ALREADY_THERE:
                raise

    def _active(self) -> int:
        """How many runs have not ended; as many as may be where Airflow does not say."""
        try:
            path = path_of("dags", "~", "dagRuns")
            found = self.cluster.rest.call("GET", path, query={"state": "running", "limit": 1})
        except (NoAnswer, Refused):
            return ACTIVE_AT_MOST
        active: int = found["total_entries"]
        return active

    def _insist(self, what: str, act: Callable[[], object]) -> None:
        """Do something until it is done, however often Airflow or the database is down meanwhile.

        :raises _Stopped: the traffic was stopped first.
        """
        while True:
            try:
                act()
            except (NoAnswer, Refused, psycopg2.Error) as problem:
                log.debug("%s: %s", what, type(problem).__name__)
            else:
                return
            if self._stop.wait(1):
                raise _Stopped


class _Stopped(Exception):
    """The traffic was stopped while it insisted."""


def fill_lists(database: Postgres, run: Run, *, insist: Callable[[str, Callable[[], object]], object]) -> None:
    """Put the lists of a run into the warehouse, each whole and once."""
    for task in run.dag.lists:
        name = list_name(run_id=run.run_id, task_id=task.task_id)
        phones = run.contact_list(task.place).phones
        insist(name, lambda name=name, phones=phones: _fill(database, name, phones))


def _fill(database: Postgres, name: str, phones: Sequence[str]) -> None:
    database.run("DELETE FROM contacts WHERE list = %s", name, database="warehouse")
    database.run(
        "INSERT INTO contacts (list, phone, name) "
        "SELECT %s, phone, 'Somebody' FROM unnest(%s::text[]) WITH ORDINALITY AS row (phone, place) ORDER BY place",
        name,
        list(phones),
        database="warehouse",
    )
