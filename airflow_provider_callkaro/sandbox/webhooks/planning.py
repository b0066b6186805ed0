"""From a call to the deliveries that are due: when each event comes, how often, and which are lost.

Pure but for the moment, which is handed in: the same seed makes the same plan.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from airflow_provider_callkaro.sandbox.request_log import Ring
from airflow_provider_callkaro.sandbox.webhooks.fates import EndedTry, Ending, fate
from airflow_provider_callkaro.sandbox.webhooks.webhook import Webhook


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One delivery that is due.

    :param webhook: where it goes.
    :param ended: what it tells.
    :param copy: 1 for the first delivery of an event, 2 for its duplicate.
    :param after: seconds from the planning until it is sent.
    :param is_lost: whether it never arrives: then it is noted and not sent.
    """

    webhook: Webhook = field(repr=False)
    ended: EndedTry = field(repr=False)
    copy: int
    after: float
    is_lost: bool


def plan(
    ring: Ring,
    webhook: Webhook,
    *,
    place: int,
    seed: str,
    shares: Mapping[Ending, float],
    retries: int,
    now: datetime,
) -> Iterator[Planned]:
    """Plan the events of one call for one webhook.

    :param place: of the webhook among those that are told; it and not the URL, whose port may be another each time,
        decides with the seed what happens on the way.
    :param seed: of what becomes of the call; the same for every webhook, so that they tell the same.
    :param retries: how often the vendor may ring again.
    :param now: when the call was accepted, UTC.
    """
    dice = random.Random(f"{seed} {place}")  # noqa: S311  # no secret: it has to be the same each time
    for tried in fate(seed=seed, shares=shares, retries=retries):
        due = webhook.delay_seconds * (tried.number + 1)
        ended = EndedTry(ring=ring, tried=tried, ended_at=now + timedelta(seconds=due))
        is_lost = dice.random() < webhook.losses
        is_doubled = dice.random() < webhook.duplicates
        for copy in (1, 2) if is_doubled and not is_lost else (1,):
            after = due + dice.uniform(0, webhook.disorder_seconds)
            yield Planned(webhook=webhook, ended=ended, copy=copy, after=after, is_lost=is_lost)
