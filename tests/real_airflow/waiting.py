"""The one place where the harness waits, so that there is one way to wait in vain: with an error that says why."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

Seen = TypeVar("Seen")

LOOK_EVERY = (0.1, 0.5)  # seconds, at first and after some seconds: a look costs the API server up to 30 ms of a core


class AirflowStuck(AssertionError):
    """Airflow did not come to what the test waited for; the message ends with the last lines of its logs."""


def wait_until(
    what: str, look: Callable[[], Seen | None], *, timeout: float, evidence: Callable[[], str] = lambda: ""
) -> Seen:
    """Look again and again until there is something to see, ever more rarely: who waits long loses little by it.

    :param what: what is waited for, as it should read in the error.
    :param look: returns ``None`` as long as there is nothing to see.
    :param timeout: seconds; ``look`` is called at least once.
    :param evidence: called when the time is up, for the end of the error message.
    :returns: the first thing that ``look`` returned and is not ``None``.
    :raises AirflowStuck: when the time is up.
    """
    began = time.monotonic()
    while (seen := look()) is None:
        waited = time.monotonic() - began
        if waited > timeout:
            raise AirflowStuck(f"waited {timeout:.0f} s for {what}\n{evidence()}")
        soonest, latest = LOOK_EVERY
        threading.Event().wait(min(max(soonest, waited / 10), latest))
    return seen
