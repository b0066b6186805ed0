"""The page on adding a vendor shows a whole vendor: it is taken from there, and rings phones at a server of its own."""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from task_context import task_context

PAGE = Path(__file__).parents[1] / "docs" / "adding-a-vendor.md"
LOST = "+919876500007"  # whose answer never comes


class RingerServer(BaseHTTPRequestHandler):
    """Rings whomever it is told to, and names the ring; one answer gets lost."""

    protocol_version = "HTTP/1.1"
    asked: list[dict[str, Any]]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append({"path": self.path, "key": self.headers["Authorization"], **body})
        if body["to"] == LOST:
            self.close_connection = True
            return
        answer = json.dumps({"ring_id": f"ring-{len(self.asked)}"}).encode()
        self.send_response(201)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """What a Ringer on this machine is asked for; the connection ``ringer_default`` points at it."""
    handler = type("Handler", (RingerServer,), {"asked": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        connection = {"conn_type": "ringer", "host": f"http://127.0.0.1:{server.server_port}", "password": "key"}
        monkeypatch.setenv("AIRFLOW_CONN_RINGER_DEFAULT", json.dumps(connection))
        yield handler.asked
        server.shutdown()


@pytest.fixture
def ringer(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The vendor of the page, as one module."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    module = ModuleType("ringer")
    monkeypatch.setitem(__import__("sys").modules, "ringer", module)
    exec(compile("\n".join(blocks), str(PAGE), "exec"), module.__dict__)
    return module


def test_the_vendor_of_the_page_keeps_every_promise(asked, ringer, tmp_path, monkeypatch) -> None:
    rows = [{"to_number": f"+9198765{row:05d}", "whisper": "hello", "facts": {"city": "Pune"}} for row in range(12)]
    rows += [rows[3], {"to_number": "nobody"}]
    ledger = json.dumps({"conn_type": "sqlite", "host": str(tmp_path / "ledger.db")})
    monkeypatch.setenv("AIRFLOW_CONN_CALL_LEDGER", ledger)
    context = task_context()

    def run(try_number: int) -> dict[str, Any]:
        context["ti"].try_number = try_number
        operator = ringer.RingerFanOutCallsOperator(
            task_id="calls", contacts=rows, agent_id="asha", ledger_conn_id="call_ledger"
        )
        return operator.execute(context)

    first, second = run(1), run(2)
    assert first == second
    assert (first["accepted"], first["unknown"], first["rejected"], first["skipped"]) == (11, 1, 1, 1)
    assert Counter(one["to"] for one in asked) == {row["to_number"]: 1 for row in rows[:12]}
    assert all(one["path"] == "/v1/rings" and one["key"] == "Bearer key" for one in asked)
    assert asked[0]["facts"] == {"city": "Pune"}
    assert asked[0]["whisper"] == "hello"
