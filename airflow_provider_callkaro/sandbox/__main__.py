"""``python -m airflow_provider_callkaro.sandbox``: stand-ins for the vendors to develop DAGs against."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_callkaro.sandbox.server import Sandbox
    from airflow_provider_callkaro.sandbox.webhooks.webhook import Webhook

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

Tell a receiver what becomes of the calls, and see what it was told:
  curl -s -H "$SANDBOX_KEY" -X POST {url}/_sandbox/webhooks -d '{{"url": "http://127.0.0.1:8080/…", "losses": 0.1}}'
  curl -s -H "$SANDBOX_KEY" {url}/_sandbox/webhooks | python -m json.tool

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
        webhooks=_webhooks(options),
        outcome_seed=options.outcome_seed,
        **{name: values for name, values in lists.items() if values is not None},
    )


def _webhooks(options: argparse.Namespace) -> list[Webhook]:
    from airflow_provider_callkaro.sandbox import Webhook

    headers = {}
    for header in options.webhook_header:
        name, colon, value = header.partition(":")
        if not (name.strip() and colon):
            raise ValueError("--webhook-header must be NAME: VALUE")
        headers[name.strip()] = value.strip()
    return [
        Webhook(
            url=url,
            headers=headers,
            signing_secret=options.webhook_signing_secret,
            delay_seconds=options.webhook_delay,
            disorder_seconds=options.webhook_disorder,
            duplicates=options.webhook_duplicates,
            losses=options.webhook_losses,
        )
        for url in options.webhook
    ]


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
    _add_webhook_options(parser)
    return parser


def _add_webhook_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("webhooks", "who is told what became of the calls, and how badly")
    group.add_argument(
        "--webhook",
        action="append",
        default=[],
        metavar="URL",
        help="a URL that is told; {vendor} in it becomes callkaro, callaro or mrassistant; may be repeated",
    )
    group.add_argument(
        "--webhook-header", action="append", default=[], metavar="NAME: VALUE", help="sent along; may be repeated"
    )
    group.add_argument("--webhook-signing-secret", metavar="SECRET", help="with what Callaro and MrAssistant sign")
    group.add_argument(
        "--webhook-delay", type=float, default=0.0, metavar="SECONDS", help="after the call (default: %(default)s)"
    )
    group.add_argument(
        "--webhook-disorder",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="each comes up to so much later, at random (default: %(default)s)",
    )
    group.add_argument(
        "--webhook-duplicates",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="that comes twice, 0 to 1 (default: %(default)s)",
    )
    group.add_argument(
        "--webhook-losses",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="that never comes, 0 to 1 (default: %(default)s)",
    )
    group.add_argument(
        "--outcome-seed",
        type=int,
        default=0,
        metavar="NUMBER",
        help="the same one lets the same numbers end in the same way (default: %(default)s)",
    )


if __name__ == "__main__":
    sys.exit(main())
