"""The receiver as an ASGI application: whom it lets in, how much it takes, and what it answers.

A delivery is acknowledged only once its event is in the database. Whatever stands in the way, an answer comes within
ANSWER_SECONDS, and says whether the delivery should come again.

It is built of Starlette, which every Airflow 3 brings, and not of FastAPI, which would read and validate a body before
anybody knows who sends it, and repeat parts of it in its errors.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route, Router

from airflow_provider_callkaro.exceptions import ConfigurationError, UnreadableEvent
from airflow_provider_callkaro.hooks.webhooks import WebhookSettings
from airflow_provider_callkaro.receiver.bodies import TooLong, read_body
from airflow_provider_callkaro.receiver.doors import Doors, Refused, Unavailable
from airflow_provider_callkaro.receiver.failure_log import FailureLog
from airflow_provider_callkaro.receiver.hurry import open_store_in_a_hurry
from airflow_provider_callkaro.receiver.inbox import Inbox
from airflow_provider_callkaro.receiver.lazy import PREFIX
from airflow_provider_callkaro.receiver.room import Room
from airflow_provider_callkaro.tasks.webhooks import read_delivery, webhooks_of
from airflow_provider_callkaro.vendors.known import VENDORS
from airflow_provider_callkaro.vendors.webhook_json import MAX_BYTES

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

ANSWER_SECONDS = 3.0  # in which a delivery is answered, whatever the database does; CallKaro waits for 5 in all
RETRY_AFTER = 10  # seconds, as a delivery is told that could not be written
SECRET_HEADER = "X-CallKaro-Webhook-Secret"  # noqa: S105 - its name
HIDDEN = "***"
VENDOR_NAMES = frozenset(vendor.connection_type for vendor in VENDORS)


def build_receiver() -> ASGIApp:
    """The receiver, with the connections of this Airflow."""
    failures = FailureLog()

    def look_up(vendor: str, conn_id: str) -> WebhookSettings | None:
        try:
            return webhooks_of(vendor, conn_id)
        except ConfigurationError as error:
            failures.note(str(error))
            return None

    def open_inbox(conn_id: str, settings: WebhookSettings) -> Inbox:
        return Inbox(partial(open_store_in_a_hurry, settings), conn_id=conn_id, failures=failures)

    return Receiver(doors=Doors(look_up=look_up, open_inbox=open_inbox, failures=failures), failures=failures)


def build_server() -> ASGIApp:
    """The receiver as it stands alone, under the same path as in Airflow."""
    return Router([Mount(PREFIX, build_receiver())], redirect_slashes=False)


class Receiver:
    """Answers deliveries. ``GET health`` says that it runs, and nothing of a database.

    :param doors: of the connections that take deliveries.
    :param failures: notes what is refused.
    """

    def __init__(self, *, doors: Doors, failures: FailureLog) -> None:
        self._doors = doors
        self._failures = failures
        self._room = Room()
        self._router = Router(
            [
                Route("/health", _health, methods=["GET"]),
                Route("/{vendor}/{conn_id}", self._answer, methods=["POST"]),
                Route("/{vendor}/{conn_id}/{secret}", self._answer, methods=["POST"]),
            ],
            redirect_slashes=False,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; the server that logs its path finds no secret in it."""
        own = dict(scope)
        if scope["type"] == "http":
            hide_secret(scope)
        await self._router(own, receive, send)

    async def _answer(self, request: Request) -> Response:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await self._take(request)
        except Refused:
            self._failures.note("a delivery was refused: no such connection with webhooks, or another secret")
            return _refused()
        except TooLong:
            self._failures.note(f"a delivery was refused: its body is longer than {MAX_BYTES} bytes")
            return _told(413, "too long", {"Connection": "close"})
        except UnreadableEvent:
            name = f'{request.path_params["vendor"]} connection "{request.path_params["conn_id"]}"'
            self._failures.note(f"a delivery for the {name} was no webhook of this vendor")
            return _told(400, "not a webhook of this vendor")
        except ClientDisconnect:
            return Response(status_code=400)  # nobody reads it
        except (Unavailable, TimeoutError):
            self._failures.note("a delivery was told to come again: it was not looked up or written in time")
            return _told(503, "come again", {"Retry-After": str(RETRY_AFTER)})

    async def _take(self, request: Request) -> Response:
        """Let a delivery in, read it, and acknowledge it once it is written."""
        vendor, conn_id = request.path_params["vendor"], request.path_params["conn_id"]
        secret = request.path_params.get("secret") or request.headers.get(SECRET_HEADER, "")
        door = await self._doors.open(vendor, conn_id, secret=secret)
        length = _length(request)
        if length > MAX_BYTES:
            raise TooLong
        with self._room.taken(length) as place:
            body = await read_body(request.stream())
            if not door.is_signed(body, request.headers):
                self._failures.note(f'a delivery for connection "{conn_id}" was refused: its signature is not right')
                return _refused()
            event = read_delivery(vendor, body, settings=door.settings)
            if event is None:
                return _told(200, "ignored")
            written = door.inbox.put(event)
            place.keep_until(written)
        # Shielded: an event whose deadline has passed is written all the same, and its place is given back then.
        if not await asyncio.shield(written):
            raise Unavailable
        return _told(200, "recorded")


def hide_secret(scope: Scope) -> None:
    """Leave of a request's path what a server may log: the vendor and the connection, and nothing where neither is
    meant, because there somebody may have put the secret in a wrong place."""
    root = scope.get("root_path", "")
    own = scope["path"].removeprefix(root).split("/")  # "", vendor, connection, secret
    shown = 3 if own[1:2] and own[1] in VENDOR_NAMES else 1
    if len(own) > shown and own != ["", "health"]:
        hidden = "/".join([root, *own[1:shown], HIDDEN])
        scope["path"], scope["raw_path"] = hidden, hidden.encode(errors="replace")
    scope["query_string"] = b""


def _length(request: Request) -> int:
    """The bytes that a body says it has; the most that it may have where it does not say."""
    given = request.headers.get("Content-Length", "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 20 else MAX_BYTES


def _told(status: int, word: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"status": word}, status_code=status, headers=headers)


def _refused() -> Response:
    return _told(401, "refused", {"Connection": "close"})


async def _health(_request: Request) -> Response:
    return _told(200, "up")
