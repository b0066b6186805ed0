"""Everything this package raises.

VoiceCallError
├── ConfigurationError        the connection or an argument cannot work; nothing was sent
│   ├── NotThereYet           no file is at a place; a retry looks again
│   ├── LedgerRequired        without a ledger the task cannot tell who has been rung; nothing was sent
│   ├── RetentionTooShort     what a prune would take out still keeps somebody from being rung; nothing was pruned
│   └── NeverOpens            the calling policy leaves no moment in which a phone may ring
├── LedgerError               the ledger could not be read or written; nothing was sent without a durable claim
│   ├── LedgerRefused         the database refuses the login, or is not there; a ConfigurationError too
│   └── KeysChanged           the ledger was put under a new key meanwhile; in ledger.sql.names
├── SourceBroken              the contact rows could not be read to their end; a retry reads them again
├── NotWritten                a file could not be written whole; what stood in its place before still stands
├── RunIncomplete             rows are left pending; the next try of the task goes on with them
├── UnreadableEvent           a webhook is none of its vendor's; nothing was written
├── InvalidCall               a field of a call is out of its range; in calls.call          .reason
├── NotAllowed                the campaign's state does not allow the action; nothing was sent
└── VendorError               the vendor, or the way to it, said no          .vendor .status .request_id
    ├── NotSent               it failed before the vendor could have acted: safe to try again
    │   └── TooLate           the moment up to which it might start had passed: judge it anew
    │       └── LeaseEnded    the run's share of the call budget had ended
    ├── Throttled             not accepted, try later                        .retry_after (seconds)
    ├── Unauthorized          the key was refused: stop, no retry helps
    ├── Rejected              this request will never be accepted            .reason .invalid_indexes
    ├── AllRejected           what all calls have in common is refused: stop, it is to be corrected
    └── OutcomeUnknown        it may have been accepted: never send it again .reason

No message carries a phone number in full, an API key, metadata or a response body.
"""

from __future__ import annotations

import copyreg
from typing import Any


class VoiceCallError(Exception):
    """The root of everything this package raises."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Make it survive the way between processes, which by default calls the class with the message alone."""
        return copyreg.__newobj__, (type(self), *self.args), vars(self)  # type: ignore[attr-defined]


class ConfigurationError(VoiceCallError):
    """The connection or an argument cannot work. Nothing was sent."""


class NotThereYet(ConfigurationError):
    """No file is at a place. It may come later, so a retry of the task looks again."""


class LedgerRequired(ConfigurationError):
    """There is no durable record of who has been rung, and this try needs one. Nothing was sent."""


class RetentionTooShort(ConfigurationError):
    """A cap or a scope that is still open needs what a prune would take out. Nothing was pruned."""


class NeverOpens(ConfigurationError):
    """The calling policy leaves no moment in which the phone may ring."""


class LedgerError(VoiceCallError):
    """The ledger could not be read or written. No call was placed without a durable claim."""


class LedgerRefused(LedgerError, ConfigurationError):
    """The ledger's database refuses the login, or does not exist: a retry meets the same. Nothing was sent."""


class SourceBroken(VoiceCallError):
    """The contact rows could not be read to their end: a connection was lost, or a file is cut short."""


class NotWritten(VoiceCallError):
    """A file could not be written whole. What stood in its place before still stands."""


class RunIncomplete(VoiceCallError):
    """The run ended with pending rows; the next try of the task goes on with them."""


class UnreadableEvent(VoiceCallError):
    """A webhook is none of its vendor's: it cannot be read as an event of a call. Nothing was written."""


class NotAllowed(VoiceCallError):
    """The state of the campaign does not allow the action. Nothing was sent."""


class VendorError(VoiceCallError):
    """The vendor, or the way to it, said no.

    :param vendor: the vendor's name, such as ``CallKaro``.
    :param status: the HTTP status, or None where no response came.
    :param request_id: the vendor's own id of the request, where it gave one.
    """

    def __init__(self, message: str, *, vendor: str, status: int | None = None, request_id: str | None = None) -> None:
        super().__init__(message)
        self.vendor = vendor
        self.status = status
        self.request_id = request_id


class NotSent(VendorError):
    """It failed before the vendor could have acted (DNS, refused, TLS, connect timeout): safe to try again."""


class TooLate(NotSent):
    """The moment up to which the request might start had passed before a byte of it left: the call is judged anew."""


class LeaseEnded(TooLate):
    """The run's share of the call budget had ended before a byte of the request left: it waits for a new share."""


class Throttled(VendorError):
    """Not accepted, try later (429, or 503 with ``Retry-After``).

    :param retry_after: seconds the vendor asked to wait, or None where it did not say.
    """

    def __init__(
        self,
        message: str,
        *,
        vendor: str,
        status: int | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, vendor=vendor, status=status, request_id=request_id)
        self.retry_after = retry_after


class Unauthorized(VendorError):
    """The key was refused (401, 403). Stop the run: no retry helps until the connection is mended."""


class Rejected(VendorError):
    """This request will never be accepted (400, 404, 422).

    :param reason: a reason code, one of the values of ``calls.Reason``.
    :param invalid_indexes: of a request that carries many calls, the places, from 0, of those that the vendor found
        fault with; empty where it named none. It took none of the others.
    """

    def __init__(
        self,
        message: str,
        *,
        vendor: str,
        reason: str,
        status: int | None = None,
        request_id: str | None = None,
        invalid_indexes: frozenset[int] = frozenset(),
    ) -> None:
        super().__init__(message, vendor=vendor, status=status, request_id=request_id)
        self.reason = reason
        self.invalid_indexes = invalid_indexes


class AllRejected(VendorError):
    """What all calls of the run have in common is refused, such as the campaign's settings. None of them was accepted.

    Stop the run: it is the settings that are to be corrected, and the calls are as good as before.
    """


class OutcomeUnknown(VendorError):
    """It may have been accepted: a lost answer, a 5xx, or an answer nobody can read. Never send it again unasked.

    :param reason: a reason code, one of the values of ``calls.Reason``.
    """

    def __init__(
        self, message: str, *, vendor: str, reason: str, status: int | None = None, request_id: str | None = None
    ) -> None:
        super().__init__(message, vendor=vendor, status=status, request_id=request_id)
        self.reason = reason


TRANSIENT = (NotSent, Throttled, OutcomeUnknown)
"""What a question that changes nothing may meet, and not meet again: the same question is asked later."""
PERMANENT = (Unauthorized, Rejected, ConfigurationError)
"""What the same question meets again, however often it is asked."""
