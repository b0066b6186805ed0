"""The page has every reason code, under the outcome in which the package counts it."""

from __future__ import annotations

import re
from pathlib import Path

from airflow_provider_callkaro.calls import Outcome, Reason

PAGE = (Path(__file__).parents[2] / "docs" / "endings.md").read_text(encoding="utf-8")
CODES = PAGE.partition("## Every reason code")[2]


def test_every_reason_code_is_on_the_page_once_with_what_to_do() -> None:
    rows = re.findall(r"^\| (`[^|]*`) \| ([^|]+) \| ([^|]+) \|$", CODES, re.MULTILINE)
    codes = [code for cell, _, _ in rows for code in re.findall(r"`(\w+)`", cell)]
    assert sorted([*codes, Reason.DRY_RUN]) == sorted(reason.value for reason in Reason)
    assert "`dry_run`" in CODES


def test_every_outcome_has_a_heading() -> None:
    headings = set(re.findall(r"^### (\w+):", CODES, re.MULTILINE))
    assert headings == {outcome.value for outcome in Outcome} - {Outcome.ACCEPTED}


def test_the_codes_stand_under_the_outcome_that_the_package_gives_them() -> None:
    source = (Path(__file__).parents[2] / "airflow_provider_callkaro" / "calls" / "outcome.py").read_text(
        encoding="utf-8"
    )
    outcome, counted = "", {}
    for line in source.partition("class Reason")[2].splitlines():
        if found := re.match(r" +# (rejected|skipped|unknown|pending|would)", line):
            outcome = found[1]
        if found := re.match(r' +[A-Z_]+ = "(\w+)"', line):
            counted[found[1]] = outcome
    shown, outcome = {}, ""
    for line in CODES.splitlines():
        if found := re.match(r"### (\w+):", line):
            outcome = found[1]
        if line.startswith("| `"):
            shown |= dict.fromkeys(re.findall(r"`(\w+)`", line.split("|")[1]), outcome)
    assert shown == {code: outcome for code, outcome in counted.items() if code != Reason.DRY_RUN}


def test_every_reason_knows_the_outcome_under_which_the_page_has_it() -> None:
    outcome, shown = "", {}
    for line in CODES.splitlines():
        if found := re.match(r"### (\w+):", line):
            outcome = found[1]
        if line.startswith("| `"):
            shown.update(dict.fromkeys(re.findall(r"`(\w+)`", line.split("|")[1]), outcome))
    assert shown == {reason.value: reason.outcome.value for reason in Reason if reason is not Reason.DRY_RUN}
