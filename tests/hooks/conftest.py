"""A sandbox, and Airflow connections to it or to anything else."""

from __future__ import annotations

import json
import os

import pytest

from airflow_provider_callkaro.sandbox import Sandbox


@pytest.fixture(autouse=True)
def no_proxy_of_the_machine(monkeypatch):
    """The settings of the user's shell are no part of a test."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def shared_sandbox():
    with Sandbox(api_key="the-key-of-the-sandbox") as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(shared_sandbox):
    shared_sandbox.reset()
    return shared_sandbox


@pytest.fixture
def connect(monkeypatch):
    """Define an Airflow connection of type callkaro, or give the URI of one."""

    def define(uri=None, *, conn_id="callkaro_default", **fields):
        value = uri or json.dumps({"conn_type": "callkaro", **fields})
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", value)

    return define


@pytest.fixture
def connect_to_sandbox(connect, sandbox):
    def define(**extra):
        connect(host=sandbox.url, password=sandbox.api_key, extra=extra)

    return define
