"""In PostgreSQL a settlement costs no entry in an index: the settled row stays on the page on which it was claimed."""

from __future__ import annotations

import pytest
import sqlalchemy
from ledger_databases import database_on

from airflow_provider_callkaro.ledger.contract import Claim, EntryState, Settlement
from airflow_provider_callkaro.ledger.digests import LedgerKey, LedgerKeys
from airflow_provider_callkaro.ledger.sql.ledger import SqlLedger

KEYS = LedgerKeys((LedgerKey(id="k1", secret="0123456789abcdef" * 4),))
CALLS, GROUP = 512, 64  # many pages
SCOPE = "renewal_reminders/calls@2026-01-05T01:00:00+00:00"
RUN = "renewal_reminders/scheduled__2026-01-05T01:00:00+00:00/calls/-1"


@pytest.mark.services
@pytest.mark.parametrize("keys", [None, KEYS], ids=["clear", "keyed"])
def test_a_settled_call_stays_on_its_page(postgresql: object, keys: LedgerKeys | None) -> None:
    with database_on(postgresql) as url:
        engine = sqlalchemy.create_engine(url)
        claims = [Claim(key=f"+9198765{place:05}", number=f"+9198765{place:05}") for place in range(CALLS)]
        claimed: dict[str, str] = {}
        with SqlLedger(engine, scope=SCOPE, run=RUN, keys=keys) as ledger:
            for start in range(0, CALLS, GROUP):
                group = claims[start : start + GROUP]
                assert ledger.commit(claim=group) == {}
                claimed = pages(engine) | claimed
                settled = [
                    Settlement(key=one.key, state=EntryState.ACCEPTED, call_id=f"call{one.number}-0123456789ab")
                    for one in group
                ]
                ledger.commit(settle=settled)
        assert len(set(claimed.values())) > CALLS / GROUP
        assert pages(engine) == claimed
        engine.dispose()


def pages(engine: sqlalchemy.Engine) -> dict[str, str]:
    """The page of each row, by id."""
    with engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT id, split_part(ctid::text, ',', 1) FROM voice_call_ledger")
        return {str(id_): str(page) for id_, page in rows}
