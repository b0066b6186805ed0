"""A call that shares a rate with other workers asks last before the wire, each time it would leave."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from airflow_provider_callkaro.calls import Call
from airflow_provider_callkaro.exceptions import LeaseEnded, NotSent
from airflow_provider_callkaro.sandbox import Sandbox
from airflow_provider_callkaro.transport.asynchronous import AsyncTransport
from airflow_provider_callkaro.transport.target import Target
from airflow_provider_callkaro.vendors.mrassistant.api import MrAssistant

CALL = Call(to_number="+919876543210", agent_id="3c90c3cc-0d44-4b50-8888-8dd25736052a")


class Departures:
    """Lets requests leave, or not, and notes when it was asked."""

    def __init__(self, *answers: bool) -> None:
        self.answers = list(answers)
        self.asked: list[float] = []
        self.again: list[float] = []

    def may_leave(self, *, now: float) -> bool:
        self.asked.append(now)
        return self.answers.pop(0)

    def again_at(self, *, now: float) -> float:
        self.again.append(now)
        return now + 0.2


class OneRenewal:
    """Credentials that are wrong until they are renewed."""

    def __init__(self, api_key: str) -> None:
        self._api_key = api_key
        self._lock = threading.Lock()
        self._is_new = False

    def headers(self) -> dict[str, str]:
        return MrAssistant.headers(self._api_key if self._is_new else "old")

    def renew(self, _headers: object) -> bool:
        with self._lock:
            self._is_new = True
        return True


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def send(sandbox):
    sandbox.reset()

    def send(departure, *, credentials=None):
        headers = {} if credentials else MrAssistant.headers(sandbox.api_key)
        target = Target(
            vendor="MrAssistant",
            base_url=sandbox.url,
            headers=headers,
            connect_timeout=10,
            read_timeout=30,
            credentials=credentials,
        )

        async def once():
            async with AsyncTransport(target, max_connections=1) as transport:
                return await transport.send(MrAssistant().place_call(CALL), departure=departure)

        return asyncio.run(once())

    return send


def test_a_call_that_may_leave_is_asked_once_and_rings(send, sandbox):
    departure = Departures(True)
    before = time.monotonic()
    assert send(departure).status == 200
    assert [before <= asked <= time.monotonic() for asked in departure.asked] == [True]
    assert len(sandbox.rings) == 1


def test_a_call_whose_lease_has_ended_does_not_leave(send, sandbox):
    with pytest.raises(LeaseEnded, match="share of the call budget ended") as error:
        send(Departures(False))
    assert isinstance(error.value, NotSent)
    assert sandbox.requests == []


def test_a_call_that_leaves_again_with_a_new_token_waits_and_asks_again(send, sandbox):
    """For the vendor the refused request is one more start."""
    departure = Departures(True, True)
    assert send(departure, credentials=OneRenewal(sandbox.api_key)).status == 200
    first, second = departure.asked
    (again,) = departure.again
    assert first < again
    assert second >= again + 0.2
    assert len(sandbox.requests) == 2


def test_a_call_that_may_not_leave_again_has_not_rung(send, sandbox):
    with pytest.raises(LeaseEnded):
        send(Departures(True, False), credentials=OneRenewal(sandbox.api_key))
    assert (len(sandbox.requests), sandbox.rings) == (1, [])
