"""When a wait for outcomes is over, and what is told of it: counts, and nothing about a person."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from airflow_provider_callkaro.calls.disposition import Disposition
from airflow_provider_callkaro.outcomes.counting import OutcomeCounts


def has_enough(counts: OutcomeCounts, *, share: float) -> bool:
    """Whether so many calls have an outcome, of those that are accepted or are being placed. ``share``: from 0 to 1; no
    call at all is enough."""
    return counts.with_outcome >= math.ceil(round(share * (counts.accepted + counts.under_way), 9))


def expects_more(counts: OutcomeCounts) -> bool:
    """Whether an outcome may still come: for the rest the vendor has had its time, and they are unresolved."""
    return counts.awaiting > 0 or counts.under_way > 0


def total_of(several: Iterable[OutcomeCounts]) -> OutcomeCounts:
    """The counts of several selections, which have no call in common, together."""
    parts = list(several)
    sums: dict[str, Any] = {
        name: sum(getattr(each, name) for each in parts)
        for name in ("accepted", "awaiting", "unresolved", "converted", "unknown", "rejected", "under_way")
    }
    words = {word: sum(each.outcomes.get(word, 0) for each in parts) for word in Disposition}
    return OutcomeCounts(outcomes={word: calls for word, calls in words.items() if calls}, **sums)


def as_plain(counts: OutcomeCounts, *, is_complete: bool) -> dict[str, Any]:
    """The counts as XCom, an asset event or a trigger's event holds them. ``accepted`` is the sum of ``with_outcome``,
    ``awaiting`` and ``unresolved``.

    :param is_complete: whether as many calls have an outcome as were waited for.
    """
    return {
        "complete": is_complete,
        "accepted": counts.accepted,
        "with_outcome": counts.with_outcome,
        "awaiting": counts.awaiting,
        "unresolved": counts.unresolved,
        "converted": counts.converted,
        "unknown": counts.unknown,
        "outcomes": {str(word): calls for word, calls in counts.outcomes.items()},
    }
