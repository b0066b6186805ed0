"""Answers that repeat what was sent: the key or token, the number, the name, every fact about a person.

A vendor, or a gateway before it, may put any of that into a message, an id or a header, in any spelling.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from starlette.responses import JSONResponse, Response

from airflow_provider_callkaro.sandbox.vendor import Answer, Asked

ID_FIELDS = frozenset({"call_id", "call_sid", "batch_id", "id", "campaign_id", "import_id", "access_token"})
_STAYS = frozenset({"status", "state", "loc"})  # the client needs these as they are
_SECRETS = ("x-api-key", "authorization")
_ROW = re.compile(r"^\+?\d{7,15}\b.*$", re.MULTILINE)
_ID_LENGTH = 150  # characters


def echoed(answer: Answer, asked: Asked) -> Response:
    """An answer whose texts, ids and headers repeat the request. ``answer``: the answer whose shape it has; a CSV gets
    one more row."""
    text, id_ = _text(asked), _id(asked)
    headers = {"X-Request-Id": quote(id_)}
    if answer.csv is not None:
        lines = "".join([*answer.csv, json.dumps(text) + "\n"])
        return Response(lines, status_code=answer.status, media_type="text/csv", headers=headers)
    body = _repeating(dict(answer.body) | {"request_id": ""}, text, id_)
    if isinstance(body.get("errors"), dict):
        body["errors"][id_] = [text]
    return JSONResponse(body, status_code=answer.status, headers=headers)


def _text(asked: Asked) -> str:
    """All of a request in one line, as it came, as in a URL, and in base64."""
    sent = " ".join([*_secrets(asked), *asked.query.values(), asked.body.decode("utf-8", "replace")])
    return f"You sent {sent}, {quote(sent, safe='')}, {base64.b64encode(sent.encode()).decode()}"


def _id(asked: Asked) -> str:
    try:
        values = list(_values(json.loads(asked.body)))
    except (ValueError, RecursionError):  # a file
        values = _ROW.findall(asked.body.decode("utf-8", "replace"))
    parts = "-".join([*values, *_secrets(asked)])
    return "".join(filter(str.isprintable, parts))[:_ID_LENGTH]


def _secrets(asked: Asked) -> list[str]:
    return [asked.headers[name] for name in _SECRETS if name in asked.headers]


def _values(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        for each in value.values():
            yield from _values(each)
    elif isinstance(value, list):
        for each in value:
            yield from _values(each)
    elif value is not None:
        yield str(value)


def _repeating(value: object, text: str, id_: str) -> Any:
    if isinstance(value, Mapping):
        return {
            name: each if name in _STAYS else id_ if name in ID_FIELDS else _repeating(each, text, id_)
            for name, each in value.items()
        }
    if isinstance(value, list):
        return [_repeating(each, text, id_) for each in value]
    return text if isinstance(value, str) else value
