"""Many requests at once, over one `aiohttp` session: for the fan-out. It sends once and never tries again by itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from airflow_provider_callkaro.exceptions import NotSent
from airflow_provider_callkaro.transport.failures import no_answer, not_sent
from airflow_provider_callkaro.transport.target import IDLE_SECONDS, Target
from airflow_provider_callkaro.vendors.http import MAX_BODY_BYTES, Request, Response

if TYPE_CHECKING:
    import aiohttp

RENEWAL_SECONDS = 1.0  # that a token may take to be renewed, before the request goes back to whoever judged it


class AsyncTransport:
    """Sends requests to one vendor from one event loop. Opened with ``async with``.

    :param target: where to.
    :param max_connections: how many requests may be in flight at once.
    """

    def __init__(self, target: Target, *, max_connections: int) -> None:
        self._target = target
        self._max_connections = max_connections
        self._session: aiohttp.ClientSession | None = None
        self._proof: Mapping[str, str] = {}

    async def __aenter__(self) -> AsyncTransport:
        import aiohttp
        from yarl import URL

        self._proxy = self._target.proxy()
        await self._take_headers()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=self._max_connections, keepalive_timeout=IDLE_SECONDS, ttl_dns_cache=60
            ),
            skip_auto_headers=("Accept-Encoding",),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=self._target.connect_timeout, sock_read=self._target.read_timeout
            ),
            trace_configs=[_trace_of_leaving()] if self._proxy else None,
        )
        self._not_sent = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.ClientHttpProxyError)
        self._no_answer = (aiohttp.ClientError, OSError, ValueError)  # ValueError: an answer that is no HTTP
        self._address = lru_cache(maxsize=64)(lambda path: URL(self._target.url(path), encoded=True))
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def send(self, request: Request) -> Response:
        """Send ``request`` once; where the credentials have grown old, which means that nothing was done, once more.

        :raises NotSent: no byte of the body left.
        :raises OutcomeUnknown: the answer got lost.
        """
        proof = self._proof
        response = await self._send(request)
        if response.status != 401 or self._target.credentials is None:
            return response
        began = time.monotonic()
        if not await asyncio.to_thread(self._target.credentials.renew, proof):
            return response
        await self._take_headers()
        if time.monotonic() - began > RENEWAL_SECONDS:  # the call was judged before, and its window may have closed
            raise NotSent(
                f"{self._target.vendor} took its time to renew the token: nothing was sent", vendor=self._target.vendor
            )
        return await self._send(request)

    async def _take_headers(self) -> None:
        from multidict import CIMultiDict

        credentials = self._target.credentials
        self._proof = {} if credentials is None else await asyncio.to_thread(credentials.headers)
        # not the session's: those aiohttp sends to a proxy too, before there is a tunnel
        self._headers = CIMultiDict({**self._target.headers, **self._proof})

    def _headers_of(self, request: Request) -> Mapping[str, str]:
        if request.content_type is None:
            return self._headers
        headers = self._headers.copy()
        headers["Content-Type"] = request.content_type
        return headers

    async def _send(self, request: Request) -> Response:
        assert self._session is not None, "the transport is opened with `async with`"
        left: list[bool] = []
        try:
            answer = await self._session.request(
                request.method,
                self._address(request.path),
                data=request.body,
                headers=self._headers_of(request),
                allow_redirects=False,
                proxy=self._proxy,
                trace_request_ctx=left,
            )
            length = answer.content_length
            if length is not None and length <= MAX_BODY_BYTES and "Content-Encoding" not in answer.headers:
                body = await answer.read()
            else:
                body = await _bounded_body(answer)
        except self._not_sent as error:
            raise not_sent(self._target.vendor, error) from None
        except self._no_answer as error:
            if self._proxy and request.body and not left:  # the proxy broke off before there was a tunnel
                raise not_sent(self._target.vendor, error) from None
            raise no_answer(self._target.vendor, error) from None
        return Response(answer.status, body, answer.headers)  # looked up without regard to case


def _trace_of_leaving() -> aiohttp.TraceConfig:
    """Notes in the context of a request that its body begins to leave."""
    import aiohttp

    async def note(_session: Any, context: Any, _parameters: Any) -> None:
        context.trace_request_ctx.append(True)

    trace = aiohttp.TraceConfig()
    trace.on_request_chunk_sent.append(note)
    return trace


async def _bounded_body(answer: aiohttp.ClientResponse) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in answer.content.iter_chunked(65_536):
        parts.append(part)
        size += len(part)
        if size > MAX_BODY_BYTES:
            answer.close()
            break
    return b"".join(parts)
