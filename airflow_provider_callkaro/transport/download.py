"""An open answer, whose body is read whole or, where it is too long to be held, piece by piece.

Half a file is worse than none, and nothing in a CSV says where it should have ended. So whatever breaks the body off is
an error, never an end.
"""

from __future__ import annotations

import io
import time
import zlib
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Self

from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError

from airflow_provider_callkaro.calls.outcome import Reason
from airflow_provider_callkaro.exceptions import OutcomeUnknown
from airflow_provider_callkaro.transport.retry import no_answer
from airflow_provider_callkaro.vendors.http import MAX_BODY_BYTES, Request, Response

if TYPE_CHECKING:
    import requests

    from airflow_provider_callkaro.transport.exchange import Exchange
    from airflow_provider_callkaro.vendors.redaction import Redaction


IDENTITY = "identity"  # for the header Accept-Encoding: without the header, any encoding would do
_ZLIB_METHOD = 8  # the lower half of the first byte of a zlib stream; a raw deflate stream may begin otherwise
PIECE = 1 << 16  # bytes of the body handed out at once
PIECE_SECONDS = 300.0  # that a piece may take: a body may be long, but none comes slower than 200 bytes a second


class Decoder:
    """Decodes one body, piece by piece: the HTTP libraries do not, or would decode all of it at once, and 50 KB on the
    wire can become as many megabytes. ``is_gzip``: whether it is in gzip's format; else it is zlib's, or a raw
    deflate stream."""

    def __init__(self, *, is_gzip: bool) -> None:
        self._is_gzip = is_gzip
        self._stream: zlib._Decompress | None = None
        self._rest = b""

    def decode(self, data: bytes, at_most: int) -> bytes:
        """The next bytes of the body. What does not fit is kept for the next call.

        :param data: more of what came; empty to go on with what is kept.
        :param at_most: how many bytes to give back.
        :return: empty where more of what comes is needed.
        :raises ValueError: it is not encoded as the header says.
        """
        data = self._rest + data
        if self._stream is None:
            if not data:
                return b""
            self._stream = zlib.decompressobj(self._window(data))
        try:
            body = self._stream.decompress(data, at_most)
        except zlib.error as error:
            raise ValueError("not encoded as its header says") from error
        self._rest = self._stream.unconsumed_tail
        if self._stream.unused_data:
            raise ValueError("there are bytes behind the end of the encoded body")
        return body

    def finish(self) -> None:
        """Check that the body was whole. Raises ValueError if it ends too early."""
        if self._stream is not None and not self._stream.eof:
            raise ValueError("the encoded body is cut short")

    def _window(self, data: bytes) -> int:
        if self._is_gzip:
            return 16 + zlib.MAX_WBITS
        return zlib.MAX_WBITS if data[0] & 0x0F == _ZLIB_METHOD else -zlib.MAX_WBITS


def decoder_for(encoding: str | None) -> Decoder | None:
    """What decodes a body; None where it is not encoded. ``encoding``: the header ``Content-Encoding``; None where
    there is none. Raises ValueError if the encoding is not known here, or there is more than one."""
    name = "" if encoding is None else encoding.strip().lower()
    if name in ("", IDENTITY):
        return None
    if name not in ("gzip", "x-gzip", "deflate"):
        raise ValueError("an encoding that was not asked for")
    return Decoder(is_gzip=name != "deflate")


def decoded(body: bytes, encoding: str | None, *, at_most: int) -> bytes:
    """A whole body, of which no more than ``at_most`` bytes are decoded.

    A body in an encoding that is not known here stays as it is: it cannot be read, but the status of its answer can.

    :param encoding: the header ``Content-Encoding``; None where there is none.
    :raises ValueError: the body is not encoded as that says.
    """
    try:
        decoder = decoder_for(encoding)
    except ValueError:
        return body
    if decoder is None or not body:
        return body
    whole = decoder.decode(body, at_most)
    if len(whole) < at_most:
        decoder.finish()
    return whole


class Download:
    """An open answer. Leaving it closes the connection, however much of the body was read. ``redaction``: what of it
    may not be kept. ``ends_at``: until when an answer that is read whole must be there, by the monotonic clock."""

    def __init__(
        self,
        answer: requests.Response,
        *,
        request: Request,
        redaction: Redaction,
        vendor: str,
        exchange: Exchange,
        ends_at: float,
    ) -> None:
        self._answer = answer
        self._request = request
        self._redaction = redaction
        self._vendor = vendor
        self._exchange = exchange
        self._ends_at = ends_at
        self._first: bytes | None = None
        self._decoder: Decoder | None = None
        self._content: io.BytesIO | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self._answer.status_code

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers, looked up without regard to case."""
        return self._answer.headers

    def start(self) -> Self:
        """Read the first piece of the body, which is kept for `chunks`: until then, asking again loses nothing. Raises
        OutcomeUnknown if the body broke off, or its encoding is not known here."""
        try:
            self._decoder = decoder_for(self._encoding)
        except ValueError as error:
            raise self._cut_short(error) from None
        self._first = self._piece()
        return self

    def chunks(self) -> Iterator[bytes]:
        """The body, decoded, in pieces of at most 64 KiB. It can be read once.

        The end of a body without ``Content-Length`` that is not chunked either is the end of the connection: there,
        and only there, a broken one cannot be told from a complete one.

        :raises OutcomeUnknown: the body broke off, or is shorter than its ``Content-Length``.
        """
        piece = self._piece() if self._first is None else self._first
        self._first = b""
        while piece:
            yield piece
            piece = self._piece()

    def response(self) -> Response:
        """The whole answer, for one that is no file; of its body no more than `MAX_BODY_BYTES`. Closes it. Raises
        OutcomeUnknown if the body broke off."""
        try:
            with self._exchange.within(max(0.0, self._ends_at - time.monotonic())):
                body = self._whole()
            body = decoded(body, self._encoding, at_most=MAX_BODY_BYTES)
            self.close()
        except (HTTPError, OSError, ValueError) as error:
            self.close()
            raise no_answer(self._vendor, error, status=self.status) from None
        return Response(self.status, body, self.headers, self._request, self._redaction)

    def close(self) -> None:
        """Close the answer; what has not been read is lost."""
        self._answer.close()

    @property
    def _encoding(self) -> str | None:
        return self._answer.headers.get("Content-Encoding")

    def _read(self, size: int) -> bytes:
        raw: object = self._answer.raw
        if isinstance(raw, BaseHTTPResponse):
            return raw.read(size, decode_content=False)
        if self._content is None:  # an adapter of somebody else's answered, such as a test tool's
            self._content = io.BytesIO(self._answer.content)
        return self._content.read(size)

    def _whole(self) -> bytes:
        body = b""
        # only a read at its end tells that a body is shorter than it was to be
        while len(body) < MAX_BODY_BYTES and (more := self._read(MAX_BODY_BYTES)):
            body += more
        return body[:MAX_BODY_BYTES]

    def _piece(self) -> bytes:
        try:
            with self._exchange.within(PIECE_SECONDS):
                return self._read(PIECE) if self._decoder is None else self._decoded_piece(self._decoder)
        except (HTTPError, OSError, ValueError) as error:
            raise self._cut_short(error) from None

    def _decoded_piece(self, decoder: Decoder) -> bytes:
        piece = decoder.decode(b"", PIECE)
        while not piece:
            data = self._read(PIECE)
            if not data:
                decoder.finish()
                return b""
            piece = decoder.decode(data, PIECE)
        return piece

    def _cut_short(self, error: Exception) -> OutcomeUnknown:
        return OutcomeUnknown(
            f"the export that {self._vendor} was sending was cut short ({type(error).__name__}): what came of it "
            "is not used; ask again for all of it",
            vendor=self._vendor,
            status=self.status,
            reason=Reason.NO_ANSWER,
        )
