"""The whole loop outside Airflow: a fan-out, the webhooks of its calls, the receiver, and the outcomes in the ledger.

Webhooks come twice, in disorder, while the list is still being dialled; some never come, and some answers are lost.
"""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from delivering import LEDGER, SECRET, Serving
from fanning_out import people
from task_context import task_context

from airflow_provider_callkaro.calls.disposition import Disposition
from airflow_provider_callkaro.operators.callkaro import CallKaroFanOutCallsOperator
from airflow_provider_callkaro.operators.mrassistant import MrAssistantCreateCampaignOperator
from airflow_provider_callkaro.outcomes.counting import OutcomeCounts
from airflow_provider_callkaro.outcomes.store import OutcomeStore
from airflow_provider_callkaro.sandbox import Ending, Sandbox

AT_ONCE = timedelta(0)
CALLS = 80


class Loop:
    """A fan-out whose vendor is the sandbox, and a receiver that the sandbox tells."""

    def __init__(self, sandbox: Sandbox, *, address: str, ledger: Path) -> None:
        self.sandbox = sandbox
        self.address = address
        self._engine = sqlalchemy.create_engine(f"sqlite:///{ledger}")

    def tell(self, **options: Any) -> None:
        """Have CallKaro tell the receiver. ``options``: what happens on the way; see `Sandbox.webhook`."""
        headers = {"X-CallKaro-Webhook-Secret": SECRET}
        self.sandbox.webhook(f"{self.address}/callkaro/callkaro_default", vendor="callkaro", headers=headers, **options)

    def fan_out(self, **columns: Any) -> dict[str, Any]:
        operator = CallKaroFanOutCallsOperator(
            task_id="calls",
            contacts=[{**person, **columns} for person in people(CALLS)],
            agent_id="agent",
            ledger_conn_id=LEDGER,
            ledger_scope="tonight",
            row_fields=["number_of_retries"],
        )
        return operator.execute(task_context())

    def counts(self) -> OutcomeCounts:
        with OutcomeStore(self._engine) as store:
            return store.counts(scope="tonight", unresolved_after=AT_ONCE)

    def tables(self) -> dict[str, list[tuple[Any, ...]]]:
        """Everything in the database."""
        found = {}
        with self._engine.connect() as connection:
            for table in sqlalchemy.inspect(connection).get_table_names():
                rows = connection.exec_driver_sql(f"select * from {table}")
                found[table] = sorted(map(tuple, rows), key=str)
        return found


@pytest.fixture
def loop(ledger: Path, define):
    with Sandbox() as sandbox, Serving() as address:
        vendor = json.loads(sandbox.airflow_connection)
        define("callkaro_default", **vendor, extra={"webhooks": {"ledger_conn_id": LEDGER, "secret": SECRET}})
        yield Loop(sandbox, address=address, ledger=ledger)


DISPOSITIONS = {
    Ending.REACHED: Disposition.REACHED,
    Ending.ASKED_NOT_TO_BE_CALLED: Disposition.REACHED,
    Ending.NO_ANSWER: Disposition.NOT_REACHED,
    Ending.UNREACHABLE: Disposition.NOT_REACHED,
    Ending.REJECTED: Disposition.REFUSED,
    Ending.VOICEMAIL: Disposition.VOICEMAIL,
    Ending.INVALID_NUMBER: Disposition.INVALID_NUMBER,
    Ending.FAILED: Disposition.VENDOR_FAULT,
}


def test_each_call_has_one_final_outcome_or_is_unresolved_and_a_replay_changes_nothing(loop: Loop) -> None:
    loop.tell(duplicates=1, losses=0.1, disorder_seconds=1)
    summary = loop.fan_out(number_of_retries=2)
    assert summary["accepted"] == CALLS
    loop.sandbox.wait_for_webhooks(timeout=60)
    deliveries = loop.sandbox.webhook_deliveries
    assert all(each.has_arrived or each.is_lost for each in deliveries)
    final = {each.call_id: DISPOSITIONS[each.ending] for each in deliveries if each.is_last and each.has_arrived}
    counts = loop.counts()
    assert 0 < CALLS - len(final) < CALLS / 3
    assert (counts.accepted, counts.with_outcome, counts.unresolved) == (CALLS, len(final), CALLS - len(final))
    told = list(final.values())
    assert counts.outcomes == {word: told.count(word) for word in Disposition if word in told}

    before = loop.tables()
    loop.sandbox.send_webhooks_again()
    loop.sandbox.wait_for_webhooks(timeout=60)
    assert loop.tables() == before

    loop.sandbox.send_webhooks_again(lost=True)
    loop.sandbox.wait_for_webhooks(timeout=60)
    assert (loop.counts().with_outcome, loop.counts().unresolved) == (CALLS, 0)


@pytest.mark.parametrize("delay_seconds", [0, 2], ids=["at once", "after the run"])
def test_a_fan_out_with_lost_answers_has_no_unknown_call_once_the_webhooks_have_come(
    loop: Loop, delay_seconds: float
) -> None:
    loop.tell(delay_seconds=delay_seconds)
    loop.sandbox.fault("drop_answer_after_accepting", every=4)
    summary = loop.fan_out()
    assert summary["unknown"] == CALLS / 4
    loop.sandbox.wait_for_webhooks(timeout=60)
    counts = loop.counts()
    assert (counts.unknown, counts.accepted, counts.with_outcome) == (0, CALLS, CALLS)
    assert set(loop.sandbox.rings_per_number().values()) == {1}


MRASSISTANT = "mrassistant_default"
SIGNING_SECRET = "with-this-it-signs"


def test_a_campaign_of_mrassistant_whose_answer_is_lost_tells_of_its_calls_by_its_own_address(
    loop: Loop, define
) -> None:
    """The vendor learns the address and the signing secret from the campaign's request, and its answer is lost."""
    vendor = json.loads(loop.sandbox.airflow_connections[MRASSISTANT])
    webhooks = {"ledger_conn_id": LEDGER, "secret": SECRET}
    told = {"webhook_url": f"{loop.address}/mrassistant/{MRASSISTANT}/{SECRET}", "webhook_secret": SIGNING_SECRET}
    define(MRASSISTANT, **vendor, extra={**told, "webhooks": webhooks})
    loop.sandbox.fault("drop_answer_after_accepting", path="/campaigns", first=1)
    operator = MrAssistantCreateCampaignOperator(
        task_id="calls",
        contacts=people(CALLS),
        agent_id="3c90c3cc-0d44-4b50-8888-8dd25736052a",
        name="Renewals",
        targets_per_campaign=CALLS // 2,
        notify_on_call_complete=True,
        ledger_conn_id=LEDGER,
        ledger_scope="tonight",
    )
    summary = operator.execute(task_context())
    assert (summary["unknown"], summary["accepted"]) == (CALLS / 2, CALLS / 2)
    loop.sandbox.wait_for_webhooks(timeout=60)
    assert {delivery.status for delivery in loop.sandbox.webhook_deliveries} == {200}
    counts = loop.counts()
    assert (counts.unknown, counts.accepted, counts.with_outcome) == (0, CALLS, CALLS)
