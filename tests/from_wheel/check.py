"""One Airflow with nothing but the wheel: its form, its connection test, a list of calls, and what became of them.

A script, ``python check.py HOME``; its interpreter belongs to the environment that is checked, so it imports nothing of
the tests but the file beside it.
"""

from __future__ import annotations

import csv
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from user_interface import AirflowThree, AirflowTwo, UserInterface

from airflow_provider_callkaro.sandbox import Sandbox
from airflow_provider_callkaro.vendors.known import VENDORS

DAG_FILE = Path(__file__).parent / "dags" / "from_the_wheel.py"
DAG_ID = "from_the_wheel"
ENDED = ("success", "failed")
PATIENCE = 600  # seconds; a busy machine is no failure
PEOPLE = {f"customer-{index}": f"+9198765{index:05d}" for index in range(20)}
WRONG_NUMBER = {"customer-20": "12"}


def main(home: Path) -> None:
    """Run all checks; the first that fails ends the script."""
    airflow = version("apache-airflow")
    dags = home / "dags"
    dags.mkdir(parents=True)
    (dags / DAG_FILE.name).write_text(DAG_FILE.read_text())
    with (home / "people.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("customer_id", "to_number"), *PEOPLE.items(), *WRONG_NUMBER.items()])
    port = free_port()
    with Sandbox() as sandbox, (home / "standalone.log").open("wb") as log:
        standalone = subprocess.Popen(
            [sys.executable, "-m", "airflow", "standalone"],
            env={**os.environ, **settings(home, port=port)},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            is_two = airflow.startswith("2.")
            there = AirflowTwo(port, home=home) if is_two else AirflowThree(port)
            until("Airflow to answer", there.ready, standalone)
            check_forms(there)
            say(f"Airflow {airflow}: the forms are there")
            check_connections(there, sandbox)
            say(f"Airflow {airflow}: connections are tested")
            check_calls(there, sandbox, home, standalone)
        except BaseException:
            sys.stderr.write((home / "standalone.log").read_text(errors="replace")[-6_000:])
            raise
        finally:
            os.killpg(standalone.pid, signal.SIGTERM)
            try:
                standalone.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(standalone.pid, signal.SIGKILL)
    say(f"Airflow {airflow}: each person was called once, and the outcomes are in the database")


def check_forms(there: UserInterface) -> None:
    """The form of each connection type has the vendor's fields."""
    for vendor in VENDORS:
        shown = there.form_fields(vendor.connection_type)
        wanted = {name: field["label"] for name, field in vendor.fields.items()}
        assert shown == wanted, f"form of {vendor.connection_type}: {shown}, not {wanted}"


def check_connections(there: UserInterface, sandbox: Sandbox) -> None:
    """The button *Test* is green with the right key and red with a wrong one, and rings nobody."""
    for name, connection in sandbox.airflow_connections.items():
        fields = json.loads(connection)
        works, said = there.test_connection(name, fields)
        assert works, f"{name}: {said}"
        works, said = there.test_connection(name, {**fields, "password": "wrong"})
        assert not works or "was not checked" in said, f"{name} took a wrong key: {said}"
        assert "wrong" not in said, f"{name} told its key: {said}"
    assert not sandbox.rings


def check_calls(there: UserInterface, sandbox: Sandbox, home: Path, standalone: subprocess.Popen[bytes]) -> None:
    """Two runs of one list ring each person once, and the outcomes lie beside the rows."""
    there.add_connection("callkaro_default", json.loads(sandbox.airflow_connections["callkaro_default"]))
    for name in ("call_ledger", "warehouse"):
        there.add_connection(name, {"conn_type": "sqlite", "host": str(home / f"{name}.db")})
    until("the DAG to be parsed", lambda: there.knows(DAG_ID), standalone)
    for attempt in ("first", "second"):
        run_id = there.trigger(DAG_ID)
        until(
            f"the {attempt} run to end",
            lambda run=run_id: there.state(DAG_ID, run) in ("success", "failed"),
            standalone,
        )
        assert there.state(DAG_ID, run_id) == "success", f"the {attempt} run failed"
        assert sandbox.rings_per_number() == dict.fromkeys(PEOPLE.values(), 1)
    with sqlite3.connect(home / "warehouse.db") as warehouse:
        written = dict(warehouse.execute("select customer_id, state from outcomes"))
    assert written == {**dict.fromkeys(PEOPLE, "accepted"), **dict.fromkeys(WRONG_NUMBER, "rejected")}, written


def until(what: str, look: Callable[[], Any], standalone: subprocess.Popen[bytes]) -> None:
    """Look until it is so."""
    began = time.monotonic()
    while not look():
        assert standalone.poll() is None, f"Airflow ended while waiting for {what}"
        assert time.monotonic() - began < PATIENCE, f"waited {PATIENCE} s for {what}"
        time.sleep(0.5)


def settings(home: Path, *, port: int) -> Mapping[str, str]:
    """An Airflow of its own, on ports of its own, with the button *Test* switched on."""
    return {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",  # standalone calls "airflow"
        "PYTHONUNBUFFERED": "1",
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
        "AIRFLOW__CORE__HOSTNAME_CALLABLE": "socket.gethostname",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__CORE__PARALLELISM": "2",
        "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "120",  # a busy machine answers late, and late is not broken
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "3600",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__WEBSERVER__WEB_SERVER_HOST": "127.0.0.1",
        "AIRFLOW__WEBSERVER__WEB_SERVER_PORT": str(port),
        "AIRFLOW__WEBSERVER__WORKERS": "1",
        "AIRFLOW__WEBSERVER__WEB_SERVER_MASTER_TIMEOUT": str(PATIENCE),
        "AIRFLOW__WEBSERVER__WEB_SERVER_WORKER_TIMEOUT": str(PATIENCE),
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(free_port()),
        "CHECK_FOLDER": str(home),
    }


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
