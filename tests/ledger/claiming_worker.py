"""A worker of its own process that claims a list of people, group by group, and says after each commit whom it won.

Run as ``python claiming_worker.py URL SCOPE RUN COUNT SEED [MAX_CALLS]``, the last being a cap per month. Several
scopes are divided by a bar. It prints "ready", waits for a line, and then prints one JSON list of keys for each commit
that has returned. What it won in one turn it settles in the next.
"""

from __future__ import annotations

import json
import random
import sys
from datetime import timedelta

import sqlalchemy

from airflow_provider_callkaro.ledger.call_caps import CallCaps
from airflow_provider_callkaro.ledger.contract import Claim, EntryState, Settlement
from airflow_provider_callkaro.ledger.sql import SqlLedger

GROUP = 32


def main(url: str, scope: str, run: str, count: str, seed: str, max_calls: str | None = None) -> None:
    keys = [f"+9198765{index:05d}" for index in range(int(count))]
    random.Random(seed).shuffle(keys)
    caps = None if max_calls is None else CallCaps(max_calls=int(max_calls), per=timedelta(days=30))
    own, *also = scope.split("|")
    with SqlLedger(sqlalchemy.create_engine(url), scope=own, also=also, run=run, caps=caps) as ledger:
        print("ready", flush=True)
        sys.stdin.readline()
        won: list[str] = []
        for start in range(0, len(keys), GROUP):
            group = keys[start : start + GROUP]
            lost = ledger.commit(
                settle=[Settlement(key=key, state=EntryState.ACCEPTED, call_id=f"{run} {key}") for key in won],
                claim=[Claim(key=key, number=key) for key in group],
            )
            won = [key for key in group if key not in lost]
            print(json.dumps(won), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
