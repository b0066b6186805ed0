"""A fan-out whose process is killed with SIGKILL at a step of its first try, as the run's conf says.

conf: ``callkaro`` and ``ledger`` (connection ids; an empty ledger means the task's own state), ``scope``, ``rows``,
``step`` (``after_claim``, ``before_settle``, ``after_settle``, or ``none``) and ``turn`` (at which of these it
happens, from 1).
"""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_callkaro.operators.callkaro import CallKaroFanOutCallsOperator


class KillingLedger:
    """A real ledger; at one step it kills its own process, which no `finally` survives."""

    def __init__(self, ledger: Any, *, step: str, turn: int) -> None:
        self._ledger = ledger
        self._step = step
        self._turns_left = turn

    def __enter__(self) -> KillingLedger:
        self._ledger.__enter__()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._ledger.__exit__(*exc_info)

    def state_of(self, keys: Any) -> Any:
        return self._ledger.state_of(keys)

    def commit(self, *, settle: Any = (), claim: Any = ()) -> Any:
        self._kill_at("before_settle", settle)
        lost = self._ledger.commit(settle=settle, claim=claim)
        self._kill_at("after_claim", claim)
        self._kill_at("after_settle", settle)
        return lost

    def _kill_at(self, step: str, work: Any) -> None:
        if step != self._step or not work:
            return
        self._turns_left -= 1
        if self._turns_left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


class KilledFanOut(CallKaroFanOutCallsOperator):
    """The real operator, with a ledger that kills the first try."""

    def render_template_fields(self, context: Any, jinja_env: Any = None) -> None:
        if not context["dag_run"].conf["ledger"]:  # one DAG for all ledgers: here it is as if it had not been given
            self.ledger_conn_id, self._provided = None, self._provided - {"ledger_conn_id"}
        super().render_template_fields(context, jinja_env)

    def _list_run(self, context: Any, settings: Any, **options: Any) -> Any:
        run = super()._list_run(context, settings, **options)
        conf = context["dag_run"].conf
        if context["ti"].try_number > 1 or conf["step"] == "none":
            return run
        memory_of = run._memory

        def killing_memory(**arguments: Any) -> Any:
            memory = memory_of(**arguments)
            return replace(memory, ledger=KillingLedger(memory.ledger, step=conf["step"], turn=conf["turn"]))

        run._memory = killing_memory
        return run


for dag_id, retries in (("killed_and_retried", 2), ("killed_for_good", 0)):
    with DAG(
        dag_id,
        schedule=None,
        start_date=datetime(2026, 1, 1),
        max_active_runs=16,
        render_template_as_native_obj=False,
        default_args={"retries": retries, "retry_delay": timedelta(seconds=1)},
    ) as dag:

        @task
        def customers(**context: Any) -> list[dict[str, Any]]:
            """As many customers as the run's conf asks for, the last one with a number that is none."""
            rows = context["dag_run"].conf["rows"]
            return [{"to_number": f"+9198765{row:05d}", "name": f"Secret {row}"} for row in range(rows - 1)] + [
                {"to_number": "98765", "name": "Secret"}
            ]

        KilledFanOut(
            task_id="calls",
            contacts=customers(),
            agent_id="agent",
            max_concurrency=8,
            stop_after_unknown=None,
            callkaro_conn_id="{{ dag_run.conf.callkaro }}",
            ledger_conn_id="{{ dag_run.conf.ledger }}",
            ledger_scope="{{ dag_run.conf.scope }}",
            report_path="{{ dag_run.conf.report }}",
        )
    globals()[dag_id] = dag
