"""A real Airflow for the length of a ``with`` block: API server, scheduler, DAG processor, triggerer, workers."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from .actions import Actions
from .ports import free_port
from .rest import Rest
from .settings import service_settings, sqlite_url, without_airflow
from .waiting import AirflowStuck

KEEPER = Path(__file__).with_name("keeper.py")
STARTED_WITHIN = 400.0  # seconds; 9 on two idle cores, 53 on two that ten others wanted
MIGRATED_WITHIN = 400.0  # seconds
ENDED_WITHIN = 120.0  # seconds
LINES_OF_EVIDENCE = 25  # of each component

ROUTINE = (
    " 200 OK",
    "[http.access]",
    "Refreshing bundle",
    "Searching for files",
    " files for bundle",
    "DAG bundles loaded",
)

COMPONENTS = {
    "api-server": ("api-server", "--workers", "1"),
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
    "triggerer": ("triggerer", "--skip-serve-logs"),
}


class RealAirflow(Actions):
    """Runs Airflow 3 with its own home, database and port, and speaks to it through its REST API.

    Enter it to start Airflow, leave it to end every process of it; they end too when the test process is killed.
    DAGs are not paused: one with a schedule and a start date in the past gets a run as soon as it is parsed.

    :param home: an empty directory: configuration, SQLite database, logs. Must not lie inside ``dags``.
    :param dags: the DAG folder.
    :param python: the interpreter of the environment whose Airflow is to run.
    :param database_url: SQLAlchemy URL of an empty PostgreSQL database; SQLite in ``home`` by default.
    :param executor: Airflow's ``[core] executor``.
    :param environment: more variables for every process, such as ``AIRFLOW_CONN_…``; they win over the harness's own.
        Nothing that begins with ``AIRFLOW`` is inherited from the test process.
    :param parallelism: how many tasks run at once.
    :param components: more commands of ``airflow`` that run for as long, by name, such as Celery's workers.
    :param heartbeat_timeout: whole seconds without a heartbeat after which a running task counts as dead. Workers send
        one a second, on a busy machine some seconds late: a low value takes the living for dead.
    """

    def __init__(
        self,
        home: Path,
        dags: Path,
        *,
        python: str = sys.executable,
        database_url: str | None = None,
        executor: str = "LocalExecutor",
        environment: Mapping[str, str] | None = None,
        parallelism: int = 4,
        components: Mapping[str, Sequence[str]] | None = None,
        heartbeat_timeout: int = 20,
    ) -> None:
        self.home = home
        self.dags = dags
        self.python = python
        self.database_url = database_url or sqlite_url(home)
        self.rest = Rest(port=free_port())
        self.logs = home / "components"
        self.started_in: float | None = None
        """Seconds from nothing to healthy, once started."""
        self._keeper: subprocess.Popen[bytes] | None = None
        self._components = {**COMPONENTS, **(components or {})}
        self._environment = {
            **without_airflow(),
            **service_settings(
                home=home,
                dags=dags,
                port=self.rest.port,
                database_url=self.database_url,
                executor=executor,
                parallelism=parallelism,
                heartbeat_timeout=heartbeat_timeout,
            ),
            **(environment or {}),
        }

    def __enter__(self) -> Self:
        """Create the database, start the components side by side, and wait until all are healthy."""
        began = time.monotonic()
        self.logs.mkdir(parents=True)
        self._migrate()
        try:
            self._start_keeper()
            self.until("every component to be healthy", lambda: self.rest.healthy() or None, timeout=STARTED_WITHIN)
        except BaseException:
            self.stop()
            raise
        self.started_in = time.monotonic() - began
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End every process of this Airflow."""
        self.stop()

    def stop(self) -> None:
        """End every process of this Airflow, tasks included, without asking them first. May be called twice."""
        if self._keeper is not None and self._keeper.stdin is not None:
            self._keeper.stdin.close()
            self._keeper.wait(ENDED_WITHIN)
            self._keeper = None

    def check_alive(self) -> None:
        """Raise :class:`AirflowStuck` if a component has ended, or Airflow was not started."""
        if self._keeper is None or self._keeper.poll() is not None:
            raise AirflowStuck(f"Airflow is not running\n{self.evidence()}")

    def evidence(self) -> str:
        """Return the last lines that each component wrote, without what it writes every second."""
        parts = []
        for file in sorted(self.logs.glob("*.log")):
            lines = [line for line in file.read_text(errors="replace").splitlines() if not _is_routine(line)]
            parts.append("\n".join([f"== {file}", *lines[-LINES_OF_EVIDENCE:]]))
        return "\n".join(parts)

    def _migrate(self) -> None:
        with (self.logs / "migrate.log").open("wb") as output:
            done = subprocess.run(
                [self.python, "-m", "airflow", "db", "migrate"],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=MIGRATED_WITHIN,
                check=False,
            )
        if done.returncode != 0:
            raise AirflowStuck(f"the metadata database could not be created\n{self.evidence()}")

    def _start_keeper(self) -> None:
        plan = self.home / "components.json"
        commands = {name: [self.python, "-m", "airflow", *arguments] for name, arguments in self._components.items()}
        plan.write_text(json.dumps({"logs": str(self.logs), "components": commands}))
        with (self.logs / "keeper.log").open("wb") as output:
            self._keeper = subprocess.Popen(
                [sys.executable, str(KEEPER), str(plan)],
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                # A Ctrl-C is for the test; the components go when the test has gone.
                start_new_session=True,
            )


def _is_routine(line: str) -> bool:
    return any(words in line for words in ROUTINE)
