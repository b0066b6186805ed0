"""A server that misbehaves on purpose, over real sockets, and the drivers to meet it with.

A script is a function that is handed one connection, from the moment it is accepted, and does with it what it likes;
when it returns, the connection is closed. Nothing here waits for a time: a server that shall never answer waits for
the end of the test.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import threading
from contextlib import ExitStack, suppress
from typing import ClassVar

import pytest
from certificates import make_certificate
from uvloop import new_event_loop

from airflow_provider_callkaro.calls import Call
from airflow_provider_callkaro.transport.asynchronous import AsyncTransport
from airflow_provider_callkaro.transport.retry import RetryPolicy
from airflow_provider_callkaro.transport.sync import SyncTransport
from airflow_provider_callkaro.transport.target import Target
from airflow_provider_callkaro.vendors.callkaro.api import CallKaro

KEY = "a-key-that-must-not-travel"
ACCEPTED = b'{"status":"success","call_id":"a1b2c3d4e5"}'


def http_answer(body=ACCEPTED, *, status="200 OK", headers=()):
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


class Connection:
    """One accepted connection, in the hands of a script."""

    def __init__(self, server, accepted):
        self.socket = accepted
        self._server = server
        self._read = b""

    def read_request(self):
        """The next request, whole; it is remembered by the server. None when the client has gone."""
        while b"\r\n\r\n" not in self._read:
            if not self._more():
                return None
        head, _, rest = self._read.partition(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
        )
        self._read = rest
        while len(self._read) < length:
            if not self._more():
                return None
        body, self._read = self._read[:length], self._read[length:]
        request = (head.decode("latin-1"), body)
        with self._server.has_read:
            self._server.requests.append(request)
            self._server.has_read.notify_all()
        return request

    def send(self, data):
        self.socket.sendall(data)

    def answer(self, *arguments, **options):
        self.send(http_answer(*arguments, **options))

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def never_answer(self):
        self._server.over.wait()

    def is_over_within(self, seconds):
        return self._server.over.wait(seconds)

    def _more(self):
        received = self.socket.recv(65_536)
        self._read += received
        return received


class ScriptedServer:
    """Runs one script per connection, in their order; the last one serves all further connections.

    :ivar requests: (head, body) of every request that was read whole. Who gave up without an answer may be faster than
        the server: `received` waits for it.
    :ivar connections: how many were accepted.
    """

    def __init__(self, *scripts):
        self.scripts = scripts
        self.requests = []
        self.has_read = threading.Condition()
        self.connections = 0
        self.over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def received(self, count):
        """Wait until so many requests were read, and return all that were."""
        with self.has_read:
            self.has_read.wait_for(lambda: len(self.requests) >= count, timeout=30)
            return list(self.requests)

    def settle(self, connection):
        """Wait until the script of this connection, counted from 1, has ended and its end has been sent."""
        self._threads[connection].join(timeout=30)

    def close(self):
        if self.over.is_set():
            return
        self.over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(timeout=30)
            assert not thread.is_alive(), "a script did not end"

    def _accept(self):
        while True:
            try:
                accepted, _ = self._listener.accept()
            except OSError:
                return
            script = self.scripts[min(self.connections, len(self.scripts) - 1)]
            self.connections += 1
            self._threads.append(threading.Thread(target=self._run, args=(script, accepted), daemon=True))
            self._threads[-1].start()

    def _run(self, script, accepted):
        with accepted, suppress(OSError):  # the client may have gone
            script(Connection(self, accepted))
            # closing with unread bytes would be a reset; what is asked for is an orderly end
            accepted.shutdown(socket.SHUT_WR)


class SyncDriver:
    """The driver of the hooks, with the patience of one try."""

    hasty: ClassVar = {
        "connect_timeout": 0.2,
        "read_timeout": 0.4,
    }  # seconds; together they are the deadline of an exchange

    def __init__(self, target):
        self._transport = SyncTransport(target, policy=RetryPolicy(attempts=1), sleep=pytest.fail, random=lambda: 0.5)

    def exchange(self, request):
        return self._transport.call(request, lambda response: response)

    def idle(self):
        """Nothing runs between two requests."""

    def close(self):
        self._transport.close()


class AsyncDriver:
    """The driver of sensors and triggers, in a loop of the standard library as Airflow's are."""

    loop_factory = staticmethod(asyncio.new_event_loop)
    hasty: ClassVar = {"read_timeout": 0.4}  # seconds, from the moment at which there is a connection

    def __init__(self, target):
        self._closing = ExitStack()
        self._runner = self._closing.enter_context(asyncio.Runner(loop_factory=self.loop_factory))
        self._transport = self._runner.run(AsyncTransport(target, max_connections=4).__aenter__())
        self._closing.callback(lambda: self._runner.run(self._transport.__aexit__(None, None, None)))

    def exchange(self, request):
        return self._runner.run(self._transport.send(request))

    def idle(self):
        """The event loop runs between two requests, and notices what happens to its connections."""
        for _ in range(10):
            self._runner.run(asyncio.sleep(0))

    def close(self):
        self._closing.close()


class FanOutDriver(AsyncDriver):
    """The driver of the fan-out."""

    loop_factory = staticmethod(new_event_loop)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """The path of a certificate that nobody but itself vouches for; its key is in the same file."""
    return make_certificate(tmp_path_factory.mktemp("tls") / "certificate.pem")


@pytest.fixture(autouse=True)
def no_proxy_of_the_machine(monkeypatch):
    """The settings of the user's shell are no part of a test."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)


@pytest.fixture
def stack():
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def serve(stack):
    """Start a server that runs the given scripts."""

    def start(*scripts):
        server = ScriptedServer(*scripts)
        stack.callback(server.close)
        return server

    return start


@pytest.fixture(params=[SyncDriver, AsyncDriver, FanOutDriver], ids=["sync", "async", "fan-out"])
def driver_to(request, stack):
    """Open a driver to a base URL; every test that uses it runs with each."""
    return opener(request.param, stack)


@pytest.fixture(params=[AsyncDriver, FanOutDriver], ids=["async", "fan-out"])
def async_driver_to(request, stack):
    """The same for what only the asynchronous drivers promise."""
    return opener(request.param, stack)


def opener(driver_class, stack):
    def open_driver(base_url, **options):
        headers = {**CallKaro.headers(KEY), "User-Agent": "airflow-provider-callkaro/test"}
        driver = driver_class(Target(vendor="CallKaro", base_url=base_url, headers=headers, **options))
        stack.callback(driver.close)
        return driver

    open_driver.hasty = driver_class.hasty
    return open_driver


@pytest.fixture
def hasty(driver_to):
    """Timeouts with which an answer that never ends is soon given up, and a connection still has its time."""
    return driver_to.hasty


@pytest.fixture
def place_call(driver_to):
    """Place one call at a base URL, from the request to the reading of the answer, and once only."""
    call = Call(to_number="+919876543210", agent_id="agent", metadata={"name": "Asha"})

    def place(base_url, **options):
        vendor = CallKaro()
        return vendor.read_placed_call(driver_to(base_url, **options).exchange(vendor.place_call(call)))

    return place
