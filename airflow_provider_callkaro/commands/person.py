"""How a command is told of whom it speaks: a phone number that no screen, history or list of processes shows."""

from __future__ import annotations

import sys
from argparse import Namespace
from getpass import getpass

from airflow_provider_callkaro.calls.phone import NumberReader
from airflow_provider_callkaro.commands.output import tell
from airflow_provider_callkaro.exceptions import ConfigurationError

FROM_INPUT = "-"


def asked_number(given: str | None, arguments: Namespace) -> str:
    """The number that a command is about, E.164.

    :param given: as it stands on the command line: ``-`` reads a line of standard input, nothing asks for it without
        showing it, and so does standard input where it is no terminal.
    :param arguments: whose ``default_region`` reads a number without ``+``.
    :raises ConfigurationError: it cannot be read as a number.
    """
    if given and given != FROM_INPUT:
        tell("the number stands in your shell's history now, and in the list of processes: - reads it from input")
        text = given
    elif given == FROM_INPUT or not sys.stdin.isatty():
        text = sys.stdin.readline()
    else:
        text = getpass("Number (not shown): ")
    number = NumberReader(default_region=arguments.default_region).read(text.strip())
    if number is None:
        raise ConfigurationError(
            "that cannot be read as a phone number: give it with + and country code, or with --default-region"
        )
    return number
