"""Decides whether the vendor refuses a person, or the whole list.

With a wrong path, a deleted agent, or a bad field that all rows share, the vendor refuses one call after the other in
the same words. As long as it has not accepted a single call, such refusals say nothing about the people, and a streak
of them says that the list needs correction. Refusals that are about one person are never counted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from airflow_provider_callkaro.calls.outcome import Reason
from airflow_provider_callkaro.dispatch.job import Job
from airflow_provider_callkaro.exceptions import AllRejected, Rejected

UNIFORM_REFUSALS = 20  # requests refused alike, and none accepted, before the list is given up
MAX_KINDS = 3  # ways in which a list may be refused; more ways mean that the vendor refuses rows
_PERSONAL = re.compile(
    r"\b(dnd|dnc|to_number|phone|mobile|recipient|callee|destination|opted|unsubscribed|blacklisted|blocklisted"
    r"|do[ -]?not[ -]?(disturb|call)|not reachable|unreachable|(invalid|bad|wrong|malformed|unknown) number)\b"
)
_PARTICULAR = re.compile(r"\S*[0-9•]\S*")  # words that differ from call to call: ids, numbers, times

Kind = tuple[int | None, str]


def kind_of(error: Rejected) -> Kind | None:
    """The kind of a refusal: refusals of one kind say the same. None for a refusal that is about the person. ``error``:
    its message is masked."""
    words = str(error).lower()
    if error.invalid_indexes or error.reason == Reason.DO_NOT_DISTURB or _PERSONAL.search(words):
        return None
    return error.status, _PARTICULAR.sub("#", words)


def list_refused(error: Rejected, *, calls: int) -> AllRejected:
    """The error for a list that the vendor refused as a whole. ``error``: one of the refusals. ``calls``: how many
    calls were refused."""
    return AllRejected(
        f"{error}; all {calls} calls that it was given fared so, none was accepted and none is marked as rejected: "
        "correct what they have in common (agent, campaign, host, a field)",
        vendor=error.vendor,
        status=error.status,
        request_id=error.request_id,
    )


class RefusalWatch:
    """Counts the refusals at the start of a run, until the vendor accepts a call."""

    __slots__ = ("_counts", "is_over")

    def __init__(self) -> None:
        self._counts: Counter[Kind] = Counter()
        self.is_over = False
        """Whether the list is certainly not refused as a whole. The caller sets it once the vendor accepts a call."""

    @property
    def longest(self) -> int:
        """The count of the most frequent kind of refusal."""
        return max(self._counts.values(), default=0)

    def refused(self, error: Rejected) -> bool:
        """Note a refusal. Returns whether it may be about the whole list: it is counted, and the watch goes on."""
        if self.is_over:
            return False
        kind = kind_of(error)
        if kind is None:
            return False
        self._counts[kind] += 1
        if len(self._counts) > MAX_KINDS:
            self.is_over = True
        return not self.is_over

    @property
    def condemns_the_list(self) -> bool:
        """Whether the streak is long enough to end the run."""
        return not self.is_over and self.longest >= UNIFORM_REFUSALS


class HeldRefusals:
    """Refusals that may be about the whole list; their calls stay claimed until that is known.

    A settled claim cannot be freed. If the process is killed meanwhile, these calls read as unknown; there are never
    more of them than a few streaks take.
    """

    def __init__(self) -> None:
        self._watch = RefusalWatch()
        self._held: list[tuple[Job, Rejected]] = []

    def hold(self, jobs: Sequence[Job], error: Rejected) -> bool:
        """Hold the refusal of some calls back, if it may be about the list. Returns whether it is held back."""
        is_held = self._watch.refused(error)
        if is_held:
            self._held.extend((job, error) for job in jobs)
        return is_held

    def accepted(self) -> None:
        """Note that the vendor took a call."""
        if not self._watch.condemns_the_list:
            self._watch.is_over = True

    @property
    def are_about_calls(self) -> bool:
        """Whether all refusals, also those to come, are about single calls."""
        return self._watch.is_over

    def take(self) -> list[tuple[Job, Rejected]]:
        """Take out what is held back."""
        held, self._held = self._held, []
        return held

    def verdict(self, *, is_done: bool, others: int) -> AllRejected | None:
        """What is held back, as the error of a list that the vendor refused as a whole; None where it did not.
        ``is_done``: whether the list was dispatched to its end. ``others``: how many calls were not refused."""
        held = self._held
        if not held:
            return None
        alike = len({kind_of(error) for _, error in held}) == 1
        if self._watch.condemns_the_list or (is_done and alike and len(held) > 1 and not others):
            return list_refused(held[-1][1], calls=len(held))
        return None
