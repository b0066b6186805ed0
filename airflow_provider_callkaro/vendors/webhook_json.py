"""The JSON of a webhook: of a bounded shape, and fit for every database. Pure."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

from airflow_provider_callkaro.exceptions import UnreadableEvent

MAX_BYTES = 1_000_000  # of one body; a transcript of an hour of talk is a tenth of it
MAX_DEPTH = 32  # of objects and lists in one another
_LARGEST_INTEGER = 2**63 - 1  # of a database's column


def read_webhook_json(body: bytes) -> Any:
    """The JSON of a body, as every database can keep it: no NUL, no half of a surrogate pair, no number beyond 64 bits.

    :raises UnreadableEvent: it is no JSON in UTF-8, is nested too deep, or has a number that is none.
    """
    try:
        return _cleaned(json.loads(body.decode(), parse_constant=_refuse), depth=0)
    except (ValueError, RecursionError):
        raise UnreadableEvent("the body is no JSON, or nested deeper than any webhook is") from None


def _refuse(_constant: str) -> NoReturn:
    raise ValueError


def _cleaned(value: Any, *, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise ValueError
    if isinstance(value, str):
        return _clean_text(value)
    if isinstance(value, dict):
        return {_clean_text(name): _cleaned(each, depth=depth + 1) for name, each in value.items()}
    if isinstance(value, list):
        return [_cleaned(each, depth=depth + 1) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError
    if isinstance(value, int) and not -_LARGEST_INTEGER <= value <= _LARGEST_INTEGER:
        return str(value)
    return value


def _clean_text(text: str) -> str:
    if text.isascii():
        return text.replace("\0", "") if "\0" in text else text
    return text.replace("\0", "").encode(errors="replace").decode()
