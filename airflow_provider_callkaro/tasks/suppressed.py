"""Whom the outcomes of earlier calls say not to call, beside another list."""

from __future__ import annotations

import logging
from collections.abc import Container
from typing import TYPE_CHECKING

from airflow_provider_callkaro.hooks.ledger import ledger_keys, sql_engine

if TYPE_CHECKING:
    from airflow_provider_callkaro.sources.outcomes import SuppressedByOutcomes


log = logging.getLogger(__name__)


class EitherOf:
    """The people in any of several lists."""

    def __init__(self, *lists: Container[str]) -> None:
        self._lists = lists

    def __repr__(self) -> str:
        return "EitherOf(not shown)"

    def __contains__(self, number: object) -> bool:
        return any(number in each for each in self._lists)


def people_of(source: SuppressedByOutcomes) -> Container[str]:
    """Whom a ledger's outcomes say not to call; the log says how many. Raises LedgerError if they could not be read."""
    from airflow_provider_callkaro.outcomes.suppressing import SuppressionReason, suppressed_people

    engine = sql_engine(source.ledger_conn_id)
    try:
        reasons = [SuppressionReason(reason) for reason in source.reasons]
        people = suppressed_people(engine, keys=ledger_keys(source.ledger_conn_id), reasons=reasons)
    finally:
        engine.dispose()
    if people.count:
        log.info('Outcomes in connection "%s" keep %d numbers from being called', source.ledger_conn_id, people.count)
    else:
        log.warning(
            'Outcomes in connection "%s" suppress nobody yet: see that this is the ledger of the calls, and that the '
            'vendor\'s connection has "suppressions" in webhooks.keep',
            source.ledger_conn_id,
        )
    return people
