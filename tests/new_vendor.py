"""Run by ``test_adding_a_vendor``, in a process of its own: the package there has the vendor of the page in it."""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from task_context import task_context

import airflow_provider_callkaro
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.get_provider_info import get_provider_info
from airflow_provider_callkaro.hooks.callkaro import CallKaroHook
from airflow_provider_callkaro.sandbox import Sandbox
from airflow_provider_callkaro.vendors.hosts import owner_of


def fan_out(rows: list[dict[str, Any]], *, ledger: str, try_number: int) -> dict[str, Any]:
    context = task_context()
    context["ti"].try_number = try_number
    ringer = import_module("airflow_provider_callkaro.operators.ringer")  # there is none but in the copy
    operator = ringer.RingerFanOutCallsOperator(task_id="calls", contacts=rows, agent_id="asha", ledger_conn_id=ledger)
    return operator.execute(context)


def rung_in_the_sandbox(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """What becomes of a list when every fifth answer of the stand-in is lost."""
    with Sandbox() as sandbox:
        os.environ["AIRFLOW_CONN_RINGER_DEFAULT"] = sandbox.airflow_connections["ringer_default"]
        sandbox.fault("drop_answer_after_accepting", path="POST /v1/rings", every=5)
        summaries = [fan_out(rows, ledger="sandbox_ledger", try_number=number) for number in (1, 2)]
        return {"summaries": summaries, "rings": sandbox.rings_per_number()}


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
        "info": get_provider_info(),
        "owner": owner_of("api.ringer.example", vendor="CallKaro"),
        "refusal": refusal,
    }
    print("FOUND " + json.dumps(found))


if __name__ == "__main__":
    main(json.load(sys.stdin))
