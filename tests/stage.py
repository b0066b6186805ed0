"""What a test with a real Airflow stands on: the running Airflow, and the vendors it can dial."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from real_airflow import RealAirflow

from airflow_provider_callkaro.sandbox import Sandbox


@dataclass(frozen=True, slots=True)
class Stage:
    """A real Airflow and a folder that its DAGs may use.

    :param folder: holds ``ledger.db``, ``reports`` and whatever a test puts there.
    """

    airflow: RealAirflow
    folder: Path

    @contextmanager
    def vendor(self, conn_id: str, **connection: Any) -> Iterator[Sandbox]:
        """A sandbox that DAGs reach through the connection ``conn_id``."""
        with Sandbox() as sandbox:
            self.airflow.set_connection(conn_id, **json.loads(sandbox.airflow_connection), **connection)
            yield sandbox

    def report(self, name: str) -> list[dict[str, str]]:
        """The lines of a CSV report."""
        with (self.folder / "reports" / name).open(newline="") as lines:
            return list(csv.DictReader(lines))
