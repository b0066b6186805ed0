"""Decoding of compressed bodies, within a bound.

Every request asks for an identity encoding, and the HTTP libraries do not decode. A vendor may send a compressed
body all the same, and some versions of the libraries would decode all of it at once: 50 KB on the wire can
become as many megabytes in memory.
"""

from __future__ import annotations

import zlib

IDENTITY = "identity"  # for the header Accept-Encoding: without the header, any encoding would do
_ZLIB_METHOD = 8  # the lower half of the first byte of a zlib stream; a raw deflate stream may begin otherwise


class Decoder:
    """Decodes one body, piece by piece. ``is_gzip``: whether it is in gzip's format; else it is zlib's, or a raw
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
