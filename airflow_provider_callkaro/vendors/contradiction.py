"""Whether the body of an answer contradicts its status.

A 2xx whose body says `"success": false` beside an id may be an acceptance or a refusal: the outcome is unknown.
"""

from __future__ import annotations

from collections.abc import Mapping

_FAILED_WORDS = frozenset(
    {"aborted", "blocked", "canceled", "cancelled", "declined", "denied", "error", "failed", "failure", "forbidden"}
    | {"insufficient_balance", "invalid", "not_accepted", "not_allowed", "refused", "rejected", "unauthorised"}
    | {"unauthorized", "unsuccessful"}
)
_YES = ("success", "ok", "accepted")  # a false one of these means no
_NO_WORDS = frozenset({"false", "no", "0"})
_GOOD_WORDS = frozenset({"success", "accepted", "queued", "ok"})  # most answers have one of these: a shortcut


def says_no(answer: Mapping[str, object]) -> bool:
    """Whether the body of a 2xx says no, also one level under ``data``."""
    if _place_says_no(answer):
        return True
    nested = answer.get("data")
    return isinstance(nested, dict) and _place_says_no(nested)


def _place_says_no(place: Mapping[str, object]) -> bool:
    status = place.get("status")
    if isinstance(status, str) and status not in _GOOD_WORDS and _word(status) in _FAILED_WORDS:
        return True
    error = place.get("error")
    if isinstance(error, str) and error.strip():
        return True
    for name in _YES:
        value = place.get(name)
        if value is not None and value is not True and str(value).strip().lower() in _NO_WORDS:
            return True
    return False


def _word(status: str) -> str:
    return status.strip().lower().replace(" ", "_").replace("-", "_")
