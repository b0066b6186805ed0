"""A request and a response as values: vendors build and read them, and the transport carries them.

`Request.retry_safe` is all that the transport knows of what a request does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from airflow_provider_callkaro.vendors.redaction import Redaction, Scrub

REQUEST_ID_HEADERS = ("x-request-id", "x-amzn-requestid", "x-correlation-id", "cf-ray")
MAX_BODY_BYTES = 1_000_000  # of an answer; no answer of these APIs is longer
_NOTHING_KNOWN = Redaction()
_NO_FIELDS: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, without host and key.

    :param path: from the root of the vendor's base URL, with a leading slash.
    :param body: the encoded body, or None; not shown, because it holds numbers and secrets.
    :param retry_safe: whether it may be sent again after its answer was lost: sent twice, it neither rings a phone
        twice nor creates a second campaign or import.
    :param content_type: the type of the body; None where the headers of every request name it.
    :param shown_fields: the names of the body's own fields whose values an error may show where the vendor repeats
        them: what the author of a DAG has chosen, such as an agent's id, and never what is about a person. Default:
        none. The fields of objects within the body are never shown.
    :param secret_fields: the names of the body's own fields that hold a secret, such as a password: not even a piece of
        a word of it is shown. Default: none.
    """

    method: str
    path: str
    body: bytes | None = field(default=None, repr=False)
    retry_safe: bool = True
    content_type: str | None = None
    shown_fields: frozenset[str] = field(default=_NO_FIELDS, repr=False)
    secret_fields: frozenset[str] = field(default=_NO_FIELDS, repr=False)

    @classmethod
    def json(
        cls,
        method: str,
        path: str,
        payload: Mapping[str, object] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        retry_safe: bool = True,
        shown_fields: frozenset[str] = _NO_FIELDS,
        secret_fields: frozenset[str] = _NO_FIELDS,
    ) -> Request:
        """A request whose body is ``payload`` in JSON; the other arguments are those of `Request`."""
        target = f"{path}?{urlencode(query)}" if query else path
        body = None if payload is None else _encode(payload).encode()
        return cls(method, target, body, retry_safe, None, shown_fields, secret_fields)


_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
_decode = json.JSONDecoder().decode


@dataclass(frozen=True, slots=True)
class Response:
    """The answer to a request. ``headers``: with lower-case names. ``request``: the request, whose values are hidden in
    what is kept of the answer; None where it is not known."""

    status: int
    body: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    request: Request | None = field(default=None, repr=False)
    redaction: Redaction = field(default=_NOTHING_KNOWN, repr=False, compare=False)

    @property
    def request_id(self) -> str | None:
        """The vendor's or a gateway's id of the request, for a support ticket; None where it repeats what was sent."""
        return self.unless_it_repeats(
            next((self.headers[name] for name in REQUEST_ID_HEADERS if name in self.headers), "")
        )

    def scrub(self) -> Scrub:
        """Redacts the texts of this answer. Every text that is kept of an answer goes through it."""
        return self.redaction.scrub(self.request)

    def label(self, text: str) -> str:
        """An id in this answer, with what it repeats of the request hidden."""
        sent = None if self.request is None else self.request.body
        if sent is None or not self.redaction.may_repeat(text, sent=sent):
            return text
        return self.scrub().label(text)

    def unless_it_repeats(self, text: str) -> str | None:
        """An id for support only: None where it repeats what was sent, or where the connection keeps no messages."""
        label = text[:100]
        if not label or not label.isprintable() or not self.redaction.keeps_messages:
            return None
        return label if self.scrub().label(label) == label else None

    def json_object(self) -> dict[str, Any]:
        """The body as a JSON object; an empty mapping where it is anything else."""
        value = self.json_value()
        return value if isinstance(value, dict) else {}

    def json_value(self) -> Any:
        """The body as JSON; None where it is not JSON."""
        plain = self.body
        try:
            if plain.isascii() and b"\0" not in plain:  # nearly every answer: no encoding to find out
                value = _decode(plain.decode("ascii"))
                is_escaped = b"\\" in plain
            else:
                value = json.loads(plain)
                is_escaped = True  # or UTF-16, in which the key would not be found
            if is_escaped:
                plain = json.dumps(value, ensure_ascii=False).encode(errors="surrogatepass")
            return self.redaction.without_secrets(value) if self.redaction.is_repeated_in(plain) else value
        except (ValueError, RecursionError):
            return None
