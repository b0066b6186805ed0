"""The phone number that a command is about, read so that no screen, shell history or list of processes shows it."""

from __future__ import annotations

import sys
from argparse import Namespace
from getpass import getpass

from airflow_provider_callkaro.calls.phone import NumberReader
from airflow_provider_callkaro.commands.output import print_note
from airflow_provider_callkaro.exceptions import ConfigurationError

FROM_INPUT = "-"


def asked_number(typed: str | None, arguments: Namespace) -> str:
    """The number that a command is about, E.164.

    :param typed: the word on the command line. ``-`` reads a line of standard input; without a word the command asks on
        the terminal and shows nothing, or reads standard input where that is no terminal.
    :param arguments: its ``default_region`` is for a number without ``+``.
    :raises ConfigurationError: it cannot be read as a number.
    """
    if typed and typed != FROM_INPUT:
        print_note("the number stands in your shell's history now, and in the list of processes: - reads it from input")
        text = typed
    elif typed == FROM_INPUT or not sys.stdin.isatty():
        text = sys.stdin.readline()
    else:
        text = getpass("Number (not shown): ")
    number = NumberReader(default_region=arguments.default_region).read(text.strip())
    if number is None:
        raise ConfigurationError(
            "that cannot be read as a phone number: give it with + and country code, or with --default-region"
        )
    return number
