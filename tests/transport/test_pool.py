"""Connections are shared: no more than agreed, each carries one call at a time, and none is used that lay idle."""

from __future__ import annotations

import asyncio
from threading import Event, Lock

import pytest

from airflow_provider_callkaro.exceptions import NotSent
from airflow_provider_callkaro.transport import pool
from airflow_provider_callkaro.transport.asynchronous import AsyncTransport
from airflow_provider_callkaro.transport.target import Target
from airflow_provider_callkaro.vendors.http import Request


def send_together(url, *, calls, max_connections, **options):
    """Send so many calls at once; what became of each."""

    async def sent():
        target = Target(vendor="CallKaro", base_url=url, headers={}, **options)
        async with AsyncTransport(target, max_connections=max_connections) as transport:
            requests = (Request("POST", f"/{number}", b"{}", retry_safe=False) for number in range(calls))
            return await asyncio.gather(*map(transport.send, requests), return_exceptions=True)

    return asyncio.run(sent())


def paths(server):
    return sorted(head.split()[1] for head, _ in server.requests)


def test_more_calls_than_connections_wait_for_one_and_get_their_own_answers(serve):
    lock, now, most = Lock(), [], []

    def script(connection):
        while (request := connection.read_request()) is not None:
            path = request[0].split()[1]
            with lock:
                now.append(path)
                most.append(len(now))
            connection.is_over_within(0.002)
            with lock:
                now.remove(path)
            connection.answer(path.encode())

    server = serve(script)
    answers = send_together(server.url, calls=40, max_connections=3)
    assert [answer.body for answer in answers] == [f"/{number}".encode() for number in range(40)]
    assert len(server.requests) == 40
    assert server.connections <= 3
    assert max(most) <= 3


def test_a_call_that_finds_no_free_place_in_time_has_rung_nobody(serve):
    may_answer = Event()

    def script(connection):
        while connection.read_request() is not None:
            may_answer.wait(30)
            connection.answer()

    async def sent():
        target = Target(vendor="CallKaro", base_url=server.url, headers={}, connect_timeout=1.0)
        async with AsyncTransport(target, max_connections=1) as transport:
            first = asyncio.create_task(transport.send(Request("POST", "/first", b"{}")))
            while not server.requests:
                await asyncio.sleep(0.001)
            with pytest.raises(NotSent):
                await transport.send(Request("POST", "/second", b"{}"))
            may_answer.set()
            return await first

    server = serve(script)
    assert asyncio.run(sent()).status == 200
    assert paths(server) == ["/first"]


def test_a_call_that_was_given_up_while_it_waited_frees_its_place_for_the_next(serve):
    may_answer = Event()

    def script(connection):
        while connection.read_request() is not None:
            may_answer.wait(30)
            connection.answer()

    async def sent():
        target = Target(vendor="CallKaro", base_url=server.url, headers={})
        async with AsyncTransport(target, max_connections=1) as transport:
            calls = [asyncio.create_task(transport.send(Request("POST", f"/{name}", b"{}"))) for name in "abc"]
            while not server.requests:
                await asyncio.sleep(0.001)
            calls[1].cancel()
            may_answer.set()
            return await asyncio.gather(*calls, return_exceptions=True)

    server = serve(script)
    first, given_up, last = asyncio.run(sent())
    assert (first.status, last.status) == (200, 200)
    assert isinstance(given_up, asyncio.CancelledError)
    assert paths(server) == ["/a", "/c"]


def test_a_call_that_was_given_up_under_way_ends_its_connection(serve):
    """Its answer, which is still to come, is not that of a later call."""

    def slow(connection):
        connection.read_request()
        is_asked.set()
        may_answer.wait(30)
        connection.answer(b"late")

    def prompt(connection):
        connection.read_request()
        connection.answer(b"prompt")

    async def sent():
        target = Target(vendor="CallKaro", base_url=server.url, headers={})
        async with AsyncTransport(target, max_connections=1) as transport:
            given_up = asyncio.create_task(transport.send(Request("POST", "/a", b"{}")))
            while not is_asked.is_set():
                await asyncio.sleep(0.001)
            given_up.cancel()
            with pytest.raises(asyncio.CancelledError):
                await given_up
            may_answer.set()
            return (await transport.send(Request("POST", "/b", b"{}"))).body

    is_asked, may_answer = Event(), Event()
    server = serve(slow, prompt)
    assert asyncio.run(sent()) == b"prompt"
    assert server.connections == 2


def test_a_connection_that_lay_idle_for_too_long_is_not_used_again(serve, async_driver_to, monkeypatch):
    def script(connection):
        while connection.read_request() is not None:
            connection.answer()

    monkeypatch.setattr(pool, "IDLE_SECONDS", -1.0)
    server = serve(script)
    driver = async_driver_to(server.url)
    for path in ("/first", "/second"):
        driver.exchange(Request("POST", path, b"{}", retry_safe=False))
    assert server.connections == 2
