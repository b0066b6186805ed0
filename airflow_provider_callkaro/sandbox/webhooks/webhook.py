"""One URL that is told what became of the calls, and how badly the telling goes."""

from __future__ import annotations

import hashlib
import hmac
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any
from urllib.parse import urlsplit

VENDOR = "{vendor}"  # in a URL: the connection type of the vendor that tells
LONGEST_DELAY = 86_400.0  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A URL, and what happens on the way to it.

    :param url: where events are posted; ``{vendor}`` in it becomes ``callkaro``, ``callaro`` or ``mrassistant``.
    :param vendor: whose events it gets, as a connection type; None (default) for those of all.
    :param headers: sent with each event, such as the one with the receiver's secret; default none.
    :param signing_secret: with what Callaro and MrAssistant sign; None (default) for no signature.
    :param delay_seconds: how long after the call, or after the try before, the event comes, 0 to 86400; default 0.
    :param disorder_seconds: each delivery comes up to so many seconds later, at random, 0 to 86400; default 0.
    :param duplicates: the share of events that are delivered twice, 0 to 1; default 0.
    :param losses: the share of events of which no delivery arrives, 0 to 1; default 0.
    :raises ValueError: one of them is out of its range, or the URL is none.
    """

    url: str
    vendor: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    signing_secret: str | None = field(default=None, repr=False)
    delay_seconds: float = 0.0
    disorder_seconds: float = 0.0
    duplicates: float = 0.0
    losses: float = 0.0

    def __post_init__(self) -> None:
        if not isinstance(self.url, str) or not _is_url(self.url.replace(VENDOR, "vendor")):
            raise ValueError("url must be an address that begins with http:// or https://")
        if self.vendor is not None and not isinstance(self.vendor, str):
            raise ValueError("vendor must be a connection type, such as callkaro")
        if self.signing_secret is not None and not (isinstance(self.signing_secret, str) and self.signing_secret):
            raise ValueError("signing_secret must be a text")
        if not isinstance(self.headers, Mapping) or not all(
            isinstance(text, str) and text.isascii() and text.isprintable()
            for header in self.headers.items()
            for text in header
        ):
            raise ValueError("headers must be an object of names and values in printable ASCII")
        for name in ("delay_seconds", "disorder_seconds"):
            _check_range(name, getattr(self, name), at_most=LONGEST_DELAY)
        for name in ("duplicates", "losses"):
            _check_range(name, getattr(self, name), at_most=1)

    @classmethod
    def from_json(cls, options: object) -> Webhook:
        """Make one from a decoded JSON object. Raises ValueError if it is none, or an option is wrong or unknown."""
        if not isinstance(options, Mapping):
            raise ValueError("a webhook must be an object")
        if unknown := options.keys() - {each.name for each in fields(cls)}:
            raise ValueError(f"a webhook has no option {min(map(str, unknown))}")
        if "url" not in options:
            raise ValueError("a webhook needs a url")
        return cls(**options)

    def as_json(self) -> dict[str, Any]:
        """The options without their secrets: of the headers only the names."""
        shown = {each.name: getattr(self, each.name) for each in fields(self)}
        return shown | {"headers": sorted(self.headers), "signing_secret": self.signing_secret is not None}

    def url_for(self, vendor: str) -> str:
        """Where a vendor posts its events. ``vendor``: its connection type."""
        return self.url.replace(VENDOR, vendor)

    @property
    def host(self) -> str:
        """The host of the URL."""
        return urlsplit(self.url).hostname or ""


def hmac_of(body: bytes, *, secret: str) -> str:
    """HMAC-SHA256 of a body, in hexadecimal."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def _is_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False


def _check_range(name: str, value: object, *, at_most: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= at_most or math.isnan(value):
        raise ValueError(f"{name} must be a number from 0 to {at_most:g}")
