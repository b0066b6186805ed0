"""A request and a response as values: what the vendors build and read, and the transport carries.

`Request.retry_safe` is all that the transport knows of a request: whether it may repeat it after a lost answer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from airflow_provider_callkaro.vendors.redaction import Redaction, Scrub

REQUEST_ID_HEADERS = ("x-request-id", "x-amzn-requestid", "x-correlation-id", "cf-ray")
MAX_BODY_BYTES = 1_000_000  # of an answer; anything longer is not an answer of these APIs
_NOTHING_KNOWN = Redaction()


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, without host and key.

    :param method: ``GET``, ``POST``, …
    :param path: from the root of the vendor's base URL, with a leading slash.
    :param body: the encoded JSON body, or None; not shown, because it holds numbers and secrets.
    :param retry_safe: whether it may be sent again when its answer was lost: neither a phone rings nor a campaign or
        an import is made by it twice.
    :param content_type: what the body is; None where the headers of every request say it.
    """

    method: str
    path: str
    body: bytes | None = field(default=None, repr=False)
    retry_safe: bool = True
    content_type: str | None = None

    @classmethod
    def json(
        cls,
        method: str,
        path: str,
        payload: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        retry_safe: bool = True,
    ) -> Request:
        """A request whose body is ``payload`` in JSON."""
        target = f"{path}?{urlencode(query)}" if query else path
        body = None if payload is None else _encode(payload).encode()
        return cls(method, target, body, retry_safe)


_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


@dataclass(frozen=True, slots=True)
class Response:
    """What came back.

    :param headers: with lower-case names.
    :param request: what it answers, so that nothing of it is repeated; None where it is not known.
    :param redaction: what else may not be repeated, such as the key.
    """

    status: int
    body: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    request: Request | None = field(default=None, repr=False)
    redaction: Redaction = field(default=_NOTHING_KNOWN, repr=False, compare=False)

    @property
    def request_id(self) -> str | None:
        """The vendor's or its gateway's id of the request, for a support ticket; None where it repeats the request."""
        return self.unless_repeated(
            next((self.headers[name] for name in REQUEST_ID_HEADERS if name in self.headers), "")
        )

    def scrub(self) -> Scrub:
        """What makes the texts of this answer fit to be kept. All that is kept of an answer goes through it."""
        return self.redaction.scrub(None if self.request is None else self.request.body)

    def label(self, text: str) -> str:
        """An id in this answer, fit to be kept: what it repeats of the request is hidden in it."""
        sent = None if self.request is None else self.request.body
        if sent is None or not self.redaction.may_be_met(text, sent=sent):
            return text
        return self.scrub().label(text)

    def unless_repeated(self, text: str) -> str | None:
        """An id that nothing depends on: as it is, or None where it repeats something, or no word of theirs is kept."""
        found = text[:100]
        if not found or not found.isprintable() or not self.redaction.keeps_messages:
            return None
        return found if self.scrub().label(found) == found else None

    def json_object(self) -> dict[str, Any]:
        """The body as a JSON object; an empty mapping where it is anything else."""
        value = self.json_value()
        return value if isinstance(value, dict) else {}

    def json_value(self) -> Any:
        """The body as JSON; None where it is none."""
        try:
            value = json.loads(self.body)
            told = self.body
            if b"\\" in told or b"\0" in told:  # escapes, or UTF-16, in which the key would not be met
                told = json.dumps(value, ensure_ascii=False).encode(errors="surrogatepass")
            return self.redaction.without_secrets(value) if self.redaction.is_repeated_in(told) else value
        except (ValueError, RecursionError):
            return None
