"""How a body is decoded, whichever vendor it was sent to: as a JSON object, or as a multipart form."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from airflow_provider_callkaro.sandbox.vendor import Refused


def read_object(body: bytes) -> dict[str, Any]:
    """Decode a body as a JSON object, whatever its ``Content-Type``: half of the documented examples send none.

    :raises Refused: it is no JSON, or no object.
    """
    try:
        value = json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise Refused(400, "Malformed JSON body") from None
    if not isinstance(value, dict):
        raise Refused(400, "The JSON body must be an object")
    return value


def read_form(body: bytes, *, content_type: str) -> dict[str, str]:
    """Read the parts of a multipart form as text, by their names; what is no form has none."""
    from email.parser import BytesParser

    header = b"Content-Type: " + content_type.encode("latin-1") + b"\r\n\r\n"
    form = BytesParser().parsebytes(header + body)
    fields: dict[str, str] = {}
    for part in form.walk():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(content, bytes):
            fields[name] = content.decode("utf-8", "replace")
    return fields


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")
