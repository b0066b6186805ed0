"""Whose deliveries are let in: the connections that have ``webhooks`` in their extra, looked up when one is named.

A look-up asks Airflow's secrets backends, so it runs in a thread, is remembered for a while, and few run at once: a
stranger who guesses names costs no more than that.
"""

from __future__ import annotations

import asyncio
import hmac
import re
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from airflow_provider_callkaro.hooks.webhooks import WebhookSettings
from airflow_provider_callkaro.receiver.failure_log import FailureLog
from airflow_provider_callkaro.receiver.inbox import Inbox
from airflow_provider_callkaro.receiver.signatures import is_signed

FRESH_SECONDS = 30.0  # for which a look-up holds: so long a changed secret takes until it does
FORGIVEN_SECONDS = 600.0  # a connection that was there and is not found: its vendor is told to come again
LOOK_UP_SECONDS = 2.0  # that a delivery waits for a look-up
MAX_LOOK_UPS = 8  # at once, waiting ones included
LOOK_UP_THREADS = 2
MAX_STRANGERS = 1000  # names without a door that are remembered
_CONN_ID = re.compile(r"[A-Za-z0-9_.:-]{1,200}")


class Refused(Exception):
    """No such vendor, connection, webhooks or secret. Which of them, nobody is told."""


class Unavailable(Exception):
    """It cannot be told now: the delivery is to come again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """The way in for the deliveries of one connection.

    :param inbox: takes their events.
    """

    settings: WebhookSettings
    inbox: Inbox

    def opens(self, secret: str) -> bool:
        """Whether a secret is one of the connection's, in a time that does not depend on it."""
        given = secret.encode(errors="replace")
        return sum(hmac.compare_digest(given, each.encode()) for each in self.settings.secrets) > 0

    def is_signed(self, body: bytes, headers: Mapping[str, str]) -> bool:
        """Whether the vendor has signed a body, where the connection asks for it."""
        name = self.settings.signature_header
        return name is None or is_signed(body, header=headers.get(name), secrets=self.settings.signing_secrets)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What a look-up has found. ``found_at``: when the door was last found; ``looked_at``: when it was looked for."""

    door: Door
    found_at: float
    looked_at: float

    @property
    def is_missing(self) -> bool:
        return self.looked_at != self.found_at


class Doors:
    """The doors of one process; used from one event loop.

    :param look_up: the webhooks of a vendor's connection, None where there are none; it blocks.
    :param open_inbox: the inbox of a connection with these settings.
    :param failures: notes what could not be looked up.
    :param clock: seconds that only grow.
    """

    def __init__(
        self,
        *,
        look_up: Callable[[str, str], WebhookSettings | None],
        open_inbox: Callable[[str, WebhookSettings], Inbox],
        failures: FailureLog,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._look_up = look_up
        self._open_inbox = open_inbox
        self._failures = failures
        self._clock = clock
        self._known: dict[tuple[str, str], _Known] = {}
        self._strangers: dict[tuple[str, str], float] = {}
        self._underway: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._threads = ThreadPoolExecutor(max_workers=LOOK_UP_THREADS, thread_name_prefix="webhook look-up")

    async def open(self, vendor: str, conn_id: str, *, secret: str) -> Door:
        """The door of a connection, for who knows its secret.

        :param vendor: the type that the connection must have.
        :raises Refused: there is none, or the secret is another.
        :raises Unavailable: the connection could not be looked up in time.
        """
        name = (vendor, conn_id)
        if _CONN_ID.fullmatch(conn_id) is None:
            raise Refused
        if not self._is_fresh(name):
            await self._look_again(name)
        known = self._known.get(name)
        if known is None or not known.door.opens(secret):
            raise Refused
        if known.is_missing:
            raise Unavailable
        return known.door

    def _is_fresh(self, name: tuple[str, str]) -> bool:
        known = self._known.get(name)
        looked_at = self._strangers.get(name) if known is None else known.looked_at
        return looked_at is not None and self._clock() - looked_at < FRESH_SECONDS

    async def _look_again(self, name: tuple[str, str]) -> None:
        """Look a connection up, once for all who ask; where that takes too long, what is known already holds."""
        task = self._underway.get(name)
        if task is None and len(self._underway) < MAX_LOOK_UPS:
            task = self._underway[name] = asyncio.create_task(self._learn(name))
            task.add_done_callback(lambda _: self._underway.pop(name, None))
        if task is not None:
            await asyncio.wait([task], timeout=LOOK_UP_SECONDS)
        if name not in self._known and name not in self._strangers:
            raise Unavailable

    async def _learn(self, name: tuple[str, str]) -> None:
        try:
            settings = await asyncio.get_running_loop().run_in_executor(self._threads, self._look_up, *name)
        except Exception as error:
            self._failures.note(f"a connection could not be looked up ({type(error).__name__})")
            self._strangers.pop(name, None)
            return
        now, known = self._clock(), self._known.get(name)
        if settings is not None:
            self._strangers.pop(name, None)
            if known is not None and known.door.settings != settings:
                known.door.inbox.close()
                known = None
            door = Door(settings=settings, inbox=self._open_inbox(name[1], settings)) if known is None else known.door
            self._known[name] = _Known(door=door, found_at=now, looked_at=now)
        elif known is not None and now - known.found_at < FORGIVEN_SECONDS:
            self._known[name] = _Known(door=known.door, found_at=known.found_at, looked_at=now)
        else:
            if known is not None:
                known.door.inbox.close()
                del self._known[name]
            self._strangers.pop(name, None)
            self._strangers[name] = now
            if len(self._strangers) > MAX_STRANGERS:
                del self._strangers[next(iter(self._strangers))]
