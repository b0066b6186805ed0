"""From the warehouse to the phones and back: the example of the outcomes under a real Airflow, with real webhooks.

Each webhook is delivered twice and in disorder, a tenth never comes, and some answers to the fan-out are lost. The
receiver is once the plugin in Airflow's own API server, and once a process of its own.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import sqlalchemy
from real_airflow import wait_until
from real_airflow.ports import free_port
from stage import Stage

from airflow_provider_callkaro.calls.disposition import Disposition
from airflow_provider_callkaro.outcomes.counting import OutcomeCounts
from airflow_provider_callkaro.outcomes.store import OutcomeStore
from airflow_provider_callkaro.sandbox import Ending, Sandbox

pytestmark = [pytest.mark.airflow, pytest.mark.usefixtures("no_example_logs_a_number")]

ROOT = Path(__file__).parents[2]
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
SECRET = "the-secret-of-this-connection"
PATH = "/callkaro/webhooks"
ENDINGS = {
    Ending.REACHED: Disposition.REACHED,
    Ending.ASKED_NOT_TO_BE_CALLED: Disposition.REACHED,
    Ending.NO_ANSWER: Disposition.NOT_REACHED,
    Ending.UNREACHABLE: Disposition.NOT_REACHED,
    Ending.REJECTED: Disposition.REFUSED,
    Ending.VOICEMAIL: Disposition.VOICEMAIL,
    Ending.INVALID_NUMBER: Disposition.INVALID_NUMBER,
    Ending.FAILED: Disposition.VENDOR_FAULT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where one of the tests plays: a vendor's connection, a ledger and a night that no other test has.

    :param number: 0 or 1.
    """

    stage: Stage
    number: int

    @property
    def night(self) -> datetime:
        return TODAY + timedelta(seconds=self.number)

    @property
    def conn_id(self) -> str:
        return f"callkaro_that_tells_{self.number}"

    @property
    def ledger_conn_id(self) -> str:
        return f"ledger_of_outcomes_{self.number}"

    @property
    def ledger(self) -> Path:
        return self.stage.folder / f"{self.ledger_conn_id}.db"

    @property
    def extra(self) -> dict[str, Any]:
        """Of the vendor's connection."""
        webhooks = {"ledger_conn_id": self.ledger_conn_id, "secret": SECRET}
        return {"schedule_timezone": "UTC", "webhooks": webhooks}

    def prepare(self) -> None:
        """Make the warehouse, and have the example use this place's connections."""
        airflow = self.stage.airflow
        airflow.set_connection(self.ledger_conn_id, conn_type="sqlite", host=str(self.ledger))
        source = (
            (ROOT / "example_dags" / "outcomes.py").read_text().replace('"call_ledger"', f'"{self.ledger_conn_id}"')
        )
        source = source.replace("agent_id=AGENT,", f'agent_id=AGENT, callkaro_conn_id="{self.conn_id}",')
        airflow.write_dag_file("outcomes.py", source.replace('schedule="0 4 * * *"', "schedule=None"))
        airflow.wait_until_parsed("outcomes")
        airflow.wait_until_parsed("outcomes_follow_up")


@contextmanager
def in_airflow(place: Place, sandbox: Sandbox) -> Iterator[str]:
    """The plugin in the API server."""
    yield f"http://127.0.0.1:{place.stage.airflow.rest.port}{PATH}"


@contextmanager
def alone(place: Place, sandbox: Sandbox) -> Iterator[str]:
    """The receiver as a process of its own, which knows the connections from its environment."""
    port = free_port()
    connections = {
        place.conn_id: {**json.loads(sandbox.airflow_connection), "extra": place.extra},
        place.ledger_conn_id: {"conn_type": "sqlite", "host": str(place.ledger)},
    }
    known = {f"AIRFLOW_CONN_{conn_id.upper()}": json.dumps(fields) for conn_id, fields in connections.items()}
    receiver = subprocess.Popen(
        [sys.executable, "-m", "airflow_provider_callkaro.receiver", "--port", str(port)], env=os.environ | known
    )
    address = f"http://127.0.0.1:{port}{PATH}"

    def look() -> bool | None:
        try:
            return requests.get(f"{address}/health", timeout=60).ok or None
        except requests.ConnectionError:
            return None

    try:
        wait_until("the receiver to answer", look, timeout=120)
        yield address
    finally:
        receiver.terminate()
        receiver.wait()


RECEIVERS = {"in Airflow": in_airflow, "alone": alone}


@pytest.mark.parametrize("where", list(RECEIVERS))
def test_each_call_ends_in_the_warehouse_and_starts_what_follows(
    stage: Stage, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(stage=stage, number=list(RECEIVERS).index(where))
    place.prepare()
    fill_warehouse(place, monkeypatch)
    followed = len(stage.airflow.runs("outcomes_follow_up"))
    with (
        stage.vendor(place.conn_id, extra=json.dumps(place.extra)) as sandbox,
        RECEIVERS[where](place, sandbox) as address,
    ):
        sandbox.webhook(
            f"{address}/{{vendor}}/{place.conn_id}",
            headers={"X-CallKaro-Webhook-Secret": SECRET},
            duplicates=1,
            losses=0.1,
            delay_seconds=1,
            disorder_seconds=3,
        )
        sandbox.fault("drop_answer_after_accepting", every=15)
        run = stage.airflow.trigger("outcomes", logical_date=place.night)
        stage.airflow.wait("outcomes", run, states={"success"})
        summary = stage.airflow.xcom("outcomes", run, "calls")
        assert summary["unknown"] > 0
        assert summary["reasons"]["cap"] == 2  # customers who stand in the list twice, under two ids
        night_ids = [ring.call_id for ring in sandbox.rings[: summary["accepted"] + summary["unknown"]]]
        follow_up = stage.airflow.wait_for_runs("outcomes_follow_up", followed + 1)[-1]
        stage.airflow.wait("outcomes_follow_up", follow_up, states={"success"})
        sandbox.wait_for_webhooks(timeout=120)

        told = [each for each in sandbox.webhook_deliveries if each.call_id in night_ids]
        final = {each.call_id: ENDINGS[each.ending] for each in told if each.has_arrived}
        lost = {each.call_id for each in told if each.is_lost}
        assert lost
        assert lost | final.keys() == set(night_ids)
        assert len(lost) + len(final) == len(night_ids)
        counts = counted(place)
        assert counts.outcomes == Counter(final.values())
        assert counts.accepted == counts.with_outcome + counts.unresolved
        assert counts.unknown + counts.unresolved == len(lost)  # of some, the answer was lost as well
        write_again(stage, run)
        words = Counter(row["outcome"] for row in written(stage))
        assert words.pop("awaiting") + words.pop("unknown", 0) == len(lost)
        assert words == Counter(map(str, final.values()))

        before = stored(place, night_ids), written(stage)
        assert sandbox.send_webhooks_again() >= len(final)
        sandbox.wait_for_webhooks(timeout=120)
        write_again(stage, run)
        assert (stored(place, night_ids), written(stage)) == before
        rings = sandbox.rings_per_number()
    of_customers = customers(stage)
    assert {number for number, count in rings.items() if count == 2} <= of_customers["reached = 0"]
    assert max(rings.values()) == 2  # whoever did not answer is rung once more
    assert of_customers["reached = 1"]
    assert of_customers["do_not_call = 1"] <= of_customers["reached = 1"]


def fill_warehouse(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo's warehouse, where the examples look for it; everybody is due on one night."""
    monkeypatch.setattr(sys, "path", [str(ROOT), *sys.path])
    from example_dags.demo.warehouse import make_warehouse

    path = place.stage.folder / "warehouse.db"
    path.unlink(missing_ok=True)
    make_warehouse(path, due_on=f"{place.night:%Y-%m-%d}")


def counted(place: Place) -> OutcomeCounts:
    """What became of the night's calls, where nobody waits any longer."""
    with OutcomeStore(sqlalchemy.create_engine(f"sqlite:///{place.ledger}")) as store:
        return store.counts(scope=f"outcomes of renewals due {place.night:%Y-%m-%d}", unresolved_after=timedelta(0))


def write_again(stage: Stage, run: str) -> None:
    """Clear the task that writes the outcomes, and wait until it has written them anew."""
    tried = stage.airflow.task("outcomes", run, "outcomes")["try_number"]
    stage.airflow.clear("outcomes", run, "outcomes")
    stage.airflow.wait_for_try("outcomes", run, "outcomes", tried + 1)
    stage.airflow.wait("outcomes", run, states={"success"})


def rows_of(database: Path, query: str, *values: Any) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(database)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(query, values)]


def written(stage: Stage) -> list[dict[str, Any]]:
    """The outcomes in the warehouse."""
    return rows_of(stage.folder / "warehouse.db", "select * from renewal_outcomes order by call_key")


def stored(place: Place, call_ids: list[str]) -> list[dict[str, Any]]:
    """The outcomes beside the ledger."""
    query = "select * from voice_call_outcomes where call_id in (select value from json_each(?)) order by vendor_call"
    return rows_of(place.ledger, query, json.dumps(call_ids))


def customers(stage: Stage) -> dict[str, set[str]]:
    """The numbers of the customers of whom something is noted, as they were dialled."""
    found = {}
    for condition in ("reached = 0", "reached = 1", "do_not_call = 1"):
        rows = rows_of(stage.folder / "warehouse.db", f"select phone from renewals where {condition}")
        found[condition] = {"+" + re.sub(r"\D", "", row["phone"]).removeprefix("00") for row in rows if row["phone"]}
    return found
