"""Who may talk to the sandbox: programs on this machine, but no web page in a browser on it.

A page from anywhere can make a browser send requests to a server on loopback, and by DNS rebinding read the answers. It
cannot choose the headers that give it away (Host, Origin, Sec-Fetch-Site), and does not know the control key.
"""

from __future__ import annotations

import hmac
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from airflow_provider_callkaro.sandbox.settings import is_loopback

CONTROLS = "/_sandbox/"
WITHOUT_KEY = frozenset({"/_sandbox/health"})  # tells no more than the open port
KEY_HEADER = "X-Sandbox-Key"


class Doorkeeper:
    """The middleware before the application: it refuses requests that do not come from a program on this machine.

    :param any_host: whether it may be addressed by any name, and not only by those of this machine.
    :param control_key: the value of the header ``X-Sandbox-Key`` that opens ``/_sandbox``.
    """

    def __init__(self, app: ASGIApp, *, any_host: bool, control_key: str) -> None:
        self._app = app
        self._any_host = any_host
        self._control_key = control_key.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 403 or 401, or pass the request on."""
        refusal = self._refusal(scope)
        await (self._app if refusal is None else refusal)(scope, receive, send)

    def _refusal(self, scope: Scope) -> ASGIApp | None:
        headers = Headers(scope=scope)
        if not self._any_host and not is_loopback(_name(headers.get("host", ""))):
            return _refused(403, "the Host header names another machine: address it by the URL that it printed")
        if not _comes_from_here(headers):
            return _refused(403, "a web page of somebody else asks: the sandbox answers programs on this machine")
        path = scope["path"]
        if path.startswith(CONTROLS) and path not in WITHOUT_KEY:
            key = headers.get(KEY_HEADER, "").encode("latin-1")
            if not hmac.compare_digest(key, self._control_key):
                return _refused(401, f"{KEY_HEADER} is missing or wrong: the sandbox has printed it at its start")
        return None


def _comes_from_here(headers: Headers) -> bool:
    """Whether the request comes from a program, and not from a page of another origin."""
    origin = headers.get("origin")
    if origin is not None and origin.partition("://")[2] != headers.get("host"):
        return False
    return headers.get("sec-fetch-site", "none") in ("none", "same-origin")


def _name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _refused(status: int, message: str) -> ASGIApp:
    return JSONResponse({"status": "error", "message": message}, status_code=status)
