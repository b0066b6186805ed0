"""The summary of a run can be made again from the ledger, with the outcomes that have come since."""

from __future__ import annotations

from typing import Any

from placed_calls import RUN, SCOPE, Ledger, event

from airflow_provider_callkaro.calls.disposition import Disposition
from airflow_provider_callkaro.ledger.contract import EntryState


def test_each_call_is_in_one_line_of_the_summary(engine: Any, command: Any) -> None:
    assert Ledger(engine, scope="another").place([9]) is None
    ledger = Ledger(engine)
    ledger.place(range(4))
    ledger.place([4], state=EntryState.UNKNOWN)
    ledger.place([5], state=EntryState.REJECTED)
    ledger.place([6], state=None)
    ledger.record(event(0), event(1, disposition=Disposition.VOICEMAIL), event(2))
    expected = {
        ("accepted", "reached"): 2,
        ("accepted", "voicemail"): 1,
        ("accepted", "awaiting"): 1,
        ("rejected", ""): 1,
        ("under_way", ""): 1,
        ("unknown", ""): 1,
    }
    for selection in (["--scope", SCOPE], ["--run", RUN, "--scope", SCOPE]):
        found = command("summary", *selection)
        assert {(line["state"], line["reason or outcome"]): line["calls"] for line in found} == expected
    assert sum(line["calls"] for line in command("summary")) == 8
    assert command("summary", "--campaign", "nobody's") == []
