"""What Airflow learns of the package at its start: a mistake here takes every Airflow process down."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from importlib.metadata import entry_points
from importlib.resources import files

import jsonschema
import pytest

from airflow_provider_callkaro.get_provider_info import get_provider_info
from airflow_provider_callkaro.hooks.callkaro import CallKaroHook
from airflow_provider_callkaro.transport.tls import FILES
from airflow_provider_callkaro.vendors.callkaro.profile import CALLKARO
from airflow_provider_callkaro.vendors.known import VENDORS

HEAVY = {"httptools", "requests", "urllib3", "sqlalchemy", "pyarrow", "pandas", "phonenumbers", "holidays", "starlette"}
LISTS_OF_MODULES = ("hooks", "operators", "sensors", "triggers", "transfers", "bundles")
LISTS_OF_CLASSES = ("notifications", "extra-links", "secrets-backends", "logging")


def schema(name):
    return json.loads(files("airflow").joinpath(name).read_text())


def at(path):
    """The object that a dotted path names."""
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)


def test_airflow_accepts_the_provider_info():
    jsonschema.validate(get_provider_info(), schema("provider_info.schema.json"))


def test_the_connection_form_is_one_that_airflow_can_draw():
    """The schema that Airflow's own providers are written by is stricter; newer versions draw the form from it."""
    types = schema("provider.yaml.schema.json")["properties"]["connection-types"]
    if "conn-fields" not in types["items"]["properties"]:
        pytest.skip("this Airflow asks the hook for its form")
    jsonschema.validate(get_provider_info()["connection-types"], types)


def test_the_other_entries_keep_to_the_stricter_schema_too():
    whole = schema("provider.yaml.schema.json")
    strict = whole["properties"]
    for name, entry in get_provider_info().items():
        if name != "connection-types" and name in strict:  # before 3.2 Airflow knows no "cli"
            jsonschema.validate(entry, {**strict[name], "definitions": whole.get("definitions", {})})


def test_everything_that_is_listed_can_be_imported():
    info = get_provider_info()
    listed = [module for name in LISTS_OF_MODULES for entry in info.get(name, ()) for module in entry["python-modules"]]
    assert "airflow_provider_callkaro.operators.callkaro" in listed
    for module in listed:
        assert import_module(module).__doc__
    for path in [path for name in LISTS_OF_CLASSES for path in info.get(name, ())]:
        assert isinstance(at(path), type)
    named = {entry["integration-name"] for name in LISTS_OF_MODULES for entry in info.get(name, ())}
    assert named <= {integration["integration-name"] for integration in info["integrations"]}


def test_every_task_decorator_makes_a_task_of_a_function():
    listed = get_provider_info()["task-decorators"]
    assert [entry["name"] for entry in listed] == ["callkaro_calls", "mrassistant_calls"]
    for entry in listed:
        decorated = at(entry["class-name"])(lambda day: [day])
        assert decorated.operator_class.custom_operator_name == f"@task.{entry['name']}"


def test_every_connection_type_names_a_hook_that_names_it():
    for entry in get_provider_info()["connection-types"]:
        hook = at(entry["hook-class-name"])
        assert (hook.conn_type, hook.hook_name) == (entry["connection-type"], entry["hook-name"])
        assert hook.default_conn_name == f"{hook.conn_type}_default"
        assert getattr(hook(), hook.conn_name_attr) == hook.default_conn_name


def test_airflow_finds_the_package_by_its_entry_point():
    points = [point for point in entry_points(group="apache_airflow_provider") if "callkaro" in point.value]
    assert len(points) == 1
    assert points[0].load()() == get_provider_info()
    # Airflow refuses a provider whose name differs from its distribution's
    assert points[0].dist.name == get_provider_info()["package-name"]


def test_airflow_offers_the_connection_type():
    from airflow.providers_manager import ProvidersManager

    hook = ProvidersManager().hooks["callkaro"]
    assert (hook.hook_class_name, hook.hook_name, hook.package_name) == (
        "airflow_provider_callkaro.hooks.callkaro.CallKaroHook",
        "CallKaro",
        "airflow-provider-callkaro",
    )
    assert hook.connection_testable


def test_the_older_form_says_the_same_as_the_declared_one():
    behaviour = CallKaroHook.get_ui_field_behaviour()
    assert {name.replace("_", "-"): value for name, value in behaviour.items()} == CALLKARO.behaviour
    jsonschema.validate(behaviour, schema("customized_form_field_behaviours.schema.json"))


def test_each_hook_has_the_older_form_as_its_own():
    """Airflow before 3.2 looks among the class's own attributes; `hooks/test_form.py` asks such an Airflow itself."""
    for entry in get_provider_info()["connection-types"]:
        assert {"get_connection_form_widgets", "get_ui_field_behaviour"} <= set(vars(at(entry["hook-class-name"])))


def test_every_vendors_form_has_the_files_of_its_tls():
    for vendor in VENDORS:
        assert set(vendor.fields) >= set(FILES)


def test_a_field_of_the_form_is_one_that_the_hook_reads():
    from airflow.models.connection import Connection

    from airflow_provider_callkaro.hooks.callkaro.connection import read_connection

    windows = '[{"start": "10:00", "end": "19:00"}]'
    given = {
        "schedule_timezone": "Asia/Kolkata",
        "agent_id": "agent",
        "calling_windows": windows,
        "on_call_number": "+912212345678",
        "vendor_messages": "no",
        "budget": '{"calls_per_second": 50}',
    }
    assert set(given) | set(FILES) == set(CALLKARO.fields)
    conn = Connection(conn_id="c", conn_type="callkaro", password="a-long-key", extra=json.dumps(given))
    connection = read_connection(conn, connection_id="c")
    assert (str(connection.vendor.schedule_timezone), connection.agent_id) == ("Asia/Kolkata", "agent")
    assert connection.calling_windows == windows


def imported_by(statement, *, after="pass"):
    """The top-level packages that a statement brings into a fresh interpreter."""
    code = (
        f"import sys\n{after}\nbefore = set(sys.modules)\n{statement}\n"
        "print(*{name.partition('.')[0] for name in set(sys.modules) - before})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_reading_the_provider_info_costs_airflow_nothing():
    imported = imported_by("from airflow_provider_callkaro.get_provider_info import get_provider_info as it; it()")
    assert imported & (HEAVY | {"airflow", "pendulum", "asyncio"}) == set()


def test_parsing_a_dag_imports_no_heavy_library():
    names = [f"{room}.{vendor}" for room in ("hooks", "operators") for vendor in ("callkaro", "mrassistant")]
    modules = [f"airflow_provider_callkaro.{name}" for name in (*names, "sensors.mrassistant", "sources")]
    imported = imported_by(
        f"import {', '.join(modules)}",
        after="from airflow.providers.common.compat.sdk import BaseHook, BaseOperator",
    )
    assert "airflow_provider_callkaro" in imported
    assert imported & HEAVY == set()
