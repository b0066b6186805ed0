"""The report of a rehearsal: how many phones would ring, where, when, and at what cost.

It holds counts only, no phone number and no metadata, and its size is bounded however long the list.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from airflow_provider_callkaro.calls.outcome import Reason
from airflow_provider_callkaro.dispatch.limits import is_number
from airflow_provider_callkaro.exceptions import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a call costs.

    :param per_minute: the price of one minute, 0 or more.
    :param minutes_per_call: how long a call lasts on average, more than 0. Default 1.
    :param currency: shown behind the amount, such as ``INR``.
    :raises ConfigurationError: a figure is out of its range.
    """

    per_minute: float
    minutes_per_call: float = 1.0
    currency: str = ""

    def __post_init__(self) -> None:
        if not is_number(self.per_minute, int, float) or not 0 <= self.per_minute < float("inf"):
            raise ConfigurationError("price_per_minute must be a number from 0 on without quotes, or None for no cost")
        if not is_number(self.minutes_per_call, int, float) or not 0 < self.minutes_per_call < float("inf"):
            raise ConfigurationError("minutes_per_call must be a number above 0 without quotes")
        if not isinstance(self.currency, str):
            raise ConfigurationError('currency must be a text, such as "INR"')

    def of(self, calls: int) -> float:
        """The cost of so many calls, to the cent."""
        return round(calls * self.minutes_per_call * self.per_minute, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class PreflightReport:
    """What a run would do.

    ``would_ring``, ``rejected``, ``skipped``, ``held`` and ``settled`` add up to ``total``; ``hours``, ``later`` and
    ``never`` to ``would_ring``.

    :param held: calls that may not ring now, in a run that would not wait for them.
    :param settled: rows that an earlier try of this run dispatched already.
    :param zones: calls that would ring, by the zone whose hours are kept, most first.
    :param hours: calls that would ring, by the beginning of the hour in ``zone``; aware, UTC, because Python takes the
        two hours that read the same when clocks go back for one.
    :param later: calls that would ring after those hours.
    :param never: calls that would not have rung within 400 days.
    :param zone: the zone of most calls, in which the hours are shown.
    :param ends_at: when the last phone would ring, at the pace; None where none rings, or some never.
    :param pace: calls per second; None is as fast as the vendor takes them.
    """

    made_at: datetime
    total: int
    would_ring: int
    rejected: int
    skipped: int
    held: int
    settled: int
    reasons: Mapping[str, int]
    zones: Mapping[str, int]
    hours: Mapping[datetime, int]
    later: int
    never: int
    zone: tzinfo
    ends_at: datetime | None
    pace: float | None
    price: Price | None

    @property
    def duplicates(self) -> int:
        """Rows of people who are in the list before."""
        return self.reasons.get(Reason.DUPLICATE, 0)

    @property
    def suppressed(self) -> int:
        """Rows of people who must not be called."""
        return self.reasons.get(Reason.SUPPRESSED, 0)

    @property
    def capped(self) -> int:
        """Rows of people who have been called too often."""
        return self.reasons.get(Reason.CAP, 0)

    @property
    def cost(self) -> float | None:
        """What the calls would cost if everybody picked up; None without a price."""
        return None if self.price is None else self.price.of(self.would_ring)

    def as_xcom(self, *, page: str | None = None, page_link: str | None = None) -> dict[str, Any]:
        """The report as an operator returns it. ``page``: where the report is published; None where it is not.
        ``page_link``: the page's address in a browser; None where it has none."""
        return {
            "total": self.total,
            "would_ring": self.would_ring,
            "rejected": self.rejected,
            "skipped": self.skipped,
            "held": self.held,
            "settled": self.settled,
            "duplicates": self.duplicates,
            "suppressed": self.suppressed,
            "capped": self.capped,
            "reasons": dict(self.reasons),
            "zones": dict(self.zones),
            "hours": {hour.isoformat(): calls for hour, calls in self.hours.items()},
            "later": self.later,
            "never": self.never,
            "ends_at": None if self.ends_at is None else self.ends_at.isoformat(),
            "cost": self.cost,
            "currency": "" if self.price is None else self.price.currency,
            "page": page,
            "page_link": page_link,
            "text": str(self),
            "markdown": as_markdown(self, page_link=page_link),
        }

    def lines(self) -> list[tuple[str, str]]:
        """The main figures, each with its name."""
        return [
            ("rows", f"{self.total:,}"),
            ("would ring", f"{self.would_ring:,}"),
            ("skipped", f"{self.skipped:,}"),
            ("rejected", f"{self.rejected:,}"),
            ("duplicates", f"{self.duplicates:,}"),
            ("suppressed", f"{self.suppressed:,}"),
            ("over the cap", f"{self.capped:,}"),
            *([("may not ring now", f"{self.held:,}")] if self.held else []),
            *([("dispatched before", f"{self.settled:,}")] if self.settled else []),
            *([("never within 400 days", f"{self.never:,}")] if self.never else []),
            ("pace", f"{self.pace:g} a second" if self.pace else "as fast as the vendor takes them"),
            ("ends", self._end()),
            *([("cost", self._cost(self.price))] if self.price is not None else []),
        ]

    def tables(self) -> list[tuple[str, list[tuple[str, int]]]]:
        """The counts behind the main figures, each table with its heading; a table may be empty."""
        hours = [(f"{hour.astimezone(self.zone):%a %d %b %H:%M}", calls) for hour, calls in self.hours.items()]
        return [
            ("why not, or not now", list(self.reasons.items())),
            ("zone", list(self.zones.items())),
            (f"hour in {self.zone}", [*hours, *([("later", self.later)] if self.later else [])]),
        ]

    def __str__(self) -> str:
        """A table for the log."""
        text = [f"{name:<32}{value:>12}" if len(value) <= 12 else f"{name:<32}{value}" for name, value in self.lines()]
        for heading, entries in self.tables():
            if entries:
                text += ["", heading, *(f"  {name:<30}{calls:>12,}" for name, calls in entries)]
        return "\n".join(text)

    def _end(self) -> str:
        if self.ends_at is None:
            return "not within 400 days" if self.never else "nobody is rung"
        return f"{self.ends_at.astimezone(self.zone):%a %d %b %Y %H:%M} {self.zone}"

    def _cost(self, price: Price) -> str:
        return f"{price.of(self.would_ring):,.2f} {price.currency}".rstrip()


def as_markdown(report: PreflightReport, *, page_link: str | None = None) -> str:
    """The report as tables in Markdown, for a page that renders it. ``page_link``: the address of the whole page."""
    text = [*_table("", "", report.lines())]
    for heading, entries in report.tables():
        if entries:
            text += ["", *_table(heading, "calls", [(name, f"{calls:,}") for name, calls in entries])]
    if page_link:
        text += ["", f"[The whole page]({page_link.replace('(', '%28').replace(')', '%29')})"]
    return "\n".join(text)


def _table(left: str, right: str, rows: list[tuple[str, str]]) -> list[str]:
    cells = (f"| {_cell(name)} | {_cell(value)} |" for name, value in rows)
    return [f"| {_cell(left)} | {_cell(right)} |", "| --- | ---: |", *cells]


def _cell(text: str) -> str:
    """A text that stays a text in a cell."""
    return re.sub(r"([\\`*_\[\]<>|&#!~])", r"\\\1", " ".join(text.split()))
