"""The page on adding a vendor shows a whole vendor: it is put into a copy of the package, and rings phones there."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import airflow_provider_callkaro

PAGE = Path(__file__).parents[1] / "docs" / "adding-a-vendor.md"
CHILD = Path(__file__).parent / "new_vendor.py"
PACKAGE = Path(airflow_provider_callkaro.__file__).parent
LOST = "+919876500007"  # whose answer never comes
ROWS = [{"to_number": f"+9198765{row:05d}", "whisper": "hello", "facts": {"city": "Pune"}} for row in range(12)]


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


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package with the vendor of the page: its own folders, and a line in two lists."""
    root = tmp_path_factory.mktemp("package")
    copy = root / PACKAGE.name
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    before = {path: path.read_text() for path in copy.rglob("*.py")}
    page = PAGE.read_text()
    for name, code in re.findall(r"```python\n# (\S+)\n(.*?)```", page, re.DOTALL):
        path = (root if name.startswith("tests/") else copy) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        assert not path.exists()
        path.write_text(code)
    for name, change in re.findall(r"```diff\n # (\S+)\n(.*?)```", page, re.DOTALL):
        apply(change, copy / name)
    changed = {str(path.relative_to(copy)) for path, text in before.items() if path.read_text() != text}
    assert changed == {"vendors/known.py", "sandbox/known.py"}
    assert {path.parent.name for path in copy.rglob("*.py") if path not in before} == {"ringer"}
    return root


def apply(change: str, path: Path) -> None:
    """Add the lines of a change to a file: what is imported before its imports, the rest at the end of the list.

    :param change: the added lines, between the first line of the list and its last.
    """
    lines = [line for line in change.splitlines() if line]
    imports = "".join(f"{line[1:]}\n" for line in lines if line.startswith("+from "))
    added = "".join(f"{line[1:]}\n" for line in lines if line.startswith("+    "))
    first, *others, last = (line[1:] for line in lines if line.startswith(" "))
    assert others == ["    …"], "the page shows the other vendors of the list"
    text = path.read_text()
    assert f"\n{first}\n" in text, f"the page shows {path.name} as it no longer is"
    end = text.index(f"\n{last}\n", text.index(f"\n{first}\n")) + 1
    start = text.index("\nfrom airflow_provider_callkaro") + 1
    path.write_text(text[:start] + imports + text[start:end] + added + text[end:])


@pytest.fixture(scope="module")
def asked() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The address of a Ringer on this machine, and what it is asked for."""
    handler = type("Handler", (RingerServer,), {"asked": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", handler.asked
        server.shutdown()


@pytest.fixture(scope="module")
def found(package: Path, asked: tuple[str, list[dict[str, Any]]], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the package with the vendor does, in a process of its own."""
    folder = tmp_path_factory.mktemp("ledgers")
    environ = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(package), str(CHILD.parent)]),
        "PACKAGE_WITH_RINGER": str(package),
        "AIRFLOW_CONN_RINGER_DEFAULT": json.dumps({"conn_type": "ringer", "host": asked[0], "password": "key"}),
    }
    for name in ("server_ledger", "sandbox_ledger", "closed_ledger", "suppressed_ledger"):
        environ[f"AIRFLOW_CONN_{name.upper()}"] = json.dumps({"conn_type": "sqlite", "host": str(folder / name)})
    rows = [*ROWS, ROWS[3], {"to_number": "nobody"}]
    done = subprocess.run(
        [sys.executable, str(CHILD)], input=json.dumps(rows), env=environ, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("FOUND ")]
    return json.loads(lines[0].removeprefix("FOUND "))


def test_the_vendor_of_the_page_keeps_every_promise(found, asked) -> None:
    first, second = found["at_the_server"]
    asked = asked[1]
    assert first == second
    assert (first["accepted"], first["unknown"], first["rejected"], first["skipped"]) == (11, 1, 1, 1)
    assert Counter(one["to"] for one in asked) == {row["to_number"]: 1 for row in ROWS}
    assert all(one["path"] == "/v1/rings" and one["key"] == "Bearer key" for one in asked)
    assert asked[0]["facts"].keys() == {"city", "call_reference"}
    assert asked[0]["facts"]["city"] == "Pune"
    assert asked[0]["whisper"] == "hello"


def test_its_stand_in_loses_answers_and_nobody_is_rung_twice(found) -> None:
    first, second = found["in_the_sandbox"]["summaries"]
    assert first == second
    assert (first["accepted"], first["unknown"], first["rejected"], first["skipped"]) == (10, 2, 1, 1)
    assert found["in_the_sandbox"]["rings"] == {row["to_number"]: 1 for row in ROWS}


def test_the_test_of_the_page_is_green(package) -> None:
    [test] = (package / "tests").rglob("test_*.py")
    environ = os.environ | {"PYTHONPATH": os.pathsep.join([str(package), str(CHILD.parent)])}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(package), str(test)]
    done = subprocess.run(command, cwd=package, env=environ, capture_output=True, text=True, timeout=300)
    assert "1 passed" in done.stdout, done.stdout


def test_the_button_test_says_no_to_a_wrong_key(found) -> None:
    right, wrong = found["in_the_sandbox"]["tests"]
    assert right == [True, "The host answers, and takes the API key. Nobody was rung."]
    assert wrong[0] is False
    assert "401" in wrong[1]


def test_nobody_is_rung_in_closed_hours_or_against_their_wish(found) -> None:
    assert found["in_the_sandbox"]["rung_by_policy"] == {"closed": [], "suppressed": [ROWS[1]["to_number"]]}


def test_its_errors_hide_a_name_and_leave_open_what_may_have_rung(found) -> None:
    assert found["refusals"]["400"] == [
        "Rejected",
        "Ringer rejected the request (400): brisk-baritone does not know •••",
    ]
    assert found["refusals"]["409"][0] == "OutcomeUnknown"


def test_a_line_in_the_list_is_all_that_airflow_and_the_other_vendors_need(found) -> None:
    [shown] = [entry for entry in found["info"]["connection-types"] if entry["connection-type"] == "ringer"]
    assert shown["hook-class-name"] == "airflow_provider_callkaro.hooks.ringer.RingerHook"
    assert {"agent_id", "ca_bundle", "vendor_messages"} <= set(shown["conn-fields"])
    named = [entry["python-modules"] for entry in found["info"]["operators"] if entry["integration-name"] == "Ringer"]
    assert named == [["airflow_provider_callkaro.operators.ringer"]]
    assert found["owner"] == "Ringer"
    assert "Ringer" in found["refusal"]
