"""The record of a run in Airflow's own task state, beside the ledger that the run keeps there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from airflow_provider_callkaro.exceptions import LedgerError
from airflow_provider_callkaro.ledger.run_record import RunRecord
from airflow_provider_callkaro.ledger.task_state.ledger import TaskState

KEY = "run"


class TaskStateRunRecords:
    """The record of the one run that the store belongs to.

    The store has no write that fails if there is a value. What was written is read back, so two tries that begin at the
    same moment both use the last write, unless one reads before the other writes. Airflow starts a try only once it
    takes the one before it for dead.

    :param store: Airflow's task-state store.
    :param retention: how long the store keeps the record; None takes Airflow's default (30 days).
    """

    def __init__(self, store: TaskState, *, retention: timedelta | None = None) -> None:
        self._store = store
        self._keep: dict[str, Any] = {} if retention is None else {"retention": retention}

    def begin(self, proposed: RunRecord) -> RunRecord:
        """Keep ``proposed`` if the run has no record yet; see `RunRecords.begin`. Raises LedgerError if it could not be
        read or written, or what is stored is no record."""
        record = self.find()
        if record is None:
            try:
                self._store.set(KEY, proposed.as_state(), **self._keep)
            except Exception as error:
                raise LedgerError(
                    f"the task state could not be written ({type(error).__name__}): no call goes out without it"
                ) from error
            record = self.find()
        if record is None:
            raise LedgerError("the task state does not keep what is written to it: no call goes out without it")
        return record

    def find(self) -> RunRecord | None:
        """The record of the run; None where it has none yet. Raises LedgerError if it could not be read, or what is
        stored is no record."""
        try:
            state = self._store.get(KEY)
        except Exception as error:
            raise LedgerError(f"the task state could not be read ({type(error).__name__}): nothing was sent") from error
        if state is None:
            return None
        try:
            if not isinstance(state, Mapping):
                raise ValueError("this is no record of a run")
            return RunRecord.from_state(state)
        except ValueError:
            raise LedgerError(
                f'the task state "{KEY}" is no record of this run, so nobody can tell in which scope it rings: delete '
                "it on the task's page only if nobody has been rung"
            ) from None
