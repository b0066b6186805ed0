"""A whole Airflow whose parts end and begin: API server, scheduler, DAG processor, triggerer, two Celery workers.

Each part is a program of its own. What has ended without being asked to is started again, as a service manager would.
"""

from __future__ import annotations

import json
import secrets
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import psutil

from tests.real_airflow.actions import Actions
from tests.real_airflow.ports import free_port
from tests.real_airflow.rest import Rest
from tests.real_airflow.settings import LOOPBACK, service_settings, without_airflow
from tests.soak.brokers import Broker
from tests.soak.databases import Postgres
from tests.soak.programs import Program, children_of

ROOT = Path(__file__).parents[2]
DAGS = Path(__file__).with_name("dags")
WORKERS = 2
TASKS_PER_WORKER = 4
HEARTBEAT_TIMEOUT = 20  # seconds
STARTED_WITHIN = 400.0  # seconds; two cores that others want too
STARTED_AGAIN_AFTER = 1.0  # seconds, for what has ended by itself
LINES_OF_EVIDENCE = 15  # of each program

CELERY = {
    "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
    "AIRFLOW__CELERY__WORKER_PREFETCH_MULTIPLIER": "1",
    # What a dead worker had taken comes back within a minute rather than a day; a task that lasts longer is delivered
    # to the other worker while it runs, and Airflow must refuse it.
    "AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__VISIBILITY_TIMEOUT": "60",
    "AIRFLOW__CELERY__WORKER_UMASK": "0o022",
    "AIRFLOW__CELERY__OPERATION_TIMEOUT": "5",
    # A message that a broker lost with its memory is sent again after so many seconds.
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT": "45",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT_CHECK_INTERVAL": "5",
    "AIRFLOW__SCHEDULER__NUM_STUCK_IN_QUEUED_RETRIES": "1000",
    # A triggerer that was killed leaves its triggers to the next one after so many seconds.
    "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "10",
    "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "2",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "20",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "20",
}


class Cluster(Actions):
    """The Airflow of a soak, with its database and broker.

    :param folder: an empty folder, for everything.
    :param environment: more variables for every process.
    """

    def __init__(
        self, folder: Path, *, database: Postgres, broker: Broker, environment: Mapping[str, str], logs: Path
    ) -> None:
        self.home = folder / "airflow"
        self.home.mkdir()
        self.dags = DAGS
        self.logs = logs
        self.database = database
        self.broker = broker
        self.rest = Rest(port=free_port())
        self.receiver_port = free_port()
        self.environment = {
            **without_airflow(),
            **service_settings(
                home=self.home,
                dags=DAGS,
                port=self.rest.port,
                database_url=database.url("airflow"),
                executor="CeleryExecutor",
                parallelism=WORKERS * TASKS_PER_WORKER,
                heartbeat_timeout=HEARTBEAT_TIMEOUT,
            ),
            **CELERY,
            "AIRFLOW__CELERY__BROKER_URL": broker.url,
            "AIRFLOW__CELERY__RESULT_BACKEND": f"db+{database.url('airflow')}",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_POOL_SIZE": "5",
            "PYTHONPATH": str(ROOT),
            **environment,
        }
        self.programs = {program.name: program for program in self._programs()}
        self.workers = [program for name, program in self.programs.items() if name.startswith("worker")]
        self._down: set[str] = set()
        self._ended_at: dict[str, float] = {}

    def _programs(self) -> list[Program]:
        commands = {
            "api-server": ("api-server", "--workers", "1"),
            "scheduler": ("scheduler", "--skip-serve-logs"),
            "dag-processor": ("dag-processor",),
            "triggerer": ("triggerer", "--skip-serve-logs"),
        }
        for number in range(1, WORKERS + 1):
            commands[f"worker-{number}"] = (
                "celery",
                "worker",
                *("--concurrency", str(TASKS_PER_WORKER)),
                *("--celery-hostname", f"worker-{number}@soak"),
                *("--pid", str(self.home / f"worker-{number}.pid")),
                "--skip-serve-logs",
                "--without-gossip",
                "--without-mingle",
            )
        programs = [
            Program(name, [sys.executable, "-m", "airflow", *arguments], environment=self.environment, logs=self.logs)
            for name, arguments in commands.items()
        ]
        receiver = [sys.executable, "-m", "airflow_provider_callkaro.receiver", "--port", str(self.receiver_port)]
        programs.append(Program("receiver", receiver, environment=self.environment, logs=self.logs))
        return programs

    def start(self) -> None:
        """Make Airflow's tables, start every part, and wait until all are healthy."""
        migrating = Program(
            "migrate", [sys.executable, "-m", "airflow", "db", "migrate"], environment=self.environment, logs=self.logs
        )
        migrating.start()
        self._until_ended(migrating)
        for program in self.programs.values():
            program.start()
        self.until("every part to be healthy", lambda: self.rest.healthy() or None, timeout=STARTED_WITHIN)

    def _until_ended(self, program: Program) -> None:
        ends = time.monotonic() + STARTED_WITHIN
        while program.runs:
            if time.monotonic() > ends:
                raise TimeoutError(f"{program.name} has not ended after {STARTED_WITHIN:.0f} s")
            time.sleep(0.2)

    def hold_down(self, name: str) -> None:
        """Leave a part down when it ends, until it is brought up."""
        self._down.add(name)

    def bring_up(self, name: str) -> None:
        """Start a part that was held down."""
        self._down.discard(name)
        self.programs[name].start()

    def tend(self) -> list[str]:
        """Start what has ended by itself a moment ago; return its names."""
        started = []
        for name, program in self.programs.items():
            if program.runs or name in self._down:
                self._ended_at.pop(name, None)
            elif time.monotonic() - self._ended_at.setdefault(name, time.monotonic()) > STARTED_AGAIN_AFTER:
                (self.home / f"{name}.pid").unlink(missing_ok=True)  # of a worker that was killed
                program.start()
                started.append(name)
        return started

    def supervisors(self) -> list[psutil.Process]:
        """The workers' processes that have a task below them."""
        pools = [child for worker in self.workers for child in worker.processes()[1:]]
        return [process for process in pools if children_of(process)]

    def evidence(self) -> str:
        """What each program wrote last."""
        parts = []
        for file in sorted(self.logs.glob("*.log")):
            lines = file.read_text(errors="replace").splitlines()
            parts.append("\n".join([f"== {file}", *lines[-LINES_OF_EVIDENCE:]]))
        return "\n".join(parts)

    def check_alive(self) -> None:
        """Start what has ended: here that is no reason to give up."""
        self.tend()

    def stop(self) -> None:
        """End everything."""
        for program in self.programs.values():
            program.thaw()
            program.kill()


def airflow_connections(
    vendors: Mapping[str, str], *, database: Postgres, budget: Mapping[str, float] | None
) -> dict[str, str]:
    """The variables that give every process the soak's connections.

    :param vendors: the vendors' connections, by their ids, in JSON.
    :param budget: the budget of the CallKaro account; None: none.
    """
    secret = secrets.token_urlsafe(12)
    connections: dict[str, object] = {name: json.loads(text) for name, text in vendors.items()}
    extra: dict[str, object] = {
        "schedule_timezone": "UTC",
        "webhooks": {"ledger_conn_id": "call_ledger", "secret": secret},
    }
    if budget is not None:
        extra["budget"] = dict(budget)
    callkaro = json.loads(vendors["callkaro_default"])
    connections["callkaro_default"] = callkaro | {"extra": extra}
    connections["call_ledger"] = database.connection("ledger")
    connections["warehouse"] = database.connection("warehouse")
    variables = {f"AIRFLOW_CONN_{name.upper()}": json.dumps(fields) for name, fields in connections.items()}
    return variables | {"SOAK_WEBHOOK_SECRET": secret}


def receiver_url(cluster: Cluster) -> str:
    """Where the receiver takes the webhooks of CallKaro."""
    return f"http://{LOOPBACK}:{cluster.receiver_port}/callkaro/webhooks/{{vendor}}/callkaro_default"
