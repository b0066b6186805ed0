"""A running sandbox, and somebody to talk to it over a real socket."""

from __future__ import annotations

import shlex
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from airflow_provider_callkaro.sandbox import Sandbox

NUMBER = "+14155550100"


class Client:
    """Sends requests to a sandbox as a vendor's client would."""

    def __init__(self, sandbox):
        self._sandbox = sandbox
        self._session = requests.Session()
        self._session.trust_env = False

    def post(self, path, *, json=None, key="the right one", timeout=30, **options):
        headers = options.pop("headers", {})
        if key is not None:
            headers["X-API-KEY"] = self._sandbox.api_key if key == "the right one" else key
        return self._session.post(
            self._sandbox.url + path, json=json, headers=headers, allow_redirects=False, timeout=timeout, **options
        )

    def call(self, to_number=NUMBER, *, timeout=30, **fields):
        return self.post("/call/outbound", json={"to_number": to_number, "agent_id": "agent"} | fields, timeout=timeout)

    def campaign(self, **fields):
        path = "/call/campaign" if "agent_id" in fields else "/v2/call/campaign"
        return self.post(path, json={"name": "Renewals"} | fields).json()["batch_id"]

    def callaro(self, method, path="", *, key="the right one", **options):
        """Ask Callaro about campaigns; a path that begins with two slashes is taken from the root."""
        key = self._sandbox.api_key if key == "the right one" else key
        headers = {} if key is None else {"X-Api-Key": key}
        address = path.removeprefix("/") if path.startswith("//") else "/api/v1/bulk_call_campaigns" + path
        return self.control(method, address, headers=headers, allow_redirects=False, **options)

    def draft(self, **fields):
        answer = self.callaro("POST", json={"name": "Renewals", "agent_id": 42} | fields)
        assert answer.status_code == 201, answer.text
        return answer.json()["data"]["id"]

    def mrassistant(self, method, path, *, token="the right one", **options):
        token = self._sandbox.api_key if token == "the right one" else token
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        return self.control(method, path, headers=headers, allow_redirects=False, **options)

    def control(self, method, path, *, headers=None, **options):
        if headers is None:
            headers = self._sandbox.control_headers
        return self._session.request(method, self._sandbox.url + path, headers=headers, timeout=30, **options)

    def curl(self, command, *, host):
        """Send what a curl command line says, byte for byte, to the sandbox instead of the host it names."""
        words = iter(shlex.split(command.replace("\\\n", " ").partition(" | ")[0]))
        assert next(words) == "curl"
        # curl names this content type unless told otherwise; several documented examples rely on it
        method, address, body, headers = "GET", None, None, {"Content-Type": "application/x-www-form-urlencoded"}
        for word in words:
            if word in ("-X", "--request"):
                method = next(words)
            elif word in ("-H", "--header"):
                given = next(words).replace("$SANDBOX_KEY", f"X-Sandbox-Key: {self._sandbox.control_key}")
                name, _, value = given.partition(":")
                headers[name] = value.strip()
            elif word in ("-d", "--data"):
                body = next(words).encode()
            elif word == "--url":
                address = next(words)
            elif word != "-s":
                address = word
        assert address.startswith(host), address
        return self._session.request(
            method, self._sandbox.url + address.removeprefix(host), data=body, headers=headers, timeout=30
        )


@pytest.fixture(scope="session")
def shared_sandbox():
    with Sandbox(do_not_disturb=["+14155550199"]) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(shared_sandbox):
    shared_sandbox.reset()
    return shared_sandbox


@pytest.fixture
def client(sandbox):
    return Client(sandbox)


@pytest.fixture
def client_of():
    return Client


@pytest.fixture
def in_background():
    """Start something in a thread; its result is a future."""
    with ThreadPoolExecutor(max_workers=32) as pool:
        yield pool.submit
