"""Events on their way into the database: together, and an event that no database takes hinders no other."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager, suppress

import pytest

from airflow_provider_callkaro.exceptions import LedgerError
from airflow_provider_callkaro.receiver.doors import Unavailable
from airflow_provider_callkaro.receiver.failure_log import EVERY_SECONDS, MAX_KINDS, FailureLog
from airflow_provider_callkaro.receiver.inbox import MAX_EVENTS, Inbox
from airflow_provider_callkaro.receiver.room import Room
from airflow_provider_callkaro.vendors.call_event import CallEvent
from airflow_provider_callkaro.vendors.webhook_json import MAX_BYTES


class Database:
    """Takes events, but for those of the calls that it does not like; and none while it is down."""

    def __init__(self, *, dislikes=()):
        self.dislikes = dislikes
        self.is_down = False
        self.transactions = []
        self.opened = 0
        self.may_write = threading.Event()
        self.may_write.set()

    @contextmanager
    def open(self):
        self.opened += 1
        yield self

    def record(self, events, *, conn_id):
        assert self.may_write.wait(60)
        if self.is_down:
            raise LedgerError("the database does not answer")
        if any(event.call_id in self.dislikes for event in events):
            raise ValueError("a text that a log must not show")
        self.transactions.append([event.call_id for event in events])


def deliver(database, calls):
    """Which of these calls were written, as those are told who brought them at once."""

    async def run():
        inbox = Inbox(database.open, conn_id="callkaro_default", failures=FailureLog())
        database.may_write.clear()  # the first ones wait at the database until all have come
        futures = {call: inbox.put(CallEvent(vendor="callkaro", call_id=call)) for call in calls}
        database.may_write.set()
        told = {call for call, written in futures.items() if await written}
        inbox.close()
        return told

    return asyncio.run(run())


def test_what_comes_together_is_written_together():
    database, calls = Database(), [str(number) for number in range(2 * MAX_EVENTS)]
    assert deliver(database, calls) == set(calls)
    assert [call for each in database.transactions for call in each] == calls
    assert len(database.transactions) <= 3  # the first may have gone before the others came


@pytest.mark.parametrize("place", [0, 7, 499])
def test_one_that_no_database_takes_hinders_no_other(place, caplog):
    calls = [str(number) for number in range(500)]
    database = Database(dislikes={str(place)})
    assert deliver(database, calls) == set(calls) - {str(place)}
    assert "ValueError" in caplog.text
    assert "a text that a log must not show" not in caplog.text


def test_a_database_that_is_down_is_not_asked_for_each_event():
    database = Database()
    database.is_down = True
    assert deliver(database, [str(number) for number in range(500)]) == set()
    assert database.opened <= 50


def test_what_comes_after_the_end_is_told_to_come_again():
    async def run():
        inbox = Inbox(Database().open, conn_id="callkaro_default", failures=FailureLog())
        inbox.close()
        return await inbox.put(CallEvent(vendor="callkaro", call_id="late"))

    assert asyncio.run(run()) is False


def test_the_room_is_given_back_when_an_event_is_settled_and_not_before():
    async def run():
        room, events = Room(), [asyncio.get_running_loop().create_future() for _ in range(64)]
        for written in events:
            with room.taken(MAX_BYTES) as place:
                place.keep_until(written)
        with pytest.raises(Unavailable), room.taken(MAX_BYTES):
            pass
        events[0].set_result(True)
        await asyncio.sleep(0)  # for its callback
        with suppress(LookupError), room.taken(MAX_BYTES):
            raise LookupError  # whatever happens to a delivery
        with room.taken(MAX_BYTES):
            pass

    asyncio.run(run())


def test_the_log_tells_a_kind_once_a_minute_and_how_often(caplog):
    now = [0.0]
    failures = FailureLog(clock=lambda: now[0])
    for _ in range(10):
        failures.note("it broke")
    now[0] = EVERY_SECONDS
    failures.note("it broke")
    lines = [record.getMessage() for record in caplog.records]
    assert lines == ["Webhooks: it broke", "Webhooks: it broke (10 times in 60 s)"]
    for number in range(2 * MAX_KINDS):
        failures.note(f"kind {number}")
    assert len(failures._kinds) == MAX_KINDS
