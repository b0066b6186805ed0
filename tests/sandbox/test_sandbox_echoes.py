"""A vendor that repeats everything it was sent: what a client must not keep has to be there to be kept."""

from __future__ import annotations

import base64
from urllib.parse import quote

import pytest

AGENT = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
PEOPLE = {
    "/call/outbound": {"to_number": "+12025550177", "agent_id": AGENT, "metadata": {"name": "Asha"}},
    "/campaigns": {
        "agent_id": AGENT,
        "name": "May",
        "targets": [{"to_number": "+12025550177", "context": {"name": "Asha"}}],
    },
    "/api/v1/bulk_call_campaigns": {
        "name": "May",
        "agent_id": 42,
        "contacts": [{"phone_e164": "+12025550177", "first_name": "Asha"}],
    },
}


def ask(client, path):
    headers = {"X-API-KEY": "sandbox", "Authorization": "Bearer sandbox"}
    return client.control("POST", path, headers=headers, json=PEOPLE[path])


@pytest.mark.parametrize("path", PEOPLE)
@pytest.mark.parametrize("status", [400, 422, 500])
def test_a_refusal_repeats_key_number_and_name(sandbox, client, path, status):
    sandbox.fault("echo_before_accepting", path=path if "bulk" not in path else f"POST {path}", status=status)
    answer = ask(client, path)
    assert (answer.status_code, sandbox.rings) == (status, [])
    for planted in ("sandbox", "+12025550177", "Asha", quote('"Asha"'), base64.b64encode(b"sandbox Bearer ").decode()):
        assert planted in answer.text
    assert "12025550177" in answer.headers["X-Request-Id"]


@pytest.mark.parametrize(("path", "name"), [("/call/outbound", "call_id"), ("/campaigns", "campaign_id")])
def test_a_success_repeats_them_in_its_id_and_the_phone_rings(sandbox, client, path, name):
    sandbox.fault("echo_after_accepting", path=path)
    answer = ask(client, path)
    assert answer.ok
    assert list(sandbox.rings_per_number()) == ["+12025550177"]
    for planted in ("12025550177", "Asha", "sandbox"):
        assert planted in answer.json()[name]
