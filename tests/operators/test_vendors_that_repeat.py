"""Vendors that repeat whatever they are sent: nothing of it is in an error, a log, an XCom, a report or a ledger."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import sqlite3
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote

import pytest
from airflow_task_state import TaskStateInMemory
from task_context import task_context

from airflow_provider_callkaro.operators.callaro import (
    CallaroCloneCampaignOperator,
    CallaroContactImportOperator,
    CallaroCreateCampaignOperator,
    CallaroExportResultsOperator,
    CallaroImportContactsOperator,
    CallaroLaunchCampaignOperator,
    CallaroUpdateCampaignOperator,
)
from airflow_provider_callkaro.operators.callkaro import (
    CallKaroCreateCampaignOperator,
    CallKaroDeleteScheduledCallOperator,
    CallKaroFanOutCallsOperator,
    CallKaroOutboundCallOperator,
)
from airflow_provider_callkaro.operators.mrassistant import (
    MrAssistantConfigureOutboundOperator,
    MrAssistantCreateCampaignOperator,
    MrAssistantEndCallOperator,
    MrAssistantOutboundCallOperator,
    MrAssistantTransferCallOperator,
)
from airflow_provider_callkaro.sensors.callaro import CallaroCampaignSensor
from airflow_provider_callkaro.sensors.mrassistant import MrAssistantCallSensor
from airflow_provider_callkaro.triggers.status import StatusTrigger

NUMBER = "+919876543210"
NAME = "Asha Raghavan"
KEY = "ck_live_9f8a7b6c5d4e3f2a1b0c"
ROW = {"to_number": NUMBER, "name": NAME}
AGENT = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
SPELLINGS = {
    "as it is": str,
    "in capitals": str.upper,
    "in a URL": quote,
    "with spaces between": " ".join,
    "in base64": lambda text: base64.b64encode(text.encode()).decode(),
}


class Echo:
    """A vendor that repeats the key, the number and the name, as far as the request holds them.

    :ivar status: of its answers.
    :ivar spell: how it spells what it repeats.
    """

    status = 400
    spell = staticmethod(str)

    def answer(self, handler):
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0)).decode()
        sent = [each for each in (NUMBER, NAME) if each in body]
        said = " ".join(map(self.spell, [KEY, *sent]))
        name = "Asha" if NAME in sent else "bad"
        if self.status < 300:
            fields = dict.fromkeys(("message", "name", "status", "state", "request_id"), said)
            call_id = f"c-{NUMBER}-1" if NUMBER in sent else "c-1"
            answer = {**fields, "call_sid": call_id, "campaign_id": call_id, "batch_id": f"b-{KEY}", "id": 7}
        elif self.status == 422:
            detail = [{"loc": ["body", name, said], "type": name, "msg": said, "input": said}]
            answer = {"error": said, "error_code": name, "detail": detail, "details": {name: said, said: 1}}
        else:
            answer = {"message": said, "error_code": name, "errors": {name: [said], said: said}, "request_id": said}
        return json.dumps(answer).encode(), {"x-request-id": quote(said)[:90]}


@pytest.fixture
def echo(monkeypatch, tmp_path):
    vendor = Echo()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            body, headers = vendor.answer(self)
            self.send_response(vendor.status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_PATCH = do_PUT = do_DELETE = do_GET  # noqa: N815

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    for kind in ("callkaro", "callaro", "mrassistant"):
        connection = {"conn_type": kind, "host": url, "password": KEY}
        monkeypatch.setenv(f"AIRFLOW_CONN_{kind.upper()}_DEFAULT", json.dumps(connection))
    ledger = json.dumps({"conn_type": "sqlite", "host": str(tmp_path / "ledger.db")})
    monkeypatch.setenv("AIRFLOW_CONN_CALL_LEDGER", ledger)
    yield vendor
    server.shutdown()
    server.server_close()


def fan_out(folder):
    return CallKaroFanOutCallsOperator(
        task_id="t", contacts=[ROW], agent_id="a", on_none_accepted="warn", report_path=str(folder / "report.csv")
    )


def fan_out_with_a_ledger(folder):
    return CallKaroFanOutCallsOperator(
        task_id="t", contacts=[ROW], agent_id="a", ledger_conn_id="call_ledger", ledger_scope="s"
    )


def contacts(folder):
    path = folder / "people.csv"
    path.write_text(f"phone,name\n{NUMBER},{NAME}\n")
    return CallaroImportContactsOperator(task_id="t", path=str(path), column_mapping={"phone": "phone_e164"})


FIELDS = {"contacts": [{"phone_e164": NUMBER, "first_name": NAME}]}
PEOPLE = [{"phone_number": NUMBER, "display_name": NAME}]
TASKS = {
    "fan-out": fan_out,
    "fan-out with a ledger": fan_out_with_a_ledger,
    "call": lambda _: CallKaroOutboundCallOperator(
        task_id="t", to_number=NUMBER, agent_id="a", metadata={"name": NAME}
    ),
    "campaign": lambda _: CallKaroCreateCampaignOperator(task_id="t", name="Renewals"),
    "deletion": lambda _: CallKaroDeleteScheduledCallOperator(task_id="t", to_number=NUMBER, agent_id="a"),
    "MrAssistant call": lambda _: MrAssistantOutboundCallOperator(
        task_id="t", to_number=NUMBER, agent_id=AGENT, context={"name": NAME}
    ),
    "MrAssistant campaign": lambda folder: MrAssistantCreateCampaignOperator(
        task_id="t", name="Renewals", contacts=[ROW], agent_id=AGENT, report_path=str(folder / "report.csv")
    ),
    "MrAssistant transfer": lambda _: MrAssistantTransferCallOperator(
        task_id="t", call_id="c-1", transfer_to=f"tel:{NUMBER}"
    ),
    "MrAssistant end": lambda _: MrAssistantEndCallOperator(task_id="t", call_id="c-1"),
    "MrAssistant hours": lambda _: MrAssistantConfigureOutboundOperator(
        task_id="t", agent_id=AGENT, phone_numbers=PEOPLE
    ),
    "MrAssistant sensor": lambda _: MrAssistantCallSensor(task_id="t", call_id="c-1", timeout=1, poke_interval=0.01),
    "Callaro campaign": lambda _: CallaroCreateCampaignOperator(task_id="t", name="Renewals", extra_fields=FIELDS),
    "Callaro update": lambda _: CallaroUpdateCampaignOperator(task_id="t", campaign_id=7, fields=FIELDS),
    "Callaro clone": lambda _: CallaroCloneCampaignOperator(
        task_id="t", campaign_id=7, name="Again", extra_fields=FIELDS
    ),
    "Callaro launch": lambda _: CallaroLaunchCampaignOperator(task_id="t", campaign_id=7),
    "Callaro import": contacts,
    "Callaro import's state": lambda _: CallaroContactImportOperator(task_id="t", import_id=7),
    "Callaro export": lambda folder: CallaroExportResultsOperator(
        task_id="t", campaign_id=7, path=str(folder / "results.csv")
    ),
    "Callaro sensor": lambda _: CallaroCampaignSensor(task_id="t", campaign_id=7, timeout=1, poke_interval=0.01),
}


def kept_of(task, folder, caplog, capsys):
    """Everything that a task leaves behind, by the place where it stands."""
    store = TaskStateInMemory()
    context = task_context(store=store)
    error = result = None
    try:
        result = task.execute(context)
    except Exception as caught:
        error = caught
    said = []
    while error is not None:
        said.append(f"{error!r} {error} {vars(error)}")
        error = error.__cause__ or error.__context__
    written = capsys.readouterr()
    kept = {
        "errors": "\n".join(said),
        "XComs": f"{result} {context['ti'].xcoms}",
        "log": caplog.text + written.out + written.err,
        "task state": json.dumps(store.texts),
    }
    if (report := folder / "report.csv").exists():
        kept["report"] = report.read_text()
    if (ledger := folder / "ledger.db").exists():
        with sqlite3.connect(ledger) as database:
            kept["ledger"] = str(database.execute("select call_id, reason, detail from voice_call_ledger").fetchall())
    return kept


def plain(text):
    return re.sub(r"[\W_]", "", text).casefold()


def leaks(kept):
    """What of the key, the number and the name is there, and where."""
    secrets = [KEY, KEY[:14], KEY[14:], NUMBER[1:], NUMBER[3:], "Asha", "Raghavan"]
    secrets += [base64.b64encode(secret.encode()).decode().rstrip("=")[:-1] for secret in (KEY, NUMBER, NAME)]
    return [(where, secret) for where, text in kept.items() for secret in secrets if plain(secret) in plain(text)]


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize("task", TASKS)
def test_what_a_refusal_repeats_is_kept_nowhere(echo, task, status, tmp_path, caplog, capsys):
    caplog.set_level("DEBUG", logger="airflow_provider_callkaro")
    echo.status = status
    assert leaks(kept_of(TASKS[task](tmp_path), tmp_path, caplog, capsys)) == []


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("task", ["fan-out with a ledger", "MrAssistant campaign", "Callaro update"])
def test_no_spelling_of_it_is_kept(echo, task, spelling, tmp_path, caplog, capsys):
    echo.spell = SPELLINGS[spelling]
    kept = kept_of(TASKS[task](tmp_path), tmp_path, caplog, capsys)
    assert "•••" in "".join(kept.values())
    assert leaks(kept) == []


@pytest.mark.parametrize("status", [401, 500])
@pytest.mark.parametrize(
    "task", ["fan-out", "fan-out with a ledger", "call", "MrAssistant call", "MrAssistant campaign"]
)
def test_what_a_failure_repeats_is_kept_nowhere(echo, task, status, tmp_path, caplog, capsys):
    echo.status = status
    assert leaks(kept_of(TASKS[task](tmp_path), tmp_path, caplog, capsys)) == []


@pytest.mark.parametrize(
    "task", [name for name in TASKS if not re.search("sensor|export|hours|end|deletion|clone", name)]
)
def test_what_a_yes_repeats_is_kept_nowhere(echo, task, tmp_path, caplog, capsys):
    echo.status = 200
    assert leaks(kept_of(TASKS[task](tmp_path), tmp_path, caplog, capsys)) == []


@pytest.mark.parametrize("hook", ["callaro.CallaroHook", "mrassistant.MrAssistantHook"])
def test_a_trigger_tells_the_scheduler_nothing_of_it(echo, hook, caplog, capsys):
    conn_id = f"{hook.partition('.')[0]}_default"

    async def first_event():
        trigger = StatusTrigger(
            hook=f"airflow_provider_callkaro.hooks.{hook}",
            conn_id=conn_id,
            subject="7",
            statuses=["completed"],
            poll_interval=0.01,
        )
        return await anext(trigger.run())

    echo.status = 401
    event = asyncio.run(first_event())
    written = capsys.readouterr()
    assert "error" in event.payload
    assert leaks({"event": f"{event!r} {event.payload}", "log": caplog.text + written.out + written.err}) == []


def test_a_connection_may_keep_reason_codes_alone(echo, monkeypatch, tmp_path, caplog, capsys):
    import os

    for kind in ("CALLKARO", "CALLARO", "MRASSISTANT"):
        name = f"AIRFLOW_CONN_{kind}_DEFAULT"
        connection = {**json.loads(os.environ[name]), "extra": {"vendor_messages": False}}
        monkeypatch.setenv(name, json.dumps(connection))
    echo.spell = lambda text: "the plan is exhausted"
    for task in ("fan-out", "MrAssistant campaign", "Callaro campaign", "Callaro export"):
        kept = kept_of(TASKS[task](tmp_path), tmp_path, caplog, capsys)
        assert "exhausted" not in "".join(kept.values())
        assert "rejected" in "".join(kept.values())
