"""The demo's receiver of webhooks, and what it has heard: who picked up."""

from __future__ import annotations

import json
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from subprocess import Popen
from urllib.request import urlopen

from rich.table import Table
from sqlalchemy import create_engine

from airflow_provider_callkaro.calls.disposition import Disposition
from airflow_provider_callkaro.outcomes.counting import OutcomeCounts
from airflow_provider_callkaro.outcomes.store import OutcomeStore
from airflow_provider_callkaro.sandbox import Sandbox

SECRET = secrets.token_urlsafe()
SECRET_HEADER = "X-CallKaro-Webhook-Secret"  # noqa: S105 - its name
STARTED_WITHIN = 60.0  # seconds


def connection_with_webhooks(connection: str) -> str:
    """The connection to CallKaro, which says where its webhooks are written and who may send them. In JSON."""
    webhooks = {"ledger_conn_id": "call_ledger", "secret": SECRET}
    return json.dumps({**json.loads(connection), "extra": {"webhooks": webhooks, "schedule_timezone": "UTC"}})


@contextmanager
def receiving(sandbox: Sandbox, start: Callable[..., Popen[bytes]]) -> Iterator[None]:
    """Run the receiver, and let the sandbox tell it what becomes of the calls: late, some twice, a few never.

    :param start: starts a module of Python with arguments, in the demo's environment.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    receiver = start(
        *("airflow_provider_callkaro.receiver", "--port", str(port), "--connection", "callkaro_default"),
        log="receiver.log",
    )
    address = f"http://127.0.0.1:{port}/callkaro/webhooks"
    try:
        wait_for(f"{address}/health", receiver)
        sandbox.webhook(
            f"{address}/{{vendor}}/{{vendor}}_default",
            headers={SECRET_HEADER: SECRET},
            delay_seconds=1,
            disorder_seconds=2,
            duplicates=0.5,
            losses=0.03,
        )
        yield
    finally:
        receiver.terminate()
        receiver.wait()


def wait_for(url: str, server: Popen[bytes]) -> None:
    """Wait until a server answers. Raises RuntimeError if it does not."""
    patient_until = time.monotonic() + STARTED_WITHIN
    while server.poll() is None and time.monotonic() < patient_until:
        with suppress(OSError), urlopen(url, timeout=5):  # noqa: S310 - our own address
            return
        time.sleep(0.1)
    raise RuntimeError("the receiver does not answer; see receiver.log")


def heard(ledger: Path) -> OutcomeCounts:
    """What became of all calls of the ledger. Who has not been heard of by now is unresolved."""
    with OutcomeStore(create_engine(f"sqlite:///{ledger}")) as store:
        return store.counts(unresolved_after=timedelta(0))


def table_of(counts: OutcomeCounts) -> Table:
    """Who picked up."""
    table = Table(title="Who picked up")
    table.add_column("")
    table.add_column("calls", justify="right")
    for disposition in Disposition:
        if disposition in counts.outcomes:
            table.add_row(disposition.replace("_", " "), str(counts.outcomes[disposition]))
            if disposition is Disposition.REACHED:
                table.add_row("  converted", str(counts.converted), style="dim")
    table.add_row("unresolved: nothing was heard", str(counts.unresolved))
    table.add_section()
    table.add_row("accepted calls", str(counts.accepted), style="bold")
    return table
