"""``airflow callkaro audit …``: one function for each command; it returns False if something is not in order."""

from __future__ import annotations

import json
from argparse import Namespace
from collections import deque
from typing import Any

from airflow_provider_callkaro.commands.opening import open_ledger
from airflow_provider_callkaro.commands.output import counted, print_json, print_note, show_result, show_rows
from airflow_provider_callkaro.ledger.audit.chain import AuditLine, AuditMark
from airflow_provider_callkaro.ledger.audit.chain import verify as verify_lines


def show(arguments: Namespace) -> None:
    """The last lines of the trail."""
    with open_ledger(arguments) as ledger:
        lines = deque(ledger.audit.lines(), maxlen=arguments.limit)
    entries = [_read(line) for line in lines]
    if arguments.output == "json":
        print_json(entries)
        return
    rows = [
        {
            "line": each.pop("line"),
            "at": str(each.pop("at", ""))[:19],
            "action": each.pop("action", "?"),
            "who": _in_words(each.pop("who", {})),
            "what": _in_words({name: value for name, value in each.items() if name != "digest"}),
        }
        for each in entries
    ]
    show_rows(rows, output=arguments.output, nothing="the ledger has no audit trail yet")


def verify(arguments: Namespace) -> bool:
    """Verify the whole trail."""
    expected = [AuditMark.read(text) for text in arguments.last]
    with open_ledger(arguments) as ledger:
        verdict = verify_lines(ledger.audit.lines(), seals=ledger.audit.seals, expected=expected)
        is_keyed = ledger.keys is not None
    last = None if verdict.last is None else str(verdict.last)
    is_whole = not verdict.problems
    for problem in verdict.problems:
        print_note(problem)
    if is_whole and not expected:
        print_note(
            "a trail that was cut off at its end looks whole: --last tells, with the digest that a run's XCom has"
        )
    if is_keyed and verdict.unsealed and is_whole:
        print_note(
            f"no seal on {counted(verdict.unsealed, 'line')} at the beginning, as of a ledger that was begun without a "
            "key: --last tells whether they are as they were written"
        )
    show_result(
        {"lines": verdict.lines, "last": last, "whole": is_whole, "problems": list(verdict.problems)},
        output=arguments.output,
        sentence=f"{counted(verdict.lines, 'line')}, "
        + ("all whole" if is_whole else counted(len(verdict.problems), "problem"))
        + (f"; the last is {last}" if last else ""),
    )
    return is_whole


def _read(line: AuditLine) -> dict[str, Any]:
    try:
        record = json.loads(line.text)
    except ValueError:
        record = {}
    return {"line": line.place, **(record if isinstance(record, dict) else {}), "digest": line.digest}


def _in_words(values: object) -> str:
    if not isinstance(values, dict):
        return str(values)
    return ", ".join(f"{name} {value}" for name, value in values.items() if value not in (None, ""))
