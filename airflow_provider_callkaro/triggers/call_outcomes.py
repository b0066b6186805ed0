"""Waiting in the triggerer until calls have their outcomes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_callkaro.exceptions import ConfigurationError, LedgerError
from airflow_provider_callkaro.triggers.outcome_polling import OutcomePolling

if TYPE_CHECKING:
    from airflow_provider_callkaro.outcomes.counting import Question


class CallOutcomesTrigger(BaseTrigger):
    """Asks the ledger's database until enough calls have an outcome, none is expected any more, or a moment has come.

    All that wait for one database in a triggerer are answered by one statement. It fires ``{"counts": …}``, without
    counts where the database has not answered by that moment, or ``{"error": …}`` where asking again would not help.

    :param ledger_conn_id: the connection of the ledger.
    :param scopes: the scopes of the calls; none means any.
    :param campaign_id: the vendor's campaign that they belong to; None means any.
    :param share: of the accepted calls, from 0 to 1.
    :param unresolved_after: seconds after which a call without an outcome counts as unresolved.
    :param until: the moment, aware.
    :param poll_interval: seconds between two questions.
    """

    def __init__(
        self,
        *,
        ledger_conn_id: str,
        scopes: Sequence[str],
        campaign_id: str | None,
        share: float,
        unresolved_after: float,
        until: datetime,
        poll_interval: float,
    ) -> None:
        super().__init__()
        self.ledger_conn_id = ledger_conn_id
        self.scopes = list(scopes)
        self.campaign_id = campaign_id
        self.share = share
        self.unresolved_after = unresolved_after
        self.until = until
        self.poll_interval = poll_interval

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """What Airflow stores of the trigger, and makes it from again."""
        names = ("ledger_conn_id", "scopes", "campaign_id", "share", "unresolved_after", "until", "poll_interval")
        return f"{type(self).__module__}.{type(self).__qualname__}", {name: getattr(self, name) for name in names}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Ask until the wait is over, then fire it."""
        from airflow_provider_callkaro.outcomes.waiting import as_plain, expects_more, has_enough, total_of

        plain = None
        while (left := (self.until - datetime.now(UTC)).total_seconds()) > 0:
            pause = min(self.poll_interval, left)
            try:
                counts = total_of(await OutcomePolling.ask(self.ledger_conn_id, self._questions(), within=pause))
            except ConfigurationError as error:  # a LedgerRefused too
                yield TriggerEvent({"error": str(error)})
                return
            except LedgerError as error:
                self.log.warning("%s; asking again in %g s", error, pause)
                await asyncio.sleep(pause)
                continue
            is_complete = has_enough(counts, share=self.share)
            plain = as_plain(counts, is_complete=is_complete)
            if is_complete or not expects_more(counts):
                break
        yield TriggerEvent({"counts": plain})

    def _questions(self) -> list[Question]:
        from airflow_provider_callkaro.outcomes.counting import Question
        from airflow_provider_callkaro.outcomes.selection import Selection

        after = timedelta(seconds=self.unresolved_after)
        scopes: Sequence[str | None] = self.scopes or [None]
        selections = [Selection(scope=scope, campaign=self.campaign_id) for scope in scopes]
        return [Question(selection=selection, unresolved_after=after) for selection in selections]
