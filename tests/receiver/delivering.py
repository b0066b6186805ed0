"""A receiver on a real socket, a vendor that delivers to it, and what is in the database then."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from airflow_provider_callkaro.sandbox.serving import ServerThread, listen

SECRET = "the-secret-of-this-connection"
LEDGER = "webhook_ledger"


def call_ended(call_id: str = "call-1", **data: Any) -> dict[str, Any]:
    """What CallKaro sends when an attempt has ended."""
    given = {"callSid": call_id, "name": "outbound-api", "to": "919876543210", "hangup_reason": "CLIENT_INITIATED"}
    return {"event": "call_ended", "data": given | data}


@dataclass
class Vendor:
    """Delivers webhooks to a receiver.

    :param address: of the receiver, with its prefix.
    """

    address: str
    session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self.session.trust_env = False

    def deliver(
        self, body: Any = None, *, to: str = "callkaro/callkaro_default", secret: str | None = SECRET, **options
    ):
        """Deliver a body: bytes as they are, anything else as JSON."""
        headers = options.pop("headers", {})
        if secret is not None:
            headers["X-CallKaro-Webhook-Secret"] = secret
        body = call_ended() if body is None else body
        data = body if isinstance(body, bytes) or hasattr(body, "__next__") else json.dumps(body).encode()
        return self.session.post(f"{self.address}/{to}", data=data, headers=headers, timeout=30, **options)


def make_ledger(url: str) -> None:
    """Make the ledger's tables, as a first fan-out does."""
    import sqlalchemy

    from airflow_provider_callkaro.ledger.sql.ledger import SqlLedger

    engine = sqlalchemy.create_engine(url)
    with SqlLedger(engine, scope="scope", run="run"):
        pass
    engine.dispose()


def define_callkaro(define, **webhooks: Any) -> None:
    webhooks = {"ledger_conn_id": LEDGER, "secret": SECRET} | webhooks
    define("callkaro_default", conn_type="callkaro", password="key", extra={"webhooks": webhooks})


class Serving:
    """A receiver on a port of its own, while the block lasts."""

    def __enter__(self) -> str:
        from airflow_provider_callkaro.receiver.app import build_server

        listener = listen("127.0.0.1", 0)
        self._server = ServerThread(build_server(), listener=listener)  # type: ignore[arg-type]
        return f"http://127.0.0.1:{listener.getsockname()[1]}/callkaro/webhooks"

    def __exit__(self, *exc_info: object) -> None:
        self._server.stop()


def outcomes(path: Path, columns: str = "call_id, disposition") -> list[tuple[Any, ...]]:
    """The rows of the outcomes."""
    with closing(sqlite3.connect(path)) as database:
        return sorted(database.execute(f"select {columns} from voice_call_outcomes"))
