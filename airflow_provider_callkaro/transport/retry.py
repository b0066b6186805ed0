"""The one retry policy: what may be sent again, and after how long. What a failure means is said here for both drivers.

The phase of the failure and the kind of request decide. A request that failed before a byte of its body left may be
sent again, and so may one that the vendor says it did not take. One whose answer got lost may be sent again only if it
is retry-safe. One that was answered with a 2xx was taken, whatever its body says, and is sent again only if it reads
and does nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_callkaro.calls.outcome import Reason
from airflow_provider_callkaro.exceptions import LeaseEnded, NotSent, OutcomeUnknown, Throttled, TooLate, VendorError
from airflow_provider_callkaro.transport.causes import why_unreachable

if TYPE_CHECKING:
    from airflow_provider_callkaro.transport.target import Target


def not_sent(target: Target, error: BaseException) -> NotSent:
    """No byte of the body left: DNS, refused, TLS, connect timeout."""
    why = why_unreachable(error, base_url=target.base_url)
    return NotSent(f"{target.vendor} could not be reached ({why}): nothing was sent", vendor=target.vendor)


def no_answer(vendor: str, error: BaseException, *, status: int | None = None) -> OutcomeUnknown:
    """The body may have left, and no answer came: read timeout, reset, a connection that ended half-way. ``status``:
    the HTTP status, where as much of the answer came."""
    return OutcomeUnknown(
        f"the answer of {vendor} got lost ({type(error).__name__}): it may have accepted the request",
        vendor=vendor,
        status=status,
        reason=Reason.NO_ANSWER,
    )


def too_late(vendor: str) -> TooLate:
    """The moment up to which the request might start had passed before a byte of it left."""
    return TooLate(f"it was too late to send the request to {vendor}: nothing was sent", vendor=vendor)


def lease_ended(vendor: str) -> LeaseEnded:
    """The share of the call budget that allowed the request had ended before a byte of it left."""
    return LeaseEnded(
        f"the run's share of the call budget ended before the request to {vendor} left: nothing was sent", vendor=vendor
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """What may be sent again, and after how long.

    :param attempts: how often one request is tried in all, when it cannot be sent or its answer is lost. Default 5.
    :param throttled_attempts: how often one request is tried in all, when the vendor says "later". Default 20.
    :param base_delay: seconds before the second attempt; it doubles with each further one. Default 0.5.
    :param max_delay: seconds that a backoff lasts at most. Default 30.
    :param max_retry_after: seconds that a ``Retry-After`` may last at most. Default 600.
    """

    attempts: int = 5
    throttled_attempts: int = 20
    base_delay: float = 0.5
    max_delay: float = 30.0
    max_retry_after: float = 600.0

    def delay(
        self, error: VendorError, *, attempt: int, retry_safe: bool, random: Callable[[], float], reads: bool = False
    ) -> float | None:
        """Seconds to wait before the request is sent again; None: it must not be sent again.

        :param attempt: how often it has been tried by now, from 1.
        :param retry_safe: whether the request may be sent again after a lost answer; see `Request`.
        :param reads: whether the request only reads, so that the vendor has nothing to take twice. Default false.
        :param random: a number from 0 to 1, for jitter.
        """
        if isinstance(error, Throttled):
            return self.wait(error, attempt=attempt, random=random) if attempt < self.throttled_attempts else None
        lost = isinstance(error, OutcomeUnknown) and retry_safe and (reads or not _was_taken(error))
        safe = lost or isinstance(error, NotSent)
        return self.wait(error, attempt=attempt, random=random) if safe and attempt < self.attempts else None

    def wait(self, error: VendorError, *, attempt: int, random: Callable[[], float]) -> float:
        """Seconds to wait after ``error``: the vendor's ``Retry-After``, clamped, else a backoff; with jitter on top.

        A ``Retry-After`` of zero, in the past, or unreadable means the backoff: the vendor has just said that it cannot
        keep up.
        """
        asked = error.retry_after if isinstance(error, Throttled) else None
        if asked is not None and asked > 0:  # no NaN either
            asked = max(self.base_delay, min(asked, self.max_retry_after))
            return asked + min(0.1 * asked, 1.0) * random()  # all clients were given the same moment
        ceiling = min(self.max_delay, self.base_delay * 2.0 ** min(attempt - 1, 30))
        return ceiling * (0.5 + 0.5 * random())


def _was_taken(error: VendorError) -> bool:
    """Whether the vendor said yes, though in a body that cannot be read."""
    return error.status is not None and 200 <= error.status < 300
