"""The body of a delivery, read in pieces up to a bound."""

from __future__ import annotations

from collections.abc import AsyncIterator

from airflow_provider_callkaro.vendors.webhook_json import MAX_BYTES


class TooLong(Exception):
    """A body has more than MAX_BYTES."""


async def read_body(pieces: AsyncIterator[bytes]) -> bytes:
    """A whole body.

    :param pieces: of the body, as they come.
    :raises TooLong: there are too many of them; the rest is not read.
    """
    body = bytearray()
    async for piece in pieces:
        body += piece
        if len(body) > MAX_BYTES:
            raise TooLong
    return bytes(body)
