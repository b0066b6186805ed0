"""Run by ``test_adding_a_vendor``, in a process of its own: the package there has the vendor of the page in it."""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

from airflow.providers.common.compat.sdk import TaskDeferred
from task_context import task_context

import airflow_provider_callkaro
from airflow_provider_callkaro.calls.call import Call
from airflow_provider_callkaro.calls.policy import CallingPolicy
from airflow_provider_callkaro.exceptions import ConfigurationError, VendorError
from airflow_provider_callkaro.get_provider_info import get_provider_info
from airflow_provider_callkaro.hooks.callkaro import CallKaroHook
from airflow_provider_callkaro.sandbox import Sandbox
from airflow_provider_callkaro.vendors.http import Response
from airflow_provider_callkaro.vendors.known import owner_of


def fan_out(rows: list[dict[str, Any]], *, ledger: str, try_number: int, **arguments: Any) -> dict[str, Any]:
    context = task_context()
    context["ti"].try_number = try_number
    ringer = import_module("airflow_provider_callkaro.operators.ringer")  # there is none but in the copy
    operator = ringer.RingerFanOutCallsOperator(
        task_id="calls", contacts=rows, agent_id="asha", ledger_conn_id=ledger, **arguments
    )
    return operator.execute(context)


def rung_in_the_sandbox(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """What becomes of a list when every fifth answer of the stand-in is lost."""
    with Sandbox() as sandbox:
        os.environ["AIRFLOW_CONN_RINGER_DEFAULT"] = sandbox.airflow_connections["ringer_default"]
        sandbox.fault("drop_answer_after_accepting", path="POST /v1/rings", every=5)
        summaries = [fan_out(rows, ledger="sandbox_ledger", try_number=number) for number in (1, 2)]
        rings = sandbox.rings_per_number()
        tests = [button_test(sandbox.airflow_connections["ringer_default"], **key) for key in ({}, {"password": "no"})]
    return {"summaries": summaries, "rings": rings, "tests": tests, "rung_by_policy": rung_by_policy(rows[:2])}


def button_test(connection: str, **changes: str) -> tuple[bool, str]:
    """What the button of the connection form says."""
    os.environ["AIRFLOW_CONN_RINGER_OTHER"] = json.dumps(json.loads(connection) | changes)
    ringer = import_module("airflow_provider_callkaro.hooks.ringer")
    answer: tuple[bool, str] = ringer.RingerHook("ringer_other").test_connection()
    return answer


def rung_by_policy(rows: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Whom two policies let the stand-in ring: one is closed these days, one suppresses the first person."""
    today = datetime.now(UTC).date()
    closed = CallingPolicy(timezone="UTC", closed_dates=[today + timedelta(days=day) for day in (-1, 0, 1)])
    suppressing = CallingPolicy(timezone="UTC", suppress=[rows[0]["to_number"]])
    rung = {}
    for name, policy in {"closed": closed, "suppressed": suppressing}.items():
        with Sandbox() as sandbox:
            os.environ["AIRFLOW_CONN_RINGER_DEFAULT"] = sandbox.airflow_connections["ringer_default"]
            with suppress(TaskDeferred):
                fan_out(rows, ledger=f"{name}_ledger", try_number=1, policy=policy)
            rung[name] = sorted(sandbox.rings_per_number())
    return rung


def refusals() -> dict[int, tuple[str, str]]:
    """The errors of two answers that place no call for certain: the first repeats the request, the second has an id."""
    ringer = import_module("airflow_provider_callkaro.vendors.ringer.api").Ringer()
    call = Call(to_number="+919876500001", agent_id="brisk-baritone", extra={"whisper": "Raghavan"})
    answers = {400: {"message": "brisk-baritone does not know Raghavan"}, 409: {"ring_id": "ring-7"}}
    errors = {}
    for status, body in answers.items():
        try:
            ringer.read_placed_call(Response(status, json.dumps(body).encode(), {}, ringer.place_call(call)))
        except VendorError as error:
            errors[status] = (type(error).__name__, str(error))
    return errors


def main(rows: list[dict[str, Any]]) -> None:
    from airflow.models.connection import Connection

    assert Path(airflow_provider_callkaro.__file__).is_relative_to(os.environ["PACKAGE_WITH_RINGER"])
    at_the_server = [fan_out(rows, ledger="server_ledger", try_number=number) for number in (1, 2)]
    strange = Connection(conn_id="c", conn_type="callkaro", password="key", host="https://api.ringer.example")
    try:
        CallKaroHook()._checked(strange)
        refusal = ""
    except ConfigurationError as error:
        refusal = str(error)
    found = {
        "at_the_server": at_the_server,
        "in_the_sandbox": rung_in_the_sandbox(rows),
        "refusals": refusals(),
        "info": get_provider_info(),
        "owner": owner_of("api.ringer.example", vendor="CallKaro"),
        "refusal": refusal,
    }
    print("FOUND " + json.dumps(found))


if __name__ == "__main__":
    main(json.load(sys.stdin))
