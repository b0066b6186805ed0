"""Waiting for a state of a vendor's call or campaign, without a worker.

The trigger only reads, so it may run twice, move to another triggerer, or start again after a crash.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from importlib import import_module
from typing import Any, Protocol

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_callkaro.calls.masking import mask_text
from airflow_provider_callkaro.exceptions import PERMANENT, ConfigurationError, NotSent, OutcomeUnknown, Throttled
from airflow_provider_callkaro.transport.retry import RetryPolicy

HOOKS = "airflow_provider_callkaro.hooks."
LONGEST_WAIT = RetryPolicy().max_retry_after  # seconds; no vendor makes us wait longer


class ReadsStatus(Protocol):
    """A hook that can say the state of a call or campaign."""

    async def read_status(self, subject: str) -> str:
        """The state, in the hook's own words."""


class StatusTrigger(BaseTrigger):
    """Asks a vendor for a state until it is one of ``statuses``, then fires ``{"status": …}``.

    It sleeps before it asks: the task that defers has just asked, and a task that comes back before the executor has
    reported its first half is taken for dead (seen on Airflow 3.3.2).

    It logs an error that may pass (a refused connection, a rate limit, a lost answer), and asks again. An error that
    will not pass (a refused key, no such call, a connection that cannot work) fires ``{"error": …}``.

    :param hook: the dotted path of a hook class of this package that has ``read_status``.
    :param conn_id: the connection that the hook reads.
    :param subject: the vendor's id of the call or campaign.
    :param statuses: the states that end the wait, as the hook returns them.
    :param poll_interval: seconds between two questions, above 0.
    :raises ConfigurationError: the hook is not of this package, or an argument cannot work.
    """

    def __init__(self, *, hook: str, conn_id: str, subject: str, statuses: Sequence[str], poll_interval: float) -> None:
        super().__init__()
        if not isinstance(hook, str) or not hook.startswith(HOOKS):
            raise ConfigurationError(f"hook must be the dotted path of a hook class in {HOOKS.rstrip('.')}")
        if isinstance(statuses, str) or not statuses:
            raise ConfigurationError("statuses must be a list of at least one word to wait for")
        if not 0 < poll_interval < float("inf"):
            raise ConfigurationError("poll_interval must be seconds above 0")
        self.hook = hook
        self.conn_id = conn_id
        self.subject = subject
        self.statuses = list(statuses)
        self.poll_interval = float(poll_interval)

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """What Airflow stores of the trigger, and makes it from again."""
        return f"{type(self).__module__}.{type(self).__qualname__}", {
            "hook": self.hook,
            "conn_id": self.conn_id,
            "subject": self.subject,
            "statuses": self.statuses,
            "poll_interval": self.poll_interval,
        }

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Ask until an answer ends the wait, then fire it."""
        try:
            status = await self._wait(hook_class(self.hook)(self.conn_id))
        except PERMANENT as error:
            yield TriggerEvent({"error": str(error)})
        else:
            yield TriggerEvent({"status": status})

    async def _wait(self, hook: ReadsStatus) -> str:
        last_status = None
        pause = self.poll_interval
        while True:
            await asyncio.sleep(pause)
            pause = self.poll_interval
            try:
                status: str = await hook.read_status(self.subject)
            except Throttled as error:
                pause = max(pause, min(error.retry_after or 0.0, LONGEST_WAIT))
                self.log.warning("%s; asking again in %g s", error, pause)
            except (NotSent, OutcomeUnknown) as error:
                self.log.warning("%s; asking again in %g s", error, pause)
            else:
                if status in self.statuses:
                    return status
                if status != last_status:
                    self.log.info("%s is %s; waiting for %s", self.subject, mask_text(status), ", ".join(self.statuses))
                    last_status = status


def hook_class(path: str) -> Callable[[str], ReadsStatus]:
    """The hook class of this package that a dotted path names. Raises ConfigurationError if there is none of that name
    that can read a status."""
    module, _, name = path.rpartition(".")
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError):
        found = None
    if not isinstance(found, type) or not hasattr(found, "read_status"):
        raise ConfigurationError(f"hook {path!r} is no hook class that can read a status")
    return found
