"""What a run makes of odd answers, over a real socket: who is accepted, and that no request goes out twice.

The server reads each request, counts it, and answers as its scene says, whatever HTTP thinks of it.
"""

from __future__ import annotations

import gzip
import socketserver
import threading
from collections.abc import Iterator

import pytest
from placing_calls import rows

from airflow_provider_callkaro.calls.outcome import Outcome
from airflow_provider_callkaro.dispatch.limits import Limits
from airflow_provider_callkaro.transport.retry import RetryPolicy

ACCEPTED, UNKNOWN, PENDING = Outcome.ACCEPTED, Outcome.UNKNOWN, Outcome.PENDING
OK = b'{"status":"success","call_id":"c1"}'
HANG_UP = None


def answer(status: bytes, body: bytes = b"", *headers: bytes) -> bytes:
    lines = [b"HTTP/1.1 " + status, b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


class Scene(socketserver.ThreadingTCPServer):
    """A server that gives each connection the same answers in turn, the last one again and again."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, *answers: bytes | None) -> None:
        super().__init__(("127.0.0.1", 0), Reader)
        self.answers = answers
        self.posts = 0


class Reader(socketserver.StreamRequestHandler):
    server: Scene

    def handle(self) -> None:
        turn = 0
        while self.rfile.readline():
            length = 0
            while header := self.rfile.readline().strip():
                if header.lower().startswith(b"content-length"):
                    length = int(header.split(b":")[1])
            self.rfile.read(length)
            self.server.posts += 1
            given = self.server.answers[min(turn, len(self.server.answers) - 1)]
            turn += 1
            if given is HANG_UP:
                return
            try:
                self.wfile.write(given)
            except OSError:
                return


@pytest.fixture
def play(caller) -> Iterator:
    """Place three calls, one after another, at a server that plays a scene."""
    servers: list[Scene] = []

    def place(*answers, policy=None):
        server = Scene(*answers)
        servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        run = caller.place(
            rows(3),
            base_url=url,
            limits=Limits(max_concurrency=1),
            connect_timeout=1.0,
            read_timeout=1.0,
            policy=policy or RetryPolicy(throttled_attempts=2, base_delay=0.01),
        )
        return run, server.posts

    yield place
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("answers", "outcomes"),
    [
        pytest.param([answer(b"200 OK", OK)], [ACCEPTED] * 3, id="200"),
        pytest.param([answer(b"200 OK", OK), HANG_UP], [ACCEPTED, UNKNOWN, ACCEPTED], id="kept alive, then closed"),
        pytest.param([b"HTTP/1.1 103 Early Hints\r\n\r\n" + answer(b"200 OK", OK)], [ACCEPTED] * 3, id="103 then 200"),
        pytest.param([b"HTTP/1.1 100 Continue\r\n\r\n" + answer(b"200 OK", OK)], [ACCEPTED] * 3, id="100 then 200"),
        pytest.param([b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"], [UNKNOWN] * 3, id="101"),
        pytest.param([b"HTTP/1.1 204 No Content\r\n\r\n"], [UNKNOWN] * 3, id="204"),
        pytest.param(
            [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZZ\r\nhello\r\n"], [UNKNOWN] * 3, id="odd chunks"
        ),
        pytest.param([b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{"], [UNKNOWN] * 3, id="a part, then silence"),
        pytest.param([b"SSH-2.0-OpenSSH\r\n"], [UNKNOWN] * 3, id="no HTTP"),
        pytest.param(
            [answer(b"200 OK", gzip.compress(bytes(20_000_000)), b"Content-Encoding: gzip")], [UNKNOWN] * 3, id="bomb"
        ),
        pytest.param([answer(b"307 Elsewhere", b"", b"Location: http://127.0.0.1:9/")], [UNKNOWN] * 3, id="307"),
        pytest.param(
            [answer(b"200 OK", b'{"success": false, "error": "insufficient balance", "id": "req_77"}')],
            [UNKNOWN] * 3,
            id="200, success false",
        ),
        pytest.param(
            [answer(b"200 OK", b'{"status": "rejected", "message": "DND", "call_id": "c9"}')],
            [UNKNOWN] * 3,
            id="200, status rejected",
        ),
        pytest.param([answer(b"409 Conflict", b'{"call_id":"c1"}')], [UNKNOWN] * 3, id="409 with a call id"),
        pytest.param([answer(b"409 Conflict")], [UNKNOWN] * 3, id="409"),
        pytest.param([answer(b"400 Bad", b'{"message":"x","call_id":"c1"}')], [UNKNOWN] * 3, id="400 with a call id"),
        pytest.param([answer(b"425 Too Early")], [UNKNOWN] * 3, id="425"),
        pytest.param([answer(b"499 Client Closed Request")], [UNKNOWN] * 3, id="499"),
        pytest.param([answer(b"408 Timeout")], [UNKNOWN] * 3, id="408"),
        pytest.param([answer(b"405 Method Not Allowed")], [PENDING] * 3, id="405: it is the list that is wrong"),
        pytest.param([answer(b"404 Not Found", b"<html>nginx</html>")], [PENDING] * 3, id="404 of a gateway"),
        pytest.param([answer(b"503 Busy", b"", b"Retry-After: soon")], [UNKNOWN] * 3, id="503, unreadable Retry-After"),
        pytest.param(
            [answer(b"503 Busy", b"", b"Retry-After: nan")], [UNKNOWN] * 3, id="503, Retry-After not a number"
        ),
        pytest.param([answer(b"502 Bad Gateway")], [UNKNOWN] * 3, id="502"),
    ],
)
def test_each_request_goes_out_once_and_its_row_ends_as_its_answer_says(play, answers, outcomes) -> None:
    run, posts = play(*answers)
    assert [row.outcome for row in run.rows] == outcomes
    assert posts == 3


@pytest.mark.parametrize("said", [b"0", b"-5", b"0.0", b"Thu, 01 Jan 1970 00:00:00 GMT"])
def test_a_vendor_that_asks_for_no_pause_is_given_one(play, said) -> None:
    """Otherwise each person would be sent twenty times in a row."""
    pauses: list[float] = []

    class Noting(RetryPolicy):
        def wait(self, error, *, attempt, random):
            pauses.append(super().wait(error, attempt=attempt, random=random))
            return pauses[-1]

    policy = Noting(throttled_attempts=3, base_delay=0.02, max_delay=0.04)
    run, posts = play(answer(b"503 Busy", b"", b"Retry-After: " + said), policy=policy)
    assert (run.summary.pending, posts) == (3, 9)
    assert min(pauses) >= 0.01
