"""The command that a newcomer types first, and what the sandbox may not bring along."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager

import pytest
import requests
from webhook_receiver import receiving

from airflow_provider_callkaro.sandbox import Sandbox

COMMAND = [sys.executable, "-m", "airflow_provider_callkaro.sandbox"]


@contextmanager
def running(*options):
    process = subprocess.Popen([*COMMAND, "--port", "0", *options], stdout=subprocess.PIPE, text=True)
    try:
        said = []
        for line in process.stdout:
            said.append(line)
            if "Control-C" in line:
                break
        yield process, "".join(said)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def control_key(said):
    name, value = re.search(r"export SANDBOX_KEY='(\S+): (\S+)'", said).groups()
    return {name: value}


def test_what_it_prints_is_enough_to_begin():
    with running("--api-key", "secret", "--do-not-disturb", "+14155550199", "--unknown-agent", "gone?") as (
        process,
        said,
    ):
        connection = json.loads(re.search(r"export AIRFLOW_CONN_CALLKARO_DEFAULT='(.*)'", said)[1])
        assert connection == {"conn_type": "callkaro", "host": connection["host"], "password": "secret"}
        callaro = json.loads(re.search(r"export AIRFLOW_CONN_CALLARO_DEFAULT='(.*)'", said)[1])
        assert callaro == connection | {"conn_type": "callaro"}
        mrassistant = json.loads(re.search(r"export AIRFLOW_CONN_MRASSISTANT_DEFAULT='(.*)'", said)[1])
        assert mrassistant == connection | {"conn_type": "mrassistant", "login": "sandbox"}
        calls = re.search(r'curl -s -H "\$SANDBOX_KEY" (\S+/_sandbox/calls)', said)[1]
        assert calls == connection["host"] + "/_sandbox/calls"

        def call(number, agent_id):
            body = {"to_number": number, "agent_id": agent_id}
            headers = {"X-API-KEY": connection["password"]}
            return requests.post(connection["host"] + "/call/outbound", json=body, headers=headers, timeout=120)

        assert call("+14155550100", "unknown").status_code == 200
        assert call("+14155550100", "gone1").status_code == 404
        assert call("+14155550199", "agent").json()["message"] == "DND_NUMBER"
        listed = requests.get(calls, headers=control_key(said), timeout=120).json()
        assert listed["rings_per_number"] == {"+14155550100": 1}
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=120) == 0


def test_it_ends_in_good_order_when_it_is_terminated():
    with running() as (process, _):
        process.terminate()
        assert process.wait(timeout=120) == 0


@pytest.mark.parametrize(
    "options",
    [
        ["--host", "0.0.0.0"],
        ["--api-key", ""],
        ["--control-key", ""],
        ["--port", "65536"],
        ["--host", "192.0.2.1", "--allow-any-host"],
        ["--callaro-dial-seconds", "-1"],
        ["--mrassistant-call-seconds", "inf"],
    ],
)
def test_what_cannot_be_served_is_one_sentence(options):
    ended = subprocess.run([*COMMAND, "--port", "0", *options], capture_output=True, text=True, timeout=120)
    assert ended.returncode == 2
    assert re.fullmatch(r"The sandbox did not start: [^\n]+\n", ended.stderr)


def test_a_taken_port_is_one_sentence():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = subprocess.run([*COMMAND, "--port", port], capture_output=True, text=True, timeout=120)
    assert ended.returncode == 2
    assert re.fullmatch(r"The sandbox did not start: [^\n]+\n", ended.stderr)


def test_whom_and_how_fast_a_callaro_campaign_dials_can_be_chosen():
    options = ["--callaro-contact", "+12025550121", "--callaro-contact", "+12025550122", "--callaro-dial-seconds", "0"]
    with running(*options) as (_, said):
        url = re.search(r"answers at (\S+)", said)[1]
        headers = {"X-Api-Key": "sandbox"}
        campaigns = url + "/api/v1/bulk_call_campaigns"
        requests.post(campaigns, json={"name": "Renewals", "agent_id": 42}, headers=headers, timeout=120)
        launched = requests.post(campaigns + "/123/launch", headers=headers, timeout=120).json()
        assert launched["data"]["status"] == "completed"
        listed = requests.get(url + "/_sandbox/calls", headers=control_key(said), timeout=120).json()
        assert listed["rings_per_number"] == {"+12025550121": 1, "+12025550122": 1}


def test_the_connection_of_a_running_sandbox_is_the_one_airflow_reads():
    with Sandbox() as sandbox:
        assert json.loads(sandbox.airflow_connection) == {
            "conn_type": "callkaro",
            "host": sandbox.url,
            "password": "sandbox",
        }


def test_it_brings_along_neither_airflow_nor_the_rest_of_the_package():
    code = """
import sys
import airflow_provider_callkaro.sandbox
assert "starlette" not in sys.modules and "uvicorn" not in sys.modules
from airflow_provider_callkaro.sandbox import Sandbox
with Sandbox():
    print(sorted(name for name in sys.modules if name.partition(".")[0] in ("airflow", "airflow_provider_callkaro")))
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    loaded = ended.stdout.replace("'", "").strip("[]\n").split(", ")
    assert [name for name in loaded if not name.startswith("airflow_provider_callkaro.sandbox")] == [
        "airflow_provider_callkaro"
    ]


def test_every_public_name_can_be_imported():
    from airflow_provider_callkaro import sandbox

    for name in sandbox.__all__:
        assert getattr(sandbox, name).__name__ == name


def test_without_the_extra_it_says_what_to_install():
    code = """
import sys
sys.modules["uvicorn"] = None
from airflow_provider_callkaro.sandbox.__main__ import main
sys.exit(main(["--port", "0"]))
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, env=os.environ)
    assert ended.returncode == 2
    assert "airflow-provider-callkaro[sandbox]" in ended.stderr


def test_the_command_line_says_who_is_told_and_how_badly():
    with (
        receiving() as receiver,
        running(
            *("--webhook", receiver.url, "--webhook-header", "X-Secret: s3cret", "--outcome-seed", "7"),
            *("--webhook-duplicates", "1", "--webhook-delay", "0.01", "--webhook-disorder", "0.01"),
        ) as (_, said),
    ):
        url = json.loads(re.search(r"export AIRFLOW_CONN_CALLKARO_DEFAULT='(.*)'", said)[1])["host"]
        body = {"to_number": "+14155550100", "agent_id": "agent", "metadata": {"name": "Asha"}}
        requests.post(f"{url}/call/outbound", json=body, headers={"X-API-KEY": "sandbox"}, timeout=120)
        receiver.wait_for(2)
        assert [event["data"]["call_metadata"] for event in receiver.got] == [{"name": "Asha"}] * 2
        assert [headers["X-Secret"] for headers in receiver.headers] == ["s3cret"] * 2


@pytest.mark.parametrize(
    "options",
    [("--webhook", "http://hooks.example/"), ("--webhook", "x"), ("--webhook-header", "X-Secret")],
    ids=["another machine", "no address", "no header"],
)
def test_a_webhook_that_cannot_be_ends_the_command(options):
    ended = subprocess.run([*COMMAND, "--port", "0", *options], capture_output=True, text=True, timeout=120)
    assert ended.returncode == 2
    assert ended.stderr.startswith("The sandbox did not start: ")
