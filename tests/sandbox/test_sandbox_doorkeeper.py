"""Who steers the sandbox: whoever started it, and no web page that is open in a browser beside it."""

from __future__ import annotations

import socket

import pytest
import requests

from airflow_provider_callkaro.sandbox import Sandbox

CALL = {"to_number": "+14155550100", "agent_id": "agent", "metadata": {"name": "Asha"}}
CONTROLS = [
    ("GET", "/_sandbox/calls"),
    ("GET", "/_sandbox/campaigns"),
    ("GET", "/_sandbox/faults"),
    ("POST", "/_sandbox/faults"),
    ("PUT", "/_sandbox/faults"),
    ("DELETE", "/_sandbox/faults"),
    ("POST", "/_sandbox/release"),
    ("POST", "/_sandbox/reset"),
    ("GET", "/_sandbox/nothing"),
]
PAGES = [
    {"Host": "rebound.evil.example"},
    {"Host": "rebound.evil.example:8900"},
    {"Host": "127.0.0.1.evil.example"},
    {"Host": "localhost.evil.example:1"},
    {"Host": "127.0.0.1@evil.example"},
    {"Host": "[::1"},
    {"Host": "10.0.0.1"},
    {"Origin": "https://evil.example"},
    {"Origin": "http://127.0.0.1"},  # another port of this machine is somebody else's
    {"Origin": "null"},
    {"Origin": ""},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
]


@pytest.fixture
def ask(sandbox):
    def ask(method, path, *, key=True, **options):
        headers = options.pop("headers", {})
        if key:
            headers = {"X-Sandbox-Key": sandbox.control_key, "X-API-KEY": sandbox.api_key, **headers}
        return requests.request(method, sandbox.url + path, headers=headers, timeout=30, **options)

    return ask


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_a_web_page_is_refused_whatever_it_knows(sandbox, ask, page):
    for method, path in [*CONTROLS, ("GET", "/_sandbox/health"), ("POST", "/call/outbound")]:
        answer = ask(method, path, headers=dict(page), json=CALL)
        assert answer.status_code == 403, (method, path)
        assert "access-control-allow-origin" not in answer.headers
    assert sandbox.requests == []


@pytest.mark.parametrize(("method", "path"), CONTROLS)
@pytest.mark.parametrize("key", [None, "", "sandbox", "é", "the right one "])
def test_the_controls_open_to_their_key_alone(sandbox, client, ask, method, path, key):
    client.call(**{name: value for name, value in CALL.items() if name != "agent_id"})
    given = {} if key is None else {"X-Sandbox-Key": key.replace("the right one ", sandbox.control_key + "x").encode()}
    answer = ask(method, path, key=False, headers=given, json={"kind": "throttled"})
    assert answer.status_code == 401
    assert "X-Sandbox-Key is missing or wrong" in answer.json()["message"]
    assert CALL["to_number"] not in answer.text
    assert len(sandbox.rings) == 1
    assert client.call("+14155550101").status_code == 200  # no fault is on


def test_programs_on_this_machine_need_nothing_but_the_key(sandbox, ask):
    port = sandbox.url.rpartition(":")[2]
    for host in ("127.0.0.1", f"127.0.0.1:{port}", f"localhost:{port}", f"[::1]:{port}", "LOCALHOST"):
        assert ask("GET", "/_sandbox/calls", headers={"Host": host}).status_code == 200
    own = {"Origin": sandbox.url, "Sec-Fetch-Site": "same-origin"}
    assert ask("GET", "/_sandbox/calls", headers=own).status_code == 200
    assert ask("GET", "/_sandbox/health", key=False).status_code == 200


def test_a_request_that_names_no_host_is_refused(sandbox):
    with socket.create_connection(("127.0.0.1", int(sandbox.url.rpartition(":")[2])), timeout=30) as connection:
        connection.sendall(b"GET /_sandbox/health HTTP/1.0\r\n\r\n")
        assert b" 403 " in connection.recv(65_536)


def test_each_sandbox_has_a_key_of_its_own_unless_it_is_given_one():
    assert Sandbox().control_key != Sandbox().control_key
    assert Sandbox(control_key="given").control_key == "given"
    for wrong in ("", "é", "two\nlines"):
        with pytest.raises(ValueError, match="control_key must be printable ASCII"):
            Sandbox(control_key=wrong)


def test_in_a_container_it_may_be_addressed_by_any_name_but_still_by_no_page():
    with Sandbox(allow_any_host=True) as sandbox:

        def ask(**headers):
            return requests.get(sandbox.url + "/_sandbox/calls", headers=headers, timeout=30).status_code

        assert ask(Host="sandbox:8900") == 401
        assert ask(Host="sandbox:8900", **{"X-Sandbox-Key": sandbox.control_key}) == 200
        assert ask(Origin="https://evil.example", **{"X-Sandbox-Key": sandbox.control_key}) == 403
