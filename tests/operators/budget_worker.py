"""Task processes for the tests of a shared budget: each is a fork that runs one try of one fan-out, and can be killed.

Run as ``python budget_worker.py``. It imports all of Airflow once, prints "ready", and then reads one JSON object per
line: the arguments of `run_task`. For each it forks a process and prints ``{"pid": …}``. A task that comes to its end
prints ``{"ended": name, …}``.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import time
from typing import Any

import sqlalchemy  # noqa: F401 - imported before the forks, as what follows
import uvloop  # noqa: F401
from fanning_out import context_of, people

from airflow_provider_callkaro.budgets import keeper  # noqa: F401
from airflow_provider_callkaro.operators.callkaro import CallKaroFanOutCallsOperator
from airflow_provider_callkaro.transport import asynchronous  # noqa: F401


def run_task(
    *,
    name: str,
    dag_id: str,
    first: int,
    rows: int,
    part: int = -1,
    try_number: int = 1,
    ledger: str | None = None,
    **arguments: Any,
) -> dict[str, Any]:
    """One try of a fan-out over some people. ``name``: of the task process, for the test. ``first``: the number of the
    first person. ``part``: the task's map_index."""
    context = context_of(f"scheduled__{dag_id}", try_number=try_number, map_index=part)
    context["ti"].dag_id = dag_id
    operator = CallKaroFanOutCallsOperator(
        task_id="calls",
        contacts=people(rows, start=first),
        agent_id="asha",
        ledger_conn_id=ledger,
        ledger_scope=None if ledger is None else dag_id,
        **arguments,
    )
    began = time.time()
    try:
        return {"ended": name, "began": began, "summary": operator.execute(context)}
    except Exception as error:
        return {"ended": name, "began": began, "error": str(error), "summary": context["ti"].xcoms.get("return_value")}


def main() -> None:
    told = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # Airflow logs to standard output
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(process)d %(created).3f %(message)s")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    print("ready", file=told, flush=True)
    for line in sys.stdin:
        pid = os.fork()
        if pid:
            print(json.dumps({"pid": pid}), file=told, flush=True)
            continue
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        try:
            print(json.dumps(run_task(**json.loads(line))), file=told, flush=True)
        finally:
            os._exit(0)


if __name__ == "__main__":
    main()
