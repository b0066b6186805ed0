"""The sandbox's own endpoints: look at the rings, switch faults, start afresh.

They are under ``/_sandbox``, beside the vendors' paths, and have a key of their own (see `Doorkeeper`). They are not
counted as requests, and no fault hits them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from airflow_provider_callkaro.sandbox.active_faults import ActiveFaults
from airflow_provider_callkaro.sandbox.faults import Fault, FaultKind
from airflow_provider_callkaro.sandbox.holds import Holds
from airflow_provider_callkaro.sandbox.request_log import RequestLog
from airflow_provider_callkaro.sandbox.vendor import Vendor
from airflow_provider_callkaro.sandbox.webhooks.events import Delivery, Webhooks
from airflow_provider_callkaro.sandbox.webhooks.webhook import Webhook

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


class Control:
    """Answers under ``/_sandbox``. ``reset``: makes the sandbox as if freshly started."""

    def __init__(
        self,
        *,
        request_log: RequestLog,
        vendors: Sequence[Vendor],
        active_faults: ActiveFaults,
        holds: Holds,
        webhooks: Webhooks,
        reset: Callable[[], None],
    ) -> None:
        self._request_log = request_log
        self._vendors = vendors
        self._active_faults = active_faults
        self._holds = holds
        self._webhooks = webhooks
        self._reset = reset

    def routes(self) -> list[Route]:
        """List the control endpoints."""
        return [
            Route("/_sandbox/health", self.health, methods=["GET"]),
            Route("/_sandbox/calls", self.calls, methods=["GET"]),
            Route("/_sandbox/requests", self.requests, methods=["GET"]),
            Route("/_sandbox/campaigns", self.campaigns, methods=["GET"]),
            Route("/_sandbox/faults", self.faults, methods=["GET"]),
            Route("/_sandbox/faults", self.add_fault, methods=["POST", "PUT"]),
            Route("/_sandbox/faults", self.clear_faults, methods=["DELETE"]),
            Route("/_sandbox/webhooks", self.webhooks, methods=["GET"]),
            Route("/_sandbox/webhooks", self.add_webhook, methods=["POST", "PUT"]),
            Route("/_sandbox/webhooks", self.clear_webhooks, methods=["DELETE"]),
            Route("/_sandbox/webhooks/again", self.send_again, methods=["POST"]),
            Route("/_sandbox/outcomes", self.set_outcomes, methods=["POST", "PUT"]),
            Route("/_sandbox/release", self.release, methods=["POST"]),
            Route("/_sandbox/reset", self.reset, methods=["POST"]),
        ]

    async def health(self, _request: Request) -> Response:
        """Answer that the sandbox runs."""
        return _json({"status": "ok"})

    async def calls(self, _request: Request) -> Response:
        """List every ring, how often each number rang, and the totals."""
        rings = self._request_log.rings
        per_number = self._request_log.rings_per_number()
        totals = {
            "requests": len(self._request_log.requests),
            "most_in_flight": self._request_log.most_in_flight,
            "held": self._holds.held,
            "rings": sum(per_number.values()),
            "numbers": len(per_number),
            "numbers_rung_more_than_once": sum(1 for count in per_number.values() if count > 1),
            "scheduled": sum(1 for ring in rings if ring.scheduled),
            "deleted": sum(1 for ring in rings if ring.deleted),
        }
        return _json({"totals": totals, "rings_per_number": per_number, "calls": [_as_json(ring) for ring in rings]})

    async def requests(self, _request: Request) -> Response:
        """List every request to a vendor's endpoint, with the moments at which it came and was answered."""
        return _json({"requests": [_as_json(request) for request in self._request_log.requests]})

    async def campaigns(self, _request: Request) -> Response:
        """List every campaign of every vendor with the number of its calls."""
        calls = Counter((ring.vendor, ring.batch_id) for ring in self._request_log.rings)
        return _json(
            {
                vendor.campaigns_name: [
                    _as_json(campaign) | {"calls": calls[vendor.name, campaign_id]}
                    for campaign_id, campaign in vendor.campaigns_by_id().items()
                ]
                for vendor in self._vendors
                if vendor.campaigns_name
            }
        )

    async def faults(self, _request: Request) -> Response:
        """List the faults that are on, and the kinds that there are."""
        return _json({"faults": self._active_faults.report(), "kinds": list(FaultKind)})

    async def add_fault(self, request: Request) -> Response:
        """Switch one fault on, beside those that are on already."""
        try:
            self._active_faults.add(Fault.from_json(await _decoded(request)))
        except ValueError as error:
            return _refused(str(error))
        return _json({"faults": self._active_faults.report()})

    async def clear_faults(self, _request: Request) -> Response:
        """Switch every fault off. Requests that are held stay held."""
        self._active_faults.clear()
        return _json({"faults": self._active_faults.report()})

    async def webhooks(self, _request: Request) -> Response:
        """List who is told what became of the calls, how calls end, and every delivery."""
        deliveries = self._webhooks.deliveries
        totals = {
            "waiting": self._webhooks.waiting,
            "arrived": sum(1 for each in deliveries if each.has_arrived),
            "lost": sum(1 for each in deliveries if each.is_lost),
            "given_up": sum(1 for each in deliveries if not each.is_lost and not each.has_arrived),
        }
        return _json(self._told() | {"totals": totals, "deliveries": [_delivery_as_json(each) for each in deliveries]})

    async def add_webhook(self, request: Request) -> Response:
        """Tell one more URL of later calls."""
        try:
            self._webhooks.add(Webhook.from_json(await _decoded(request)))
        except ValueError as error:
            return _refused(str(error))
        return _json(self._told())

    async def clear_webhooks(self, _request: Request) -> Response:
        """Tell nobody of later calls. What waits is still delivered."""
        self._webhooks.clear()
        return _json(self._told())

    async def send_again(self, request: Request) -> Response:
        """Deliver everything once more; with ``{"lost": true}`` also what was lost."""
        try:
            options = await _decoded(request) if await request.body() else {}
        except ValueError as error:
            return _refused(str(error))
        if options not in ({}, {"lost": True}, {"lost": False}):
            return _refused('the body is empty or {"lost": true}')
        return _json({"sent": self._webhooks.send_again(lost=options == {"lost": True})})

    async def set_outcomes(self, request: Request) -> Response:
        """Set how often later calls end in each way."""
        try:
            self._webhooks.set_shares(await _decoded(request))
        except ValueError as error:
            return _refused(str(error))
        return _json(self._told())

    def _told(self) -> dict[str, object]:
        return {
            "webhooks": [webhook.as_json() for webhook in self._webhooks.webhooks],
            "outcomes": dict(self._webhooks.shares),
        }

    async def release(self, _request: Request) -> Response:
        """Release the requests that are held."""
        return _json({"status": "ok", "released": self._holds.release()})

    async def reset(self, _request: Request) -> Response:
        """Switch every fault off, reset what is held, and forget every ring, campaign and request."""
        self._reset()
        return _json({"status": "ok"})


def _as_json(entry: DataclassInstance) -> dict[str, object]:
    return {field.name: getattr(entry, field.name) for field in fields(entry)}


def _delivery_as_json(delivery: Delivery) -> dict[str, object]:
    shown = _as_json(delivery)
    del shown["planned"]
    return shown | {"has_arrived": delivery.has_arrived}


async def _decoded(request: Request) -> object:
    """Decode the body of a request. Raises ValueError if it is no JSON."""
    try:
        return json.loads(await request.body())
    except (ValueError, RecursionError):
        raise ValueError("the body is no JSON") from None


def _refused(message: str) -> Response:
    return _json({"status": "error", "message": message}, status=400)


def _json(content: Mapping[str, object], *, status: int = 200) -> Response:
    # Metadata may hold halves of surrogate pairs, which only the escaped form can carry.
    text = json.dumps(content, default=_instant) + "\n"  # the line's end is for a terminal
    return Response(text, status_code=status, media_type="application/json")


def _instant(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"a {type(value).__name__} is not expected here")
