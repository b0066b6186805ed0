"""A redial in the task-state ledger is one redial, wherever its entry stands."""

from __future__ import annotations

from airflow_task_state import TaskStateInMemory
from ledger_contract import NUMBER, accept, claim, everything, reject, release

from airflow_provider_callkaro.ledger.contract import Entry, EntryState
from airflow_provider_callkaro.ledger.task_state.ledger import TaskStateLedger


def test_a_redial_is_known_as_one_whichever_segment_it_stands_in() -> None:
    store = TaskStateInMemory()
    filler = [claim(f"filler {index}") for index in range(3_000)]
    with TaskStateLedger(store) as ledger:
        ledger.commit(claim=[claim()])
        ledger.commit(settle=[reject()], claim=filler)
    with TaskStateLedger(store) as ledger:
        standing = everything(ledger)[NUMBER]
        assert ledger.commit(claim=[claim(replaces=standing)]) == {}
        ledger.commit(claim=[claim(f"more {one.key}") for one in filler])
        ledger.commit(settle=[release()])
        assert everything(ledger) == {NUMBER: standing}
    with TaskStateLedger(store) as ledger:
        assert everything(ledger) == {NUMBER: standing}
        assert ledger.commit(claim=[claim(replaces=standing)]) == {}
        ledger.commit(settle=[accept()])
    with TaskStateLedger(store) as ledger:
        assert everything(ledger)[NUMBER] == Entry(
            state=EntryState.ACCEPTED, this_run=True, call_id="call-1", redials=1
        )
