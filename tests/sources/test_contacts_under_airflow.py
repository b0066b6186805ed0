"""Sources in a real DAG run: what is rendered, what is not, and what Airflow shows and stores of it."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ASHA = {"to_number": "+919876543210", "name": "Asha"}


@pytest.fixture(scope="module")
def dag_file(airflow_database: None, tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """The DAG of this test, in Airflow's own DAG folder, after one run."""
    database = tmp_path_factory.mktemp("warehouse") / "contacts.db"
    with sqlite3.connect(database) as warehouse:
        warehouse.execute("create table contacts (to_number text, name text, due_on text)")
        warehouse.executemany(
            "insert into contacts values (?, ?, ?)",
            [("+919876543210", "Asha", "2026-06-01"), ("+919876543211", "Ravi", "2026-06-02")],
        )
    folder = Path(os.environ["AIRFLOW_HOME"]) / "dags"
    shutil.copytree(Path(__file__).with_name("dags"), folder, dirs_exist_ok=True)
    spec = importlib.util.spec_from_file_location("reading_contacts", folder / "reading_contacts.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_CONN_CONTACTS", f"sqlite://{database}")
        run = module.dag.test()
    assert run.state == "success"
    return module


@pytest.mark.parametrize(
    ("task_id", "rows"),
    [
        pytest.param("output", [{"to_number": "+919876543210", "name": "{{ 6 * 7 }}"}, "+919876543211"], id="xcom"),
        pytest.param("template", [{"to_number": "+919876543210", "name": "{{ 6 * 7 }}"}, "+919876543211"], id="jinja"),
        pytest.param("empty_output", [], id="nobody to ring"),
        pytest.param("mapped_output", [{"to_number": "+919876543210"}, {"to_number": "+919876543211"}], id="lazy"),
        pytest.param("list", [{"to_number": "+919876543210", "sum": "42"}], id="list"),
        pytest.param("query", [ASHA], id="sql template file"),
        pytest.param("file", [ASHA], id="path from an upstream task"),
    ],
)
def test_a_task_reads_what_it_was_handed(dag_file: ModuleType, task_id: str, rows: list[Any]) -> None:
    assert dag_file.READ[task_id, -1]["rows"] == rows


def test_a_customer_whose_name_is_a_template_runs_no_template(dag_file: ModuleType) -> None:
    assert dag_file.READ["group", 0]["rows"] == ["+919876543210", "{{ 6 * 7 }}"]
    assert dag_file.READ["output", -1]["rows"][0]["name"] == "{{ 6 * 7 }}"
    assert dag_file.READ["arguments_of_a_group", 0]["rows"] == ["+919876543210", "{{ 6 * 7 }}", "100 {% off"]
    assert dag_file.READ["arguments_of_a_group", 1]["rows"] == ["see offer.sql"]


def test_what_the_author_wrote_is_rendered_beside_expand_too(dag_file: ModuleType) -> None:
    assert dag_file.READ["query_of_a_group", 0]["rows"] == [ASHA]


def test_progress_knows_the_total_where_it_can_be_known(dag_file: ModuleType) -> None:
    totals = {task_id: read["total"] for (task_id, map_index), read in dag_file.READ.items() if map_index < 0}
    assert totals == {
        "output": 2,
        "template": 2,
        "empty_output": 0,
        "mapped_output": 2,
        "list": 1,
        "query": None,
        "file": None,
    }


@pytest.mark.parametrize(("task_id", "upstream"), [("output", "people"), ("file", "exported_file")])
def test_a_task_waits_for_the_task_whose_output_it_reads(dag_file: ModuleType, task_id: str, upstream: str) -> None:
    assert dag_file.dag.get_task(task_id).upstream_task_ids == {upstream}


def test_no_number_and_no_name_stands_in_the_rendered_template_view(dag_file: ModuleType) -> None:
    from airflow.models.renderedtifields import RenderedTaskInstanceFields
    from airflow.utils.session import create_session

    with create_session() as session:
        shown = {
            (fields.task_id, fields.map_index): fields.rendered_fields["contacts"]
            for fields in session.query(RenderedTaskInstanceFields).filter_by(dag_id="reading_contacts")
            if "contacts" in fields.rendered_fields
        }
    assert not [text for text in shown.values() if "987654" in text or "Asha" in text]
    assert shown["output", -1] == "2 rows given by task people"
    assert shown["empty_output", -1].endswith("rows given by task nobody")
    assert shown["group", 1] == "1 row given by the DAG"
    assert shown["query", -1].startswith("rows of the query on connection contacts, parameters: day: select ")
    assert "2026-06-01" not in shown["query", -1]


def test_no_number_stands_in_the_serialized_dag(dag_file: ModuleType) -> None:
    from airflow.serialization import serialized_objects

    # The class has had both names.
    serializer = getattr(serialized_objects, "DagSerialization", None) or serialized_objects.SerializedDAG
    fields = {
        node["__var"]["task_id"]: node["__var"].get("contacts")
        for node in serializer.to_dict(dag_file.dag)["dag"]["tasks"]
    }
    assert fields["list"] == "1 row given by the DAG"
    assert fields["output"] == "rows given by task people"
    assert "987654" not in json.dumps(fields)


def test_parsing_a_dag_does_not_pay_for_airflow_or_pyarrow() -> None:
    code = "import sys, airflow_provider_callkaro.sources; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    heavy = {"airflow", "pyarrow", "fsspec", "pendulum", "sqlalchemy", "jinja2", "upath"}
    assert heavy.isdisjoint(loaded)
