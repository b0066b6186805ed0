"""The guide, docs/sandbox.md: whoever copies a line from it must get what it promises."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_provider_callkaro.sandbox import Endpoint, FaultKind, Sandbox

GUIDE = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text(encoding="utf-8")
HOST = "http://127.0.0.1:8900"
BASH = "\n".join(re.findall(r"^```bash\n(.*?)^```", GUIDE, flags=re.DOTALL | re.MULTILINE))
PYTHON = re.findall(r"^```python\n(.*?)^```", GUIDE, flags=re.DOTALL | re.MULTILINE)
CURL = [line for line in BASH.splitlines() if line.startswith("curl ")]
FAULTS = [line for line in CURL if "/_sandbox/faults -d" in line]


def test_its_commands_work_one_after_the_other(client):
    for line in CURL:
        client.control("DELETE", "/_sandbox/faults")
        answer = client.curl(line, host=HOST)
        assert answer.status_code in (200, 201), (line, answer.text)


def test_its_two_first_requests_ring_once_in_the_campaign(client, sandbox):
    for line in CURL[:2]:
        client.curl(line, host=HOST)
    assert [ring.batch_id for ring in sandbox.rings] == [sandbox.campaigns[0].batch_id]


def test_it_has_a_command_for_every_kind_of_fault():
    shown = {json.loads(shlex.split(line)[-1])["kind"] for line in FAULTS}
    assert shown == set(FaultKind)


def test_its_connections_are_the_ones_the_command_prints():
    printed = Sandbox(port=8900).airflow_connections
    shown = dict(re.findall(r"export AIRFLOW_CONN_(\w+)='(.*)'", BASH))
    assert {name.lower(): connection for name, connection in shown.items()} == printed


def test_its_paths_of_faults_and_its_tables_name_what_is_there():
    for path in re.findall(r"`((?:GET |POST |PATCH )?/(?:api|auth|campaigns|calls|call|outbound|v2)\b[^`*]*)`", GUIDE):
        method, _, template = path.rpartition(" ")
        known = [each for each in Endpoint if each.template == template and method in ("", each.method)]
        assert known or template == "/api/v1/bulk_call_campaigns", path


# What the guide leaves to its reader: a DAG that dials twenty people at most once each for a night, and a worker.
READERS_DAG = """
import json, os
import requests

class Dag:
    def __init__(self):
        self.tried = set()

    def test(self, logical_date=None):
        connection = json.loads(os.environ["AIRFLOW_CONN_CALLKARO_DEFAULT"])
        for number in [f"+14155550{index:03d}" for index in range(20)]:
            if (logical_date, number) in self.tried:
                continue
            self.tried.add((logical_date, number))
            body = {"to_number": number, "agent_id": "agent"}
            headers = {"X-API-KEY": connection["password"]}
            try:
                answer = requests.post(connection["host"] + "/call/outbound", json=body, headers=headers)
            except requests.ConnectionError:
                continue
            if answer.status_code == 403:
                return

dag = Dag()
"""
READERS_WORKER = """

@pytest.fixture
def start_worker():
    import subprocess, sys
    started = []
    def start():
        started.append(subprocess.Popen([sys.executable, "-c", "from dags.nightly_outreach import dag; dag.test()"]))
        return started[-1]
    yield start
    for process in started:
        process.wait()
"""


@pytest.mark.slow
def test_its_fixtures_and_its_tests_run(tmp_path):
    fixtures, tests, worker_test = PYTHON
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "nightly_outreach.py").write_text(READERS_DAG)
    (tmp_path / "conftest.py").write_text(fixtures + READERS_WORKER)
    (tmp_path / "test_outreach.py").write_text(tests + worker_test)
    command = [sys.executable, "-m", "pytest", "-q", "--rootdir", str(tmp_path), "-p", "no:cacheprovider", "."]
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert "3 passed" in ended.stdout, ended.stdout
