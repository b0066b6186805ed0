"""What an author sets for a run (how fast it goes, when it gives up, whom it redials, which part it takes); its stop.

A DAG file pays for importing this, so nothing of the dispatcher is imported here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from zlib import crc32

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.ledger.contract import EntryState

REDIALLED = {"unknown": EntryState.UNKNOWN, "rejected": EntryState.REJECTED}
HIGHEST_PRIORITY = 1000
LARGEST_WEIGHT = 1000
CALM_GRACE = 90.0  # seconds that calls in flight may take to finish: longer than the wait for an answer
KILLED_GRACE = 3.5  # seconds, when Airflow ends the task: it kills the process five seconds after asking


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How fast a run may go, and when it gives up.

    :param max_concurrency: calls in flight at once, 1 to 1000. Default 64.
    :param calls_per_second: starts per second at most; None sets no pace.
    :param stop_after_unknown: so many lost answers end the run, where four clear answers make up for a lost one: a
        streak of so many does, and so does a vendor that keeps losing every fourth or more. None goes on. Default 20.
    :raises ConfigurationError: a value is out of its range.
    """

    max_concurrency: int = 64
    calls_per_second: float | None = None
    stop_after_unknown: int | None = 20

    def __post_init__(self) -> None:
        if not is_number(self.max_concurrency, int) or not 1 <= self.max_concurrency <= 1000:
            raise ConfigurationError("max_concurrency must be from 1 to 1000, a whole number without quotes")
        pace = self.calls_per_second
        if pace is not None and (not is_number(pace, int, float) or not 0 < pace < float("inf")):
            raise ConfigurationError("calls_per_second must be a number above 0 without quotes, or None for no pace")
        limit = self.stop_after_unknown
        if limit is not None and (not is_number(limit, int) or limit < 1):
            raise ConfigurationError(
                "stop_after_unknown must be 1 or more, a whole number without quotes, or None to go on whatever happens"
            )


def check_rank(priority: object, weight: object) -> None:
    """Refuse a place among the runs of a budget that cannot be. ``priority``: -1000 to 1000, higher goes first.
    ``weight``: of the share within a priority, above 0, at most 1000. Raises ConfigurationError."""
    if not is_number(priority, int) or not -HIGHEST_PRIORITY <= priority <= HIGHEST_PRIORITY:  # type: ignore[operator]
        raise ConfigurationError(
            f"priority must be from -{HIGHEST_PRIORITY} to {HIGHEST_PRIORITY}, a whole number without quotes"
        )
    if not is_number(weight, int, float) or not 0 < weight <= LARGEST_WEIGHT:  # type: ignore[operator]
        raise ConfigurationError(f"weight must be a number above 0 without quotes, at most {LARGEST_WEIGHT}")


def redial_states(redial: str | Iterable[str] | None) -> frozenset[EntryState]:
    """The states that ``redial`` asks to dispatch once more: ``unknown``, ``rejected``, or both. Raises
    ConfigurationError if it names another state."""
    words = [redial] if isinstance(redial, str) else [] if redial is None else redial
    if not isinstance(words, (list, tuple, set, frozenset)) or not all(isinstance(word, str) for word in words):
        raise ConfigurationError(f"redial must be {' or '.join(REDIALLED)}, or a list of both")
    named = {word.strip().lower() for word in words} - {"", "none"}
    unknown = sorted(named - set(REDIALLED))
    if unknown:
        raise ConfigurationError(f"redial cannot be {', '.join(unknown)}: it takes {' and '.join(REDIALLED)}")
    return frozenset(REDIALLED[word] for word in named)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """The part of a list that one of several tasks takes. Each row belongs to exactly one part. ``index``: which part,
    from 0. Raises ConfigurationError if the index is not within the count."""

    index: int
    count: int

    def __post_init__(self) -> None:
        if not 0 <= self.index < self.count:
            raise ConfigurationError(
                f"shard must be (index, count) with index from 0 to count - 1, not ({self.index}, {self.count})"
            )

    def holds(self, key: str) -> bool:
        """Whether the row of this key belongs here; the same on every machine."""
        return crc32(key.encode()) % self.count == self.index


class Stop:
    """Asks a run to take no new calls, finish those in flight, and settle.

    A signal handler or another thread may ask while the run reads, so asking does nothing but set values.

    :param clock: seconds of a monotonic clock.
    :param deadline: the moment of that clock at which the run stops by itself.
    """

    def __init__(self, *, clock: Callable[[], float], deadline: float = math.inf) -> None:
        self._clock = clock
        self._deadline = deadline
        self._asked: str | None = None
        self._finish_by = math.inf

    def ask(self, why: str, *, grace: float = CALM_GRACE) -> None:
        """Ask for the end. Asking again can only shorten the time. ``why``: half a sentence for the log and the
        summary; the first one counts. ``grace``: seconds from now that calls in flight may take to finish."""
        self._finish_by = min(self._finish_by, self._clock() + grace)
        if self._asked is None:
            self._asked = why

    @property
    def finish_by(self) -> float:
        """Until when, by the clock, the run waits for calls in flight; infinite before anybody asks."""
        return self._finish_by

    @property
    def why(self) -> str | None:
        """Why the run shall end; None while it shall go on."""
        if self._asked is None and self._clock() >= self._deadline:
            self.ask("the task's execution_timeout is near")
        return self._asked


def is_number(value: object, *kinds: type) -> bool:
    """Whether a value is a number of one of these kinds; True and False are none."""
    return isinstance(value, kinds) and not isinstance(value, bool)
