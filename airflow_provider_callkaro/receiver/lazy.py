"""The receiver as the plugin names it: every Airflow process imports this file, and only who is asked builds it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

PREFIX = "/callkaro/webhooks"
"""The path under which the receiver stands, in Airflow and alone."""


class LazyReceiver:
    """An ASGI application that builds the receiver when the first request comes: after a server has forked."""

    def __init__(self) -> None:
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request to the receiver."""
        if self._app is None:
            from airflow_provider_callkaro.receiver.app import build_receiver

            self._app = build_receiver()
        await self._app(scope, receive, send)
