"""What a task's state remembers of a call's transfer, which MrAssistant takes without an idempotency key."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from airflow_provider_callkaro.ledger.digests import LedgerKeys, Purpose
from airflow_provider_callkaro.tasks.task_state import keep, task_state_of

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

TRANSFER = "mrassistant_transfer"  # the key in the task's state


class TransferMemory:
    """What a task's state remembers of the transfer, from one try to the next (Airflow 3.3 and later).

    :param transfer_to: the target of the transfer; kept as a digest, without keys a short one.
    :param keys: of the task's own state; None: there are none.
    """

    def __init__(self, context: Context, *, call_id: str, transfer_to: str, keys: LedgerKeys | None = None) -> None:
        self._store = task_state_of(context)
        self._call_id = call_id
        keyed = () if keys is None else keys.keys
        unkeyed = blake2b(transfer_to.encode(), digest_size=4).hexdigest()
        self._digests = (*(key.digest(Purpose.NUMBER, transfer_to) for key in keyed), unkeyed)

    @property
    def lasts(self) -> bool:
        """Whether the next try will remember anything."""
        return self._store is not None

    @property
    def was_taken(self) -> bool:
        """Whether MrAssistant accepted this transfer of this call."""
        record = self._record()
        return record.get("transfer") == "taken" and record.get("digest") in self._digests

    @property
    def was_sent(self) -> bool:
        """Whether a transfer of this call was sent, to any target, and its outcome is unknown."""
        return self._record().get("transfer") == "sent"

    def keep(self, transfer: str) -> None:
        """Remember how far the transfer has come: ``sent``, or ``taken``."""
        self._set({"call_id": self._call_id, "digest": self._digests[0], "transfer": transfer})

    def forget(self) -> None:
        """Forget it: the transfer did not happen."""
        self._set({})

    def _record(self) -> Mapping[str, Any]:
        record: Mapping[str, Any] = {} if self._store is None else self._store.get(TRANSFER, default={})
        return record if record.get("call_id") == self._call_id else {}

    def _set(self, record: dict[str, Any]) -> None:
        if self._store is not None:
            keep(self._store, TRANSFER, record)
