"""What a run would do, before it rings anybody.

A rehearsal hands every call to a `Preflight`, as it would go out or with what holds it back. From these, the pace and
the calling policy comes the report for the person who approves the run.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import count
from typing import TYPE_CHECKING, TypeAlias
from zoneinfo import ZoneInfo

from airflow_provider_callkaro.calls.call import Call
from airflow_provider_callkaro.calls.outcome import Reason
from airflow_provider_callkaro.calls.zones import may_have_moved
from airflow_provider_callkaro.dispatch.hours import utc_now
from airflow_provider_callkaro.dispatch.job import Held
from airflow_provider_callkaro.dispatch.preflight_report import PreflightReport, Price
from airflow_provider_callkaro.dispatch.tally import Summary
from airflow_provider_callkaro.exceptions import NeverOpens

if TYPE_CHECKING:
    from airflow_provider_callkaro.calls.policy import CallingPolicy

DAYS_SHOWN = 7  # from the first ring on; later rings are one figure
ZONES_SHOWN = 20  # the largest; the others are one figure
HORIZON = timedelta(days=400)  # rings beyond it are one figure: such a pace, or such hours, must be a mistake
NO_POLICY = "any time (no policy)"
_GRAIN = timedelta(minutes=15)  # on which the hours of every zone begin
_HOUR = timedelta(hours=1)

_Group: TypeAlias = tuple[tuple[ZoneInfo, ...], bool]  # calls that may ring at the same times


class Preflight:
    """Gathers the calls of a rehearsal.

    :param policy: the calling policy of the run; None lets every call ring at any time.
    :param pace: calls per second at most; None sets no pace.
    :param waits: whether the run would wait for calls that may not ring now.
    :param now: the time, aware; asked once.
    """

    def __init__(
        self,
        *,
        policy: CallingPolicy | None,
        pace: float | None,
        waits: bool = True,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._policy = policy
        self._pace = pace
        self._waits = waits
        self._now = now().astimezone(UTC)
        self._due: Counter[tuple[datetime, bool, _Group]] = Counter()
        self._examples: dict[_Group, Call] = {}
        self._zones: Counter[tuple[ZoneInfo, ...]] = Counter()
        self._open_until: dict[_Group, datetime] = {}  # the end of a group's last opening, because asking is slow
        self._last_scheduled = self._now

    def observe(self, call: Call, verdict: Call | Held) -> None:
        """Take in one call: as the row asks for it, and as it would go out or what holds it back."""
        scheduled = isinstance(verdict, Call)
        moment = verdict.rings_at if isinstance(verdict, Call) else verdict.until
        if isinstance(verdict, Held):
            if moment is None or not self._waits:
                return
            wanted = call.schedule_at
            moment = max(moment, wanted) if isinstance(wanted, datetime) else moment
        moment = max(moment or self._now, self._now)
        scheduled = scheduled and moment > self._now
        if scheduled:
            self._last_scheduled = max(self._last_scheduled, moment)
        group = self._group(call)
        self._examples.setdefault(group, call)
        self._zones[group[0]] += 1
        self._due[(max(_floor(moment, _GRAIN), self._now), scheduled, group)] += 1

    def report(self, summary: Summary, *, price: Price | None = None) -> PreflightReport:
        """The report. ``summary``: of the rehearsal. ``price``: what a call costs; None leaves the cost out."""
        would_ring = self._due.total()
        most = self._zones.most_common(1)
        zone: tzinfo = most[0][0][0] if most and most[0][0] else UTC
        rings: Counter[datetime] = Counter()
        last = self._last_scheduled
        for moment, until, calls in self._rings(zone):
            rings[_hour(moment, zone)] += calls
            last = max(last, until)
        never = would_ring - rings.total()
        hours = sorted(rings)
        shown = {hour: rings[hour] for hour in hours if hour < hours[0] + timedelta(days=DAYS_SHOWN)}
        return PreflightReport(
            made_at=self._now,
            total=summary.total,
            would_ring=would_ring,
            rejected=summary.rejected,
            skipped=summary.skipped,
            held=summary.pending - would_ring,
            settled=summary.accepted + summary.unknown,
            reasons={reason: rows for reason, rows in summary.reasons.items() if reason != Reason.DRY_RUN},
            zones=self._named_zones(),
            hours=shown,
            later=rings.total() - sum(shown.values()),
            never=never,
            zone=zone,
            ends_at=last if would_ring and not never else None,
            pace=self._pace,
            price=price,
        )

    def _group(self, call: Call) -> _Group:
        if self._policy is None:
            return (), False
        guessed = bool(self._policy.mobile_margin) and call.timezone is None
        return self._policy.zones_of(call), guessed and may_have_moved(call.to_number)

    def _named_zones(self) -> dict[str, int]:
        most = self._zones.most_common()
        named: Counter[str] = Counter()
        for zones, calls in most[:ZONES_SHOWN]:
            named[_name(zones)] += calls
        other = sum(calls for _, calls in most[ZONES_SHOWN:])
        return {**named, **({"other zones": other} if other else {})}

    def _rings(self, zone: tzinfo) -> Iterator[tuple[datetime, datetime, int]]:
        """How many phones ring from when until when, at the pace and while their hours are open.

        A call that goes out with a ``schedule_at`` takes its turn now and rings then; any other call rings in its turn.
        """
        order = count()
        queue = [
            (self._now if scheduled else due, next(order), calls, due if scheduled else None, group)
            for (due, scheduled, group), calls in self._due.items()
        ]
        heapq.heapify(queue)
        free = self._now
        while queue:
            due, _, calls, rings_at, group = heapq.heappop(queue)
            start = max(due, free)
            if rings_at is not None and rings_at <= start:
                rings_at = None
            opens = start if rings_at is not None else self._opens(start, group)
            if opens is None or opens > self._now + HORIZON:
                continue
            if opens > start:
                heapq.heappush(queue, (opens, next(order), calls, rings_at, group))
                continue
            sent = calls
            if self._pace is not None:
                sent = min(calls, max(1, int(self._pace * self._turn(start, group, zone).total_seconds())))
                free = start + min(timedelta(seconds=1) * (sent / self._pace), HORIZON * 2)
            yield (rings_at, rings_at, sent) if rings_at is not None else (start, max(start, free), sent)
            if calls > sent:
                heapq.heappush(queue, (free, next(order), calls - sent, rings_at, group))

    def _opens(self, moment: datetime, group: _Group) -> datetime | None:
        if self._policy is None:
            return moment
        try:
            return self._policy.next_open(moment, self._examples[group])
        except NeverOpens:
            return None

    def _turn(self, start: datetime, group: _Group, zone: tzinfo) -> timedelta:
        """How long calls of a group may go out from ``start`` on, until the end of the hour at most."""
        end = _hour(start, zone) + _HOUR
        if self._policy is not None and start >= self._open_until.get(group, start):
            self._open_until[group] = self._policy.closes_at(start, self._examples[group]) or start + HORIZON
        return min(end, self._open_until.get(group, end)) - start


def _floor(moment: datetime, grain: timedelta) -> datetime:
    moment = moment.astimezone(UTC)
    return moment - (moment - datetime(2000, 1, 1, tzinfo=UTC)) % grain


def _hour(moment: datetime, zone: tzinfo) -> datetime:
    """The beginning of the hour on the clocks of ``zone``; aware, UTC."""
    local = moment.astimezone(zone)
    return local.astimezone(UTC) - timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)


def _name(zones: tuple[ZoneInfo, ...]) -> str:
    if not zones:
        return NO_POLICY
    return zones[0].key if len(zones) == 1 else f"{zones[0].key} and {len(zones) - 1} more at once"
