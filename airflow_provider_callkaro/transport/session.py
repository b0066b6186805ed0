"""The `requests.Session` of a connection: what `VendorHook.get_conn` returns, and what the hook itself sends with.

Whoever knows `HttpHook` can change it as there: mount adapters, set `proxies`, `verify`, `cert`, `headers`, and use the
test tools of `requests`. What keeps a key at home stays in force.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from requests.auth import AuthBase
from requests.structures import CaseInsensitiveDict
from requests.utils import select_proxy
from urllib3.util import Retry, Timeout, parse_url

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.transport.download import IDENTITY
from airflow_provider_callkaro.transport.exchange import DeadlinePassed, Exchange, reporting
from airflow_provider_callkaro.transport.target import IDLE_SECONDS, Target, checked_proxy
from airflow_provider_callkaro.transport.tls import Trust
from airflow_provider_callkaro.vendors.known import is_loopback

if TYPE_CHECKING:
    import ssl

    from urllib3 import BaseHTTPResponse, HTTPConnectionPool, PoolManager


class ConnectionHeaders(AuthBase):
    """Puts the connection's headers on a request, the key among them. What the request says itself stays. ``headers``:
    reads them, for each request anew."""

    def __init__(self, headers: Callable[[], Mapping[str, str]]) -> None:
        self._headers = headers

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        for name, value in self._headers().items():
            request.headers.setdefault(name, value)
        return request


class VendorSession(requests.Session):
    """A `requests.Session` for one vendor's host.

    An address may be a path, such as ``/call/campaign``: it begins at the connection's host. Each request carries the
    connection's headers, so a request to another host is refused. No redirect is followed, whatever
    ``allow_redirects`` says, no cookie is kept, and no netrc is read. A request without a ``timeout`` gets the
    connection's timeouts; both parts of a timeout together are the deadline of the whole exchange.

    It may be used from several threads at once, as long as nobody changes its settings meanwhile.

    :param target: the host, the headers, the timeouts and the TLS.
    :param clock: seconds of a clock that only goes forward, to tell which connections are too old to be used again.
    :raises ConfigurationError: the proxy that the environment names does not speak HTTP.
    """

    def __init__(self, target: Target, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._target = target
        self.trust_env = False  # the fan-out reads no netrc and no REQUESTS_CA_BUNDLE either
        self.verify = target.trust.ca_bundle or True
        self.cert = target.trust.client_files
        self.headers = CaseInsensitiveDict({"Accept-Encoding": IDENTITY})
        self.auth = ConnectionHeaders(target.all_headers)
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
        proxy = target.proxy()
        if proxy is not None:
            self.proxies = {"https": proxy}
        adapter = VendorAdapter(target, clock=clock)
        self.mount("https://", adapter)
        self.mount("http://", adapter)

    def prepare_request(self, request: requests.Request) -> requests.PreparedRequest:
        """See `requests.Session.prepare_request`; a path is completed with the connection's host."""
        if isinstance(request.url, str) and request.url.startswith("/"):
            request.url = self._target.url(request.url)
        return super().prepare_request(request)

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        """See `requests.Session.send`. Raises ConfigurationError if it would go to another host; nothing was sent.
        Raises requests.Timeout if the whole exchange took longer than it may."""
        home = self._target.base_url
        if _origin(request.url or "") != _origin(home):
            raise ConfigurationError(
                f"the session of this connection carries its key, so it sends requests to {home} only: use a session "
                "of your own for other hosts; nothing was sent"
            )
        if options.get("timeout") is None:
            options["timeout"] = (self._target.connect_timeout, self._target.read_timeout)
        if is_loopback((parse_url(home).host or "").strip("[]")):
            options["proxies"] = {}  # plain http stays on this machine
        if Exchange.current() is not None:
            return super().send(request, **options)
        exchange, seconds = Exchange(), _whole(options["timeout"], otherwise=self._target.deadline)
        try:
            with exchange.within(seconds):
                return super().send(request, **options)
        except (requests.RequestException, DeadlinePassed) as error:
            if exchange.has_passed:
                raise requests.Timeout(f"the exchange took longer than {seconds:g} s", request=request) from error
            raise

    def get_redirect_target(self, resp: requests.Response) -> None:
        """None: a redirect is never followed, because the key would go along."""


class VendorAdapter(HTTPAdapter):
    """Carries requests to one vendor, with TLS as both drivers speak it, reporting to the `Exchange` under way.

    It connects to the target's host whatever the request says, and never sends anything again by itself.

    :param target: the host.
    :param clock: as in `VendorSession`.
    """

    def __init__(self, target: Target, *, clock: Callable[[], float]) -> None:
        self._target = target
        self._clock = clock
        self._last_used = clock()
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """See `HTTPAdapter.init_poolmanager`."""
        super().init_poolmanager(*arguments, **options)
        reporting(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **options: Any) -> PoolManager:
        """See `HTTPAdapter.proxy_manager_for`."""
        return reporting(super().proxy_manager_for(proxy, **options))

    def get_connection_with_tls_context(
        self,
        request: requests.PreparedRequest,
        verify: bool | str | None,
        proxies: Mapping[str, str] | None = None,
        cert: str | tuple[str, str] | None = None,
    ) -> HTTPConnectionPool:
        """See `HTTPAdapter.get_connection_with_tls_context`. Raises ConfigurationError if a file of the TLS cannot
        serve, or the proxy does not speak HTTP."""
        if self._clock() - self._last_used > IDLE_SECONDS:
            self.close()
        exchange = Exchange.current()
        if exchange is not None:
            exchange.begin()
        proxy = select_proxy(request.url or "", proxies)
        manager: PoolManager = self.poolmanager
        if proxy:
            manager = self.proxy_manager_for(checked_proxy(proxy, named_by="the session", host="the host"))
        return manager.connection_from_url(self._target.base_url, pool_kwargs={"ssl_context": self._tls(verify, cert)})

    def cert_verify(self, *arguments: object) -> None:
        """The pool has its TLS already; `HTTPAdapter` would add authorities to those of the connection."""

    def build_response(self, req: requests.PreparedRequest, resp: BaseHTTPResponse) -> requests.Response:
        """See `HTTPAdapter.build_response`."""
        self._last_used = self._clock()
        return super().build_response(req, resp)

    def _tls(self, verify: bool | str | None, cert: str | tuple[str, str] | None) -> ssl.SSLContext | None:
        """The TLS context for what the session or the request says; None for plain http."""
        if verify is False:
            raise ConfigurationError(
                "verify=False would show the key to whoever answers: name the authority that vouches for the host, in "
                '"ca_bundle" of the connection or in verify; nothing was sent'
            )
        if not self._target.base_url.startswith("https:"):
            return None
        certificate, key = (cert, None) if isinstance(cert, str) else cert or (None, None)
        ca_bundle = verify if isinstance(verify, str) else None
        return Trust(ca_bundle=ca_bundle, client_certificate=certificate, client_key=key).context()


def check_sends_once(adapter: BaseAdapter, request: requests.PreparedRequest) -> None:
    """Refuse an adapter that would send by itself a second time what may not be sent twice.

    :param adapter: the one that is mounted for the vendor's host.
    :raises ConfigurationError: its ``max_retries`` may send the request again after it has left.
    """
    retries = getattr(adapter, "max_retries", None)
    if retries is None:
        return
    retries, method = Retry.from_int(retries), request.method or ""
    if _goes_on(retries.total) and (
        # urllib3 asks for the method after a lost answer and after a status, but not after a failure of TLS
        (_goes_on(retries.other) and _origin(request.url or "")[0] == "https")
        or ((_goes_on(retries.read) or _goes_on(retries.status)) and method in (retries.allowed_methods or (method,)))
    ):
        raise ConfigurationError(
            f"the adapter that is mounted on the session sends a {method} again by itself, and somebody could be rung "
            "twice: mount one whose max_retries leaves that method out and has other=0, which counts failures of TLS; "
            "nothing was sent"
        )


def _goes_on(count: int | bool | None) -> bool:
    """Whether a count of a `Retry` allows another try; None sets no bound."""
    return count is None or count > 0


def _origin(url: str) -> tuple[str | None, str | None, int | None]:
    parts = parse_url(url)  # the parser by which urllib3 finds the host
    return parts.scheme, parts.host, parts.port or {"http": 80, "https": 443}.get(parts.scheme or "")


def _whole(timeout: float | tuple[float | None, float | None] | Timeout | None, *, otherwise: float) -> float:
    """Seconds that an exchange with this timeout, of `requests` or of `urllib3`, may take as a whole."""
    if isinstance(timeout, Timeout):
        if isinstance(timeout.total, (int, float)):
            return float(timeout.total)
        timeout = (timeout.connect_timeout, timeout.read_timeout)  # type: ignore[assignment]
    connect, read = timeout if isinstance(timeout, tuple) else (timeout, timeout)
    if not isinstance(connect, (int, float)) or not isinstance(read, (int, float)):
        return otherwise
    return float(connect + read)
