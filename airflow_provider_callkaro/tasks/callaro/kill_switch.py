"""How Airflow ends a try that waits for a campaign."""

from __future__ import annotations

from contextlib import suppress
from queue import Empty, SimpleQueue

from airflow.providers.common.compat.sdk import AirflowException


class KillSwitch:
    """Ends the waits of one try.

    Two threads share it, or a thread and the signal handler that interrupts it: one waits, the other pulls. A
    `SimpleQueue` is safe for both; hardly anything else is within a signal handler.
    """

    def __init__(self) -> None:
        self.was_pulled = False
        self._pulls: SimpleQueue[None] = SimpleQueue()

    def pull(self) -> None:
        """End the wait that is under way, and every later one."""
        self.was_pulled = True
        self._pulls.put(None)

    def wait(self, seconds: float) -> None:
        """Wait, unless the switch is pulled. Raises AirflowException if it was pulled."""
        self.check()
        with suppress(Empty):
            self._pulls.get(timeout=seconds)
        self.check()

    def check(self) -> None:
        """Do nothing, unless the switch was pulled. Raises AirflowException if it was pulled."""
        if self.was_pulled:
            raise AirflowException("Airflow ended the task")
