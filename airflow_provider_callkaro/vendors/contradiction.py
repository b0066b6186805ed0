"""Whether an answer takes back in its body what its status says.

A vendor that answers 2xx and writes `"success": false` beside an id has done one of two things, and nobody can tell
which. It is neither an acceptance nor a refusal.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_FAILED_WORDS = frozenset(
    {"aborted", "blocked", "canceled", "cancelled", "declined", "denied", "error", "failed", "failure", "forbidden"}
    | {"insufficient_balance", "invalid", "not_accepted", "not_allowed", "refused", "rejected", "unauthorised"}
    | {"unauthorized", "unsuccessful"}
)
_YES = ("success", "ok", "accepted")  # where one of them is false, the answer says no
_NO_WORDS = frozenset({"false", "no", "0"})


def says_no(answer: Mapping[str, Any]) -> bool:
    """Whether a 2xx says in its body that it is none, also one level under ``data``."""
    nested = answer.get("data")
    for place in (answer, nested if isinstance(nested, dict) else {}):
        word = str(place.get("status", "")).strip().lower().replace(" ", "_").replace("-", "_")
        if word in _FAILED_WORDS or (isinstance(place.get("error"), str) and place["error"].strip()):
            return True
        if any(str(place[name]).strip().lower() in _NO_WORDS for name in _YES if place.get(name) is not None):
            return True
    return False
