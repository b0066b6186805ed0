"""The processes that load the ledger's database in `benchmarks.ledger`, and what each of them says when it ends.

A worker commits as a dispatcher does: one transaction settles the group that was claimed last and claims the next one.
It uses the real `SqlLedger`. The yardstick beside it writes the same rows by hand: ``COPY`` for the claims, one
``UPDATE`` for the settlements. It checks nothing, so no ledger can be cheaper on this schema and driver.
"""

from __future__ import annotations

import io
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe

import sqlalchemy

from airflow_provider_callkaro.ledger.contract import Claim, EntryState, Settlement
from airflow_provider_callkaro.ledger.sql.ledger import SqlLedger
from airflow_provider_callkaro.ledger.sql.scopes import scopes_of

SCOPE = "renewal_reminders/calls@2026-11-22T01:00:00+00:00"
RUN = "renewal_reminders/scheduled__2026-11-22T01:00:00+00:00/calls/-1"
SPREAD = 2_654_435_761  # prime to 10**10, so that each place has a number of its own
_COPY = "COPY voice_call_ledger (id, scope, call_key, number, state, run, owner, turn, redials, claimed_at) FROM STDIN"
_UPDATE = (
    "UPDATE voice_call_ledger SET state = 'accepted', call_id = done.call_id, "
    "settled_at = clock_timestamp() AT TIME ZONE 'UTC' "
    "FROM unnest(%s::text[], %s::text[]) AS done (id, call_id) WHERE voice_call_ledger.id = done.id"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What one worker does. ``url``: of the database. ``group``: calls a commit. ``by_hand``: without the ledger.
    ``scope``: in which it claims."""

    url: str
    group: int
    by_hand: bool = False
    scope: str = SCOPE


@dataclass(frozen=True, slots=True, kw_only=True)
class Worked:
    """What one worker has done between two moments.

    :param calls: claimed; as many were settled.
    :param cpu: seconds of the process.
    :param latencies: seconds of each commit.
    :param lost: claims that it did not win.
    """

    calls: int
    cpu: float
    latencies: Sequence[float]
    lost: int


def work(load: Load, pipe: Pipe) -> None:
    """Open the ledger, say so, receive the two moments of the monotonic clock, and commit until the second."""
    engine = sqlalchemy.create_engine(load.url)
    first = secrets.randbelow(10**10)
    turn = by_hand(engine) if load.by_hand else with_ledger(engine, load)
    turn(_group(first, load.group))
    pipe.send(None)
    begins, ends = pipe.recv()
    calls, lost, began = 0, 0, 0.0
    latencies: list[float] = []
    while (now := time.monotonic()) < ends:
        first += load.group
        group = _group(first, load.group)
        if now < begins:
            turn(group)
            began = time.process_time()
            continue
        asked = time.monotonic()
        lost += turn(group)
        latencies.append(time.monotonic() - asked)
        calls += load.group
    pipe.send(Worked(calls=calls, cpu=time.process_time() - began, latencies=latencies, lost=lost))


def with_ledger(engine: sqlalchemy.Engine, load: Load) -> Callable[[Sequence[Claim]], int]:
    """One turn of a dispatcher."""
    ledger = SqlLedger(engine, scope=load.scope, run=RUN).__enter__()
    before: Sequence[Claim] = ()

    def turn(group: Sequence[Claim]) -> int:
        nonlocal before
        settled = [
            Settlement(key=claim.key, state=EntryState.ACCEPTED, call_id=f"call-{claim.key[1:]}-0123456")
            for claim in before
        ]
        before = group
        return len(ledger.commit(settle=settled, claim=group))

    return turn


def by_hand(engine: sqlalchemy.Engine) -> Callable[[Sequence[Claim]], int]:
    """The same rows by the driver alone, psycopg2."""
    connection = engine.raw_connection()
    cursor = connection.cursor()
    scope, owner = scopes_of([SCOPE])[0], secrets.token_hex(16)
    before: Sequence[Claim] = ()
    turns = 0

    def turn(group: Sequence[Claim]) -> int:
        nonlocal before, turns
        turns += 1
        if before:
            ids = [scope.id_of(claim.key) for claim in before]
            cursor.execute(_UPDATE, (ids, [f"call-{claim.key[1:]}-0123456" for claim in before]))
        lines = [
            f"{scope.id_of(claim.key)}\t{SCOPE}\t{claim.key}\t{claim.number[1:]}\tclaimed\t{RUN}\t{owner}\t{turns}\t0\tnow"
            for claim in group
        ]
        cursor.copy_expert(_COPY, io.StringIO("\n".join(lines)))
        connection.commit()
        before = group
        return 0

    return turn


def create_tables(url: str) -> None:
    """Make the ledger's tables, as the first run does."""
    engine = sqlalchemy.create_engine(url)
    with SqlLedger(engine, scope=SCOPE, run=RUN) as ledger:
        ledger.commit(claim=[Claim(key="first", number="+919800000000")])
    engine.dispose()


def _group(first: int, size: int) -> list[Claim]:
    """Calls to numbers that lie anywhere in the index, as those of a real list do."""
    numbers = [f"+91{place * SPREAD % 10**10:010d}" for place in range(first, first + size)]
    return [Claim(key=number, number=number) for number in numbers]
