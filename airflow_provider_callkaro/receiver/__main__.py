"""``python -m airflow_provider_callkaro.receiver``: the receiver alone, for an Airflow that the internet cannot reach.

It needs the connections (environment or secrets backend) and the ledger's database, and nothing else of Airflow.
"""

from __future__ import annotations

import argparse
import socket
import sys
from collections.abc import Sequence
from typing import Any

from airflow_provider_callkaro.exceptions import ConfigurationError, LedgerError
from airflow_provider_callkaro.receiver.lazy import PREFIX

MAX_CONNECTIONS = 2_000  # at once; beyond them uvicorn answers 503
BACKLOG = 2_048  # connections that wait to be taken up
GRACE_SECONDS = 6  # at the end, for deliveries that are being written
IDLE_SECONDS = 75  # that a connection without a request is kept: longer than usual proxies keep theirs


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM. ``arguments``: the command line without the program's name; default that of the
    process. Returns the exit status: 0, or 2 where it could not start."""
    options = _parser().parse_args(arguments)
    try:
        ready = [f"{_checked(conn_id)}/{conn_id}" for conn_id in options.connection]
        server, listener = _server(), _listen(options.host, options.port)
    except (ConfigurationError, LedgerError) as error:
        sys.stderr.write(f"The receiver did not start: {error}\n")
        return 2
    except ImportError as error:
        sys.stderr.write(
            f"The receiver did not start: it needs {error.name}, so install airflow-provider-callkaro[receiver]\n"
        )
        return 2
    except OSError as error:
        sys.stderr.write(f"The receiver did not start: it cannot listen at {options.host} {options.port} ({error})\n")
        return 2
    address = f"http://{options.host}:{listener.getsockname()[1]}{PREFIX}"
    for name in ready:
        sys.stderr.write(f"Takes webhooks at {address}/{name}\n")
    sys.stderr.write(f"Listens at {address}\n")
    sys.stderr.flush()
    server.run(sockets=[listener])
    return 0


def _checked(conn_id: str) -> str:
    """The vendor of a connection, once its webhooks and its ledger's database have been tried.

    :raises ConfigurationError: there is none, or it has no webhooks that work.
    :raises LedgerError: the database does not answer.
    """
    from airflow_provider_callkaro.files.connections import find_connection
    from airflow_provider_callkaro.receiver.hurry import open_store_in_a_hurry
    from airflow_provider_callkaro.tasks.webhooks import webhooks_of

    vendor = find_connection(conn_id, argument="--connection").conn_type or ""
    settings = webhooks_of(vendor, conn_id)
    if settings is None:
        raise ConfigurationError(
            f'connection "{conn_id}" has no "webhooks" in its extra, or is no vendor\'s: see docs/webhooks.md'
        )
    with open_store_in_a_hurry(settings) as store:
        store.record([], conn_id=conn_id)
    return vendor


def _server() -> Any:
    import uvicorn

    from airflow_provider_callkaro.receiver.app import build_server

    return uvicorn.Server(
        uvicorn.Config(
            build_server(),
            lifespan="off",
            ws="none",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            log_level="warning",
            log_config=None,
            limit_concurrency=MAX_CONNECTIONS,
            timeout_keep_alive=IDLE_SECONDS,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )


def _listen(host: str, port: int) -> socket.socket:
    """A socket that listens already: a delivery that comes now waits for the server. Raises OSError."""
    family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
    listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
    listener.set_inheritable(True)
    return listener


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m airflow_provider_callkaro.receiver",
        description="Takes the vendors' webhooks and writes what became of the calls beside the ledger.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen at (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8790, help="0 takes any free port (default: %(default)s)")
    parser.add_argument(
        "--connection",
        action="append",
        default=[],
        metavar="CONN_ID",
        help="a vendor's connection to try before serving: its webhooks, and its ledger; may be repeated. Others are "
        "served too, and tried when their first webhook comes",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
