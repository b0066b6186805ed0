"""Somebody who is told what became of calls: a small web server that keeps what it gets."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver:
    """What has come. ``status``: what it answers, or a list of answers, the last one for all that follow."""

    def __init__(self) -> None:
        self.status: int | list[int] = 200
        self.got: list[dict] = []
        self.headers: list[dict[str, str]] = []
        self.bodies: list[bytes] = []
        self.paths: list[str] = []
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.has_come = threading.Condition()
        self.url = ""

    def wait_for(self, count: int) -> None:
        """Wait until so many deliveries have come."""
        with self.has_come:
            if not self.has_come.wait_for(lambda: len(self.got) >= count, 60):
                raise TimeoutError(f"{len(self.got)} of {count} deliveries")

    def answer(self) -> int:
        if isinstance(self.status, int):
            return self.status
        return self.status.pop(0) if len(self.status) > 1 else self.status[0]


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver on a free port of this machine."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with receiver.has_come:
                status = receiver.answer()
                receiver.got.append(json.loads(body))
                receiver.bodies.append(body)
                receiver.headers.append(dict(self.headers.items()))
                receiver.paths.append(self.path)
                receiver.has_come.notify_all()
            receiver.may_answer.wait(60)
            try:
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()
            except OSError:  # the sandbox has ended, and hears no answer
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    receiver.url = f"http://127.0.0.1:{server.server_port}/hooks/{{vendor}}"
    try:
        yield receiver
    finally:
        receiver.may_answer.set()
        server.shutdown()
        server.server_close()
