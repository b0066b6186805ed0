"""One single call, to whomever the run's parameters name, placed by hand or by another system.

No log has the number. But Airflow keeps the parameters of a run, and shows them to whoever may see the DAG.

Connections: ``callkaro_default``.
"""

from __future__ import annotations

from datetime import datetime

from airflow.providers.common.compat.sdk import DAG, Param

from airflow_provider_callkaro.operators.callkaro import CallKaroOutboundCallOperator

with DAG(
    "single_call",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    params={
        "to_number": Param("+919876543210", type="string", pattern=r"^\+[1-9][0-9]{1,14}$"),
        "city": Param("Bangalore", type="string"),
    },
    tags=["callkaro"],
) as dag:
    CallKaroOutboundCallOperator(
        task_id="call",
        to_number="{{ params.to_number }}",
        agent_id="6803fa770b666a64ab1694c1e",
        metadata={"city": "{{ params.city }}"},
        priority=1,
    )
