"""The states a contact row can end in, and why.

Every row ends in exactly one Outcome; a Reason says why it is not a plain acceptance. Both are written to the report,
the summary and the ledger by their value, so the values are part of the public interface.
"""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """Where a contact row ended."""

    ACCEPTED = "accepted"
    """The vendor took the call and named it."""
    REJECTED = "rejected"
    """It cannot be a call, or the vendor said so. Never sent again in this scope."""
    SKIPPED = "skipped"
    """It could have been a call, but a rule said no. Nothing was sent for this row."""
    UNKNOWN = "unknown"
    """It was dispatched and its answer is lost. Never sent again unasked."""
    PENDING = "pending"
    """It was not dispatched; the next try of the task does it."""


class Reason(StrEnum):
    """Why a row is not simply accepted."""

    # rejected: the row cannot be a call
    NOT_A_ROW = "not_a_row"
    MISSING_NUMBER = "missing_number"
    BAD_NUMBER = "bad_number"
    MISSING_AGENT = "missing_agent"
    BAD_AGENT = "bad_agent"
    BAD_BATCH = "bad_batch"
    BAD_SCHEDULE_AT = "bad_schedule_at"
    SCHEDULE_TIMEZONE_UNKNOWN = "schedule_timezone_unknown"
    BAD_TRIGGER_TIME = "bad_trigger_time"
    BAD_CARRY_OVER = "bad_carry_over"
    BAD_NUMBER_OF_RETRIES = "bad_number_of_retries"
    BAD_GAP_BETWEEN_RETRIES = "bad_gap_between_retries"
    BAD_PRIORITY = "bad_priority"
    BAD_LANGUAGE = "bad_language"
    BAD_METADATA = "bad_metadata"
    BAD_CALL_KEY = "bad_call_key"
    BAD_TIMEZONE = "bad_timezone"
    BAD_FIELD = "bad_field"
    FIELD_NOT_ALLOWED = "field_not_allowed"
    """The row sets what only a column may that the DAG names."""
    METADATA_TOO_LARGE = "metadata_too_large"
    COUNTRY_NOT_ALLOWED = "country_not_allowed"
    NUMBER_TYPE_NOT_ALLOWED = "number_type_not_allowed"
    IMPOSSIBLE_NUMBER = "impossible_number"
    # rejected: the vendor will never take it
    VENDOR_REJECTED = "vendor_rejected"
    AGENT_NOT_FOUND = "agent_not_found"
    DO_NOT_DISTURB = "do_not_disturb"
    # skipped: a rule says no
    DUPLICATE = "duplicate"
    ALREADY_ACCEPTED = "already_accepted"
    ALREADY_REJECTED = "already_rejected"
    ALREADY_UNKNOWN = "already_unknown"
    CLAIMED_BY_ANOTHER_RUN = "claimed_by_another_run"
    ZONE_UNKNOWN = "zone_unknown"
    SUPPRESSED = "suppressed"
    ERASED = "erased"
    """The person was erased from the ledger, and is not rung in any scope."""
    EXPIRED = "expired"
    CAP = "cap"
    NEVER_OPEN = "never_open"
    # unknown: it may have rung
    NO_ANSWER = "no_answer"
    SERVER_ERROR = "server_error"
    UNREADABLE_ANSWER = "unreadable_answer"
    NO_CALL_ID = "no_call_id"
    INTERRUPTED = "interrupted"
    PARTLY_ACCEPTED = "partly_accepted"
    # pending: not dispatched yet
    NOT_SENT = "not_sent"
    THROTTLED = "throttled"
    STOPPED = "stopped"
    WINDOW_CLOSED = "window_closed"
    BUDGET_SPENT = "budget_spent"
    """The budget of the day, or its money, is spent."""
    GAP = "gap"
    LIST_REFUSED = "list_refused"
    """The vendor refused every call of the list in the same way, so none of the refusals is held against a person."""
    UNREAD = "unread"
    """The source failed before this row was read."""
    # would be dispatched: a dry run sends nothing
    DRY_RUN = "dry_run"

    @property
    def outcome(self) -> Outcome:
        """The outcome of a row that ends for this reason."""
        return _OUTCOMES.get(self, Outcome.REJECTED)


_OUTCOMES = {
    **dict.fromkeys(
        (
            Reason.DUPLICATE,
            Reason.ALREADY_ACCEPTED,
            Reason.ALREADY_REJECTED,
            Reason.ALREADY_UNKNOWN,
            Reason.CLAIMED_BY_ANOTHER_RUN,
            Reason.ZONE_UNKNOWN,
            Reason.SUPPRESSED,
            Reason.ERASED,
            Reason.EXPIRED,
            Reason.CAP,
            Reason.NEVER_OPEN,
        ),
        Outcome.SKIPPED,
    ),
    **dict.fromkeys(
        (
            Reason.NO_ANSWER,
            Reason.SERVER_ERROR,
            Reason.UNREADABLE_ANSWER,
            Reason.NO_CALL_ID,
            Reason.INTERRUPTED,
            Reason.PARTLY_ACCEPTED,
        ),
        Outcome.UNKNOWN,
    ),
    **dict.fromkeys(
        (
            Reason.NOT_SENT,
            Reason.THROTTLED,
            Reason.STOPPED,
            Reason.WINDOW_CLOSED,
            Reason.BUDGET_SPENT,
            Reason.GAP,
            Reason.LIST_REFUSED,
            Reason.UNREAD,
            Reason.DRY_RUN,
        ),
        Outcome.PENDING,
    ),
}
