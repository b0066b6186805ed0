"""What goes wrong on demand: the kinds of fault, and which requests a fault hits.

A Fault is a value. ``sandbox.fault(...)`` and ``POST /_sandbox/faults`` both end in its constructor, which checks
everything, so both ways allow the same.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, TypeVar

from airflow_provider_callkaro.sandbox.endpoints import Endpoint, VendorPath
from airflow_provider_callkaro.sandbox.known import VENDORS


class FaultKind(StrEnum):
    """The ways in which a request can go wrong. Accepting is the moment at which the phone rings."""

    # not accepted: the phone does not ring
    THROTTLED = "throttled"
    """Not accepted: 429, with or without ``Retry-After``."""
    RATE_LIMIT = "rate_limit"
    """Not accepted: 429 with ``Retry-After`` for whatever comes faster than ``calls_per_second``."""
    UNAVAILABLE = "unavailable"
    """Not accepted: 503, with or without ``Retry-After``."""
    ERROR_BEFORE_ACCEPTING = "error_before_accepting"
    """Not accepted: 500, or another 5xx as ``status``."""
    RESET_BEFORE_ACCEPTING = "reset_before_accepting"
    """Not accepted: the TCP connection is reset once the request has been read."""
    KEY_REFUSED = "key_refused"
    """Not accepted: 403, or 401 as ``status``, although the key or token is right."""
    REJECTED = "rejected"
    """Not accepted: 400, or 404 or 422 as ``status``, with a message that repeats the phone number."""
    REDIRECT = "redirect"
    """Not accepted: 302, or another 3xx as ``status``, to another host (``location``)."""
    ECHO_BEFORE_ACCEPTING = "echo_before_accepting"
    """Not accepted: 400, or another 4xx or 5xx as ``status``; its texts repeat what was sent, the key or token too."""
    HOLD_BEFORE_ACCEPTING = "hold_before_accepting"
    """Nothing happens until the release; then it is accepted, even if the client has gone."""
    # accepted: the phone rings
    HOLD_AFTER_ACCEPTING = "hold_after_accepting"
    """Accepted; the answer stays away until the release."""
    ERROR_AFTER_ACCEPTING = "error_after_accepting"
    """Accepted; the answer is 500, or another 5xx as ``status``."""
    RESET_AFTER_ACCEPTING = "reset_after_accepting"
    """Accepted; instead of an answer the TCP connection is reset."""
    DROP_ANSWER_AFTER_ACCEPTING = "drop_answer_after_accepting"
    """Accepted; instead of an answer the connection is closed in good order."""
    TRUNCATED_ANSWER = "truncated_answer"
    """Accepted; the connection is closed in the middle of the answer's body."""
    UNREADABLE_ANSWER = "unreadable_answer"
    """Accepted; 200 with a page of HTML."""
    ANSWER_WITHOUT_ID = "answer_without_id"
    """Accepted; the answer comes without the id of the call or campaign, or without the token."""
    NEWER_ANSWER = "newer_answer"
    """Accepted; CallKaro's newer shape: ``status`` is ``done`` and the id is called ``call_sid``."""
    ECHO_AFTER_ACCEPTING = "echo_after_accepting"
    """Accepted; texts, ids and a header of the answer repeat everything that was sent, and the key or token."""
    # whatever the answer is
    LATENCY = "latency"
    """The answer, whatever it is, comes ``seconds`` late; what is accepted is accepted at once."""


class RetryAfterForm(StrEnum):
    """How ``Retry-After`` is written; RFC 9110 allows both."""

    SECONDS = "seconds"
    DATE = "date"


_RETRY_OPTIONS = frozenset({"retry_after", "retry_after_as"})
_OPTIONS: dict[FaultKind, frozenset[str]] = {
    FaultKind.LATENCY: frozenset({"seconds"}),
    FaultKind.THROTTLED: _RETRY_OPTIONS,
    FaultKind.UNAVAILABLE: _RETRY_OPTIONS,
    FaultKind.RATE_LIMIT: _RETRY_OPTIONS | {"calls_per_second"},
    FaultKind.ERROR_BEFORE_ACCEPTING: frozenset({"status"}),
    FaultKind.ERROR_AFTER_ACCEPTING: frozenset({"status"}),
    FaultKind.KEY_REFUSED: frozenset({"status"}),
    FaultKind.REJECTED: frozenset({"status"}),
    FaultKind.REDIRECT: frozenset({"status", "location"}),
    FaultKind.ECHO_BEFORE_ACCEPTING: frozenset({"status"}),
}
_STATUSES: dict[FaultKind, Collection[int]] = {  # the first one is the default
    FaultKind.ERROR_BEFORE_ACCEPTING: range(500, 600),
    FaultKind.ERROR_AFTER_ACCEPTING: range(500, 600),
    FaultKind.KEY_REFUSED: (403, 401),
    FaultKind.REJECTED: (400, 404, 422),
    FaultKind.REDIRECT: (302, 301, 303, 307, 308),
    FaultKind.ECHO_BEFORE_ACCEPTING: range(400, 600),
}
_DEFAULTS: dict[str, Any] = {
    "seconds": 1.0,
    "retry_after_as": RetryAfterForm.SECONDS,
    "calls_per_second": 10,
    "location": "http://elsewhere.invalid/",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What goes wrong, and for which requests.

    The requests to ``path`` that carry the right key are numbered from the moment the fault is switched on. The first
    ``after`` of them pass; of the rest, the ``first`` ones are in question; of those, each ``every``-th is hit.

    :param kind: what goes wrong.
    :param path: at which endpoint; default ``/call/outbound``.
    :param every: 1 hits each request in question, 10 the tenth, the twentieth and so on.
    :param first: how many requests are in question; None is all of them.
    :param after: how many requests pass before that; default 0.
    :param seconds: how late a ``latency`` answers, 0 or more; default 1.
    :param status: the HTTP status, for the kinds that leave a choice.
    :param retry_after: seconds for ``Retry-After``, 0 or more; None sends no such header, except that ``rate_limit``
        then says how long it takes until there is room. A fraction is sent as it is, although RFC 9110 knows none.
    :param retry_after_as: ``seconds`` (default), or ``date`` for an HTTP date, rounded up to the second.
    :param calls_per_second: what a ``rate_limit`` lets pass in any span of one second, 1 or more; default 10.
    :param location: where a ``redirect`` points; default a host that does not exist.
    :raises ValueError: an option is out of its range, or means nothing to this kind.
    """

    kind: FaultKind
    path: VendorPath = Endpoint.OUTBOUND
    every: int = 1
    first: int | None = None
    after: int = 0
    seconds: float | None = None
    status: int | None = None
    retry_after: float | None = None
    retry_after_as: RetryAfterForm | None = None
    calls_per_second: int | None = None
    location: str | None = None

    def __post_init__(self) -> None:
        self._set("kind", _member(FaultKind, "kind", self.kind))
        self._set("path", _path(self.path))
        _check_whole("every", self.every, at_least=1)
        _check_whole("after", self.after, at_least=0)
        if self.first is not None:
            _check_whole("first", self.first, at_least=1)
        self._check_options()

    def _check_options(self) -> None:
        taken = _OPTIONS.get(self.kind, frozenset())
        for name in ("seconds", "status", "retry_after", "retry_after_as", "calls_per_second", "location"):
            if name not in taken:
                if getattr(self, name) is not None:
                    raise ValueError(f"{name} means nothing to a fault of kind {self.kind}: leave it out")
            elif getattr(self, name) is None:
                self._set(name, _DEFAULTS.get(name))
        if self.seconds is not None:
            _check_seconds("seconds", self.seconds)
        if self.retry_after is not None:
            _check_seconds("retry_after", self.retry_after)
        if self.retry_after_as is not None:
            self._set("retry_after_as", _member(RetryAfterForm, "retry_after_as", self.retry_after_as))
        if self.calls_per_second is not None:
            _check_whole("calls_per_second", self.calls_per_second, at_least=1)
        if self.location is not None and not _is_printable_ascii(self.location):
            raise ValueError("location must be an address in printable ASCII")
        if "status" in taken:
            self._choose_status(_STATUSES[self.kind])

    def _choose_status(self, allowed: Collection[int]) -> None:
        if self.status is None:
            self._set("status", next(iter(allowed)))
        elif type(self.status) is not int or self.status not in allowed:
            choice = ", ".join(map(str, allowed)) if len(allowed) < 10 else f"{min(allowed)} to {max(allowed)}"
            raise ValueError(f"status of a fault of kind {self.kind} must be one of: {choice}")

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    @classmethod
    def from_json(cls, options: object) -> Fault:
        """Build a fault from a decoded JSON object with the names of the parameters above.

        :raises ValueError: it is no object, has no ``kind``, an unknown name or a value that cannot be.
        """
        if not isinstance(options, dict) or "kind" not in options:
            raise ValueError('a fault is a JSON object with a kind, such as {"kind": "latency", "seconds": 2}')
        names = [field.name for field in fields(cls)]
        if unknown := [name for name in options if name not in names]:
            raise ValueError(f"unknown option {unknown[0]!r}: the options of a fault are {', '.join(names)}")
        return cls(**options)

    def as_json(self) -> dict[str, Any]:
        """Give the options that mean something to this kind."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value is not None}

    def is_hit(self, number: int) -> bool:
        """Whether the request of this number is hit.

        :param number: counted from 1 since the fault was switched on.
        """
        number -= self.after
        return number > 0 and number % self.every == 0 and (self.first is None or number <= self.first)


_Member = TypeVar("_Member", bound=StrEnum)


def _member(kinds: type[_Member], name: str, value: object) -> _Member:
    if isinstance(value, str) and value in list(kinds):
        return kinds(value)
    raise ValueError(f"{name} must be one of: {', '.join(kinds)}")


def _path(value: object) -> VendorPath:
    paths = {str(path): path for vendor in VENDORS for path in vendor.paths}
    if isinstance(value, str) and value in paths:
        return paths[value]
    raise ValueError(f"path must be one of: {', '.join(paths)}")


def _check_whole(name: str, value: object, *, at_least: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < at_least:
        raise ValueError(f"{name} must be a whole number of at least {at_least}")


def _check_seconds(name: str, value: object) -> None:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < math.inf:
        raise ValueError(f"{name} must be a number of seconds, 0 or more")


def _is_printable_ascii(value: object) -> bool:
    return isinstance(value, str) and value.isascii() and value.isprintable()
