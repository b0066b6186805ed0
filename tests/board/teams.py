"""An Airflow with two teams, a user in each, and a ledger that both call with."""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from real_airflow import RealAirflow

DAG_FILE = Path(__file__).parent / "dags" / "outreach.py"
TEAMS = ("red", "blue")
USERS = {"boss": "admin", "ruby": "viewer:red", "bela": "viewer:blue", "oskar": "op:red"}


class AirflowOfTeams(RealAirflow):
    """A real Airflow in which nobody is let in without a login.

    :param folder: an empty directory, for everything that belongs to it.
    :param sandbox: the vendor that the DAGs reach as CallKaro.
    """

    def __init__(self, folder: Path, *, sandbox: Any, database_url: str) -> None:
        home, dags = folder / "home", folder / "dags"
        home.mkdir(parents=True)
        for team in TEAMS:
            (dags / team).mkdir(parents=True)
            shutil.copy(DAG_FILE, dags / team / "outreach.py")
        self.passwords = {user: secrets.token_hex(8) for user in USERS}
        self.ledger = folder / "ledger.db"
        passwords = folder / "passwords.json"
        passwords.write_text(json.dumps(self.passwords))
        bundle = "airflow.dag_processing.bundles.local.LocalDagBundle"
        connection = json.loads(sandbox.airflow_connection)
        connection["extra"] = {**json.loads(connection.get("extra") or "{}"), "schedule_timezone": "Asia/Kolkata"}
        environment = {
            "AIRFLOW__CORE__MULTI_TEAM": "True",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "False",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{user}:{role}" for user, role in USERS.items()),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
            "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(
                [
                    {"name": team, "classpath": bundle, "kwargs": {"path": str(dags / team)}, "team_name": team}
                    for team in TEAMS
                ]
            ),
            "AIRFLOW__CALLKARO__BOARD_LEDGER_CONN_IDS": "call_ledger",
            "AIRFLOW_CONN_CALL_LEDGER": json.dumps({"conn_type": "sqlite", "host": str(self.ledger)}),
            "AIRFLOW_CONN_CALLKARO_DEFAULT": json.dumps(connection),
        }
        super().__init__(home, dags, database_url=database_url, environment=environment)
        self.rest.login = ("boss", self.passwords["boss"])

    def _migrate(self) -> None:
        super()._migrate()
        for team in TEAMS:
            subprocess.run(
                [self.python, "-m", "airflow", "teams", "create", team],
                env=self._environment, check=True, capture_output=True,
            )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Teams:
    """A running Airflow of two teams, and the run that each has had."""

    airflow: AirflowOfTeams
    runs: dict[str, str]
