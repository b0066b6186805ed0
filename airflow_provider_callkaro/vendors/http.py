"""A request and a response as values: what the vendors build and read, and the transport carries.

`rings` is all that the transport has to know of a request: whether an answer that got lost may have made a phone ring.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

REQUEST_ID_HEADERS = ("x-request-id", "x-amzn-requestid", "x-correlation-id", "cf-ray")
MAX_BODY_BYTES = 1_000_000  # of an answer; anything longer is not an answer of these APIs


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, without host and key.

    :param method: ``GET``, ``POST``, …
    :param path: from the root of the vendor's base URL, with a leading slash.
    :param body: the encoded JSON body, or None; not shown, because it holds numbers and secrets.
    :param rings: whether the vendor may ring a phone because of it.
    :param content_type: what the body is; None where the headers of every request say it.
    """

    method: str
    path: str
    body: bytes | None = field(default=None, repr=False)
    rings: bool = False
    content_type: str | None = None

    @classmethod
    def json(
        cls,
        method: str,
        path: str,
        payload: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        rings: bool = False,
    ) -> Request:
        """A request whose body is ``payload`` in JSON."""
        target = f"{path}?{urlencode(query)}" if query else path
        body = None if payload is None else _encode(payload).encode()
        return cls(method, target, body, rings)


_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


@dataclass(frozen=True, slots=True)
class Response:
    """What came back.

    :param headers: with lower-case names.
    """

    status: int
    body: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def request_id(self) -> str | None:
        """The vendor's or its gateway's id of the request, for a support ticket."""
        return next((self.headers[name][:100] for name in REQUEST_ID_HEADERS if name in self.headers), None)

    def json_object(self) -> dict[str, Any]:
        """The body as a JSON object; an empty mapping where it is anything else."""
        value = self.json_value()
        return value if isinstance(value, dict) else {}

    def json_value(self) -> Any:
        """The body as JSON; None where it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None
