"""One request at a time, over `urllib3`: for everything that is not a fan-out."""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn, TypeVar

from airflow_provider_callkaro.exceptions import VendorError
from airflow_provider_callkaro.transport.download import Download
from airflow_provider_callkaro.transport.failures import no_answer, not_sent
from airflow_provider_callkaro.transport.retry import RetryPolicy
from airflow_provider_callkaro.transport.target import IDLE_SECONDS, Target
from airflow_provider_callkaro.transport.unpacking import ASKED_FOR
from airflow_provider_callkaro.vendors.http import Request, Response

if TYPE_CHECKING:
    import ssl

    import urllib3

T = TypeVar("T")
_log = logging.getLogger(__name__)


class SyncTransport:
    """Sends requests to one vendor and reads their answers, trying again where that is safe.

    :param target: where to.
    :param policy: what may be sent again.
    :param sleep: waits for some seconds.
    :param random: a number from 0 to 1.
    :param clock: seconds of a clock that only goes forward.
    """

    def __init__(
        self,
        target: Target,
        *,
        policy: RetryPolicy,
        sleep: Callable[[float], None],
        random: Callable[[], float],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._target = target
        self._policy = policy
        self._sleep = sleep
        self._random = random
        self._clock = clock
        self._last_used = clock()
        self._pool: urllib3.PoolManager | None = None

    def call(self, request: Request, read: Callable[[Response], T]) -> T:
        """Send ``request`` and read its answer.

        :param read: turns the answer into what it says, or raises what it means.
        :raises VendorError: what remains once trying again is no longer safe, or no longer of use.
        """
        return self._persist(request, lambda: read(self._exchange(request).response()))

    @contextmanager
    def download(self, request: Request, read_refusal: Callable[[Response], NoReturn]) -> Iterator[Download]:
        """Send ``request`` and read the body of its answer piece by piece, however long it is.

        It is asked for again as in `call`, but only until the first piece has come: whoever reads has used it by then.

        :param request: one that rings nobody.
        :param read_refusal: raises what an answer outside 200 to 299 means, as `raise_refusal` does.
        :return: a context manager; leaving it closes the connection.
        :raises VendorError: there is nothing to read, or, while it is read, `OutcomeUnknown`: it was cut short.
        """

        def opened() -> Download:
            answer = self._exchange(request)
            if not 200 <= answer.status < 300:
                read_refusal(answer.response())
            return answer.start()

        with self._persist(request, opened) as download:
            yield download

    def close(self) -> None:
        """Close the connection to the vendor."""
        if self._pool is not None:
            self._pool.clear()
            self._pool = None

    def _persist(self, request: Request, act: Callable[[], T]) -> T:
        attempt = 0
        while True:
            attempt += 1
            try:
                return act()
            except VendorError as error:
                delay = self._policy.delay(
                    error,
                    attempt=attempt,
                    retry_safe=request.retry_safe,
                    random=self._random,
                    reads=request.method in ("GET", "HEAD"),
                )
                if delay is None:
                    raise
                _log.info("Waiting %.1f s before try %d: %s", delay, attempt + 1, error)
            self._sleep(delay)

    def _exchange(self, request: Request) -> Download:
        credentials = self._target.credentials
        if credentials is None:
            return self._send(request, self._target.headers)
        auth_headers = credentials.headers()
        answer = self._send(request, {**self._target.headers, **auth_headers})
        if answer.status == 401 and credentials.renew(auth_headers):
            answer.close()
            answer = self._send(request, {**self._target.headers, **credentials.headers()})
        return answer

    def _send(self, request: Request, headers: Mapping[str, str]) -> Download:
        from urllib3 import Timeout
        from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

        from airflow_provider_callkaro.transport.deadline import Deadline

        if self._clock() - self._last_used > IDLE_SECONDS:
            self.close()
        if self._pool is None:
            self._pool = _open_pool(self._target.proxy(), self._target.tls())
        body = None if request.body is None else _Body(request.body)
        about = {} if request.body is None else {"Content-Length": str(len(request.body))}
        if request.content_type is not None:
            about["Content-Type"] = request.content_type
        deadline = Deadline()
        ends_at = time.monotonic() + self._target.deadline
        try:
            with deadline.within(self._target.deadline):
                answer = self._pool.urlopen(
                    request.method,
                    self._target.url(request.path),
                    body=body,
                    headers={"Accept-Encoding": ASKED_FOR, **headers, **about},
                    timeout=Timeout(connect=self._target.connect_timeout, read=self._target.read_timeout),
                    retries=False,
                    redirect=False,
                    preload_content=False,
                )
            self._last_used = self._clock()
        except (HTTPError, OSError, ValueError) as error:
            unconnected = isinstance(error, (NewConnectionError, ConnectTimeoutError))
            if unconnected if body is None else not body.has_left:  # the kind of the error alone would not tell
                raise not_sent(self._target.vendor, error) from None
            raise no_answer(self._target.vendor, error) from None
        return Download(
            answer,
            request=request,
            discretion=self._target.discretion(headers),
            vendor=self._target.vendor,
            deadline=deadline,
            ends_at=ends_at,
        )


class _Body(io.BytesIO):
    """The body of a request, which remembers whether it was asked for: after that, bytes of it may have left."""

    has_left = False

    def read(self, size: int | None = -1, /) -> bytes:
        self.has_left = True
        return super().read(size)


def _open_pool(proxy: str | None, tls: ssl.SSLContext | None) -> urllib3.PoolManager:
    from urllib.parse import unquote, urlsplit

    from urllib3 import PoolManager, ProxyManager, make_headers

    from airflow_provider_callkaro.transport.deadline import watched

    if proxy is None:
        return watched(PoolManager(ssl_context=tls))
    user, _, _ = urlsplit(proxy).netloc.rpartition("@")
    proxy_headers = make_headers(proxy_basic_auth=unquote(user)) if user else None
    return watched(ProxyManager(proxy, proxy_headers=proxy_headers, ssl_context=tls))
