"""The sandbox as a web application: the vendors' endpoints, and the sandbox's own under ``/_sandbox``.

Every request to a vendor takes the same way: it is logged, its key is checked, the faults that hit it are looked up,
and then it is refused, held or accepted. Faults count only requests with the right key.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from airflow_provider_callkaro.sandbox.active_faults import ActiveFaults, Strike
from airflow_provider_callkaro.sandbox.control import Control
from airflow_provider_callkaro.sandbox.doorkeeper import Doorkeeper
from airflow_provider_callkaro.sandbox.endpoints import VendorPath
from airflow_provider_callkaro.sandbox.fault_responses import (
    ResetConnection,
    after_accepting,
    delay,
    instead_of_accepting,
    respond,
)
from airflow_provider_callkaro.sandbox.faults import FaultKind
from airflow_provider_callkaro.sandbox.holds import Holds, SentAway
from airflow_provider_callkaro.sandbox.request_log import RequestLog
from airflow_provider_callkaro.sandbox.vendor import Asked, Refused, Vendor


def build_app(
    *,
    vendors: Sequence[Vendor],
    request_log: RequestLog,
    active_faults: ActiveFaults,
    holds: Holds,
    control: Control,
    any_host: bool,
    control_key: str,
) -> Starlette:
    """Build the web application from its parts. ``vendors``: whose paths are served; the first one also answers at
    paths that no vendor has."""
    reception = Reception(vendors=vendors, request_log=request_log, active_faults=active_faults, holds=holds)
    return Starlette(
        routes=reception.routes() + control.routes(),
        middleware=[Middleware(Doorkeeper, any_host=any_host, control_key=control_key)],
        exception_handlers={HTTPException: reception.error_in_vendor_shape},
    )


class Reception:
    """Takes the requests to the vendors' endpoints."""

    def __init__(
        self, *, vendors: Sequence[Vendor], request_log: RequestLog, active_faults: ActiveFaults, holds: Holds
    ) -> None:
        self._vendors = vendors
        self._request_log = request_log
        self._active_faults = active_faults
        self._holds = holds

    def routes(self) -> list[Route]:
        """List the vendors' endpoints."""
        return [
            Route(endpoint.template, partial(self.receive, vendor, endpoint), methods=[endpoint.method])
            for vendor in self._vendors
            for endpoint in vendor.endpoints
        ]

    async def receive(self, vendor: Vendor, endpoint: VendorPath, request: Request) -> Response:
        """Answer one request, or let a fault answer it."""
        try:
            body = await request.body()
        except ClientDisconnect:
            return Response()  # the request never came in full
        asked = Asked(
            endpoint=endpoint,
            headers=request.headers,
            query=request.query_params,
            id=next(iter(request.path_params.values()), ""),
            body=body,
        )
        arrival = self._request_log.request_came(endpoint)
        try:
            refusal = vendor.check_key(asked)
            return respond(refusal) if refusal else await self._answer(vendor, asked)
        except SentAway:
            return ResetConnection()
        finally:
            self._request_log.request_ended(arrival)

    async def _answer(self, vendor: Vendor, asked: Asked) -> Response:
        strikes = self._active_faults.strikes(asked.endpoint)
        response = await self._respond(vendor, asked, strikes)
        if (seconds := delay(strikes)) > 0:
            await self._holds.sleep(seconds)
        return response

    async def _respond(self, vendor: Vendor, asked: Asked, strikes: Sequence[Strike]) -> Response:
        if not strikes:
            return respond(vendor.answer(asked))
        if (response := instead_of_accepting(strikes, asked, vendor=vendor)) is not None:
            return response
        kinds = {strike.fault.kind for strike in strikes}
        if FaultKind.HOLD_BEFORE_ACCEPTING in kinds:
            await self._holds.hold()
        answer = vendor.answer(asked)
        if not answer.is_accepted:
            return respond(answer)
        if FaultKind.HOLD_AFTER_ACCEPTING in kinds:
            await self._holds.hold()
        return after_accepting(strikes, asked, answer, vendor=vendor)

    async def error_in_vendor_shape(self, request: Request, error: Exception) -> Response:
        """Answer at a path that does not exist, in the shape of the vendor whose paths begin so."""
        assert isinstance(error, HTTPException)
        path = request.scope["path"]
        vendor = next((vendor for vendor in self._vendors if path.startswith(vendor.prefixes)), self._vendors[0])
        return respond(vendor.error(Refused(error.status_code, error.detail)))
