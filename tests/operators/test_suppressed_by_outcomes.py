"""Who asked not to be called is not called again, and the time at which they asked is kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy
from fanning_out import connect, context_of, fan_out, people

from airflow_provider_callkaro.calls import CallingPolicy
from airflow_provider_callkaro.calls.disposition import Disposition
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.hooks.ledger import ledger_keys, sql_engine
from airflow_provider_callkaro.outcomes.keeping import Keep
from airflow_provider_callkaro.outcomes.store import OutcomeStore
from airflow_provider_callkaro.sources import SuppressedByOutcomes
from airflow_provider_callkaro.vendors.call_events import CallEvent

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
SECRET = "k1:" + "0123456789abcdef" * 4


@pytest.fixture(params=["in clear", "keyed"])
def _ledger(request: Any, sandbox: Any, monkeypatch: Any, tmp_path: Any) -> None:
    connect(sandbox, monkeypatch, tmp_path)
    if request.param == "keyed":
        uri = f'{{"conn_type": "sqlite", "host": "{tmp_path / "ledger.db"}", "extra": {{"ledger_secret": "{SECRET}"}}}}'
        monkeypatch.setenv("AIRFLOW_CONN_CALL_LEDGER", uri)


def record(*events: CallEvent) -> None:
    with OutcomeStore(
        sql_engine("call_ledger"), keys=ledger_keys("call_ledger"), keep=Keep(suppressions=True)
    ) as store:
        store.record(events, conn_id="callkaro_default")


def told(place: int, **values: Any) -> CallEvent:
    given = {"vendor": "callkaro", "call_id": f"c-{place}", "number": people(1, start=place)[0]["to_number"][1:]}
    return CallEvent(**given | {"disposition": Disposition.REACHED, "happened_at": NOON} | values)


def suppressed() -> list[Any]:
    with sql_engine("call_ledger").connect() as connection:
        query = "SELECT reason, since FROM voice_call_suppressions ORDER BY reason"
        return [(reason, str(since)[:19]) for reason, since in connection.execute(sqlalchemy.text(query))]


@pytest.mark.usefixtures("_ledger")
def test_who_asked_not_to_be_called_is_not_called_again(sandbox: Any) -> None:
    record(told(0, asked_not_to_be_called=True), told(1, disposition=Disposition.INVALID_NUMBER), told(2))
    policy = CallingPolicy(
        timezone="UTC",
        suppress=SuppressedByOutcomes("call_ledger", beside=[people(1, start=3)[0]["to_number"]]),
    )
    arguments = {"ledger_conn_id": "call_ledger", "ledger_scope": "renewals", "policy": policy}
    summary = fan_out(context_of(), contacts=people(5), **arguments)
    assert (summary["accepted"], summary["reasons"]) == (2, {"suppressed": 3})
    assert {ring.to_number for ring in sandbox.rings} == {one["to_number"] for one in (people(3)[2], people(5)[4])}


@pytest.mark.usefixtures("_ledger")
def test_the_first_time_at_which_they_asked_is_kept(sandbox: Any) -> None:
    record(told(0, disposition=Disposition.INVALID_NUMBER))
    record(told(0, call_id="later", asked_not_to_be_called=True, happened_at=NOON + timedelta(hours=2)))
    assert suppressed() == [("asked", "2026-01-05 14:00:00")]
    record(told(0, call_id="between", asked_not_to_be_called=True, happened_at=NOON + timedelta(hours=1)))
    record(told(0, call_id="last", asked_not_to_be_called=True, happened_at=NOON + timedelta(hours=3)))
    assert suppressed() == [("asked", "2026-01-05 13:00:00")]


def test_a_ledger_whose_outcomes_suppress_nobody_is_named_in_the_log(
    sandbox: Any, monkeypatch: Any, tmp_path: Any, caplog: Any
) -> None:
    connect(sandbox, monkeypatch, tmp_path)
    policy = CallingPolicy(timezone="UTC", suppress=SuppressedByOutcomes("call_ledger"))
    fan_out(context_of(), contacts=people(1), ledger_conn_id="call_ledger", ledger_scope="renewals", policy=policy)
    assert 'Outcomes in connection "call_ledger" suppress nobody yet' in caplog.text
    caplog.clear()
    record(told(0, asked_not_to_be_called=True))
    fan_out(context_of(), contacts=people(1), ledger_conn_id="call_ledger", ledger_scope="renewals", policy=policy)
    assert 'Outcomes in connection "call_ledger" keep 1 numbers from being called' in caplog.text


def test_the_reasons_are_words_that_exist() -> None:
    with pytest.raises(ConfigurationError, match="reasons must be"):
        SuppressedByOutcomes("call_ledger", reasons=["angry"])
