"""Who is let in while a look-up is slow, fails, or is asked for by many at once."""

from __future__ import annotations

import asyncio
import threading

import pytest

from airflow_provider_callkaro.hooks.webhooks import WebhookSettings
from airflow_provider_callkaro.receiver import doors as module
from airflow_provider_callkaro.receiver.doors import MAX_LOOK_UPS, MAX_STRANGERS, Doors, Refused, Unavailable
from airflow_provider_callkaro.receiver.failure_log import FailureLog
from airflow_provider_callkaro.receiver.inbox import Inbox

SECRET = "the-secret-of-this-connection"
SETTINGS = WebhookSettings(ledger_conn_id="call_ledger", secrets=(SECRET,))


class Backend:
    """A secrets backend that can be held up, or break."""

    def __init__(self):
        self.asked = []
        self.goes_on = threading.Event()
        self.goes_on.set()
        self.error = None

    def look_up(self, vendor, conn_id):
        self.asked.append(conn_id)
        assert self.goes_on.wait(30)
        if self.error is not None:
            raise self.error
        return SETTINGS if conn_id == "good" else None


@pytest.fixture
def backend():
    backend = Backend()
    yield backend
    backend.goes_on.set()


@pytest.fixture
def now():
    return [0.0]


@pytest.fixture
def opened(backend, now):
    """Opens doors one after the other, on one event loop: the results by name."""

    def inbox(conn_id, settings):
        return Inbox(None, conn_id=conn_id, failures=failures)

    failures = FailureLog()
    return lambda: Doors(look_up=backend.look_up, open_inbox=inbox, failures=failures, clock=lambda: now[0])


async def answer(doors, conn_id="good", secret=SECRET):
    try:
        return await doors.open("callkaro", conn_id, secret=secret)
    except (Refused, Unavailable) as error:
        return type(error)


def test_many_who_ask_at_once_cause_one_look_up(backend, opened):
    async def run():
        doors = opened()
        return await asyncio.gather(*[answer(doors) for _ in range(50)])

    assert len(set(map(id, asyncio.run(run())))) == 1
    assert backend.asked == ["good"]


def test_strangers_cause_few_look_ups_at_once_and_hold_nobody_up(backend, opened, monkeypatch):
    async def run():
        doors = opened()
        known = await answer(doors)
        monkeypatch.setattr(module, "LOOK_UP_SECONDS", 0.01)
        backend.goes_on.clear()
        guessed = await asyncio.gather(*[answer(doors, f"guess_{number}") for number in range(100)])
        again = await answer(doors)
        backend.goes_on.set()
        return known, set(guessed), again

    known, guessed, again = asyncio.run(run())
    assert guessed == {Unavailable}
    assert again is known
    assert known.settings is SETTINGS
    assert len(backend.asked) <= 1 + MAX_LOOK_UPS


def test_a_look_up_that_hangs_or_breaks_does_not_close_a_door_that_is_known(backend, opened, now, monkeypatch):
    async def run():
        doors = opened()
        known = await answer(doors)
        now[0] += 1_000
        backend.error = OSError("a backend that is down")
        broken = await answer(doors)
        monkeypatch.setattr(module, "LOOK_UP_SECONDS", 0.01)
        backend.goes_on.clear()
        hangs = await answer(doors)
        stranger = await answer(doors, secret="another-secret-than-it")
        backend.goes_on.set()
        return known, broken, hangs, stranger

    known, broken, hangs, stranger = asyncio.run(run())
    assert known is broken is hangs
    assert known.settings is SETTINGS
    assert stranger is Refused


def test_a_backend_that_breaks_refuses_nobody_for_good(backend, opened):
    async def run():
        doors = opened()
        backend.error = OSError("a backend that is down")
        first = await answer(doors)
        backend.error = None
        return first, await answer(doors)

    first, second = asyncio.run(run())
    assert first is Unavailable
    assert second.settings is SETTINGS


def test_names_without_a_door_are_forgotten_in_the_end(backend, opened):
    async def run():
        doors = opened()
        for number in range(MAX_STRANGERS + 10):
            assert await answer(doors, f"guess_{number}") is Refused
        return len(doors._strangers)

    assert asyncio.run(run()) == MAX_STRANGERS
