"""Whoever types what the pages show gets what they say: every block of code is run, or checked by a parser."""

from __future__ import annotations

import csv
import json
import os
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from airflow import __version__ as airflow_version
from code_blocks import OUTPUT, PAGES, ROOT, RUN_ELSEWHERE, all_blocks, blocks_of, runs_elsewhere
from packaging.version import Version

HERE = Path(__file__).parent
LANGUAGES = {OUTPUT, "bash", "diff", "ini", "json", "mermaid", "python", "sql", "toml"}


@pytest.mark.parametrize("page", PAGES)
def test_every_block_says_what_it_is(page: str) -> None:
    assert {block.language for block in blocks_of(page)} <= LANGUAGES


@pytest.mark.parametrize("page", RUN_ELSEWHERE)
def test_a_page_with_a_test_of_its_own_is_read_there(page: str) -> None:
    test = (ROOT / RUN_ELSEWHERE[page][0]).read_text(encoding="utf-8")
    assert Path(page).name in test


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, dict[str, Any]]]:
    """The folder of a reader who has read every page, and what became of each block."""
    folder = tmp_path_factory.mktemp("reader")
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(HERE)])
    ended = subprocess.run(
        [sys.executable, str(HERE / "reader.py"), str(folder)],
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=900,
    )
    lines = [line for line in ended.stdout.splitlines() if line.startswith("DONE ")]
    assert lines, ended.stderr[-4000:]
    return folder, {one["place"]: one for one in json.loads(lines[0].removeprefix("DONE "))}


@pytest.mark.airflow
@pytest.mark.slow
@pytest.mark.skipif(Version(airflow_version) < Version("3.3"), reason="the pages show the newest Airflow")
class TestAReaderWhoTypesEverything:
    def test_each_block_does_what_its_page_says(self, done) -> None:
        blocks = all_blocks()
        here = [block for block in blocks if not runs_elsewhere(block)]
        failed = {place: one["error"] for place, one in done[1].items() if one["error"]}
        assert not failed, "\n\n".join(f"{place}\n{error}" for place, error in failed.items())
        assert {block.place for block in here} <= set(done[1])
        elsewhere = Counter(RUN_ELSEWHERE[block.page][0] for block in blocks if runs_elsewhere(block))
        print(f"{len(here)} blocks run here, {elsewhere.total()} by {dict(elsewhere)}: {len(blocks)} of {len(blocks)}")

    def test_the_first_call_rings_once_however_often_it_is_made(self, done) -> None:
        rings = [one["rings"] for place, one in done[1].items() if place.startswith("docs/first-call.md")]
        assert (min(rings), max(rings)) == (0, 1)

    def test_the_night_ends_as_the_tutorial_says(self, done) -> None:
        with (done[0] / "reports" / "night.csv").open(newline="") as lines:
            report = list(csv.DictReader(lines))
        assert Counter(line["reason"] for line in report)["already_accepted"] == 36  # of its second run
        with closing(sqlite3.connect(done[0] / "warehouse.db")) as warehouse:
            written = dict(warehouse.execute("select state, count(*) from renewal_calls group by state"))
        assert written == {"accepted": 36, "rejected": 2, "skipped": 2}  # the second run has changed none of them
        reasons = {line["row"]: line["reason"] for line in report}
        assert [reasons[row] for row in ("6", "8", "9", "10")] == [
            "suppressed",
            "bad_number",
            "missing_number",
            "duplicate",
        ]
