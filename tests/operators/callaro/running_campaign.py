"""One try of a `CallaroRunCampaignOperator` outside Airflow: in a test, or in a process of its own that a test kills.

Run as ``python running_campaign.py OPTIONS`` with the options as a JSON object; it reads its connection from the
environment and prints the result.
"""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from airflow_provider_callkaro.hooks.callaro import CallaroHook
from airflow_provider_callkaro.operators.callaro.run import CallaroRunCampaignOperator

NUMBERS = ["+919876500001", "+919876500002", "+447911123456"]
TIMEZONE = "Asia/Kolkata"


def run_operator(**options: Any) -> CallaroRunCampaignOperator:
    """The operator as each try makes it anew, with a hook that does not wait between its tries."""
    arguments = {
        "name": "Renewals",
        "agent_id": 42,
        "timezone": TIMEZONE,
        "campaign_phone_number_ids": [101, 102],
        "concurrency_limit": 3,
        "extra_fields": {"contacts": [{"phone_e164": number} for number in NUMBERS]},
        "poll_interval": 0.005,
        "wait_timeout": timedelta(seconds=30),
        "deferrable": False,
    }
    operator = CallaroRunCampaignOperator(task_id="run", **arguments | options)
    operator.hook = CallaroHook(sleep=lambda seconds: None)
    return operator


def context_of(*, run_id: str = "nightly 1", attempt: int = 1, store: Any = None) -> dict[str, Any]:
    """What Airflow hands to one try; without a store as before Airflow 3.3."""
    ti = SimpleNamespace(dag_id="outreach", run_id=run_id, task_id="run", map_index=-1, try_number=attempt)
    return {"ti": ti} | ({} if store is None else {"task_state_store": store})


if __name__ == "__main__":
    print(json.dumps(run_operator(**json.loads(sys.argv[1])).execute(context_of())), flush=True)
