"""A PostgreSQL cluster of the soak's own, which may crash as often as the soak wants."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from pathlib import Path

import psycopg2

from tests.real_airflow.ports import free_port
from tests.soak.programs import LOOPBACK, Program, run_as

ACCOUNT = "postgres"  # of the operating system, where root runs the soak: PostgreSQL refuses to be root's
USER = "soak"  # of the database
STARTED_WITHIN = 60.0  # seconds; a crash recovery is part of it
DATABASES = ("airflow", "ledger", "warehouse")
SETTINGS = {
    "max_connections": "300",
    "unix_socket_directories": "''",
    "listen_addresses": LOOPBACK,
    "fsync": "on",  # a crash loses nothing that was committed, or the soak would test nothing
    "log_min_messages": "warning",
    "log_min_error_statement": "panic",  # statements may hold numbers
}


class Postgres:
    """One PostgreSQL cluster in a folder.

    :param folder: where it may make a folder of its own.
    :param logs: where its output goes.
    :raises FileNotFoundError: PostgreSQL's programs are not on this machine.
    """

    def __init__(self, folder: Path, *, logs: Path) -> None:
        self._programs = _programs()
        self._data = folder / "postgres"
        self.port = free_port()
        options = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value.strip(chr(39))}")]
        self.program = Program(
            "database",
            [str(self._programs / "postgres"), "-D", str(self._data), "-p", str(self.port), *options],
            environment={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
            logs=logs,
            user=run_as(ACCOUNT),
        )

    def create(self) -> None:
        """Make the cluster and its databases, and leave it running."""
        self._data.mkdir(mode=0o700)
        user = run_as(ACCOUNT)
        if user is not None:
            shutil.chown(self._data, user, user)
        subprocess.run(
            [str(self._programs / "initdb"), "-D", str(self._data), "-U", USER, "--auth=trust", "--encoding=UTF8"],
            check=True,
            user=user,
            group=user,
            extra_groups=None if user is None else [],
            cwd="/",
            stdout=subprocess.DEVNULL,
        )
        self.start()
        for name in DATABASES:
            self.run(f"CREATE DATABASE {name}", database="postgres")

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        self.program.start()
        ends = time.monotonic() + STARTED_WITHIN
        while True:
            try:
                self.run("SELECT 1", database="postgres")
            except psycopg2.OperationalError:
                if time.monotonic() > ends:
                    raise
                self.program.start()  # it gives up where processes from before the crash are still there
                time.sleep(0.2)
            else:
                return

    def crash(self) -> None:
        """End it as ``pg_ctl stop -m immediate`` does: the next start is a crash recovery."""
        self.program.end(signal.SIGQUIT)

    def url(self, database: str) -> str:
        """The SQLAlchemy URL of a database."""
        return f"postgresql+psycopg2://{USER}@{LOOPBACK}:{self.port}/{database}"

    def connection(self, database: str) -> dict[str, object]:
        """The fields of the Airflow connection to a database."""
        return {"conn_type": "postgres", "host": LOOPBACK, "port": self.port, "login": USER, "schema": database}

    def run(self, statement: str, *values: object, database: str) -> list[tuple[object, ...]]:
        """Run one statement, committed at once; return its rows, if it has some."""
        connection = psycopg2.connect(host=LOOPBACK, port=self.port, user=USER, dbname=database, connect_timeout=5)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement, values or None)
                return list(cursor.fetchall()) if cursor.description else []
        finally:
            connection.close()


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    on_path = shutil.which("initdb")
    if on_path is not None:
        found.append(Path(on_path).parent)
    if not found:
        raise FileNotFoundError("the soak needs PostgreSQL's own programs (initdb, postgres): install its server")
    return found[-1]
