"""Every command and its options, for Airflow's own command line (3.2 and later) and for ``python -m``.

Airflow reads this whenever its command line starts, so it imports next to nothing.
"""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any


class Option:
    """One argument of a command. ``flags`` and ``named``: as `argparse` takes them."""

    def __init__(self, *flags: str, **named: Any) -> None:
        self.flags = flags
        self.named = named


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    :param name: as it is typed.
    :param help: one line.
    :param options: beyond those that all commands have.
    """

    name: str
    help: str
    options: tuple[Option, ...] = ()


MOST_LINES = 1_000_000  # of an answer


def _lines(text: str) -> int:
    """How many lines to print, as it is typed. Raises ArgumentTypeError if it is no such number."""
    if not text.isascii() or not text.isdecimal() or not 1 <= len(text) <= 7 or not 1 <= int(text) <= MOST_LINES:
        raise ArgumentTypeError(f"must be a whole number from 1 to {MOST_LINES}")
    return int(text)


_EVERYWHERE = (
    Option("--conn-id", required=True, help="the connection that the tasks have as ledger_conn_id"),
    Option("-o", "--output", choices=("table", "json"), default="table", help="how to print (default: table)"),
)
_STATES = ("accepted", "rejected", "unknown", "claimed")
_REGION = Option("--default-region", help="two letters, such as IN, for a number that is given without +")
_PERSON = Option(
    "--person", action="store_true", help="by a number: it is asked for, or read from standard input if that is piped"
)
_SCOPE = Option("--scope", help="the name of one ledger_scope")
_DRY_RUN = Option("--dry-run", action="store_true", help="say what would be done, and do nothing")

LEDGER = (
    Command(
        "show",
        "what the ledger holds: its scopes, one person's calls, or the calls in one state",
        (
            _PERSON,
            Option("--state", choices=_STATES, help="newest calls in a state"),
            _SCOPE,
            Option("--limit", type=_lines, default=100, help="lines at most (default: 100)"),
            _REGION,
        ),
    ),
    Command(
        "summary",
        "what became of calls: by state and reason, and the accepted ones by outcome",
        (
            _SCOPE,
            Option("--campaign", help="the vendor's id of one campaign"),
            Option("--run", help="of one task instance: DAG, run, task and map index, as in a/manual__1/calls/-1"),
            Option(
                "--unresolved-after",
                metavar="SPAN",
                default="2d",
                help="how long a call may wait for its outcome, such as 36h (default: 2d)",
            ),
        ),
    ),
    Command(
        "resolve",
        "settle an unknown call: it has called, or the person is free to be rung",
        (
            Option("resolution", choices=("called", "free"), help="what you have found out"),
            Option("--call", help="the id of the call, as ledger show has it"),
            _PERSON,
            _SCOPE,
            _REGION,
        ),
    ),
    Command(
        "prune",
        "forget scopes that nobody uses any more",
        (
            Option("--older-than", required=True, metavar="SPAN", help="such as 400d, 12w or 36h; at least 1d"),
            Option("--keep-open-scopes", action="store_true", help="leave scopes in use, prune the others"),
            Option("--longest-cap", metavar="SPAN", help="how far back all caps look, if not as the runs have noted"),
            _DRY_RUN,
        ),
    ),
    Command(
        "erase",
        "take a person out for good, and leave a digest under which nobody rings them again",
        (
            Option(
                "number", nargs="?", help="- reads it from standard input; without it, it is asked for and not shown"
            ),
            _REGION,
        ),
    ),
    Command("carry-over", "put what is in clear under the key of the connection, while runs go on"),
    Command("check", "whether the ledger is in order; exit code 1 where it is not"),
)
AUDIT = (
    Command("show", "the audit trail", (Option("--limit", type=_lines, default=100, help="so many last lines (100)"),)),
    Command(
        "verify",
        "whether the audit trail is whole; exit code 1 where it is not",
        (
            Option(
                "--last",
                action="append",
                default=[],
                metavar="PLACE:DIGEST",
                help='a line that must be there, from the XCom "audit" of a run; finds a trail that was cut off',
            ),
        ),
    ),
)
_BUDGET = Option("budget", help="its name: the id of the connection, unless its extra says another")
_LIMITS = (
    ("--calls-per-second", "calls that start in any second"),
    ("--max-concurrency", "calls in flight at any moment"),
    ("--calls-per-hour", "calls of a clock hour"),
    ("--calls-per-day", "calls of a calendar day"),
    ("--price-per-minute", "what a started minute costs"),
    ("--max-cost-per-day", "money of a calendar day"),
    ("--minutes-per-call", "how long a call counts until its outcome says"),
)
BUDGET = (
    Command(
        "show",
        "the call budgets, what is spent, and who holds which part",
        (Option("budget", nargs="?", help="the name of one; without it, all"),),
    ),
    Command(
        "set",
        "change a budget while runs go on; it goes before the connection's extra, until reset",
        (_BUDGET, *(Option(flag, metavar="LIMIT", help=f"{help_}, or none") for flag, help_ in _LIMITS)),
    ),
    Command("reset", "take back what set has changed: the connection's extra holds again", (_BUDGET,)),
)
GROUPS = {
    "ledger": (LEDGER, "look after a call ledger"),
    "audit": (AUDIT, "the audit trail of a call ledger"),
    "budget": (BUDGET, "the call budgets that the tasks of a connection share"),
}


def perform(group: str, name: str, arguments: Namespace) -> None:
    """Perform a command. An error is printed in one sentence, and the exit code is 1."""
    from airflow_provider_callkaro.exceptions import VoiceCallError

    module = import_module(f"airflow_provider_callkaro.commands.{group}")
    try:
        is_well = getattr(module, name.replace("-", "_"))(arguments)
    except VoiceCallError as error:
        raise SystemExit(f"error: {error}") from None
    if is_well is False:
        raise SystemExit(1)


def get_callkaro_cli_commands() -> list[Any]:
    """The commands as Airflow takes them from a provider: ``airflow callkaro ledger …``, ``… audit …`` and
    ``… budget …``."""
    from airflow.cli.cli_config import ActionCommand, Arg, GroupCommand

    def action(group: str, command: Command) -> Any:
        return ActionCommand(
            name=command.name,
            help=command.help,
            func=partial(perform, group, command.name),
            args=tuple(Arg(flags=each.flags, **each.named) for each in (*command.options, *_EVERYWHERE)),
        )

    groups = [
        GroupCommand(name=name, help=help_, subcommands=tuple(action(name, command) for command in commands))
        for name, (commands, help_) in GROUPS.items()
    ]
    return [GroupCommand(name="callkaro", help="Call ledgers of outbound AI voice calls", subcommands=groups)]


def main(arguments: Sequence[str] | None = None) -> None:
    """``python -m airflow_provider_callkaro.ledger …``: the commands of a ledger, and ``audit …`` and ``budget …``."""
    parser = ArgumentParser(
        prog="python -m airflow_provider_callkaro.ledger",
        description="Look after a call ledger. Airflow 3.2 and later has the same as: airflow callkaro ledger",
        formatter_class=RawDescriptionHelpFormatter,
    )
    ours = parser.add_subparsers(required=True, metavar="command")
    _add(ours, "ledger", LEDGER)
    for group in ("audit", "budget"):
        commands, help_ = GROUPS[group]
        theirs = ours.add_parser(group, help=help_)
        _add(theirs.add_subparsers(required=True, metavar="command"), group, commands)
    parsed = parser.parse_args(arguments)
    do: Callable[[Namespace], None] = parsed.do
    do(parsed)


def _add(parsers: Any, group: str, commands: Sequence[Command]) -> None:
    for command in commands:
        parser = parsers.add_parser(command.name, help=command.help, description=command.help)
        for option in (*command.options, *_EVERYWHERE):
            parser.add_argument(*option.flags, **option.named)
        parser.set_defaults(do=partial(perform, group, command.name))
