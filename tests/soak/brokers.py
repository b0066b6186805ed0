"""The brokers that Celery may speak to: a Redis and a RabbitMQ of the soak's own."""

from __future__ import annotations

import os
import shutil
from abc import ABC, abstractmethod
from pathlib import Path

from tests.real_airflow.ports import free_port
from tests.soak.programs import LOOPBACK, Program, run_as, wait_for_port

STARTED_WITHIN = 90.0  # seconds; RabbitMQ takes five on an idle machine
RABBITMQ = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")  # Debian's own wrapper in PATH insists on the one system-wide


class Broker(ABC):
    """One broker: a program, a port, and what Celery has to know of it."""

    name: str
    program: Program
    port: int

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        self.program.start()
        wait_for_port(self.port, name=self.name, within=STARTED_WITHIN)

    @property
    @abstractmethod
    def url(self) -> str:
        """Celery's URL of it."""


class Redis(Broker):
    """Redis, which writes each change to its file within a second, so that a kill may lose a second of messages."""

    name = "redis"

    def __init__(self, folder: Path, *, logs: Path) -> None:
        server = shutil.which("redis-server")
        if server is None:
            raise FileNotFoundError("the soak needs redis-server, or BROKER=rabbitmq")
        data = folder / "redis"
        data.mkdir()
        self.port = free_port()
        options = {"port": self.port, "bind": LOOPBACK, "dir": data, "appendonly": "yes", "save": ""}
        self.program = Program(
            "broker",
            [server, *(part for name, value in options.items() for part in (f"--{name}", str(value)))],
            environment=dict(os.environ),
            logs=logs,
        )

    @property
    def url(self) -> str:
        """Celery's URL of it."""
        return f"redis://{LOOPBACK}:{self.port}/0"


class RabbitMq(Broker):
    """RabbitMQ, a node of its own beside the one of the machine."""

    name = "rabbitmq"

    def __init__(self, folder: Path, *, logs: Path) -> None:
        if not RABBITMQ.exists():
            raise FileNotFoundError("the soak needs RabbitMQ's server, or BROKER=redis")
        home = folder / "rabbitmq"
        home.mkdir()
        user = run_as("rabbitmq")
        self.port = free_port()
        settings = home / "rabbitmq.conf"
        settings.write_text(f"listeners.tcp.1 = {LOOPBACK}:{self.port}\n")
        if user is not None:
            shutil.chown(home, user, user)
        self.program = Program(
            "broker",
            [str(RABBITMQ)],
            environment={
                "PATH": os.environ["PATH"],
                "HOME": str(home),
                "RABBITMQ_CONF_ENV_FILE": str(home / "none"),
                "RABBITMQ_NODENAME": f"soak{self.port}@localhost",
                "RABBITMQ_DIST_PORT": str(free_port()),
                "RABBITMQ_MNESIA_BASE": str(home / "mnesia"),
                "RABBITMQ_LOG_BASE": str(home / "log"),
                "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "plugins"),
                "RABBITMQ_CONFIG_FILE": str(settings),
                "RABBITMQ_PID_FILE": str(home / "pid"),
            },
            logs=logs,
            user=user,
        )

    @property
    def url(self) -> str:
        """Celery's URL of it."""
        return f"amqp://guest:guest@{LOOPBACK}:{self.port}//"


BROKERS: dict[str, type[Redis] | type[RabbitMq]] = {"redis": Redis, "rabbitmq": RabbitMq}
