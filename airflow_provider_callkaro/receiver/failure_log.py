"""What goes wrong at the receiver, in the log: bounded, however much of it there is."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

EVERY_SECONDS = 60.0  # one line of each kind
MAX_KINDS = 100  # that are told apart; no kind holds anything that a stranger has sent

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Kind:
    told_at: float
    untold: int = 0


class FailureLog:
    """Writes one line for the first failure of a kind, and from then on one a minute with how many there were.

    :param clock: seconds that only grow.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kinds: dict[str, _Kind] = {}
        self._lock = threading.Lock()

    def note(self, what: str) -> None:
        """Note one failure.

        :param what: a sentence without a full stop, which holds nothing that came with a request.
        """
        now = self._clock()
        with self._lock:
            kind = self._kinds.get(what)
            if kind is None:
                if len(self._kinds) == MAX_KINDS:
                    del self._kinds[next(iter(self._kinds))]
                self._kinds[what] = _Kind(told_at=now)
            elif now - kind.told_at < EVERY_SECONDS:
                kind.untold += 1
                return
            more, untold = "", 0 if kind is None else kind.untold
            if kind is not None:
                more = f" ({untold + 1} times in {now - kind.told_at:.0f} s)"
                kind.told_at, kind.untold = now, 0
        log.warning("Webhooks: %s%s", what, more)
