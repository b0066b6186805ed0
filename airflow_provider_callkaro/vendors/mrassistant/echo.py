"""MrAssistant's refusals without what they repeat of the request.

The answer to a failed validation holds the values that were sent: numbers, facts about people, secrets. The places and
types of its findings are kept, and its texts are not. Source: the validation body (FastAPI's) on the pages of the call
routes.
"""

from __future__ import annotations

import json
from dataclasses import replace

from airflow_provider_callkaro.vendors.http import Response


def without_echo(response: Response) -> Response:
    """The answer; a 422 keeps only the list of its findings, of which the reader takes places and types."""
    if response.status != 422:
        return response
    detail = response.json_object().get("detail")
    kept = {"detail": detail} if isinstance(detail, list) else {}
    return replace(response, body=json.dumps(kept).encode())


def without_text(response: Response) -> Response:
    """The answer; a refusal loses its body, because the request held a password or a token that the body may repeat."""
    return response if 200 <= response.status < 300 else replace(response, body=b"")
