"""What a test with a real Airflow stands on: the running Airflow, and the vendors it can dial."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from real_airflow import RealAirflow

from airflow_provider_callkaro.sandbox import Sandbox

_NUMBER = re.compile(r"\+\d(?:[ -]?\d){8,14}")


@dataclass(frozen=True, slots=True)
class Stage:
    """A real Airflow and a folder that its DAGs may use.

    :param folder: holds ``ledger.db``, ``reports`` and whatever a test puts there.
    """

    airflow: RealAirflow
    folder: Path

    @contextmanager
    def vendor(self, conn_id: str, **connection: Any) -> Iterator[Sandbox]:
        """A sandbox that DAGs reach as CallKaro through the connection ``conn_id``."""
        with Sandbox() as sandbox:
            self.airflow.set_connection(conn_id, **json.loads(sandbox.airflow_connection), **connection)
            yield sandbox

    @contextmanager
    def vendors(self, **options: Any) -> Iterator[Sandbox]:
        """A sandbox that DAGs reach as every vendor through that vendor's default connection.

        :param options: of the sandbox.
        """
        with Sandbox(**options) as sandbox:
            for conn_id, connection in sandbox.airflow_connections.items():
                self.airflow.set_connection(conn_id, **json.loads(connection))
            yield sandbox

    def numbers_logged(self, dag_ids: Collection[str]) -> list[str]:
        """Where the logs of these DAGs' tasks hold a phone number: file and line, not the number."""
        found = []
        for path in sorted(self.airflow.home.glob("logs/dag_id=*/**/*.log")):
            if next(part for part in path.parts if part.startswith("dag_id=")).removeprefix("dag_id=") in dag_ids:
                for place, line in enumerate(path.read_text(errors="replace").splitlines(), start=1):
                    if _NUMBER.search(line):
                        found.append(f"{path}, line {place}")
        return found

    def report(self, name: str) -> list[dict[str, str]]:
        """The lines of a CSV report."""
        with (self.folder / "reports" / name).open(newline="") as lines:
            return list(csv.DictReader(lines))
