"""A server that ends a connection in each phase: no request is ever sent twice, and what may have rung is known.

Each is shown on a fresh connection and on one that has carried a request before, in plain and over TLS.
"""

from __future__ import annotations

import socket
import ssl
import struct
from contextlib import suppress
from threading import Event

import pytest
from certificates import server_side

from airflow_provider_callkaro.exceptions import OutcomeUnknown
from airflow_provider_callkaro.transport.tls import Trust
from airflow_provider_callkaro.vendors.callkaro.api import CallKaro
from airflow_provider_callkaro.vendors.http import Request

LONG = b'{"to":"' + b"9" * 300_000 + b'"}'
BODY = b'{"status":"success","call_id":"a1b2c3d4e5"}'
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(BODY)
CHUNKS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def reset(connection):
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.socket.close()  # over TLS too without a word


def read_a_byte(connection):
    connection.socket.recv(1)


def after(data):
    """Take the whole request, say so much, and end."""

    def script(connection):
        connection.read_request()
        connection.send(data)

    return script


PHASES = {
    "in the request": read_a_byte,
    "after the request": after(b""),
    "in the status line": after(b"HTTP/1."),
    "in the head": after(HEAD[:30]),
    "before the body": after(HEAD),
    "in the body": after(HEAD + BODY[:7]),
    "in a chunk": after(CHUNKS + b"5\r\nab"),
    "between two chunks": after(CHUNKS + b"2\r\nab\r\n"),
    "before the end of the chunks": after(CHUNKS + b"2\r\nab\r\n0\r\n"),
    "after what comes before an answer": after(b"HTTP/1.1 102 Processing\r\n\r\n"),
}
ENDS = {"in order": lambda connection: connection.socket.shutdown(socket.SHUT_WR), "by a reset": reset}


@pytest.fixture(params=["plain", "tls"])
def wrap(request, certificate):
    """What makes a plain script one over TLS, or leaves it; and how a driver finds it."""
    if request.param == "plain":
        return lambda script: script, lambda server: (server.url, {})
    context = server_side(certificate)

    def wrapped(script):
        def over_tls(connection):
            connection.socket = context.wrap_socket(connection.socket, server_side=True)
            script(connection)

        return over_tls

    trust = {"trust": Trust(ca_bundle=str(certificate))}
    return wrapped, lambda server: (f"https://127.0.0.1:{server.port}", trust)


def posts(server):
    return [head.split()[1] for head, _ in server.requests]


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("is_reused", [False, True], ids=["fresh", "reused"])
def test_what_ends_in_any_phase_may_have_rung_and_is_not_sent_again(serve, driver_to, wrap, phase, end, is_reused):
    over, reach = wrap

    def script(connection):
        if is_reused:
            connection.read_request()
            connection.answer()
        PHASES[phase](connection)
        with suppress(OSError):
            ENDS[end](connection)

    server = serve(over(script), over(after(HEAD + BODY)))
    url, options = reach(server)
    driver = driver_to(url, **options)
    if is_reused:
        assert driver.exchange(Request("POST", "/before", b"{}", retry_safe=False)).status == 200
    with pytest.raises(OutcomeUnknown):
        CallKaro().read_placed_call(driver.exchange(Request("POST", "/once", b"{}", retry_safe=False)))
    assert driver.exchange(Request("POST", "/after", b"{}", retry_safe=False)).body == BODY
    assert posts(server).count("/once") == (0 if phase == "in the request" else 1)
    assert posts(server)[-1] == "/after"
    assert server.connections == 2


def test_half_a_request_that_is_answered_with_an_end_is_not_sent_again(serve, driver_to, wrap):
    """The body is longer than what a socket takes at once, and the other end has had enough of it."""
    over, reach = wrap
    server = serve(over(read_a_byte))
    url, options = reach(server)
    with pytest.raises(OutcomeUnknown):
        driver_to(url, **options).exchange(Request("POST", "/once", LONG, retry_safe=False))
    assert server.connections == 1


def test_an_answer_that_ends_with_the_connection_ends_it(serve, driver_to, wrap):
    over, reach = wrap

    def until_the_end(connection):
        connection.read_request()
        connection.send(b"HTTP/1.1 200 OK\r\n\r\n" + BODY)
        if isinstance(connection.socket, ssl.SSLSocket):
            with suppress(OSError):
                connection.socket = connection.socket.unwrap()

    server = serve(over(until_the_end))
    url, options = reach(server)
    driver = driver_to(url, **options)
    for path in ("/first", "/second"):
        assert driver.exchange(Request("POST", path, b"{}", retry_safe=False)).body == BODY
    assert (posts(server), server.connections) == (["/first", "/second"], 2)


@pytest.mark.parametrize(
    "answer",
    [
        HEAD.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n") + BODY,
        (HEAD + BODY).replace(b"HTTP/1.1", b"HTTP/1.0"),
    ],
    ids=["it says that it closes", "HTTP/1.0"],
)
def test_a_connection_that_the_vendor_will_close_carries_no_other_call(serve, driver_to, wrap, answer):
    carries_no_other_call(serve, driver_to, wrap, answer)


@pytest.mark.parametrize("answer", [HEAD + BODY + b"x", 2 * (HEAD + BODY)], ids=["a byte", "a second answer"])
def test_a_connection_with_bytes_behind_the_end_carries_no_other_call(serve, async_driver_to, wrap, answer):
    carries_no_other_call(serve, async_driver_to, wrap, answer)


def carries_no_other_call(serve, driver_to, wrap, answer):
    over, reach = wrap

    def script(connection):
        while connection.read_request() is not None:
            connection.send(answer)

    server = serve(over(script))
    url, options = reach(server)
    driver = driver_to(url, **options)
    for path in ("/first", "/second"):
        assert driver.exchange(Request("POST", path, b"{}", retry_safe=False)).body == BODY
        driver.idle()
    assert (posts(server), server.connections) == (["/first", "/second"], 2)


def test_bytes_that_nobody_asked_for_are_not_the_answer_to_a_later_call(serve, driver_to):
    is_answered, is_sent = Event(), Event()

    def talk_on(connection):
        connection.read_request()
        connection.answer()
        is_answered.wait(30)
        connection.answer(b'{"call_id":"of somebody else"}')
        is_sent.set()
        connection.read_request()

    server = serve(talk_on, after(HEAD + BODY))
    driver = driver_to(server.url)
    driver.exchange(Request("POST", "/first", b"{}", retry_safe=False))
    is_answered.set()
    assert is_sent.wait(30)
    driver.idle()
    assert driver.exchange(Request("POST", "/second", b"{}", retry_safe=False)).body == BODY
    assert posts(server) == ["/first", "/second"]
