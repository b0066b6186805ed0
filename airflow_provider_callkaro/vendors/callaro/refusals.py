"""Why Callaro refused, without what was sent: the names of fields and the vendor's short texts.

The vendor's overview shows an error with ``error``, ``error_code``, ``errors`` (a field and what is wrong with it) and
``details`` (a mapping), and no example of the last two, so both are read in whatever they hold. A text may repeat a
number, a name or a key: the values of the request are redacted as in every answer, and quoted texts are left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NoReturn

from airflow_provider_callkaro.calls.masking import mask_text
from airflow_provider_callkaro.exceptions import Unauthorized, VendorError
from airflow_provider_callkaro.vendors.answers import raise_refusal
from airflow_provider_callkaro.vendors.http import Response
from airflow_provider_callkaro.vendors.redaction import Scrub

NAME = "Callaro"
MAX_REASONS = 8  # of one refusal
TEXT_LENGTH = 120  # characters of one reason
ALL_LENGTH = 600  # characters of all of them
_DEEPEST = 5  # levels of nested names
_MOST_LOOKED_AT = 1_000  # values of one answer
_DOTS = "•••"
_PLACES = ("errors", "details")
_FIELD = ("field", "loc", "path", "name", "code", "type")
_MESSAGE = ("message", "msg", "error", "reason", "detail")
_ECHOES = frozenset({"input", "value", "values", "received", "given", "got", "actual", "ctx", "params", "request"})
_PLAIN_NAME = re.compile(r"[A-Za-z_][\w.\[\]-]{0,60}", re.ASCII)
_QUOTED = re.compile("(?<!\\w)(?:\"[^\"]*\"|'[^']*'|`[^`]*`|“[^”]*”|‘[^’]*’|«[^»]*»)(?!\\w)")
_ADDRESS = re.compile(r"\S+@\S+")
_SCOPE = re.compile(r"[a-z_]{1,40}:[a-z]{1,10}")
_LONG = re.compile(r"[^\s;,]{16,}")  # what may be the key, where a vendor repeats the key that it refuses


def raise_callaro_refusal(response: Response) -> NoReturn:
    """Raise the VendorError that an answer outside 200 to 299 means, with the reasons that it gives."""
    if _sent_a_file(response):
        response = _without_texts(response)
    answer = response.json_object()
    for name in ("message", "error", "detail"):
        if isinstance(answer.get(name), str):
            answer[name] = _unquoted(answer[name])
    try:
        raise_refusal(NAME, replace(response, body=json.dumps(answer).encode()))
    except VendorError as error:
        reasons = _reasons(answer, response.scrub())
        if reasons and isinstance(error, Unauthorized):
            reasons = _LONG.sub(lambda word: word[0] if _SCOPE.fullmatch(word[0]) else _DOTS, reasons)
        if reasons:
            error.args = (f"{error} ({reasons})", *error.args[1:])
        raise


def _sent_a_file(response: Response) -> bool:
    return response.request is not None and response.request.content_type not in (None, "application/json")


def _without_texts(response: Response) -> Response:
    """A refusal with only its code and the names of fields: its texts may repeat the lines of a file."""
    answer = response.json_object()
    code = answer.get("error_code")
    kept: dict[str, Any] = {"errors": dict.fromkeys(_names(answer), "is refused")}
    if isinstance(code, str) and _PLAIN_NAME.fullmatch(code):
        kept["error"] = code
    if isinstance(answer.get("request_id"), str):
        kept["request_id"] = answer["request_id"]
    return replace(response, body=json.dumps(kept).encode())


def _names(answer: Mapping[str, object]) -> list[str]:
    errors = answer.get("errors")
    found = [name for name in errors if _PLAIN_NAME.fullmatch(name)] if isinstance(errors, dict) else []
    return found[:MAX_REASONS]


def _reasons(answer: Mapping[str, object], scrub: Scrub) -> str:
    found: dict[str, list[str]] = {}
    for place in _PLACES:
        for path, text in _texts(answer.get(place)):
            name = ".".join(_name(part, scrub) for part in path)
            texts = found.setdefault(name, [])
            shown = scrub.message(_unquoted(text), limit=TEXT_LENGTH)
            if shown and shown not in texts:
                texts.append(shown)
            if sum(map(len, found.values())) >= MAX_REASONS:
                break
    shown_reasons = (
        f"{name}: {', '.join(texts)}" if name else ", ".join(texts) for name, texts in found.items() if texts
    )
    return mask_text("; ".join(shown_reasons), limit=ALL_LENGTH)


def _texts(value: object) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every text in the reasons of an answer, each with the names that lead to it."""
    pending: list[tuple[tuple[str, ...], Any]] = [((), value)]
    for _ in range(_MOST_LOOKED_AT):  # not recursive: an answer may be nested deeper than Python calls
        if not pending:
            return
        path, here = pending.pop()
        if isinstance(here, bool) or (isinstance(here, (int, float)) and path):
            yield path, json.dumps(here)
        elif isinstance(here, str):
            yield path, here
        elif len(path) >= _DEEPEST:
            continue
        elif isinstance(here, list):
            pending += [(path, each) for each in reversed(here[:MAX_REASONS])]
        elif isinstance(here, dict):
            pending += reversed(_inside(path, here))


def _inside(path: tuple[str, ...], found: Mapping[str, Any]) -> list[tuple[tuple[str, ...], Any]]:
    """The entries of a mapping: one finding about one field, or names with the findings about each."""
    message = next((found[name] for name in _MESSAGE if isinstance(found.get(name), str)), None)
    about = next((found[name] for name in _FIELD if isinstance(found.get(name), str)), None)
    if message is not None:
        return [((*path, about) if about is not None else path, message)]
    named = [(str(name), each) for name, each in found.items() if str(name).lower() not in _ECHOES]
    return [((*path, name), each) for name, each in named[:MAX_REASONS]]


def _unquoted(text: str) -> str:
    """A text without quotations and e-mail addresses, which may be a person's."""
    return _ADDRESS.sub(_DOTS, _QUOTED.sub(_DOTS, text[: 10 * TEXT_LENGTH]))


def _name(name: str, scrub: Scrub) -> str:
    """The name of a field, or dots where it does not look like one."""
    if not _PLAIN_NAME.fullmatch(name):
        return _DOTS
    return mask_text(name) if name in scrub.names else scrub.shown(name)
