"""Runs that begin at the same moment with an empty ledger: each of their campaigns is noted."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier

import pytest
import sqlalchemy

from airflow_provider_callkaro.ledger.sql.run_records import SqlRunRecords
from airflow_provider_callkaro.outcomes.campaigns import note_campaign

RUNS = 8
ROUNDS = 8  # because they do not meet each time


@pytest.mark.parametrize("_", range(ROUNDS))
def test_every_run_notes_its_campaign(tmp_path: Path, _: int) -> None:
    path = tmp_path / "ledger.db"
    url, together = f"sqlite:///{path}", Barrier(RUNS)
    SqlRunRecords(sqlalchemy.create_engine(url), run="before").find()

    def begin(place: int) -> None:
        engine = sqlalchemy.create_engine(url)
        together.wait()
        note_campaign(engine, keys=None, campaign=f"b-{place}", scope="renewals", run=f"outreach/{place}/calls/-1")

    with ThreadPoolExecutor(RUNS) as threads:
        list(threads.map(begin, range(RUNS)))
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT COUNT(*) FROM voice_call_campaigns").fetchone() == (RUNS,)
