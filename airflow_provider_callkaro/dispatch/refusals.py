"""Is it the person that the vendor refuses, or the list?

A wrong path, a deleted agent, a field that all rows share: the vendor refuses one call after the other, in the same
words. As long as it has not accepted a single call, such refusals say nothing about the people, and a streak of them
says that the list is to be corrected. What the vendor holds against one person is never counted.
"""

from __future__ import annotations

import re
from collections import Counter

from airflow_provider_callkaro.calls.outcome import Reason
from airflow_provider_callkaro.exceptions import AllRejected, Rejected

UNIFORM_REFUSALS = 20  # requests refused alike, and none accepted, before the list is given up
MAX_KINDS = 3  # ways in which a list may be refused; a vendor that finds more finds fault with rows
_PERSONAL = re.compile(
    r"\b(dnd|dnc|to_number|phone|mobile|recipient|callee|destination|opted|unsubscribed|blacklisted|blocklisted"
    r"|do[ -]?not[ -]?(disturb|call)|not reachable|unreachable|(invalid|bad|wrong|malformed|unknown) number)\b"
)
_PARTICULAR = re.compile(r"\S*[0-9•]\S*")  # what differs from call to call: ids, numbers, times

Kind = tuple[int | None, str]


def kind_of(error: Rejected) -> Kind | None:
    """In what way the vendor refused: two refusals that agree in it are alike. None: it is about the person.

    :param error: its message is masked.
    """
    words = str(error).lower()
    if error.invalid_indexes or error.reason == Reason.DO_NOT_DISTURB or _PERSONAL.search(words):
        return None
    return error.status, _PARTICULAR.sub("#", words)


def list_refused(error: Rejected, *, calls: int) -> AllRejected:
    """The error that a list means which the vendor refused as a whole.

    :param calls: how many were refused.
    """
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
        """Whether the list is known not to be refused as a whole: to be set once the vendor has accepted a call."""

    @property
    def longest(self) -> int:
        """How many refusals of one kind there were."""
        return max(self._counts.values(), default=0)

    def refused(self, error: Rejected) -> bool:
        """Note a refusal.

        :return: whether it may be the list that is refused: the watch goes on, and this is one of those it counts.
        """
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
        """Whether the streak is long enough to give the list up."""
        return not self.is_over and self.longest >= UNIFORM_REFUSALS
