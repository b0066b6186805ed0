"""A worker of its own process that places a list of calls with a SQL ledger, so that a test can kill it.

Run as ``python calling_worker.py OPTIONS`` with the options as a JSON object. It prints "ready", waits for a line, and
prints the summary's counts at the end.
"""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace
from typing import Any

import sqlalchemy
from placing_calls import Caller, CampaignCaller, rows

from airflow_provider_callkaro.dispatch.limits import Limits
from airflow_provider_callkaro.ledger.sql.ledger import SqlLedger


def main(
    *,
    url: str,
    api_key: str,
    ledger: str,
    run: str,
    count: int,
    limits: dict[str, Any],
    campaigns_of: int | None = None,
) -> None:
    engine = sqlalchemy.create_engine(ledger)
    kind = (
        Caller if campaigns_of is None else type("Campaigns", (CampaignCaller,), {"targets_per_campaign": campaigns_of})
    )
    caller = kind(SimpleNamespace(url=url, api_key=api_key), lambda run: SqlLedger(engine, scope="calls", run=run))
    print("ready", flush=True)
    sys.stdin.readline()
    ended = caller.place(rows(count), run=run, limits=Limits(**limits))
    print(json.dumps(ended.summary.as_xcom(campaign={"batch_id": None}, report=None)), flush=True)


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
