"""What a run leaves in its SQL ledger so that the outcomes of its calls find them.

None of it decides who is called. So where it cannot be written, the log says so, and the run goes on without it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from airflow_provider_callkaro.exceptions import LedgerError

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

    from airflow_provider_callkaro.ledger.digests import LedgerKeys

log = logging.getLogger(__name__)


def references_for(engine: Engine, *, scope: str) -> Callable[[str], str] | None:
    """What gives the reference of a call by its key, in a scope; None where the ledger cannot have one."""
    from airflow_provider_callkaro.ledger.sql.scopes import scopes_of
    from airflow_provider_callkaro.outcomes.references import references_of

    try:
        references = references_of(engine)
    except LedgerError as error:
        log.warning("The calls carry no reference, and their outcomes find them by the vendor's id alone: %s", error)
        return None
    (own,) = scopes_of([scope])
    return lambda key: references.reference_of(own.id_of(key))


def note_campaign(engine: Engine, *, keys: LedgerKeys | None, campaign: str, scope: str, run: str) -> None:
    """Note that a run places calls in a campaign, for outcomes that bring a number and a campaign and nothing else."""
    from airflow_provider_callkaro.outcomes import campaigns

    try:
        campaigns.note_campaign(engine, keys=keys, campaign=campaign, scope=scope, run=run)
    except LedgerError as error:
        log.warning("The ledger does not know the campaign of these calls: %s", error)


def match_outcomes(engine: Engine, *, keys: LedgerKeys | None, scope: str) -> None:
    """Find the calls of a scope whose outcomes came while the run still held their claims, before the vendor's ids were
    in the ledger, and accept those of them that are unknown."""
    from sqlalchemy import inspect
    from sqlalchemy.exc import SQLAlchemyError

    from airflow_provider_callkaro.ledger.sql.table import OUTCOMES_TABLE
    from airflow_provider_callkaro.outcomes.store import OutcomeStore

    try:
        if not inspect(engine).has_table(OUTCOMES_TABLE):
            return
        with OutcomeStore(engine, keys=keys) as store:
            settled = store.resolve_unknown(scope=scope).unknown_resolved
    except (LedgerError, SQLAlchemyError) as error:
        kind = type(error).__name__
        log.warning("Nobody could look (%s) whether calls have had an outcome: the next outcome does", kind)
        return
    if settled:
        log.info("%d unknown calls have had an outcome meanwhile: in the ledger they are accepted", settled)
