"""``python -m airflow_provider_callkaro.sandbox``: stand-ins for the vendors to develop DAGs against."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_callkaro.sandbox.server import Sandbox

ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM)
WELCOME = """\
A stand-in for CallKaro, Callaro and MrAssistant answers at {url} with the key {key}. It rings nobody.

Point Airflow at it:
{exports}

What steers the sandbox itself needs a key of its own:
  export SANDBOX_KEY='{control}'

See who would have been rung:
  curl -s -H "$SANDBOX_KEY" {url}/_sandbox/calls | python -m json.tool

Make every tenth call fail after the phone has rung, and stop that again:
  curl -s -H "$SANDBOX_KEY" -X POST {url}/_sandbox/faults -d '{{"kind": "error_after_accepting", "every": 10}}'
  curl -s -H "$SANDBOX_KEY" -X DELETE {url}/_sandbox/faults

Forget everything:
  curl -s -H "$SANDBOX_KEY" -X POST {url}/_sandbox/reset

Control-C ends it.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the sandbox until SIGINT or SIGTERM. ``arguments``: the command line without the program's name; default that
    of the process. Returns the exit status: 0, or 2 where it could not start."""
    options = _parser().parse_args(arguments)
    # Blocked before the server's thread is started, which inherits it: so both signals wait for sigwait.
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING_SIGNALS)
    try:
        sandbox = _sandbox(options)
        sandbox.start()
    except (ImportError, OSError, ValueError) as error:
        sys.stderr.write(f"The sandbox did not start: {error}\n")
        return 2
    exports = "\n".join(
        f"  export AIRFLOW_CONN_{name.upper()}='{connection}'"
        for name, connection in sandbox.airflow_connections.items()
    )
    control = "".join(f"{name}: {key}" for name, key in sandbox.control_headers.items())
    sys.stdout.write(WELCOME.format(url=sandbox.url, key=sandbox.api_key, exports=exports, control=control))
    sys.stdout.flush()
    signal.sigwait(ENDING_SIGNALS)
    sandbox.stop()
    return 0


def _sandbox(options: argparse.Namespace) -> Sandbox:
    from airflow_provider_callkaro.sandbox import Sandbox

    lists = {"unknown_agents": options.unknown_agent, "callaro_audience": options.callaro_contact}
    return Sandbox(
        host=options.host,
        port=options.port,
        api_key=options.api_key,
        control_key=options.control_key,
        do_not_disturb=options.do_not_disturb,
        allow_any_host=options.allow_any_host,
        callaro_dial_seconds=options.callaro_dial_seconds,
        mrassistant_call_seconds=options.mrassistant_call_seconds,
        **{name: values for name, values in lists.items() if values is not None},
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m airflow_provider_callkaro.sandbox",
        description="A stand-in for CallKaro, Callaro and MrAssistant that rings nobody and counts every ring.",
    )
    parser.add_argument("--port", type=int, default=8900, help="0 takes any free port (default: %(default)s)")
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address (default: %(default)s)")
    parser.add_argument("--api-key", default="sandbox", help="the one key that is right (default: %(default)s)")
    parser.add_argument("--control-key", help="what opens /_sandbox (default: a new one, which is printed)")
    parser.add_argument(
        "--unknown-agent",
        action="append",
        metavar="PATTERN",
        help="an agent id of CallKaro that does not exist, * and ? allowed; may be repeated (default: unknown*)",
    )
    parser.add_argument(
        "--do-not-disturb",
        action="append",
        default=[],
        metavar="NUMBER",
        help="a number that CallKaro answers with DND_NUMBER; may be repeated",
    )
    parser.add_argument(
        "--callaro-contact",
        action="append",
        metavar="NUMBER",
        help="whom a Callaro campaign without contacts dials; may be repeated (default: five numbers of fiction)",
    )
    parser.add_argument(
        "--callaro-dial-seconds",
        type=float,
        default=2.0,
        metavar="SECONDS",
        help="how long a Callaro campaign takes to dial its audience (default: %(default)s)",
    )
    parser.add_argument(
        "--mrassistant-call-seconds",
        type=float,
        default=1.0,
        metavar="SECONDS",
        help="how long a call of MrAssistant takes until it has ended (default: %(default)s)",
    )
    parser.add_argument(
        "--allow-any-host", action="store_true", help="allow a host that other machines can reach, as in a container"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
