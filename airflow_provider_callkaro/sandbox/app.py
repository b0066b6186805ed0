"""The sandbox as a web application: the vendor's endpoints, and the sandbox's own under ``/_sandbox``.

Every request to the vendor takes the same way: it is noted, its key is checked, the faults that hit it are looked up,
and then it is refused, held, accepted or spoiled. Only requests with the right key are counted by the faults.
"""

from __future__ import annotations

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from airflow_provider_callkaro.sandbox.book import Book
from airflow_provider_callkaro.sandbox.broken_answers import ResetConnection
from airflow_provider_callkaro.sandbox.control import ControlDesk
from airflow_provider_callkaro.sandbox.fault_board import FaultBoard, Strike
from airflow_provider_callkaro.sandbox.faults import Endpoint, FaultKind
from airflow_provider_callkaro.sandbox.faulty import after_accepting, delay, instead_of_accepting, respond
from airflow_provider_callkaro.sandbox.vendor import Answer, Asked, StandIn
from airflow_provider_callkaro.sandbox.waiting_room import SentAway, WaitingRoom


def build_app(*, vendor: StandIn, book: Book, board: FaultBoard, waiting: WaitingRoom) -> Starlette:
    """Build the web application from its parts."""
    reception = Reception(vendor=vendor, book=book, board=board, waiting=waiting)
    desk = ControlDesk(book=book, board=board, waiting=waiting)
    return Starlette(
        routes=[Route(endpoint, reception.receive, methods=["POST"]) for endpoint in Endpoint] + desk.routes(),
        exception_handlers={HTTPException: _error_in_vendor_shape},
    )


class Reception:
    """Takes the requests to the vendor's endpoints.

    :param vendor: decides what is accepted.
    :param book: where each request is noted.
    :param board: which faults hit it.
    :param waiting: where held and delayed requests wait.
    """

    def __init__(self, *, vendor: StandIn, book: Book, board: FaultBoard, waiting: WaitingRoom) -> None:
        self._vendor = vendor
        self._book = book
        self._board = board
        self._waiting = waiting

    async def receive(self, request: Request) -> Response:
        """Answer one request, or let a fault answer it."""
        try:
            body = await request.body()
        except ClientDisconnect:
            return Response()  # the request never came in full, so nothing was asked
        asked = Asked(
            endpoint=Endpoint(request.scope["path"]),
            key=request.headers.get("x-api-key"),
            agent_id=request.query_params.get("agent_id", ""),
            content_type=request.headers.get("content-type", ""),
            body=body,
        )
        tally = self._book.request_came(asked.endpoint)
        try:
            refusal = self._vendor.check_key(asked)
            return respond(refusal) if refusal else await self._answer(asked)
        except SentAway:
            return ResetConnection()
        finally:
            self._book.request_ended(tally)

    async def _answer(self, asked: Asked) -> Response:
        strikes = self._board.strikes(asked.endpoint)
        response = await self._respond(asked, strikes)
        if (seconds := delay(strikes)) > 0:
            await self._waiting.sleep(seconds)
        return response

    async def _respond(self, asked: Asked, strikes: Sequence[Strike]) -> Response:
        if not strikes:
            return respond(self._vendor.answer(asked))
        if (response := instead_of_accepting(strikes, asked)) is not None:
            return response
        kinds = {strike.fault.kind for strike in strikes}
        if FaultKind.HOLD_BEFORE_ACCEPTING in kinds:
            await self._waiting.hold()
        answer = self._vendor.answer(asked)
        if not answer.is_accepted:
            return respond(answer)
        if FaultKind.HOLD_AFTER_ACCEPTING in kinds:
            await self._waiting.hold()
        return after_accepting(strikes, answer)


async def _error_in_vendor_shape(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # what it is registered for
    return respond(Answer.error(error.status_code, error.detail))
