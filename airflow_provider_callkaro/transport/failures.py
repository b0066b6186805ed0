"""What a failure on the way means, in the same words for both drivers."""

from __future__ import annotations

from airflow_provider_callkaro.calls.outcome import Reason
from airflow_provider_callkaro.exceptions import NotSent, OutcomeUnknown, TooLate


def not_sent(vendor: str, error: BaseException) -> NotSent:
    """No byte of the body left: DNS, refused, TLS, connect timeout."""
    return NotSent(f"{vendor} could not be reached ({type(error).__name__}): nothing was sent", vendor=vendor)


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
