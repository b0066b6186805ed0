"""``python -m airflow_provider_callkaro.receiver``: what it says when it cannot start, and what its log never has."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys

import pytest
from delivering import LEDGER, SECRET, Vendor, outcomes
from real_airflow.ports import free_port

from airflow_provider_callkaro.receiver.__main__ import main

COMMAND = [sys.executable, "-m", "airflow_provider_callkaro.receiver"]


@pytest.mark.parametrize(
    ("connection", "told"),
    [
        ("nobody_made_it", 'no connection is named "nobody_made_it"'),
        ("without_webhooks", 'connection "without_webhooks" has no "webhooks"'),
        (LEDGER, 'has no "webhooks" in its extra, or is no vendor'),
        ("without_secret", 'needs a "secret"'),
        ("without_ledger", 'no connection is named "nowhere"'),
        ("not_a_database", "which is no SQL database"),
        ("unreachable", "its host refuses the connection"),
    ],
)
def test_a_connection_that_cannot_work_is_told_in_one_sentence(ledger, define, capsys, connection, told):
    def vendor(conn_id, **extra):
        define(conn_id, conn_type="callkaro", password="key", extra=extra)

    define("a_bucket", conn_type="aws")
    define("down", conn_type="postgres", host="127.0.0.1", port=free_port(), login="postgres")
    vendor("without_webhooks")
    vendor("without_secret", webhooks={"ledger_conn_id": LEDGER})
    vendor("without_ledger", webhooks={"ledger_conn_id": "nowhere", "secret": SECRET})
    vendor("not_a_database", webhooks={"ledger_conn_id": "a_bucket", "secret": SECRET})
    vendor("unreachable", webhooks={"ledger_conn_id": "down", "secret": SECRET})
    assert main(["--connection", connection]) == 2
    said = capsys.readouterr()
    assert said.err.startswith("The receiver did not start: ")
    assert told in said.err
    assert len(said.err.splitlines()) == 1
    assert SECRET not in said.out + said.err


def test_a_port_that_is_taken_is_told(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert main(["--port", str(taken.getsockname()[1])]) == 2
    assert "it cannot listen at 127.0.0.1" in capsys.readouterr().err


def test_it_takes_webhooks_until_it_is_told_to_end(ledger):
    port = free_port()
    command = [*COMMAND, "--port", str(port), "--connection", "callkaro_default"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    said = []
    for line in iter(process.stdout.readline, ""):
        said.append(line)
        if line.startswith("Listens at"):
            break
    assert f"Takes webhooks at http://127.0.0.1:{port}/callkaro/webhooks/callkaro/callkaro_default\n" in said
    vendor = Vendor(f"http://127.0.0.1:{port}/callkaro/webhooks")
    assert vendor.deliver(to=f"callkaro/callkaro_default/{SECRET}", secret=None).status_code == 200
    assert vendor.deliver(secret="another-secret-than-it").status_code == 401
    process.send_signal(signal.SIGTERM)
    said.append(process.communicate(timeout=120)[0])
    assert process.returncode == -signal.SIGTERM
    assert outcomes(ledger) == [("call-1", "reached")]
    for word in (SECRET, "another-secret-than-it", "919876543210", "Traceback"):
        assert word not in "".join(said)
