"""What MrAssistant says of a request that it refuses, without what it repeats of the request.

A validation's answer holds the values that were sent: numbers, facts about people, secrets. Its places and kinds are
kept and its texts are not. Source: the validation body on the pages of the call routes (FastAPI's).
"""

from __future__ import annotations

import json
from dataclasses import replace

from airflow_provider_callkaro.vendors.http import Response


def without_echo(response: Response) -> Response:
    """The answer; of a 422 only the list of its findings, of which the reader takes places and kinds."""
    if response.status != 422:
        return response
    detail = response.json_object().get("detail")
    kept = {"detail": detail} if isinstance(detail, list) else {}
    return replace(response, body=json.dumps(kept).encode())


def without_text(response: Response) -> Response:
    """The answer; of one that is no yes nothing but its status: what was sent was a password, or a token."""
    return response if 200 <= response.status < 300 else replace(response, body=b"")
