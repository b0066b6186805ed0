"""One call as Airflow's task state keeps it: a short text, because a commit writes many of them at once."""

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
    """Whether a value is a record; an empty one says that the key is free."""
    return isinstance(value, str) and _RECORD.fullmatch(value) is not None


def size_of(records: Mapping[str, str | None]) -> int:
    """Bytes of JSON that the records take; None is no record."""
    return sum(
        len(digest) + len(encode_basestring_ascii(record)) + 6
        for digest, record in records.items()
        if record is not None
    )


def packed(code: str, redials: int, *texts: str | None) -> str:
    """A record: state, redials, then call id, reason and detail, of which trailing empty ones are left out."""
    return "\t".join([f"{code}{redials or ''}", *map(_plain, texts)]).rstrip("\t")


def _plain(text: str | None) -> str:
    """A text as a record can hold it: without tabs, and without halves of characters, which the store refuses."""
    return (text or "")[:MAX_TEXT].replace("\t", " ").encode("utf-8", "replace").decode()


def settled(settlement: Settlement, replaced: str | None) -> str:
    """The record of a settled call; of one that was not made, the record that it was to replace."""
    if settlement.state is None:
        return replaced or ""
    redials = 0 if replaced is None else entry_of(replaced).redials + 1
    return packed(_CODES[settlement.state], redials, settlement.call_id, settlement.reason, settlement.detail)


def entry_of(record: str, *, may_be_ringing: bool = False) -> Entry:
    """What a record says to a later try."""
    head, *texts = record.split("\t")
    call_id, reason, detail = (*(text or None for text in texts), None, None, None)[:3]
    state = _STATES.get(head[:1], EntryState.UNKNOWN)
    return Entry(
        state=EntryState.UNKNOWN if state is EntryState.CLAIMED else state,  # nobody settled it: nobody knows
        this_run=True,
        call_id=call_id,
        reason=reason,
        detail=detail,
        redials=int(head[1:] or 0),
        may_be_ringing=may_be_ringing,
    )
