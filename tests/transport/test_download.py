"""A file that a vendor sends: of any length in little memory, whole or an error, and the key stays at home."""

from __future__ import annotations

import gzip
import tracemalloc
from contextlib import closing, suppress
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_callkaro.exceptions import (
    NotSent,
    OutcomeUnknown,
    Rejected,
    Throttled,
    Unauthorized,
    VendorError,
)
from airflow_provider_callkaro.transport.retry import RetryPolicy
from airflow_provider_callkaro.transport.sync import SyncTransport
from airflow_provider_callkaro.transport.target import Target
from airflow_provider_callkaro.vendors.answers import raise_refusal
from airflow_provider_callkaro.vendors.http import Request

KEY = "a-key-that-must-not-travel"
EXPORT = Request("GET", "/campaigns/7/results_export")
LINE = b"9,+919876543210,answered\n"
LAST = "Connection: close"  # the server closes next, and the client must not send into that
FILE = b"id,phone,outcome\n" + 20_000 * LINE


class Renewable:
    """Credentials that are good for one refusal."""

    def __init__(self):
        self.renewals = 0

    def headers(self):
        return {"Authorization": f"Bearer token-{self.renewals}"}

    def renew(self, refused):
        self.renewals += 1
        return True


@pytest.fixture
def waits():
    """How long the transport waited before each further try."""
    return []


@pytest.fixture
def transport_to(stack, waits):
    def open_transport(base_url, **options):
        target = Target(vendor="Callaro", base_url=base_url, headers={"X-Api-Key": KEY}, **options)
        policy = RetryPolicy(attempts=3, throttled_attempts=3)
        transport = SyncTransport(target, policy=policy, sleep=waits.append, random=lambda: 0.5)
        stack.callback(transport.close)
        return transport

    return open_transport


@pytest.fixture
def fetch(transport_to):
    """Download everything at a base URL."""

    def fetch_all(base_url, **options):
        with transport_to(base_url, **options).download(EXPORT, partial(raise_refusal, "Callaro")) as download:
            return b"".join(download.chunks())

    return fetch_all


def answering(*parts):
    def script(connection):
        connection.read_request()
        for part in parts:
            connection.send(part)

    return script


def chunked(*pieces):
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)


def sized(body, *, length=None, more=b""):
    return b"HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n" % (more, len(body) if length is None else length) + body


PACKED = gzip.compress(FILE)


@pytest.mark.parametrize(
    "data",
    [
        sized(FILE),
        chunked(FILE[:7], FILE[7:300_000], FILE[300_000:], b""),
        sized(PACKED, more=b"Content-Encoding: gzip\r\n"),
        b"HTTP/1.1 200 OK\r\n\r\n" + FILE,
    ],
    ids=["sized", "chunked", "gzip", "until the end"],
)
def test_a_file_arrives_whole_in_any_wrapping(serve, fetch, data):
    server = serve(answering(data))
    assert fetch(server.url) == FILE
    assert len(server.requests) == 1


def test_an_empty_file_is_empty(serve, fetch):
    assert fetch(serve(answering(sized(b""))).url) == b""


def test_what_the_answer_says_of_itself_can_be_read(serve, transport_to):
    server = serve(answering(sized(FILE, more=b"Content-Type: text/csv\r\n")))
    with transport_to(server.url).download(EXPORT, partial(raise_refusal, "Callaro")) as download:
        assert (download.status, download.headers["content-TYPE"]) == (200, "text/csv")


@pytest.mark.slow
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_a_file_of_two_hundred_megabytes_needs_hardly_any_memory(serve, transport_to, packed):
    block = 40 * 25_000 * LINE[:25]
    blocks = 8

    def pour(connection):
        connection.read_request()
        body = gzip.compress(block * blocks, compresslevel=1) if packed else block
        length = len(body) if packed else len(block) * blocks
        encoding = b"Content-Encoding: gzip\r\n" if packed else b""
        connection.send(b"HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n" % (encoding, length))
        ready.append(True)
        for _ in range(1 if packed else blocks):
            connection.send(body)

    ready = []
    server = serve(pour)
    with transport_to(server.url).download(EXPORT, partial(raise_refusal, "Callaro")) as download:
        assert ready
        tracemalloc.start()
        try:
            total = sum(len(piece) for piece in download.chunks())
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert total == len(block) * blocks == 200_000_000
    assert peak < 5_000_000


@pytest.mark.parametrize(
    "data",
    [
        sized(FILE, length=len(FILE) + 1),
        sized(FILE[:100_000], length=len(FILE)),
        chunked(FILE[:100_000], FILE[100_000:]),
        chunked(FILE[:100_000]) + b"zz\r\n",
        sized(PACKED[: len(PACKED) // 2], length=len(PACKED), more=b"Content-Encoding: gzip\r\n"),
        sized(PACKED[:600] + b"spoiled" + PACKED[607:], more=b"Content-Encoding: gzip\r\n"),
        sized(PACKED[:-9], more=b"Content-Encoding: gzip\r\n"),
        sized(FILE, more=b"Content-Encoding: br\r\n"),
    ],
    ids=["a byte short", "half", "no last chunk", "no chunk", "half a gzip", "a spoiled one", "one cut off", "br"],
)
def test_a_file_that_is_cut_short_is_an_error_that_says_so(serve, fetch, data):
    with pytest.raises(OutcomeUnknown, match="cut short"):
        fetch(serve(answering(data)).url)


def test_a_file_that_breaks_off_half_way_is_not_begun_anew_behind_the_readers_back(serve, transport_to, waits):
    def half(connection):
        connection.read_request()
        connection.send(sized(FILE[:200_000], length=len(FILE)))
        connection.reset()

    server = serve(half, answering(sized(FILE)))
    with (
        transport_to(server.url).download(EXPORT, partial(raise_refusal, "Callaro")) as download,
        pytest.raises(OutcomeUnknown, match="cut short"),
    ):
        list(download.chunks())
    assert (len(server.requests), waits) == (1, [])


@pytest.mark.parametrize(
    ("trouble", "count"),
    [
        (lambda connection: connection.reset(), 1),
        (lambda connection: connection.answer(b"", status="502 Bad Gateway", headers=[LAST]), 1),
        (lambda connection: connection.answer(b"", status="429 Later", headers=["Retry-After: 7", LAST]), 1),
        (lambda connection: connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"), 2),
    ],
    ids=["reset", "502", "429", "no body"],
)
def test_trouble_before_the_first_piece_is_waited_out(serve, fetch, waits, trouble, count):
    def script(connection):
        connection.read_request()
        trouble(connection)

    server = serve(*[script] * count, answering(sized(FILE)))
    assert fetch(server.url) == FILE
    assert (len(server.requests), len(waits)) == (count + 1, count)


def test_a_vendor_that_says_when_to_come_back_is_obeyed(serve, fetch, waits):
    def later(connection):
        connection.read_request()
        connection.answer(b"", status="503 Busy", headers=["Retry-After: 7", LAST])

    fetch(serve(later, answering(sized(FILE))).url)
    assert waits == [pytest.approx(7.35)]


@pytest.mark.parametrize(
    ("status", "kind"),
    [("401 Who", Unauthorized), ("404 None", Rejected), ("429 Later", Throttled), ("500 Broken", OutcomeUnknown)],
)
def test_a_refusal_says_what_it_means_and_is_no_file(serve, fetch, status, kind):
    def refuse(connection):
        connection.read_request()
        said = b'{"error":"no such campaign","error_code":"NOT_FOUND"}'
        connection.answer(said, status=status, headers=[LAST])

    with pytest.raises(kind, match="NOT_FOUND: no such campaign"):
        fetch(serve(refuse).url)


def test_a_refusal_without_end_does_not_fill_the_memory(serve, fetch):
    def pour(connection):
        connection.read_request()
        connection.send(b"HTTP/1.1 404 Not Found\r\n\r\n")
        while True:  # ends when the client has had enough
            connection.send(bytes(1_000_000))

    with pytest.raises(Rejected):
        fetch(serve(pour).url)


def test_nothing_is_fetched_from_another_host(serve, fetch):
    elsewhere = serve(answering(sized(FILE)))

    def send_elsewhere(connection):
        connection.read_request()
        connection.answer(b"", status="302 Found", headers=[f"Location: {elsewhere.url}/file", LAST])

    with pytest.raises(OutcomeUnknown, match="sent us elsewhere"):
        fetch(serve(send_elsewhere).url)
    assert elsewhere.connections == 0


def test_a_vendor_that_cannot_be_reached_is_said_to_be_so(fetch):
    with pytest.raises(NotSent):
        fetch("https://api.callaro.invalid")


def test_credentials_that_have_grown_old_are_renewed_and_the_file_arrives(serve, fetch):
    def refuse(connection):
        connection.read_request()
        connection.answer(b"{}", status="401 Unauthorized", headers=[LAST])

    server = serve(refuse, answering(sized(FILE)))
    credentials = Renewable()
    assert fetch(server.url, credentials=credentials) == FILE
    assert [f"token-{number}" in head for number, (head, _) in enumerate(server.requests)] == [True, True]
    assert credentials.renewals == 1


def test_who_stops_reading_half_way_closes_the_connection_and_can_ask_again(serve, transport_to):
    def keep_sending(connection):
        connection.read_request()
        connection.send(sized(FILE, length=10 * len(FILE)))
        gone.append(connection.read_request())

    gone = []
    server = serve(keep_sending, answering(sized(FILE)))
    transport = transport_to(server.url)
    refuse = partial(raise_refusal, "Callaro")
    with transport.download(EXPORT, refuse) as download:
        next(download.chunks())
    with suppress(OSError):
        server.settle(1)
    with transport.download(EXPORT, refuse) as download:
        assert b"".join(download.chunks()) == FILE
    assert gone in ([], [None])


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
            b"Content-Type: text/csv; charset=\xff\r\n",
            b'5\r\n{"a":\r\n',
            b"0\r\n\r\n",
            LINE,
        ]
    ),
    max_size=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(pieces=PIECES)
def test_no_file_whatsoever_breaks_the_download(serve, fetch, pieces):
    with closing(serve(answering(b"HTTP/1.1 200 OK\r\n" + b"".join(pieces)))) as server, suppress(VendorError):
        assert isinstance(fetch(server.url, read_timeout=30.0), bytes)
