"""Runs whose requests carry many calls: how many are claimed, when they are judged, and what a refusal of all costs."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from placing_calls import CampaignCaller, LedgerAround, numbers, rows

from airflow_provider_callkaro.dispatch.job import Judged
from airflow_provider_callkaro.dispatch.limits import Limits, Stop
from airflow_provider_callkaro.dispatch.preparation import Rules
from airflow_provider_callkaro.dispatch.run import run_calls
from airflow_provider_callkaro.exceptions import AllRejected
from airflow_provider_callkaro.ledger.memory import MemoryLedger, MemoryStore
from airflow_provider_callkaro.transport.asynchronous import AsyncTransport
from airflow_provider_callkaro.transport.target import Target
from airflow_provider_callkaro.vendors.http import Response
from airflow_provider_callkaro.vendors.mrassistant.api import MrAssistant


@pytest.fixture
def campaigns(sandbox):
    store = MemoryStore()
    return CampaignCaller(sandbox, lambda run: MemoryLedger(scope="calls", run=run, store=store))


class ClaimsCounted(LedgerAround):
    """Notes how many claims are open after each commit."""

    def __init__(self, ledger):
        super().__init__(ledger)
        self.open = 0
        self.most_open = 0

    def commit(self, *, settle=(), claim=()):
        lost = super().commit(settle=settle, claim=claim)
        self.open += len(claim) - len(lost) - len(settle)
        self.most_open = max(self.most_open, self.open)
        return lost


def test_after_a_failure_no_more_is_claimed_than_may_be_under_way(campaigns):
    campaigns.sandbox.fault("throttled", path=campaigns.path, first=1, retry_after=0)
    agents = [f"3c90c3cc-0d44-4b50-8888-{row:012d}" for row in range(75)]
    contacts = [{**row, "agent_id": agent} for row, agent in zip(rows(75), agents, strict=True)]
    ledger = ClaimsCounted(campaigns.open_ledger("monday"))
    run = campaigns.place(contacts, ledger=ledger, limits=Limits(max_concurrency=4))
    assert (run.summary.accepted, campaigns.most_rings()) == (75, 1)
    assert ledger.most_open <= 4


class Watch:
    """A clock that only a test moves on."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        self.now += 0.001
        return self.now


class CountedHours:
    """Lets everybody ring, and counts how often each call was judged."""

    def __init__(self):
        self.judged = Counter()

    def judge(self, call):
        self.judged[call.to_number] += 1
        return Judged(call=call)


def test_whoever_waited_for_a_slow_source_is_judged_again(campaigns):
    watch, hours = Watch(), CountedHours()

    def slow_rows():
        for place, row in enumerate(rows(520)):
            if place == 510:  # the first 500 rows are looked up together, and wait for the rest
                watch.now += 60
            yield row

    vendor = type("Large", (CampaignCaller,), {"targets_per_campaign": 1000})(campaigns.sandbox, None).vendor()
    target = Target(
        vendor="MrAssistant", base_url=campaigns.sandbox.url, headers=MrAssistant.headers(campaigns.sandbox.api_key)
    )
    summary = run_calls(
        rows=slow_rows(),
        read=campaigns.reader().read,
        vendor=vendor,
        transport=AsyncTransport(target, max_connections=1),
        ledger=MemoryLedger(),
        limits=Limits(max_concurrency=1),
        stop=Stop(clock=watch),
        say=lambda _: None,
        rules=Rules(hours=hours),
        clock=watch,
    )
    assert summary.accepted == 520
    assert {hours.judged[number] for number in numbers(500)} == {2}


class Refusing:
    """Answers every campaign with a validation of its settings."""

    def __init__(self, transport):
        self.transport = transport
        self.asked = 0

    @property
    def deadline(self):
        return self.transport.deadline

    async def __aenter__(self):
        await self.transport.__aenter__()
        return self

    async def __aexit__(self, *exc_info):
        await self.transport.__aexit__(*exc_info)

    async def send(self, request, *, not_after):
        self.asked += 1
        finding = {"loc": ["body", "webhook_url"], "type": "url_parsing", "msg": "no", "input": "private"}
        return Response(422, json.dumps({"detail": [finding]}).encode())


def test_settings_that_are_refused_stop_the_run_and_condemn_nobody(campaigns):
    around = []

    def refusing(transport):
        around.append(Refusing(transport))
        return around[0]

    first = campaigns.place(rows(30), limits=Limits(max_concurrency=1), around=refusing)
    assert isinstance(first.summary.refusal, AllRejected)
    assert "body.webhook_url (url_parsing)" in str(first.summary.refusal)
    assert (first.summary.pending, around[0].asked) == (30, 1)
    assert campaigns.place(rows(30)).summary.accepted == 30
