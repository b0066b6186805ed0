"""A request has one deadline, from its start to the last byte of its answer, however steadily the bytes drip in."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from contextlib import suppress

import pytest

from airflow_provider_callkaro.calls import Call
from airflow_provider_callkaro.exceptions import NotSent, OutcomeUnknown, TooLate
from airflow_provider_callkaro.transport.asynchronous import AsyncTransport
from airflow_provider_callkaro.transport.target import Target
from airflow_provider_callkaro.vendors.callkaro.api import CallKaro

ACCEPTED = b'{"status":"success","call_id":"a1b2c3d4e5"}'
REQUEST = CallKaro().place_call(Call(to_number="+919876543210", agent_id="agent"))
HASTY = {"connect_timeout": 0.2, "read_timeout": 0.4}  # seconds
DRIPS = 200  # of 50 ms each: far beyond the deadline, and yet the server comes to an end


def dripping(head, drip, end):
    """A server that keeps sending, and gives a perfect answer in the end."""

    def script(connection):
        connection.read_request()
        drip_into(connection, head, drip, end)

    return script


def drip_into(connection, head, drip, end):
    connection.send(head)
    for _ in range(DRIPS):
        connection.send(drip)
        if connection.is_over_within(0.05):
            return
    connection.send(end)


ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(ACCEPTED) + ACCEPTED
KINDS = {
    "body": (b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (DRIPS + len(ACCEPTED)), b" ", ACCEPTED),
    "body without length": (b"HTTP/1.1 200 OK\r\n\r\n", b" ", ACCEPTED),
    "chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n", b"0\r\n\r\n"),
    "header": (b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x", b"\r\nContent-Length: 43\r\n\r\n" + ACCEPTED),
    "status line": (b"", b"\r\n", ANSWER),
    "100 without end": (b"", b"HTTP/1.1 100 Continue\r\n\r\n", ANSWER),
    "103 without end": (b"", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", ANSWER),
}


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_that_drips_in_is_lost_at_the_deadline(serve, place_call, hasty, kind):
    """Between two bytes there is never a pause worth a timeout; a call would be held for hours, and its run with it."""
    for _ in range(30):
        server = serve(dripping(*KINDS[kind]))
        with pytest.raises((OutcomeUnknown, NotSent)) as error:
            place_call(server.url, **hasty)
        if isinstance(error.value, OutcomeUnknown):
            break
        server.close()
        assert server.requests == []  # a busy machine let nothing leave within the deadline: once more
    assert isinstance(error.value, OutcomeUnknown)
    assert len(server.received(1)) == 1


def test_a_tls_handshake_that_never_ends_has_rung_nobody(serve, place_call):
    server = serve(lambda connection: connection.never_answer())
    with pytest.raises(NotSent):
        place_call(server.url.replace("http://", "https://"), **HASTY)


def test_a_proxy_that_drips_has_rung_nobody(serve, place_call, monkeypatch):
    proxy = serve(dripping(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x", b"\r\n\r\n"))
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    with pytest.raises(NotSent):
        place_call("https://api.callkaro.invalid", **HASTY)


class HangingLookUps:
    """A name server that is silent until the end of the test, or for a minute.

    :ivar have_ended: whether somebody waited for it to the end.
    """

    def __init__(self):
        self.is_over = threading.Event()
        self.have_ended = False

    def __call__(self, *arguments, **options):
        self.is_over.wait(60)
        self.have_ended = True
        return []


@pytest.fixture
def hanging_look_ups(monkeypatch):
    look_ups = HangingLookUps()
    monkeypatch.setattr(socket, "getaddrinfo", look_ups)
    yield look_ups
    look_ups.is_over.set()


def test_a_name_that_takes_for_ever_to_look_up_has_rung_nobody(place_call, hanging_look_ups):
    """Nothing can interrupt a look-up: a silent name server held a task for as long as the system liked."""
    with pytest.raises(NotSent):
        place_call("https://api.callkaro.invalid", **HASTY)
    assert not hanging_look_ups.have_ended


def test_a_look_up_that_hangs_does_not_hold_the_end_of_an_event_loop(hanging_look_ups):
    """A sensor asks within a loop of its own, which would wait for its threads."""

    async def ask():
        target = Target(vendor="CallKaro", base_url="https://api.callkaro.invalid", headers={}, **HASTY)
        async with AsyncTransport(target, max_connections=1) as transport:
            await transport.send(REQUEST)

    with pytest.raises(NotSent):
        asyncio.run(ask())
    assert not hanging_look_ups.have_ended


def test_a_name_is_looked_up_by_both_drivers(serve, place_call):
    def accept(connection):
        connection.read_request()
        connection.answer()

    server = serve(accept)
    assert place_call(f"http://localhost:{server.port}").call_id == "a1b2c3d4e5"


def test_an_answer_within_the_deadline_is_read_although_it_comes_in_pieces(serve, place_call):
    def in_pieces(connection):
        connection.read_request()
        for byte in ANSWER:
            connection.send(bytes([byte]))

    assert place_call(serve(in_pieces).url).call_id == "a1b2c3d4e5"


def test_a_connection_that_was_given_up_is_not_used_again(serve, driver_to, hasty):
    """What still drips out of it would be read as the answer to somebody else's call."""

    def script(connection):
        request = connection.read_request()
        if request is None:
            return
        if request is not server.requests[0]:
            connection.answer()
            return
        with suppress(OSError):
            drip_into(connection, *KINDS["body"])
        connection.never_answer()
        connection.socket.setblocking(False)
        with suppress(OSError):
            more.append(connection.socket.recv(65_536))

    more = []
    server = serve(script)
    driver = driver_to(server.url, **hasty)
    placed, lost = None, 0
    while placed is None:
        try:
            placed = CallKaro().read_placed_call(driver.exchange(REQUEST))
        except (NotSent, OutcomeUnknown) as error:  # a busy machine can cost more than the first answer
            lost += isinstance(error, OutcomeUnknown)
            assert lost < 30
    assert placed.call_id == "a1b2c3d4e5"
    assert lost >= 1
    server.close()
    assert set(more) <= {b""}  # nothing came over the first connection any more


class TestTheLastLookBeforeTheWire:
    """Only the driver of the fan-out has it: what rings by the thousand is judged long before."""

    @staticmethod
    async def send(url, *requests, wall=time.time, **options):
        """Send requests one after another, each with the moment after which it must not leave."""
        target = Target(vendor="CallKaro", base_url=url, headers=CallKaro.headers("key"), **options)
        async with AsyncTransport(target, max_connections=1, wall=wall) as transport:
            outcomes = []
            for not_after in requests:
                try:
                    outcomes.append((await transport.send(REQUEST, not_after=not_after)).status)
                except NotSent as error:
                    outcomes.append(type(error))
            return outcomes

    def test_a_call_whose_moment_has_passed_does_not_leave(self, serve):
        def accept(connection):
            while connection.read_request() is not None:
                connection.answer()

        server = serve(accept)
        outcomes = asyncio.run(self.send(server.url, 1_000.0, 999.0, 1_001.0, 1_000.0, wall=lambda: 1_000.0))
        assert outcomes == [200, TooLate, 200, 200]
        assert len(server.requests) == 3
        assert server.connections == 1  # whoever is too late leaves the connection to the next one

    def test_a_connection_that_took_too_long_carries_no_call(self):
        """The host lets nobody in until the moment has passed: then there is a connection, and no call on it."""
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen(0)
            url = "http://{}:{}".format(*listener.getsockname())
            crowd = [socket.socket() for _ in range(4)]
            for waiting in crowd:  # the queue is full: whoever comes now is left standing
                waiting.setblocking(False)
                waiting.connect_ex(listener.getsockname())
            not_after = time.time() + 0.3
            received, passing = [], threading.Event()

            def let_them_in() -> None:
                while time.time() <= not_after:
                    passing.wait(0.01)
                for waiting in crowd:
                    waiting.close()
                listener.settimeout(30)
                with suppress(OSError):
                    while True:
                        accepted, _ = listener.accept()
                        accepted.settimeout(30)
                        received.append(accepted.recv(65_536))
                        accepted.close()

            host = threading.Thread(target=let_them_in, daemon=True)
            host.start()
            assert asyncio.run(self.send(url, not_after, connect_timeout=30.0)) == [TooLate]
            listener.shutdown(socket.SHUT_RDWR)
            host.join(30)
        assert set(received) == {b""}

    def test_a_call_that_goes_once_more_after_its_token_was_renewed_gets_the_same_look(self, serve):
        def refuse_the_token(connection):
            while connection.read_request() is not None:
                now.append(2_000.0)
                connection.answer(b"{}", status="401 Unauthorized")

        class Credentials:
            def headers(self):
                return {"Authorization": "Bearer token"}

            def renew(self, refused):
                return True

        now = [1_000.0]
        server = serve(refuse_the_token)
        sent = self.send(server.url, 1_500.0, wall=lambda: now[-1], credentials=Credentials())
        assert asyncio.run(sent) == [TooLate]
        assert len(server.requests) == 1

    def test_a_token_that_is_not_renewed_in_time_has_sent_nothing(self, serve, monkeypatch):
        monkeypatch.setattr(Target, "deadline", 0.4)  # of the renewal; the answers have the usual time
        over = threading.Event()

        class Slow:
            def headers(self):
                return {"Authorization": "Bearer token"}

            def renew(self, refused):
                over.wait(30)
                return True

        def refuse_the_token(connection):
            connection.read_request()
            connection.answer(b"{}", status="401 Unauthorized")

        server = serve(refuse_the_token)

        async def sent_with_a_slow_renewal():
            try:
                return await self.send(server.url, float("inf"), credentials=Slow())
            finally:
                over.set()

        assert asyncio.run(sent_with_a_slow_renewal()) == [NotSent]
        assert len(server.requests) == 1
