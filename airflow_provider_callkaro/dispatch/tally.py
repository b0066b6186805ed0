"""The counts of a run. They add up: every row that is read ends in exactly one outcome."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from textwrap import wrap
from typing import Any

from airflow_provider_callkaro.calls.outcome import Outcome, Reason
from airflow_provider_callkaro.exceptions import VendorError

WIDTH = 120  # letters of a line that a log shows without scrolling
_UNREAD = "was not read to its end, and how many rows are left is not known"


@dataclass(frozen=True, slots=True, kw_only=True)
class RowOutcome:
    """The outcome of one contact row.

    :param row_number: its place in the source, from 1.
    :param reason: why it is not simply accepted; None where it is.
    :param detail: one masked sentence, such as the vendor's message.
    :param earlier: whether an earlier try of the run settled it.
    """

    row_number: int
    outcome: Outcome
    reason: Reason | str | None = None
    call_id: str | None = None
    detail: str | None = None
    earlier: bool = False


class Tally:
    """Counts outcomes as they come. Used from the main thread only."""

    __slots__ = ("_outcomes", "_reasons", "dialled", "resumed")

    def __init__(self) -> None:
        self._outcomes: Counter[Outcome] = Counter()
        self._reasons: Counter[str] = Counter()
        self.dialled = 0
        """Requests that this try sent."""
        self.resumed = 0
        """Rows whose outcome an earlier try of this run settled."""

    def count(self, row: RowOutcome) -> None:
        """Count one row."""
        self._outcomes[row.outcome] += 1
        if row.reason is not None:
            self._reasons[str(row.reason)] += 1

    def leave(self, rows: int, *, outcome: Outcome, reason: Reason) -> None:
        """Count rows that a failed run left without an outcome of their own."""
        if rows > 0:
            self._outcomes[outcome] += rows
            self._reasons[str(reason)] += rows

    def __getitem__(self, outcome: Outcome) -> int:
        return self._outcomes[outcome]

    @property
    def total(self) -> int:
        """The rows that have an outcome."""
        return self._outcomes.total()

    @property
    def reasons(self) -> dict[str, int]:
        """How many rows ended for each reason, most frequent first."""
        return dict(self._reasons.most_common())


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The result of a run, of fixed size however long the list.

    :param total: the rows read, and those known to be left unread; the five outcomes add up to it.
    :param dialled: requests that this try of the task sent.
    :param resumed: rows that earlier tries of the run settled; their outcomes count too.
    :param stopped: why the run ended before the list; None where it reached the end.
    :param refusal: the vendor's answer that ended the run, where one did.
    :param held_by: why calls could not be sent, or not yet, the last time that it happened.
    :param resume_at: the first moment at which a call that a rule holds back may ring; None where none is held back.
    :param unread: whether an unknown number of rows was left unread.
    """

    total: int
    accepted: int
    rejected: int
    skipped: int
    unknown: int
    pending: int
    reasons: dict[str, int]
    dialled: int
    resumed: int
    stopped: str | None = None
    refusal: VendorError | None = None
    held_by: VendorError | None = None
    resume_at: datetime | None = None
    unread: bool = False

    @classmethod
    def of(
        cls,
        tally: Tally,
        *,
        stopped: str | None = None,
        refusal: VendorError | None = None,
        held_by: VendorError | None = None,
        resume_at: datetime | None = None,
        unread: bool = False,
    ) -> Summary:
        """The summary of a tally."""
        return cls(
            total=tally.total,
            accepted=tally[Outcome.ACCEPTED],
            rejected=tally[Outcome.REJECTED],
            skipped=tally[Outcome.SKIPPED],
            unknown=tally[Outcome.UNKNOWN],
            pending=tally[Outcome.PENDING],
            reasons=tally.reasons,
            dialled=tally.dialled,
            resumed=tally.resumed,
            stopped=stopped,
            refusal=refusal,
            held_by=held_by,
            resume_at=resume_at,
            unread=unread,
        )

    def as_xcom(
        self, *, campaign: Mapping[str, object], report: str | None, shard: tuple[int, int] | None = None
    ) -> dict[str, Any]:
        """The summary as an operator returns it. ``campaign``: facts of the campaign, or campaigns, that the calls
        belong to. ``report``: where the report is; None where there is none. ``shard``: index and count of the part of
        the list; None where it is the whole."""
        return {
            **campaign,
            "total": self.total,
            "accepted": self.accepted,
            "rejected": self.rejected,
            "skipped": self.skipped,
            "unknown": self.unknown,
            "pending": self.pending,
            "reasons": self.reasons,
            "report": report,
            **({} if shard is None else {"shard": list(shard)}),
            **({"unread": True} if self.unread else {}),
        }

    def lines(self) -> list[str]:
        """The summary for a log, none of its lines longer than a screen is wide."""
        lines = [self._counts()]
        if self.unread:
            lines.append(f"The list {_UNREAD}")
        if self.reasons:
            lines.extend(wrap(f"Reasons: {self._why()}", width=WIDTH))
        return lines

    def __str__(self) -> str:
        rest = f"; the list {_UNREAD}" if self.unread else ""
        return f"{self._counts()} ({self._why()}){rest}" if self.reasons else f"{self._counts()}{rest}"

    def _counts(self) -> str:
        return (
            f"{self.total} rows: {self.accepted} accepted, {self.rejected} rejected, {self.skipped} skipped, "
            f"{self.unknown} unknown, {self.pending} pending"
        )

    def _why(self) -> str:
        return ", ".join(f"{reason} {count}" for reason, count in self.reasons.items())
