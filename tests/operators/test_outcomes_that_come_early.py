"""An outcome that comes before the vendor's own answer is settled is not lost."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fanning_out import connect, context_of, fan_out, people

from airflow_provider_callkaro.calls.disposition import Disposition
from airflow_provider_callkaro.hooks.ledger import sql_engine
from airflow_provider_callkaro.outcomes.store import OutcomeStore
from airflow_provider_callkaro.vendors.call_event import CallEvent


def test_it_finds_its_call_once_the_run_has_ended(
    sandbox: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    connect(sandbox, monkeypatch, tmp_path)
    sandbox.fault("hold_after_accepting")
    arguments = {"ledger_conn_id": "call_ledger", "ledger_scope": "renewals", "call_reference": False}
    with ThreadPoolExecutor(1) as runs:
        run = runs.submit(fan_out, context_of(), contacts=people(1), **arguments)
        sandbox.wait_for_held(1)
        (ring,) = sandbox.rings
        told = CallEvent(vendor="callkaro", call_id=ring.call_id, disposition=Disposition.INVALID_NUMBER)
        with OutcomeStore(sql_engine("call_ledger")) as store:
            store.record([told], conn_id="callkaro_default")
        sandbox.release()
        assert run.result()["accepted"] == 1
    with OutcomeStore(sql_engine("call_ledger")) as store:
        counts = store.counts(scope="renewals", unresolved_after=timedelta(days=1))
    assert (counts.outcomes, counts.awaiting) == ({Disposition.INVALID_NUMBER: 1}, 0)
