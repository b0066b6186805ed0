"""Where requests go: the vendor's host, as the connection says, and the rules that keep the key on it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.transport.tls import Trust
from airflow_provider_callkaro.vendors.known import is_loopback
from airflow_provider_callkaro.vendors.redaction import Redaction

if TYPE_CHECKING:
    import ssl

DEFAULT_PORTS = {"http": 80, "https": 443}
IDLE_SECONDS = 2.0  # a connection is reused within; a call over one that the other end has closed becomes unknown
_HOST_NAME = re.compile(r"[a-z0-9_.:\-]+")
_PATH = re.compile(r"[!-~]*")


class Credentials(Protocol):
    """Auth headers that expire. May be used from several threads."""

    def headers(self) -> Mapping[str, str]:
        """The current headers. Raises VendorError if there are none yet and none could be had."""

    def renew(self, refused: Mapping[str, str]) -> bool:
        """Get new headers in place of the refused ones. One renewal serves all threads that ask for it at once. Returns
        whether there are new headers, so that it is worth trying again. Raises VendorError if none could be had."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A vendor's host and how to talk to it.

    :param vendor: the vendor's name, for messages.
    :param base_url: ``https://host[:port][/path]`` without a trailing slash.
    :param headers: sent with every request; they hold the key, so they are not shown.
    :param connect_timeout: seconds to reach the host, DNS included. Default 10.
    :param read_timeout: seconds to wait for an answer once the request is out. Default 60: giving up early turns an
        accepted call into an unknown one. Both together are the deadline of a request, from its start to the last byte
        of its answer, however steadily the bytes drip in.
    :param trust: the authorities and the client certificate of TLS. Default: the machine's authorities.
    :param credentials: auth headers that expire, beside ``headers``: after a 401, which means that nothing was done,
        they are renewed and the request is sent once more. None where the key does not expire.
    :param vendor_messages: whether the vendor's own words are kept; without them only reason codes are. Default: yes.
    """

    vendor: str
    base_url: str
    headers: Mapping[str, str] = field(repr=False)
    connect_timeout: float = 10.0
    read_timeout: float = 60.0
    trust: Trust = field(default_factory=Trust)
    credentials: Credentials | None = field(default=None, repr=False)
    vendor_messages: bool = True

    @property
    def deadline(self) -> float:
        """Seconds that one request may take, from its start to the last byte of its answer."""
        return self.connect_timeout + self.read_timeout

    def redaction(self, headers: Mapping[str, str]) -> Redaction:
        """What may not be kept of an answer to a request with these headers."""
        return Redaction(headers, keeps_messages=self.vendor_messages)

    def all_headers(self) -> dict[str, str]:
        """What each request carries: the headers, and the current ones of the credentials. Raises VendorError if there
        are no credentials yet and none could be had."""
        return {**self.headers, **({} if self.credentials is None else self.credentials.headers())}

    def url(self, path: str) -> str:
        """The whole address of ``path``."""
        return self.base_url + path

    def tls(self) -> ssl.SSLContext | None:
        """The TLS context; None for plain http. Raises ConfigurationError if a TLS file of the connection cannot be
        read any more."""
        return self.trust.context() if self.base_url.startswith("https:") else None

    def proxy(self) -> str | None:
        """The proxy that the environment names for this host (``HTTPS_PROXY``, ``NO_PROXY``), or None. Raises
        ConfigurationError if it speaks something else than HTTP, such as SOCKS."""
        from urllib.request import getproxies, proxy_bypass

        parts = urlsplit(self.base_url)
        host = parts.hostname or ""
        proxy = None if is_loopback(host) or proxy_bypass(host) else getproxies().get(parts.scheme)
        return checked_proxy(proxy, named_by=f"{parts.scheme.upper()}_PROXY", host=host) if proxy else None


def checked_proxy(proxy: str, *, named_by: str, host: str) -> str:
    """The proxy's address with a scheme, ``http`` where it has none. ``named_by``: what names it, for messages.
    ``host``: to which host it is the way. Raises ConfigurationError if it speaks something else than HTTP, such as
    SOCKS."""
    if "://" not in proxy:
        return f"http://{proxy}"
    if not proxy.lower().startswith(("http://", "https://")):
        raise ConfigurationError(
            f"the proxy that {named_by} names does not speak HTTP: set another, such as http://proxy.example:3128, or "
            f"add {host} to NO_PROXY"
        )
    return proxy


def checked_base_url(host: str, *, port: int | None, connection: str) -> str:
    """The base URL that a connection's host means. ``host``: a host name or a URL; without a scheme https is meant.
    ``connection``: the connection's id, for messages. Raises ConfigurationError if it is no host, or it is plain http
    to anything but this machine."""
    text = host.strip()
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        number = parts.port if parts.port is not None else port
    except ValueError:
        parts, number = urlsplit(""), None
    name, path = _plain_name(parts.hostname or "", connection=connection), parts.path.rstrip("/")
    if (
        parts.scheme not in ("http", "https")
        or not _HOST_NAME.fullmatch(name)
        or not _PATH.fullmatch(path)
        or parts.username is not None
        or parts.query
        or parts.fragment
        or not (number is None or 0 < number < 65_536)
    ):
        raise ConfigurationError(
            f'the host of connection "{connection}" is no address: give it as https://host or https://host:port'
        )
    if parts.scheme == "http" and not is_loopback(name):
        raise ConfigurationError(
            f'the host of connection "{connection}" is plain http, which would send the API key unencrypted: use '
            "https (plain http is allowed for this machine only, for the sandbox)"
        )
    return f"{parts.scheme}://{f'[{name}]' if ':' in name else name}{f':{number}' if number else ''}{path}"


def _plain_name(hostname: str, *, connection: str) -> str:
    """The name as DNS knows it (bücher.example is xn--bcher-kva.example); empty where it cannot be one. Raises
    ConfigurationError if two standards in use know it by different names, so that it may be two hosts."""
    try:
        plain = hostname.encode("idna").decode()  # IDNA 2003
        if hostname.isascii():
            return plain

        import idna

        today = idna.encode(hostname, uts46=True).decode()  # IDNA 2008
    except UnicodeError:
        return ""
    if plain != today:
        raise ConfigurationError(
            f'the host of connection "{connection}" has letters that stand for one host in some places and for another '
            "one elsewhere: write it in ASCII (xn--…), as its owner registered it"
        )
    return today
