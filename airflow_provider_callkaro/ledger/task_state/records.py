"""The text of one call in Airflow's task state: short, because a commit writes many of them at once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from json.encoder import encode_basestring_ascii

from airflow_provider_callkaro.ledger.contract import Entry, EntryState, Settlement

MAX_TEXT = 120  # characters of a detail
_CODES = {EntryState.CLAIMED: "c", EntryState.ACCEPTED: "a", EntryState.REJECTED: "r", EntryState.UNKNOWN: "u"}
_STATES = {code: state for state, code in _CODES.items()}
_RECORD = re.compile(r"([acru][0-9]*(\t.*)?)?", re.DOTALL)


def is_record(value: object) -> bool:
    """Whether a value is a record. An empty record means that the key is free."""
    return isinstance(value, str) and _RECORD.fullmatch(value) is not None


def size_of(records: Mapping[str, str | None]) -> int:
    """Bytes of the records in JSON; None takes none."""
    return sum(
        len(digest) + len(encode_basestring_ascii(record)) + 6
        for digest, record in records.items()
        if record is not None
    )


def as_record(code: str, redials: int, *texts: str | None) -> str:
    """A record: state and redials, then call id, reason and detail without trailing empty ones."""
    return "\t".join([f"{code}{redials or ''}", *map(_plain, texts)]).rstrip("\t")


def _plain(text: str | None) -> str:
    """A text for a record: without tabs, and without lone surrogates, which the store refuses."""
    return (text or "")[:MAX_TEXT].replace("\t", " ").encode("utf-8", "replace").decode()


def settled(settlement: Settlement, replaced: str | None) -> str:
    """The record of a settled call; of a released one, the record that it was to replace."""
    if settlement.state is None:
        return replaced or ""
    redials = 0 if replaced is None else entry_of(replaced).redials + 1
    return as_record(_CODES[settlement.state], redials, settlement.call_id, settlement.reason, settlement.detail)


def entry_of(record: str, *, may_be_ringing: bool = False) -> Entry:
    """The entry that a record is to a later try."""
    head, *texts = record.split("\t")
    call_id, reason, detail = (*(text or None for text in texts), None, None, None)[:3]
    state = _STATES.get(head[:1], EntryState.UNKNOWN)
    return Entry(
        state=EntryState.UNKNOWN
        if state is EntryState.CLAIMED
        else state,  # it was never settled, so its outcome is unknown
        this_run=True,
        call_id=call_id,
        reason=reason,
        detail=detail,
        redials=int(head[1:] or 0),
        may_be_ringing=may_be_ringing,
    )
