"""Bodies that come packed although nobody asked for it: unpacked here, and never beyond a bound.

The libraries are told not to do it. Some of the versions that an Airflow may hold unpack whatever came at once, and
then an answer of 50 KB takes as many megabytes.
"""

from __future__ import annotations

import zlib

ASKED_FOR = "identity"  # what the header Accept-Encoding says: without the header, any packing would be as good
_ZLIB_METHOD = 8  # the lower half of the first byte of a zlib stream; a raw deflate stream may begin otherwise


class Unpacker:
    """Unpacks one body, piece by piece.

    :param is_gzip: whether it is in gzip's format; else it is zlib's, or a raw deflate stream.
    """

    def __init__(self, *, is_gzip: bool) -> None:
        self._is_gzip = is_gzip
        self._stream: zlib._Decompress | None = None
        self._packed = b""

    def unpack(self, packed: bytes, at_most: int) -> bytes:
        """The next bytes of the body; what does not fit is kept.

        :param packed: more of what came, empty to go on with what is kept.
        :param at_most: how many bytes are given back.
        :return: empty where more of what comes is needed.
        :raises ValueError: it is not packed as the header says.
        """
        packed = self._packed + packed
        if self._stream is None:
            if not packed:
                return b""
            self._stream = zlib.decompressobj(self._window(packed))
        try:
            body = self._stream.decompress(packed, at_most)
        except zlib.error as error:
            raise ValueError("not packed as its header says") from error
        self._packed = self._stream.unconsumed_tail
        if self._stream.unused_data:
            raise ValueError("something stands behind the end of what was packed")
        return body

    def finish(self) -> None:
        """See whether the body was whole.

        :raises ValueError: it ends too early.
        """
        if self._stream is not None and not self._stream.eof:
            raise ValueError("what was packed is cut short")

    def _window(self, packed: bytes) -> int:
        if self._is_gzip:
            return 16 + zlib.MAX_WBITS
        return zlib.MAX_WBITS if packed[0] & 0x0F == _ZLIB_METHOD else -zlib.MAX_WBITS


def unpacker_for(encoding: str | None) -> Unpacker | None:
    """What unpacks a body; None where it is not packed.

    :param encoding: what the header ``Content-Encoding`` says; None where there is none.
    :raises ValueError: it is packed in a way that is not known here, or more than once.
    """
    way = "" if encoding is None else encoding.strip().lower()
    if way in ("", ASKED_FOR):
        return None
    if way not in ("gzip", "x-gzip", "deflate"):
        raise ValueError("packed in a way that nobody asked for")
    return Unpacker(is_gzip=way != "deflate")


def unpacked(body: bytes, encoding: str | None, *, at_most: int) -> bytes:
    """A whole body, of which no more than ``at_most`` bytes are unpacked.

    One that is packed in a way that is not known here is left as it is: nobody can read it, and the status of its
    answer says what it says.

    :param encoding: what the header ``Content-Encoding`` says; None where there is none.
    :raises ValueError: it is not packed as that says.
    """
    try:
        unpacker = unpacker_for(encoding)
    except ValueError:
        return body
    if unpacker is None or not body:
        return body
    whole = unpacker.unpack(body, at_most)
    if len(whole) < at_most:
        unpacker.finish()
    return whole
