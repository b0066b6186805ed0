"""The tables of the outcomes, beside those of the ledger, and made on first use like them.

``voice_call_outcomes`` has one row per attempt. The attempts of one call of the vendor share their ``vendor_call``, a
digest of vendor, connection and the vendor's id. ``ledger_id`` is the id of the ledger's row, as it stands there; a
carry-over of the ledger to a key changes both. ``number`` holds digits, or the ledger's digest of them.

``voice_call_campaigns`` notes which runs place calls in which campaign of the vendor, for outcomes that bring a number
and a campaign and nothing else.

``voice_call_suppressions`` has a row for each person whom an outcome says not to call again, where a store feeds it.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, DateTime, Float, Index, Integer, MetaData, String, Table, Text
from sqlalchemy.dialects.mysql import DATETIME, MEDIUMTEXT

from airflow_provider_callkaro.ledger.sql.table import CAMPAIGNS_TABLE, OUTCOMES_TABLE, SUPPRESSIONS_TABLE

LEDGER_INDEX = "voice_call_ledger_call"
"""Of the ledger's table, by the vendor's id of the call."""
_MYSQL: dict[str, Any] = {
    f"{dialect}_{option}": value
    for dialect in ("mysql", "mariadb")
    for option, value in (("engine", "InnoDB"), ("charset", "utf8mb4"), ("collate", "utf8mb4_bin"))
}


def _instant() -> Any:
    return DateTime().with_variant(DATETIME(fsp=6), "mysql").with_variant(DATETIME(fsp=6), "mariadb")


def _long_text() -> Any:
    return Text().with_variant(MEDIUMTEXT(), "mysql").with_variant(MEDIUMTEXT(), "mariadb")


metadata = MetaData()
outcomes = Table(
    OUTCOMES_TABLE,
    metadata,
    Column("vendor_call", String(32), primary_key=True),
    Column("attempt", Integer, primary_key=True, autoincrement=False),
    Column("vendor", String(32), nullable=False),
    Column("conn_id", String(250), nullable=False),
    Column("call_id", String(255)),
    Column("event_id", String(255)),
    Column("campaign_id", String(255)),
    Column("number", String(32)),
    Column("referred_id", String(32)),
    Column("ledger_id", String(32)),
    Column("matched_by", String(16), nullable=False),
    Column("is_over", Integer, nullable=False),
    Column("is_last", Integer, nullable=False),
    Column("is_final", Integer, nullable=False),
    Column("disposition", String(32)),
    Column("vendor_word", String(64)),
    Column("duration_seconds", Float(53)),
    Column("converted", Integer),
    Column("asked_not_to_be_called", Integer, nullable=False),
    Column("happened_at", _instant()),
    Column("fields", _long_text(), nullable=False),
    Column("call_link", _long_text()),
    Column("recording_url", _long_text()),
    Column("transcript", _long_text()),
    Column("payload", _long_text()),
    Column("received_at", _instant(), nullable=False),
    Column("changed_at", _instant(), nullable=False),
    # What a count needs of the final outcome of each call, so that it reads the index alone.
    Index("voice_call_outcomes_ledger", "ledger_id", "is_final", "disposition", "converted"),
    Index("voice_call_outcomes_call", "call_id"),
    Index("voice_call_outcomes_number", "number"),
    Index("voice_call_outcomes_changed", "changed_at"),
    Index("voice_call_outcomes_matched", "matched_by", "received_at"),
    **_MYSQL,
)
campaigns = Table(
    CAMPAIGNS_TABLE,
    metadata,
    Column("id", String(32), primary_key=True),
    Column("campaign_id", String(255), nullable=False),
    Column("scope", String(12), nullable=False),
    Column("run", Text, nullable=False),
    Column("noted_at", _instant(), nullable=False),
    Index("voice_call_campaigns_campaign", "campaign_id"),
    **_MYSQL,
)
suppressions = Table(
    SUPPRESSIONS_TABLE,
    metadata,
    Column("number", String(32), primary_key=True),
    Column("reason", String(32), nullable=False),
    Column("since", _instant(), nullable=False),
    **_MYSQL,
)
