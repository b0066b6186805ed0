"""The guide, docs/mrassistant.md: whoever copies an example from it gets what the page says."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from airflow.providers.common.compat.sdk import DAG
from airflow_task_state import TaskStateInMemory
from task_context import task_context

from airflow_provider_callkaro.hooks.mrassistant import MrAssistantHook
from airflow_provider_callkaro.operators import mrassistant as operators
from airflow_provider_callkaro.sandbox import Sandbox
from airflow_provider_callkaro.sensors import mrassistant as sensors
from airflow_provider_callkaro.sources.files import FileContacts

GUIDE = (Path(__file__).parents[3] / "docs" / "mrassistant.md").read_text(encoding="utf-8")
NUMBER = "+919876543210"


@pytest.fixture
def sandbox(monkeypatch):
    with Sandbox(mrassistant_call_seconds=600) as sandbox:
        given = json.loads(sandbox.airflow_connections["mrassistant_default"])
        given["extra"] = {"day_numbers": "mon=0"}
        monkeypatch.setenv("AIRFLOW_CONN_MRASSISTANT_DEFAULT", json.dumps(given))
        yield sandbox


@pytest.fixture
def names(sandbox):
    """Everything that the guide's examples define, when they are run in one DAG."""
    namespace = {
        **{name: getattr(operators, name) for name in operators.__all__},
        **{name: getattr(sensors, name) for name in sensors.__all__},
        "FileContacts": FileContacts,
        "MrAssistantHook": MrAssistantHook,
        "UTC": UTC,
        "datetime": datetime,
        "timedelta": timedelta,
    }
    with DAG("guide", schedule=None):
        for block in re.findall(r"^```python\n(.*?)^```", GUIDE, flags=re.DOTALL | re.MULTILINE):
            exec(compile(block, "docs/mrassistant.md", "exec"), namespace)
    return namespace


def run(task, call_id=None):
    if call_id is not None:
        task.call_id = call_id
    context = task_context(task_id=task.task_id, store=TaskStateInMemory())
    task.render_template_fields({**context, "params": {"number": NUMBER}, "task": task})
    return task.execute(context)


def test_its_call_is_placed_handed_over_and_hung_up(names, sandbox):
    call_id = run(names["placed"])
    assert [ring.to_number for ring in sandbox.rings] == [NUMBER]
    assert run(names["handed_over"], call_id) == call_id
    assert run(names["hung_up"], call_id) == call_id
    assert MrAssistantHook().get_call(call_id).status == "ended"


def test_its_configuration_is_written_waited_for_and_read_as_hours(names):
    now = datetime.now(UTC)
    told = run(names["configured"])
    remaining, opens = names["first_ring_of_tomorrow"]()
    assert told["calls_remaining_today"] == remaining == 500
    assert timedelta(days=1) <= opens - now <= timedelta(days=4)
    window = {"start_time": "00:00", "end_time": "24:00"}
    names["configured"].schedules = [{"time_windows": [window]}]  # so that the example need not wait for ten o'clock
    assert run(names["configured"])["can_call_now"]
    assert run(names["opened"]) == 500
