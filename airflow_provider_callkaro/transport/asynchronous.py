"""Many requests at once, for the fan-out, the sensors and the triggers. It sends each once and never tries again."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from typing import Protocol

from airflow_provider_callkaro.exceptions import ConfigurationError, NotSent
from airflow_provider_callkaro.transport.answer_reader import SWITCHING_PROTOCOLS
from airflow_provider_callkaro.transport.connection import AnswerDeadline, Connection
from airflow_provider_callkaro.transport.download import IDENTITY, decoded
from airflow_provider_callkaro.transport.opening import Opener
from airflow_provider_callkaro.transport.pool import ConnectionPool
from airflow_provider_callkaro.transport.request_head import RequestEncoder
from airflow_provider_callkaro.transport.retry import lease_ended, no_answer, not_sent, too_late
from airflow_provider_callkaro.transport.target import Target
from airflow_provider_callkaro.vendors.http import MAX_BODY_BYTES, Request, Response


class Departure(Protocol):
    """Whether a request may leave now, where its sender shares a rate with others."""

    def may_leave(self, *, now: float) -> bool:
        """The last look before the wire; True means that it leaves now."""

    def again_at(self, *, now: float) -> float:
        """The moment from which the same request, which has been answered, may leave once more."""


class AsyncTransport:
    """Sends requests to one vendor, from one event loop in one thread. Opened with ``async with``.

    Only the credentials, which may wait for an answer of their own, and the look-up of names work in other threads.

    :param max_connections: how many requests may be in flight at once.
    :param wall: seconds since 1970 UTC, to see which request is too late.
    :param clock: seconds of a monotonic clock, the one by which a `Departure` judges.
    """

    def __init__(
        self,
        target: Target,
        *,
        max_connections: int,
        wall: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._target = target
        self._max_connections = max_connections
        self._wall = wall
        self._clock = clock
        self._auth_headers: Mapping[str, str] = {}
        self._pool: ConnectionPool | None = None

    @property
    def deadline(self) -> float:
        """Seconds within which `send` has returned or raised: also where a token is renewed in between."""
        return self._target.deadline if self._target.credentials is None else 3 * self._target.deadline

    async def __aenter__(self) -> AsyncTransport:
        target = self._target
        proxy = target.proxy()
        await self._take_headers()
        self._deadline = deadline = AnswerDeadline(seconds=target.read_timeout)
        opener = Opener(target, proxy=proxy, new=lambda: Connection(deadline))
        self._pool = ConnectionPool(
            open_one=opener.open, most=self._max_connections, connect_timeout=target.connect_timeout
        )
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if self._pool is not None:
            self._deadline.close()
            await self._pool.close()

    async def send(
        self, request: Request, *, not_after: float = math.inf, departure: Departure | None = None
    ) -> Response:
        """Send ``request`` once; after a 401, which means that nothing was done, once more with renewed credentials.

        :param not_after: seconds since 1970 UTC after which no byte of it leaves. Default: none.
        :param departure: asked last, for each time that it leaves; None lets it leave.
        :raises NotSent: no byte of it left.
        :raises TooLate: no byte of it left, because ``not_after`` has passed.
        :raises LeaseEnded: no byte of it left, because ``departure`` did not let it.
        :raises OutcomeUnknown: the answer got lost, or was not there within the target's deadline.
        """
        auth_headers = self._auth_headers
        response = await self._send(request, not_after, departure)
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
        if departure is not None:  # for the vendor it is one more request
            await asyncio.sleep(departure.again_at(now=(now := self._clock())) - now)
        return await self._send(request, not_after, departure)

    async def _take_headers(self) -> None:
        credentials = self._target.credentials
        self._auth_headers = {} if credentials is None else await asyncio.to_thread(credentials.headers)
        headers = {"Accept-Encoding": IDENTITY, **self._target.headers, **self._auth_headers}
        try:
            self._encoder = RequestEncoder(self._target.base_url, headers)
        except ValueError as error:
            raise ConfigurationError(
                f"nothing can be sent to {self._target.vendor}, because {error}: correct the key of the connection"
            ) from None
        self._redaction = self._target.redaction(headers)

    async def _send(self, request: Request, not_after: float, departure: Departure | None) -> Response:
        assert self._pool is not None, "the transport is opened with `async with`"
        redaction = self._redaction
        try:
            data = self._encoder.encode(request)
            connection = await self._pool.take()
        except Exception as error:  # whatever it is, nothing has left
            raise not_sent(self._target, error) from None
        try:
            # between the judgement and this line lies whatever it took to get a connection
            if not_after < self._wall():
                raise too_late(self._target.vendor)
            if departure is not None and not departure.may_leave(now=self._clock()):
                raise lease_ended(self._target.vendor)
            try:
                answer = await connection.exchange(data)
            except Exception as error:  # whatever it is, all of it may have left
                raise no_answer(self._target.vendor, error) from None
        finally:
            self._pool.give_back(connection)
        if answer.status == SWITCHING_PROTOCOLS:
            raise no_answer(self._target.vendor, ConnectionError(), status=answer.status)
        encoding = answer.headers.get("content-encoding")
        body = answer.body
        if encoding is not None:
            try:
                body = decoded(body, encoding, at_most=MAX_BODY_BYTES)
            except ValueError as error:
                raise no_answer(self._target.vendor, error) from None
        return Response(answer.status, body, answer.headers, request, redaction)
