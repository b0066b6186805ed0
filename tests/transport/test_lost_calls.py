"""What became of a call when the way to the vendor breaks: only what surely did not ring may be sent again.

Each fault is a real one, on a real socket, and both drivers have to say the same of it.
"""

from __future__ import annotations

import gzip
import socket
import tracemalloc
import zlib
from contextlib import closing, suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_callkaro.calls import Call
from airflow_provider_callkaro.exceptions import (
    NotSent,
    OutcomeUnknown,
    Rejected,
    Throttled,
    Unauthorized,
    VendorError,
)
from airflow_provider_callkaro.vendors.answers import PlacedCall
from airflow_provider_callkaro.vendors.callkaro.api import CallKaro
from airflow_provider_callkaro.vendors.http import Request

ACCEPTED = b'{"status":"success","call_id":"a1b2c3d4e5"}'
PACKED = gzip.compress(ACCEPTED, mtime=0)  # with the time in it a test would have another name on every worker
PACKED_TWICE = gzip.compress(PACKED, mtime=0)
CALL = Call(to_number="+919876543210", agent_id="agent")
PATIENT = 30.0  # seconds; no test waits for it
HASTY = 0.2  # seconds; for what never comes


def after_reading(then):
    def script(connection):
        connection.read_request()
        then(connection)

    return script


def answering(data):
    return after_reading(lambda connection: connection.send(data))


def test_a_closed_port_rings_nobody(place_call, stack):
    taken = stack.enter_context(socket.socket())
    taken.bind(("127.0.0.1", 0))  # bound, and nobody listens
    with pytest.raises(NotSent):
        place_call(f"http://127.0.0.1:{taken.getsockname()[1]}")


def test_a_host_that_does_not_exist_rings_nobody(place_call):
    with pytest.raises(NotSent) as error:
        place_call("https://api.callkaro.invalid")
    assert "CallKaro could not be reached" in str(error.value)


def test_a_host_that_does_not_let_us_in_rings_nobody(place_call, stack):
    listener = stack.enter_context(socket.socket())
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    for _ in range(4):  # the queue is full: whoever comes now is left standing
        waiting = stack.enter_context(socket.socket())
        waiting.setblocking(False)
        waiting.connect_ex(listener.getsockname())
    with pytest.raises(NotSent):
        place_call(f"http://127.0.0.1:{listener.getsockname()[1]}", connect_timeout=HASTY)


def test_a_connection_that_is_closed_before_the_request_is_read_may_have_rung(serve, place_call):
    server = serve(lambda connection: connection.socket.recv(1))
    with pytest.raises(OutcomeUnknown):
        place_call(server.url)
    assert server.connections == 1


def test_a_connection_that_is_closed_at_once_is_not_tried_again(serve, place_call):
    """Whether anything had left by then is a race; a driver that saw the end in time says that nothing had."""
    server = serve(lambda connection: None)
    with pytest.raises((OutcomeUnknown, NotSent)):
        place_call(server.url)
    assert server.connections == 1


def test_a_reset_after_the_request_may_have_rung(serve, place_call):
    server = serve(after_reading(lambda connection: connection.reset()))
    with pytest.raises(OutcomeUnknown):
        place_call(server.url)
    assert len(server.requests) == 1


def test_an_answer_that_never_comes_may_have_rung(serve, place_call):
    server = serve(after_reading(lambda connection: connection.never_answer()))
    with pytest.raises(OutcomeUnknown):
        place_call(server.url, read_timeout=HASTY)
    assert len(server.received(1)) == 1


def test_an_answer_that_stops_half_way_may_have_rung(serve, place_call):
    def half(connection):
        connection.send(b'HTTP/1.1 200 OK\r\nContent-Length: 43\r\n\r\n{"status":')
        connection.never_answer()

    with pytest.raises(OutcomeUnknown):
        place_call(serve(after_reading(half)).url, read_timeout=HASTY)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"HTTP/1.1",
        b"HTTP/1.1 200 OK\r\nContent-",
        b'HTTP/1.1 200 OK\r\nContent-Length: 43\r\n\r\n{"status":',
        b'HTTP/1.1 200 OK\r\n\r\n{"call_id":"a1b2',
        b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"cal',
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 two hundred OK\r\n\r\n",
        b"HTTP/9.9 200 OK\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"\x15\x03\x01\x00\x02\x02\x46",
        b"\x00" * 100,
        b"HTTP/1.1 200 OK\r\n" + b"X-Long: " + b"x" * 200_000 + b"\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\n" + b"X-Many: x\r\n" * 5_000 + b"\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 8\r\n\r\nno gzip!",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + PACKED[:-9],
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + PACKED + b"and more",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip, gzip\r\n\r\n" + PACKED_TWICE,
        b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\n\x8b\x02\x80",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: zstd\r\n\r\n\x28\xb5\x2f\xfd",
    ],
    ids=lambda data: repr(data[:60]),
)
def test_an_answer_that_is_none_may_have_rung(serve, place_call, data):
    server = serve(answering(data))
    with pytest.raises(OutcomeUnknown):
        place_call(server.url)
    assert len(server.requests) == 1


@pytest.mark.parametrize("encoding", [b"", b"Content-Encoding: gzip\r\n", b"Content-Encoding: br\r\n"])
def test_an_answer_that_is_cut_short_is_none_even_where_nobody_reads_its_body(serve, driver_to, encoding):
    data = b"HTTP/1.1 200 OK\r\n%sContent-Length: 200\r\n\r\n%s" % (encoding, gzip.compress(ACCEPTED))
    with pytest.raises(OutcomeUnknown):
        driver_to(serve(answering(data)).url).exchange(CallKaro().place_call(CALL))


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"".join(
    b"%x\r\n%s\r\n" % (len(part), part) for part in (ACCEPTED[:7], ACCEPTED[7:], b"")
)


@pytest.mark.parametrize(
    "data",
    [
        CHUNKED,
        b"HTTP/1.1 200 OK\r\n\r\n" + ACCEPTED,
        b"HTTP/1.0 200 OK\r\n\r\n" + ACCEPTED,
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 43\r\n\r\n" + ACCEPTED,
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(ACCEPTED),
        b"HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\n\r\n" + zlib.compress(ACCEPTED),
        b"HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\n\r\n" + zlib.compress(ACCEPTED, wbits=-15),
        b"HTTP/1.1 200 OK\r\nContent-Encoding: identity\r\n\r\n" + ACCEPTED,
        b"HTTP/1.1 200 OK\r\nSet-Cookie: \xff;;;=\r\nX-Odd: \xe9\r\nContent-Length: 43\r\n\r\n" + ACCEPTED,
    ],
    ids=["chunked", "until the end", "HTTP/1.0", "after 100 Continue", "gzip", "deflate", "raw", "identity", "odd"],
)
def test_an_answer_in_any_wrapping_is_read(serve, place_call, data):
    assert place_call(serve(answering(data)).url).call_id == "a1b2c3d4e5"


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "x-secret"])
@pytest.mark.parametrize(
    ("status", "meaning"), [("429 Slow down", Throttled), ("401 No", Unauthorized), ("400 No", Rejected)]
)
def test_a_refusal_in_a_wrapping_that_nobody_asked_for_is_a_refusal(serve, place_call, encoding, status, meaning):
    def refuse(connection):
        connection.read_request()
        connection.answer(b"\x1b\x2a\x00", status=status, headers=[f"Content-Encoding: {encoding}"])

    with pytest.raises(meaning):
        place_call(serve(refuse).url)


@pytest.mark.parametrize("encoding", [b"", b"Content-Encoding: gzip\r\n"], ids=["plain", "gzip"])
def test_an_answer_without_end_does_not_fill_the_memory(serve, place_call, encoding):
    def pour(connection):
        connection.send(b"HTTP/1.1 200 OK\r\n" + encoding + b"\r\n")
        zeros, packer = bytes(1_000_000), zlib.compressobj(wbits=31)
        first, then = (packer.compress(zeros) + packer.flush(zlib.Z_SYNC_FLUSH) for _ in range(2))
        connection.send(first if encoding else zeros)
        while True:  # ends when the client has had enough
            connection.send(then if encoding else zeros)

    with pytest.raises(OutcomeUnknown):
        place_call(serve(after_reading(pour)).url)


def test_a_small_answer_that_unpacks_into_a_large_one_does_not_fill_the_memory(serve, place_call):
    packed = gzip.compress(bytes(50_000_000))
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    server = serve(answering(head + packed))
    tracemalloc.start()
    try:
        with pytest.raises(OutcomeUnknown):
            place_call(server.url)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20_000_000


@pytest.mark.parametrize("status", ["102 Processing", "103 Early Hints"])
def test_what_comes_before_an_answer_is_not_taken_for_it(serve, driver_to, status):
    """Else the true answer, which comes later, would be read as the answer to the next call."""

    def take_its_time(connection):
        while (request := connection.read_request()) is not None:
            connection.send(f"HTTP/1.1 {status}\r\nLink: </style.css>\r\n\r\n".encode())
            connection.is_over_within(0.1)
            connection.answer(request[0].split()[1].encode())

    driver = driver_to(serve(take_its_time).url)
    for path in ("/first", "/second"):
        answer = driver.exchange(Request.json("POST", path, {}, retry_safe=False))
        assert (answer.status, answer.body) == (200, path.encode())


def test_a_switch_of_protocols_that_was_not_asked_for_gives_no_later_call_its_answer(serve, driver_to):
    def switch(connection):
        while (request := connection.read_request()) is not None:
            connection.send(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
            connection.is_over_within(0.1)
            connection.answer(request[0].split()[1].encode())

    def plainly(connection):
        while (request := connection.read_request()) is not None:
            connection.answer(request[0].split()[1].encode())

    handlers = iter([switch])
    driver = driver_to(serve(lambda connection: next(handlers, plainly)(connection)).url)
    with suppress(VendorError):
        assert driver.exchange(Request.json("POST", "/first", {}, retry_safe=False)).body == b"/first"
    assert driver.exchange(Request.json("POST", "/second", {}, retry_safe=False)).body == b"/second"


def test_what_is_no_header_in_an_answer_is_not_logged(serve, place_call, caplog):
    def repeat(connection):
        connection.read_request()
        connection.answer(headers=[f"{CALL.to_number} is no header", "X-After: it"])

    with suppress(VendorError):
        place_call(serve(repeat).url)
    assert CALL.to_number not in caplog.text


def refuse(connection):
    connection.answer(b'{"status":"error","message":"Missing agent_id"}', status="400 Bad Request")


def test_a_request_that_is_answered_before_it_was_read_whole_is_answered(serve, place_call):
    def in_a_hurry(connection):
        connection.socket.recv(1)
        refuse(connection)
        connection.read_request()

    with pytest.raises(Rejected):
        place_call(serve(in_a_hurry).url)


def test_an_answer_to_a_request_that_was_not_yet_sent_is_told_apart_or_taken(serve, place_call):
    """Which comes first is a race; a driver that saw the answer in time sends nothing over that connection."""

    def too_early(connection):
        refuse(connection)
        connection.read_request()

    server = serve(too_early)
    with pytest.raises((Rejected, NotSent)) as error:
        place_call(server.url)
    assert server.connections == 1
    assert error.type is Rejected or server.requests == []


HEADS = st.sampled_from(
    [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 302 Found\r\nLocation: ", b"HTTP/1.1 503 Busy\r\nRetry-After: "]
)
PIECES = st.lists(
    st.binary(max_size=20)
    | st.sampled_from(
        [
            b"\r\n",
            b"\r\n\r\n",
            b"Content-Length: 5\r\n",
            b"Content-Length: 99\r\n",
            b"Transfer-Encoding: chunked\r\n",
            b"Content-Encoding: gzip\r\n",
            b"Content-Encoding: br\r\n",
            b"Location: http://\xff[/\r\n",
            b"Set-Cookie: a=b; expires=never\r\n",
            b"Connection: close\r\n",
            b"Upgrade: websocket\r\n",
            b'5\r\n{"a":\r\n',
            b"0\r\n\r\n",
            ACCEPTED,
        ]
    ),
    max_size=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(head=HEADS, pieces=PIECES)
def test_no_answer_whatsoever_breaks_a_driver(serve, driver_to, head, pieces):
    with closing(serve(answering(head + b"".join(pieces)))) as server:
        with closing(driver_to(server.url, read_timeout=PATIENT)) as driver, suppress(VendorError):
            placed = CallKaro().read_placed_call(driver.exchange(CallKaro().place_call(CALL)))
            assert isinstance(placed, PlacedCall)
        assert len(server.requests) == 1
