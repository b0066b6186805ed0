"""How a sandbox ends: when it is asked to, not when it next looks at its clock."""

from __future__ import annotations

import threading

import pytest
import requests

from airflow_provider_callkaro.sandbox import Sandbox, serving

PATIENCE = 60.0  # seconds; an end takes milliseconds


@pytest.mark.parametrize("asked_anything", [False, True])
def test_a_sandbox_ends_without_a_look_at_its_clock(monkeypatch: pytest.MonkeyPatch, asked_anything: bool) -> None:
    monkeypatch.setattr(serving, "TICK_SECONDS", 3600.0)
    sandbox = Sandbox()
    sandbox.start()
    with requests.Session() as keeps_its_connection:
        if asked_anything:
            keeps_its_connection.get(
                f"{sandbox.url}/_sandbox/faults", headers=sandbox.control_headers, timeout=PATIENCE
            )
        ending = threading.Thread(target=sandbox.stop, daemon=True)
        ending.start()
        ending.join(PATIENCE)
        assert not ending.is_alive()
        with pytest.raises(requests.ConnectionError):
            requests.get(sandbox.url, timeout=PATIENCE)
