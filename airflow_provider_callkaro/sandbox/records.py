"""What a sandbox has seen: every ring, every campaign, every request, and a way to wait for them."""

from __future__ import annotations

from typing import TypeVar

from airflow_provider_callkaro.sandbox.callaro.campaigns import CallaroCampaign
from airflow_provider_callkaro.sandbox.callaro.reading import CallaroImport
from airflow_provider_callkaro.sandbox.callaro.vendor import Callaro
from airflow_provider_callkaro.sandbox.callkaro.vendor import CallKaro, Campaign
from airflow_provider_callkaro.sandbox.holds import Holds
from airflow_provider_callkaro.sandbox.known import VENDORS
from airflow_provider_callkaro.sandbox.mrassistant.vendor import MrAssistant, MrAssistantCampaign
from airflow_provider_callkaro.sandbox.request_log import Request, RequestLog, Ring
from airflow_provider_callkaro.sandbox.settings import Settings
from airflow_provider_callkaro.sandbox.vendor import Vendor
from airflow_provider_callkaro.sandbox.webhooks.events import Delivery, Webhooks

PATIENCE = 30.0  # seconds that a wait_for_… takes at most, unless its caller says otherwise

_V = TypeVar("_V", bound=Vendor)


class Records:
    """The part of `Sandbox` that a test reads. May be used from any thread."""

    def __init__(self, settings: Settings) -> None:
        self._request_log = RequestLog()
        self._holds = Holds()
        self._vendors = [vendor(settings=settings, request_log=self._request_log) for vendor in VENDORS]
        self._webhooks = Webhooks(settings=settings, vendors=self._vendors, is_deleted=self._request_log.is_deleted)
        self._request_log.on_ring = self._webhooks.call_came

    @property
    def rings(self) -> list[Ring]:
        """Every accepted call, in order; a call that was scheduled and then deleted too."""
        return self._request_log.rings

    @property
    def campaigns(self) -> list[Campaign]:
        """Every campaign of CallKaro, in order."""
        return self._vendor(CallKaro).campaigns

    @property
    def callaro_campaigns(self) -> list[CallaroCampaign]:
        """Every campaign of Callaro, in order."""
        return self._vendor(Callaro).campaigns

    @property
    def callaro_imports(self) -> list[CallaroImport]:
        """Every import of contacts into Callaro, in order."""
        return self._vendor(Callaro).imports

    @property
    def mrassistant_campaigns(self) -> list[MrAssistantCampaign]:
        """Every campaign of MrAssistant, in order."""
        return self._vendor(MrAssistant).campaigns

    @property
    def token_logins(self) -> int:
        """How often MrAssistant gave tokens for a password."""
        return self._vendor(MrAssistant).tokens.logins

    @property
    def token_refreshes(self) -> int:
        """How often MrAssistant gave tokens for a refresh token."""
        return self._vendor(MrAssistant).tokens.refreshes

    @property
    def tokens(self) -> list[str]:
        """Every token that MrAssistant gave, to be looked for where none may be."""
        return self._vendor(MrAssistant).tokens.given

    @property
    def requests(self) -> list[Request]:
        """Every request to an endpoint of a vendor, in order, refused ones too."""
        return self._request_log.requests

    @property
    def most_in_flight(self) -> int:
        """The largest number of requests that waited for their answer at one moment."""
        return self._request_log.most_in_flight

    @property
    def webhook_deliveries(self) -> list[Delivery]:
        """Every delivery of a webhook that arrived, was lost or was given up, in that order."""
        return self._webhooks.deliveries

    def rings_per_number(self) -> dict[str, int]:
        """Count how often each number rang, or will; a deleted call does not ring."""
        return self._request_log.rings_per_number()

    def wait_for_rings(self, count: int, *, timeout: float = PATIENCE) -> None:
        """Wait until as many calls have been accepted.

        :param timeout: seconds; default 10.
        :raises TimeoutError: there are fewer when the time is over.
        """
        self._request_log.wait_for_rings(count, timeout=timeout)

    def wait_for_requests(self, count: int, *, timeout: float = PATIENCE) -> None:
        """Wait until as many requests have come, refused ones too.

        :param timeout: seconds; default 10.
        :raises TimeoutError: there are fewer when the time is over.
        """
        self._request_log.wait_for_requests(count, timeout=timeout)

    def wait_for_held(self, count: int, *, timeout: float = PATIENCE) -> None:
        """Wait until as many requests are held at the same time.

        :param timeout: seconds; default 10.
        :raises TimeoutError: there are fewer when the time is over.
        """
        self._holds.wait_for_held(count, timeout=timeout)

    def wait_for_webhooks(self, *, timeout: float = PATIENCE) -> None:
        """Wait until no webhook of the calls so far is due any more: each has arrived, was lost or was given up.

        :param timeout: seconds; default 10.
        :raises TimeoutError: some are due when the time is over.
        """
        self._webhooks.wait_until_delivered(timeout=timeout)

    def _vendor(self, kind: type[_V]) -> _V:
        """The vendor of a class, for what only that vendor has."""
        return next(vendor for vendor in self._vendors if isinstance(vendor, kind))
