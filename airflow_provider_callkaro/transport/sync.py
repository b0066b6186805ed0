"""One request at a time, over a `requests.Session`: for everything that is not a fan-out."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn, TypeVar

from airflow_provider_callkaro.exceptions import ConfigurationError, VendorError
from airflow_provider_callkaro.transport.retry import RetryPolicy, no_answer, not_sent
from airflow_provider_callkaro.transport.target import Target
from airflow_provider_callkaro.vendors.http import Request, Response

if TYPE_CHECKING:
    import requests

    from airflow_provider_callkaro.transport.download import Download

T = TypeVar("T")
_log = logging.getLogger(__name__)


class SyncTransport:
    """Sends requests to one vendor and reads their answers, trying again where that is safe.

    It may be used from several threads at once, as its session may.

    :param policy: what may be sent again.
    :param sleep: waits for some seconds.
    :param random: a number from 0 to 1.
    :param clock: seconds of a clock that only goes forward.
    :param session: what carries the requests; default: a `VendorSession` of its own.
    """

    def __init__(
        self,
        target: Target,
        *,
        policy: RetryPolicy,
        sleep: Callable[[float], None],
        random: Callable[[], float],
        clock: Callable[[], float] = time.monotonic,
        session: requests.Session | None = None,
    ) -> None:
        from airflow_provider_callkaro.transport.session import VendorSession

        self._target = target
        self._policy = policy
        self._sleep = sleep
        self._random = random
        self._session = VendorSession(target, clock=clock) if session is None else session

    def call(self, request: Request, read: Callable[[Response], T], *, read_timeout: float | None = None) -> T:
        """Send ``request`` and read its answer. ``read``: turns the answer into what it says, or raises what it means.
        ``read_timeout``: seconds to wait for the answer; default: the target's. Raises the VendorError that remains
        once trying again is no longer safe, or no longer of use."""
        return self._persist(request, lambda: read(self._exchange(request, read_timeout).response()))

    @contextmanager
    def download(self, request: Request, read_refusal: Callable[[Response], NoReturn]) -> Iterator[Download]:
        """Send ``request`` and read the body of its answer piece by piece, however long it is.

        A failure before the first piece has come is tried again as in `call`. A later one is not: the reader has used
        that piece by then.

        :param request: one that is retry-safe.
        :param read_refusal: raises what an answer outside 200 to 299 means, as `raise_refusal` does.
        :return: a context manager; leaving it closes the connection.
        :raises VendorError: there is nothing to read, or, while it is read, `OutcomeUnknown`: it was cut short.
        """

        def started() -> Download:
            answer = self._exchange(request)
            if not 200 <= answer.status < 300:
                read_refusal(answer.response())
            return answer.start()

        with self._persist(request, started) as download:
            yield download

    def close(self) -> None:
        """Close the connections to the vendor; the next request opens one again."""
        self._session.close()

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

    def _exchange(self, request: Request, read_timeout: float | None = None) -> Download:
        timeout = (self._target.connect_timeout, read_timeout or self._target.read_timeout)
        credentials = self._target.credentials
        if credentials is None:
            return self._send(request, self._target.headers, timeout)
        auth_headers = credentials.headers()
        answer = self._send(request, {**self._target.headers, **auth_headers}, timeout)
        if answer.status == 401 and credentials.renew(auth_headers):
            answer.close()
            answer = self._send(request, self._target.all_headers(), timeout)
        return answer

    def _send(self, request: Request, headers: Mapping[str, str], timeout: tuple[float, float]) -> Download:
        from urllib3.exceptions import HTTPError

        from airflow_provider_callkaro.transport.download import Download
        from airflow_provider_callkaro.transport.exchange import Exchange
        from airflow_provider_callkaro.transport.session import VendorAdapter, check_sends_once

        prepared = self._prepared(request, headers)
        adapter = self._session.get_adapter(prepared.url or "")
        if not request.retry_safe:
            check_sends_once(adapter, prepared)
        exchange = Exchange()
        ends_at = time.monotonic() + sum(timeout)
        try:
            with exchange.within(sum(timeout)):
                answer = self._session.send(prepared, stream=True, allow_redirects=False, timeout=timeout)
        except (HTTPError, OSError, ValueError) as error:  # what requests raises is an OSError
            # an adapter of a user's own may have sent more than its exchange has seen
            is_unsent = type(adapter) is VendorAdapter and exchange.has_left is False
            target, cause = self._target, _cause(error)
            raise (not_sent(target, cause) if is_unsent else no_answer(target.vendor, cause)) from None
        return Download(
            answer,
            request=request,
            redaction=self._target.redaction(
                {**{name: str(self._session.headers[name]) for name in self._session.headers}, **headers}
            ),
            vendor=self._target.vendor,
            exchange=exchange,
            ends_at=ends_at,
        )

    def _prepared(self, request: Request, headers: Mapping[str, str]) -> requests.PreparedRequest:
        from requests import Request as UnpreparedRequest
        from requests import RequestException

        from airflow_provider_callkaro.transport.session import ConnectionHeaders

        content_type = {} if request.content_type is None else {"Content-Type": request.content_type}
        try:
            return self._session.prepare_request(
                UnpreparedRequest(
                    request.method,
                    self._target.url(request.path),
                    headers=content_type,
                    data=request.body,
                    auth=ConnectionHeaders(lambda: headers),
                )
            )
        except (RequestException, ValueError) as error:
            raise ConfigurationError(
                f"the request to {self._target.vendor} cannot be built ({type(error).__name__}): see to the headers "
                "that were set on the session of its hook; nothing was sent"
            ) from None


def _cause(error: BaseException) -> BaseException:
    """What went wrong, from under what `requests` and `urllib3` wrap around it."""
    wrapped = getattr(error, "reason", None) or next(iter(error.args), None)
    is_wrapper = type(error).__module__.startswith("requests.") or type(error).__name__ == "MaxRetryError"
    return _cause(wrapped) if is_wrapper and isinstance(wrapped, BaseException) else error
