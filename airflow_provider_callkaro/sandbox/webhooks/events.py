"""The webhooks of a sandbox: whom they go to, what has been delivered, and a way to wait for it.

`Webhooks.call_came` is called for each ring, whichever vendor accepted it and whether its answer was lost or not.
"""

from __future__ import annotations

import json
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from airflow_provider_callkaro.sandbox.request_log import Ring
from airflow_provider_callkaro.sandbox.settings import Settings, is_loopback
from airflow_provider_callkaro.sandbox.vendor import Vendor
from airflow_provider_callkaro.sandbox.webhooks.fates import EndedTry, Ending, read_shares
from airflow_provider_callkaro.sandbox.webhooks.planning import Planned, plan
from airflow_provider_callkaro.sandbox.webhooks.webhook import Webhook

if TYPE_CHECKING:
    from airflow_provider_callkaro.sandbox.webhooks.deliverer import Deliverer, Parcel

MOST_WAITING = 1_000_000  # deliveries; what comes beyond that counts as lost


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What became of one delivery of a webhook.

    :param vendor: the connection type of the vendor that told it, such as ``callkaro``.
    :param call_id: the call, by the id that the vendor's answer gave, or would have given.
    :param try_number: which try of the vendor it tells of, 0 for the first.
    :param ending: how that try ended.
    :param is_last: whether the vendor rings no more for this call.
    :param copy: 1 for the first delivery of an event, 2 for its duplicate, more for those that were asked for again.
    :param is_lost: whether it was lost on the way, and so was never sent.
    :param status: the receiver's last answer; None where there was none.
    :param sent: how often it was sent: a delivery that is not answered with 2xx comes again.
    """

    vendor: str
    url: str
    call_id: str
    try_number: int
    ending: Ending
    is_last: bool
    copy: int
    is_lost: bool = False
    status: int | None = None
    sent: int = 0
    planned: Planned = field(repr=False, compare=False)

    @property
    def has_arrived(self) -> bool:
        """Whether the receiver has taken it."""
        return self.status is not None and 200 <= self.status < 300


class Webhooks:
    """The webhooks of one sandbox. May be used from any thread: one condition guards it all.

    :param is_deleted: whether a scheduled call was deleted before it rang.
    """

    def __init__(self, *, settings: Settings, vendors: Sequence[Vendor], is_deleted: Callable[[Ring], bool]) -> None:
        self._settings = settings
        self._vendors = {vendor.name: vendor for vendor in vendors}
        self._is_deleted = is_deleted
        self._changed = threading.Condition()
        self._deliverer: Deliverer | None = None
        self._is_open = False
        self._round = 0
        self.forget()

    def forget(self) -> None:
        """Make it as if freshly started: the first webhooks and shares, and nothing that waits or was delivered."""
        with self._changed:
            self._round += 1
            self._webhooks: list[Webhook] = list(self._settings.webhooks)
            self._shares = self._settings.outcomes
            self._deliveries: list[Delivery] = []
            self._rung: Counter[tuple[str, str]] = Counter()
            self._waiting = 0
            self._changed.notify_all()

    def open(self) -> None:
        """Deliver from now on."""
        with self._changed:
            self._is_open = True

    def close(self) -> None:
        """Deliver nothing more; what waits is dropped."""
        with self._changed:
            self._is_open = False
            self._round += 1
            self._waiting = 0
            self._changed.notify_all()
            deliverer, self._deliverer = self._deliverer, None
        if deliverer is not None:
            deliverer.stop()

    def add(self, webhook: Webhook) -> None:
        """Tell a URL of the calls from now on. Raises ValueError if it leads to another machine, or no vendor is
        called so."""
        self._settings.check_webhook(webhook)
        known = sorted(vendor.connection_type for vendor in self._vendors.values())
        if webhook.vendor not in (None, *known):
            raise ValueError(f"vendor must be one of {', '.join(known)}")
        with self._changed:
            self._webhooks.append(webhook)

    def clear(self) -> None:
        """Tell nobody from now on. What waits is still delivered."""
        with self._changed:
            self._webhooks.clear()

    def set_shares(self, shares: object) -> None:
        """Let later calls end so. ``shares``: how often each ending comes. Raises ValueError if they are wrong."""
        checked = read_shares(shares)
        with self._changed:
            self._shares = checked

    @property
    def shares(self) -> Mapping[Ending, float]:
        """How often each ending comes."""
        return self._shares

    @property
    def webhooks(self) -> list[Webhook]:
        """Who is told."""
        with self._changed:
            return list(self._webhooks)

    @property
    def deliveries(self) -> list[Delivery]:
        """Every delivery that has arrived, was lost or was given up, in that order."""
        with self._changed:
            return list(self._deliveries)

    @property
    def waiting(self) -> int:
        """How many deliveries are due, or on their way."""
        with self._changed:
            return self._waiting

    def wait_until_delivered(self, *, timeout: float) -> None:
        """Wait until no delivery is due. ``timeout``: seconds. Raises TimeoutError if some are when it is over."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._waiting == 0, timeout):
                raise TimeoutError(f"{self._waiting} deliveries wait after {timeout:g} seconds")

    def call_came(self, ring: Ring) -> None:
        """Plan what is told of a call."""
        vendor = self._vendors[ring.vendor]
        own = vendor.own_webhook(ring)
        with self._changed:
            if not self._is_open:
                return
            told = [each for each in self._webhooks if each.vendor in (None, vendor.connection_type)]
            if own is not None and (self._settings.allow_any_host or is_loopback(own.host)):
                told.append(own)
            if not told:
                return
            self._rung[ring.vendor, ring.to_number] += 1
            times = self._rung[ring.vendor, ring.to_number]
            seed = f"{self._settings.outcome_seed} {ring.vendor} {ring.to_number} {times}"
            shares, retries, now = self._shares, vendor.retries_of(ring), datetime.now(UTC)
            self._take(
                planned
                for place, webhook in enumerate(told)
                for planned in plan(ring, webhook, place=place, seed=seed, shares=shares, retries=retries, now=now)
            )

    def send_again(self, *, lost: bool = False) -> int:
        """Deliver every event once more at once, in another order. ``lost``: those that were lost too. Returns how
        many there are."""
        with self._changed:
            if not self._is_open:
                return 0
            events = {
                (each.url, each.vendor, each.call_id, each.try_number): replace(
                    each.planned, copy=each.copy + 1, after=0.0, is_lost=False
                )
                for each in self._deliveries
                if lost or not each.is_lost
            }
            again = list(events.values())
            random.Random(len(self._deliveries)).shuffle(again)  # noqa: S311  # no secret
            self._take(again)
            return len(again)

    def _take(self, plans: Iterable[Planned]) -> None:
        """Note what is lost, and hand the rest to the deliverer. The condition is held."""
        from airflow_provider_callkaro.sandbox.webhooks.deliverer import Deliverer

        parcels = []
        for planned in plans:
            if planned.is_lost or self._waiting >= MOST_WAITING:
                self._deliveries.append(self._delivery(planned, is_lost=True))
            else:
                self._waiting += 1
                parcels.append(self._parcel(planned))
        if self._deliverer is None:
            self._deliverer = Deliverer()
        self._deliverer.post(parcels)
        self._changed.notify_all()

    def _parcel(self, planned: Planned) -> Parcel:
        from airflow_provider_callkaro.sandbox.webhooks.deliverer import Parcel

        vendor = self._vendors[planned.ended.ring.vendor]
        return Parcel(
            after=planned.after,
            url=planned.webhook.url_for(vendor.connection_type),
            content=partial(self._content, planned, self._round),
            done=partial(self._done, planned, self._round),
        )

    def _content(self, planned: Planned, round_: int) -> tuple[Mapping[str, str], bytes] | None:
        if round_ != self._round:
            return None  # a reset has forgotten it
        vendor = self._vendors[planned.ended.ring.vendor]
        body = json.dumps(vendor.webhook(self._as_it_ended(planned.ended))).encode()
        signed: Mapping[str, str] = {}
        if planned.webhook.signing_secret is not None:
            signed = vendor.signature(body, secret=planned.webhook.signing_secret)
        return {"Content-Type": "application/json", **planned.webhook.headers, **signed}, body

    def _as_it_ended(self, ended: EndedTry) -> EndedTry:
        """As it was planned, unless the call was deleted before it rang."""
        if not (ended.ring.scheduled and self._is_deleted(ended.ring)):
            return ended
        tried = replace(ended.tried, number=0, ending=Ending.DELETED, seconds=0, has_converted=False, is_last=True)
        return replace(ended, tried=tried)

    def _done(self, planned: Planned, round_: int, status: int | None, sent: int) -> None:
        with self._changed:
            if round_ != self._round:
                return  # it belongs to what a reset has forgotten
            self._deliveries.append(self._delivery(planned, status=status, sent=sent))
            self._waiting -= 1
            self._changed.notify_all()

    def _delivery(
        self, planned: Planned, *, is_lost: bool = False, status: int | None = None, sent: int = 0
    ) -> Delivery:
        ended = self._as_it_ended(planned.ended)
        vendor = self._vendors[ended.ring.vendor].connection_type
        return Delivery(
            vendor=vendor,
            url=planned.webhook.url_for(vendor),
            call_id=ended.ring.call_id,
            try_number=ended.tried.number,
            ending=ended.tried.ending,
            is_last=ended.tried.is_last,
            copy=planned.copy,
            is_lost=is_lost,
            status=status,
            sent=sent,
            planned=planned,
        )
