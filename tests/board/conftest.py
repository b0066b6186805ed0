"""Ledgers that real fan-outs have filled, and an Airflow with two teams."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow_fixtures import database_of_its_own
from fanning_out import connect
from spreading import shared_airflows
from teams import TEAMS, AirflowOfTeams, Teams

from airflow_provider_callkaro.sandbox import Sandbox


@pytest.fixture
def folder(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where ``ledger.db`` is, the ledger behind connection ``call_ledger``."""
    connect(sandbox, monkeypatch, tmp_path)
    return tmp_path


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture(scope="session")
def teams(postgresql: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Teams]:
    """Both teams have called sixty people, and every tenth answer of the vendor was lost."""
    folder = tmp_path_factory.mktemp("teams")
    with (
        Sandbox() as sandbox,
        database_of_its_own(postgresql) as url,
        AirflowOfTeams(folder, sandbox=sandbox, database_url=url) as airflow,
    ):
        shared_airflows.append(airflow)
        sandbox.fault("drop_answer_after_accepting", every=10)
        runs = {}
        for team in TEAMS:
            airflow.wait_until_parsed(f"{team}_outreach")
            runs[team] = airflow.trigger(f"{team}_outreach")
        for team, run_id in runs.items():
            assert airflow.wait(f"{team}_outreach", run_id) == "success"
        yield Teams(airflow, runs)
