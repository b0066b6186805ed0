"""Reads one answer after the other out of the bytes of a connection, however they are cut into pieces.

`httptools` takes HTTP apart; what is bounded, and what ends an answer, is decided here. Pure: no socket, no clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import httptools

from airflow_provider_callkaro.vendors.http import MAX_BODY_BYTES

OK, SWITCHING_PROTOCOLS = 200, 101  # plain numbers: until Python 3.12 a member of http.HTTPStatus takes long to look up
MAX_HEAD_BYTES = 1 << 16  # of the headers, with all that comes before them, such as 100 Continue
MAX_WIRE_BYTES = 16 * MAX_BODY_BYTES  # of a whole answer; chunks of a few bytes each cost many times what they carry


@dataclass(slots=True)  # not frozen: that would cost a call a microsecond, and it is made for one reader
class Answer:
    """One answer. ``headers``: with lower-case names; of several by one name the first. ``body``: as it came, of one
    that is too long its beginning. ``is_reusable``: whether the connection may carry another request."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    is_reusable: bool


class AnswerReader:
    """Reads the answers of one connection.

    :ivar answer: the answer; None while it is not whole.
    """

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        # an answer with a bare line feed, or an odd character in a header, is an answer all the same
        self._parser.set_dangerous_leniencies(
            lenient_headers=True, lenient_optional_cr_before_lf=True, lenient_spaces_after_chunk_size=True
        )
        self.begin()

    def begin(self) -> None:
        """Expect the next answer."""
        self.answer: Answer | None = None
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._body_bytes = 0
        self._wire_bytes = 0
        self._is_head_whole = False

    def feed(self, data: bytes) -> None:
        """Read what came.

        :raises ValueError: it is no HTTP, or it is too long to be an answer.
        """
        self._wire_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if self.answer is None:
                raise ValueError("no HTTP") from error
            self.answer.is_reusable = False  # bytes behind the end, which are nobody's answer
        if self.answer is None and self._wire_bytes > (MAX_WIRE_BYTES if self._is_head_whole else MAX_HEAD_BYTES):
            raise ValueError("too long for an answer")

    def finish(self) -> bool:
        """The connection has ended. Returns whether that is the answer's end too: where nothing else says its length,
        it is."""
        if self._is_head_whole and not {"content-length", "transfer-encoding"} & self._headers.keys():
            self._complete(is_reusable=False)
        return self.answer is not None

    # called by httptools

    def on_message_begin(self) -> None:
        """A further answer, if the first is whole already: nobody asked for it."""
        if self.answer is not None:
            self.answer.is_reusable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header, or one behind the body, which is dropped."""
        if not self._is_head_whole:
            self._headers.setdefault(name.lower().decode("latin-1"), value.decode("latin-1"))

    def on_headers_complete(self) -> None:
        """The end of the headers; of those that come before the answer, such as 103 Early Hints, nothing is kept."""
        if self._status < OK and self._status != SWITCHING_PROTOCOLS:
            self._headers = {}
        else:
            self._is_head_whole = True

    def on_body(self, piece: bytes) -> None:
        """A piece of the body."""
        if self.answer is None:
            self._body.append(piece)
            self._body_bytes += len(piece)
            if self._body_bytes > MAX_BODY_BYTES:
                self._complete(is_reusable=False)

    def on_message_complete(self) -> None:
        """The end of the answer, or of what came before it."""
        if self._is_head_whole:
            self._complete(is_reusable=self._parser.should_keep_alive())

    @property
    def _status(self) -> int:
        return self._parser.get_status_code()

    def _complete(self, *, is_reusable: bool) -> None:
        if self.answer is None:
            self.answer = Answer(self._status, self._headers, b"".join(self._body), is_reusable)
