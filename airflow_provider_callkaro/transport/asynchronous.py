"""Many requests at once, over one `aiohttp` session: for the fan-out. It sends each once and never tries again."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from http import HTTPStatus

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from airflow_provider_callkaro.exceptions import NotSent, VendorError
from airflow_provider_callkaro.transport.download import IDENTITY, decoded
from airflow_provider_callkaro.transport.in_flight import (
    InFlight,
    InFlightRequests,
    PunctualConnector,
    Resolver,
    TooLateToLeave,
)
from airflow_provider_callkaro.transport.retry import no_answer, not_sent, too_late
from airflow_provider_callkaro.transport.target import IDLE_SECONDS, Target
from airflow_provider_callkaro.vendors.http import MAX_BODY_BYTES, Request, Response

_FAILURES = (aiohttp.ClientError, OSError, ValueError)  # ValueError: an answer that is no HTTP


class AsyncTransport:
    """Sends requests to one vendor, from one event loop in one thread. Opened with ``async with``.

    Only the credentials, which may wait for an answer of their own, are asked in other threads.

    :param max_connections: how many requests may be in flight at once.
    :param wall: seconds since 1970 UTC, to see which request is too late.
    """

    def __init__(self, target: Target, *, max_connections: int, wall: Callable[[], float] = time.time) -> None:
        self._target = target
        self._max_connections = max_connections
        self._wall = wall
        self._session: aiohttp.ClientSession | None = None
        self._auth_headers: Mapping[str, str] = {}

    @property
    def deadline(self) -> float:
        """Seconds within which `send` has returned or raised: also where a token is renewed in between."""
        return self._target.deadline if self._target.credentials is None else 3 * self._target.deadline

    async def __aenter__(self) -> AsyncTransport:
        self._proxy = self._target.proxy()
        await self._take_headers()
        self._in_flight = InFlightRequests(
            connect_timeout=self._target.connect_timeout, read_timeout=self._target.read_timeout
        )
        self._session = aiohttp.ClientSession(
            connector=PunctualConnector(
                in_flight=self._in_flight,
                wall=self._wall,
                limit=self._max_connections,
                keepalive_timeout=IDLE_SECONDS,
                ttl_dns_cache=60,
                ssl=self._target.tls() or True,
                resolver=Resolver(),
            ),
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),  # its timers are two per request; `InFlightRequests` has one
        )
        self._address = lru_cache(maxsize=64)(lambda path: URL(self._target.url(path), encoded=True))
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if self._session is not None:
            self._in_flight.close()
            await self._session.close()

    async def send(self, request: Request, *, not_after: float = math.inf) -> Response:
        """Send ``request`` once; after a 401, which means that nothing was done, once more with renewed credentials.

        :param not_after: seconds since 1970 UTC after which no byte of it leaves. Default: none.
        :raises NotSent: no byte of it left.
        :raises TooLate: no byte of it left, because ``not_after`` has passed.
        :raises OutcomeUnknown: the answer got lost, or was not there within the target's deadline.
        """
        auth_headers = self._auth_headers
        response = await self._send(request, not_after)
        credentials = self._target.credentials
        if response.status != 401 or credentials is None:
            return response
        try:
            async with asyncio.timeout(self._target.deadline):
                if not await asyncio.to_thread(credentials.renew, auth_headers):
                    return response
                await self._take_headers()
        except TimeoutError:
            raise NotSent(
                f"{self._target.vendor} took too long to renew the token: nothing was sent", vendor=self._target.vendor
            ) from None
        return await self._send(request, not_after)

    async def _take_headers(self) -> None:
        credentials = self._target.credentials
        self._auth_headers = {} if credentials is None else await asyncio.to_thread(credentials.headers)
        # not headers of the session: aiohttp sends those to a proxy too, before there is a tunnel
        self._headers = CIMultiDict({"Accept-Encoding": IDENTITY, **self._target.headers, **self._auth_headers})
        self._redaction = self._target.redaction(self._headers)

    def _headers_of(self, request: Request) -> Mapping[str, str]:
        if request.content_type is None:
            return self._headers
        headers = self._headers.copy()
        headers["Content-Type"] = request.content_type
        return headers

    async def _send(self, request: Request, not_after: float) -> Response:
        assert self._session is not None, "the transport is opened with `async with`"
        in_flight, redaction = self._in_flight.begin(not_after), self._redaction
        try:
            answer = await self._session.request(
                request.method,
                self._address(request.path),
                data=None if request.body is None else aiohttp.BytesPayload(request.body),
                headers=self._headers_of(request),
                allow_redirects=False,
                proxy=self._proxy,
            )
            if answer.status == HTTPStatus.SWITCHING_PROTOCOLS and in_flight.connection is not None:
                in_flight.connection.close()  # its true answer, still to come, is not that of a later call
                raise no_answer(self._target.vendor, ConnectionError(), status=answer.status)
            length = answer.content_length
            if length is not None and length <= MAX_BODY_BYTES and "Content-Encoding" not in answer.headers:
                body = await answer.read()
            else:
                body = await _bounded_body(answer)
                body = decoded(body, answer.headers.get("Content-Encoding"), at_most=MAX_BODY_BYTES)
        except TooLateToLeave as error:
            if in_flight.has_left:  # aiohttp sends a GET again whose connection was closed by the other end
                raise no_answer(self._target.vendor, error) from None
            raise too_late(self._target.vendor) from None
        except _FAILURES as error:
            raise self._meaning(in_flight, error) from None
        except asyncio.CancelledError:
            if not in_flight.is_overdue:
                raise
            raise self._meaning(in_flight, TimeoutError()) from None
        finally:
            self._in_flight.end(in_flight)
        # its headers are looked up without regard to case
        return Response(answer.status, body, answer.headers, request, redaction)

    def _meaning(self, in_flight: InFlight, error: BaseException) -> VendorError:
        return no_answer(self._target.vendor, error) if in_flight.has_left else not_sent(self._target, error)


async def _bounded_body(answer: aiohttp.ClientResponse) -> bytes:
    parts: list[bytes] = []
    size = 0
    try:
        async for part in answer.content.iter_chunked(65_536):
            parts.append(part)
            size += len(part)
            if size > MAX_BODY_BYTES:
                answer.close()
                break
    except BaseException:
        answer.close()  # else its connection counts as taken for ever
        raise
    return b"".join(parts)
