"""What starts a DAG when outcomes have come: a trigger for Airflow's `AssetWatcher`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import TriggerEvent

from airflow_provider_callkaro.exceptions import ConfigurationError, LedgerError

if TYPE_CHECKING:
    from airflow_provider_callkaro.outcomes.changes import Changes

try:
    from airflow.triggers.base import BaseEventTrigger
except ImportError:  # before Airflow 3.0, which has no AssetWatcher either
    from airflow.triggers.base import BaseTrigger as BaseEventTrigger

SHORTEST_POLL = 1.0  # seconds between two questions
_PLACE = "outcomes_told_until"  # in the state of the asset


class NewOutcomesTrigger(BaseEventTrigger):
    """Fires when calls have got an outcome, at most once every ``poll_interval``. Airflow 3.0 and later.

    The event is ``{"calls", "since", "until"}``: how many calls got one, or another one, and between which moments
    (UTC). On Airflow 3.3 and later the asset keeps how far it has told; before that, what came while no triggerer ran
    is not told.

    :param ledger_conn_id: the SQL connection of the ledger.
    :param ledger_scope: only calls of this scope; None means any.
    :param campaign_id: only calls of this campaign, as the vendor names it; None means any.
    :param poll_interval: seconds between two questions, 1 or more. Default 60.
    :raises ConfigurationError: an argument cannot work.
    """

    def __init__(
        self,
        *,
        ledger_conn_id: str,
        ledger_scope: str | None = None,
        campaign_id: str | None = None,
        poll_interval: float = 60.0,
    ) -> None:
        super().__init__()
        if not ledger_conn_id or not isinstance(ledger_conn_id, str):
            raise ConfigurationError("ledger_conn_id must name the connection of the ledger")
        if isinstance(poll_interval, bool) or not poll_interval >= SHORTEST_POLL:
            raise ConfigurationError("poll_interval must be seconds, 1 or more")
        self.ledger_conn_id = ledger_conn_id
        self.ledger_scope = ledger_scope
        self.campaign_id = campaign_id
        self.poll_interval = float(poll_interval)

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """What Airflow stores of the trigger, and makes it from again."""
        names = ("ledger_conn_id", "ledger_scope", "campaign_id", "poll_interval")
        return f"{type(self).__module__}.{type(self).__qualname__}", {name: getattr(self, name) for name in names}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Ask for ever, and fire what has come."""
        from asgiref.sync import sync_to_async

        ask = sync_to_async(self._changes, thread_sensitive=False)
        since = await self._told_until()
        while True:
            try:
                found = await ask(since)
            except (LedgerError, ConfigurationError) as error:  # a watcher has nobody to tell, and may be mended
                self.log.warning("%s; asking again in %g s", error, self.poll_interval)
            else:
                if found.calls and since is not None:
                    yield TriggerEvent(
                        {"calls": found.calls, "since": since.isoformat(), "until": found.until.isoformat()}
                    )
                if found.until != since:
                    since = found.until
                    await self._keep(since)
            await asyncio.sleep(self.poll_interval)

    def _changes(self, since: datetime | None) -> Changes:
        from airflow_provider_callkaro.hooks.ledger import ledger_keys, sql_engine
        from airflow_provider_callkaro.outcomes.selection import Selection
        from airflow_provider_callkaro.outcomes.store import OutcomeStore

        engine = sql_engine(self.ledger_conn_id)
        try:
            with OutcomeStore(engine, keys=ledger_keys(self.ledger_conn_id)) as store:
                return store.changes(Selection(scope=self.ledger_scope, campaign=self.campaign_id), since=since)
        finally:
            engine.dispose()

    async def _told_until(self) -> datetime | None:
        store = getattr(self, "asset_state_store", None)
        try:
            kept = None if store is None else await store.aget(_PLACE)
            return datetime.fromisoformat(kept) if isinstance(kept, str) else None
        except Exception as error:  # several assets share the trigger, or the state cannot be read
            self.log.warning("How far outcomes have been told is not known (%s): beginning now", type(error).__name__)
            return None

    async def _keep(self, until: datetime) -> None:
        store = getattr(self, "asset_state_store", None)
        if store is not None:
            try:
                await store.aset(_PLACE, until.isoformat())
            except Exception as error:
                self.log.debug("How far outcomes have been told could not be kept (%s)", type(error).__name__)
