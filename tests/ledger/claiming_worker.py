"""A worker of its own process that claims a list of people, group by group, and says after each commit whom it won.

Run as ``python claiming_worker.py URL SCOPE RUN COUNT SEED [MAX_CALLS]``, the last being a cap per month. Several
scopes are divided by a bar. It prints "ready", waits for a line, and then prints one JSON list of keys for each commit
that has returned. What it won in one turn it settles in the next.

With ``LEDGER_PAUSE`` in the environment it waits for a line once more, after its fifth group.

The environment may name a file, ``LEDGER_KEYS_IN``, that stands for the ledger's connection: it holds the names of its
keys, divided by commas. With ``LEDGER_KEYS_ONCE`` it is read at the start alone, as a worker's environment is.
"""

from __future__ import annotations

import json
import os
import random
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import sqlalchemy
from ledger_secrets import keys as keys_of

from airflow_provider_callkaro.ledger.contract import CallCaps, Claim, EntryState, Settlement
from airflow_provider_callkaro.ledger.digests import LedgerKeys
from airflow_provider_callkaro.ledger.sql.ledger import SqlLedger

GROUP = 32


def reading_keys() -> Callable[[], LedgerKeys | None]:
    place = os.environ.get("LEDGER_KEYS_IN")
    if place is None:
        return lambda: None
    names = Path(place).read_text() if "LEDGER_KEYS_ONCE" in os.environ else None

    def read() -> LedgerKeys | None:
        given = Path(place).read_text() if names is None else names
        return keys_of(*given.split(",")) if given else None

    return read


def main(url: str, scope: str, run: str, count: str, seed: str, max_calls: str | None = None) -> None:
    keys = [f"+9198765{index:05d}" for index in range(int(count))]
    random.Random(seed).shuffle(keys)
    caps = None if max_calls is None else CallCaps(max_calls=int(max_calls), per=timedelta(days=30))
    own, *also = scope.split("|")
    reread = reading_keys()
    given = {"scope": own, "also": also, "run": run, "caps": caps, "keys": reread(), "reread": reread}
    with SqlLedger(sqlalchemy.create_engine(url), **given) as ledger:
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
            if start == 4 * GROUP and "LEDGER_PAUSE" in os.environ:
                sys.stdin.readline()


if __name__ == "__main__":
    main(*sys.argv[1:])
