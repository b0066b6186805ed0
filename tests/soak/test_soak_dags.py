"""The soak runs every operator and sensor that there is, and the account knows every list that its DAGs call."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import airflow_provider_callkaro.operators
import airflow_provider_callkaro.sensors
from tests.soak.lists import BACKFILLED, DAGS

FOLDER = Path(__file__).with_name("dags")
NOT_IN_A_SOAK = {"CallOutcomesFromQueueOperator"}  # it needs a message queue, and places no call
BASES = {"StatusSensor", "CallaroOperator", "MrAssistantOperator"}


@pytest.fixture(scope="module")
def dags(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Every DAG of the soak, by its id."""
    from airflow.dag_processing.dagbag import DagBag

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOAK_REPORTS", str(tmp_path_factory.mktemp("reports")))
        patch.setenv("SOAK_HOURS", "10:00-10:02,10:03-10:05")
        patch.syspath_prepend(FOLDER)
        bag = DagBag(FOLDER)
        assert bag.import_errors == {}
        yield bag.dags
        sys.modules.pop("house_rules", None)


def test_the_account_knows_every_dag(dags: dict[str, Any]) -> None:
    assert dags.keys() == {*DAGS, BACKFILLED.dag_id}


def test_the_account_knows_every_list(dags: dict[str, Any]) -> None:
    for known in (*DAGS.values(), BACKFILLED):
        calling = {task.task_id for task in dags[known.dag_id].tasks if task.task_id == "calls"}
        assert {task.task_id for task in known.lists} == calling
        assert {task.task_id for task in (*known.lists, *known.combined)} <= set(dags[known.dag_id].task_ids)


def test_every_operator_is_in_the_soak(dags: dict[str, Any]) -> None:
    used = {task.task_type for dag in dags.values() for task in dag.tasks}
    public = {
        name
        for room in (airflow_provider_callkaro.operators, airflow_provider_callkaro.sensors)
        for module in modules_below(room)
        for name, value in vars(module).items()
        if name.endswith(("Operator", "Sensor")) and value.__module__.startswith(room.__name__)
    }
    assert public - used == NOT_IN_A_SOAK | (BASES & public)


def modules_below(room: ModuleType) -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(room.__path__, f"{room.__name__}."):
        yield importlib.import_module(found.name)
