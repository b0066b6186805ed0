"""Calls over time as bars, and the schedule windows behind them. Pure: it makes numbers, the page draws them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise

from airflow_provider_callkaro.calls.policy import CallingPolicy

WIDTH, HEIGHT = 960, 160  # of the drawing, in its own units
_MOST_BARS, _FEWEST_BARS = 96, 12
_DAY = 86_400
_SECONDS = (
    1,
    2,
    5,
    10,
    15,
    30,
    60,
    120,
    300,
    600,
    900,
    1800,
    3600,
    7200,
    10800,
    21600,
    43200,
    _DAY,
    7 * _DAY,
)  # of a bar
_MOST_OPENINGS = 400
_LABELS = 6  # equal parts of the drawing, each with the time at which it begins


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """The calls of one span of time. ``x``, ``y``, ``width`` and ``height``: in the units of the drawing."""

    begins: datetime
    calls: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A piece of the drawing from its left edge on: an open window."""

    x: float
    width: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """What the page draws.

    :param seconds: that each bar stands for.
    :param open_spans: when the policy's windows are open; None where they are not known.
    :param labels: the times at which equal parts of the drawing begin.
    :param zone: of all texts.
    :param is_sample: the bars were scaled up from a part of the calls.
    """

    bars: Sequence[Bar]
    seconds: int
    busiest: int
    open_spans: Sequence[Span] | None
    labels: Sequence[str]
    zone: str
    is_sample: bool


def chart_of(
    instants: Iterable[datetime], *, weight: int = 1, policy: CallingPolicy | None = None, zone: tzinfo = UTC
) -> Chart | None:
    """The chart of calls that were claimed at these instants.

    :param instants: with a time zone.
    :param weight: how many calls each instant stands for.
    :param policy: whose windows are drawn behind the bars; it must know its zone without a call.
    :param zone: in which the reader sees the times.
    :return: None without any call.
    """
    counted = Counter(int(instant.timestamp()) for instant in instants)
    if not counted:
        return None
    first, last = min(counted), max(counted)
    seconds = next((each for each in _SECONDS if (last - first) // each < _MOST_BARS - 2), _SECONDS[-1])
    offset = int((datetime.fromtimestamp(first, zone).utcoffset() or timedelta()).total_seconds())
    begin = (first + offset) // seconds * seconds - offset
    count = max((last - begin) // seconds + 1, _FEWEST_BARS)
    count += -count % _LABELS
    bins: Counter[int] = Counter()
    for second, calls in counted.items():
        bins[(second - begin) // seconds] += calls * weight
    step, busiest = WIDTH / count, max(bins.values())
    bars = [
        Bar(
            begins=datetime.fromtimestamp(begin + place * seconds, zone),
            calls=calls,
            x=round(place * step, 2),
            y=round(HEIGHT * (1 - calls / busiest), 2),
            width=round(max(step - min(2.0, step / 4), 0.5), 2),
            height=round(HEIGHT * calls / busiest, 2),
        )
        for place, calls in sorted(bins.items())
    ]
    start, end = (datetime.fromtimestamp(second, zone) for second in (begin, begin + count * seconds))
    return Chart(
        bars=bars,
        seconds=seconds,
        busiest=busiest,
        open_spans=None if policy is None else _open_spans(policy, start=start, end=end),
        labels=_labels(start=start, seconds=seconds, count=count),
        zone=str(zone),
        is_sample=weight > 1,
    )


def _open_spans(policy: CallingPolicy, *, start: datetime, end: datetime) -> list[Span]:
    """The windows that are open between two instants."""
    whole = (end - start).total_seconds()
    moments = [start + (end - start) * place / _MOST_OPENINGS for place in range(_MOST_OPENINGS + 1)]
    spans: list[Span] = []
    for begins, ends in pairwise(moments):
        if policy.is_open(begins):
            x = WIDTH * (begins - start).total_seconds() / whole
            width = WIDTH * (ends - begins).total_seconds() / whole
            if spans and abs(spans[-1].x + spans[-1].width - x) < 0.01:
                spans[-1] = Span(x=spans[-1].x, width=spans[-1].width + width)
            else:
                spans.append(Span(x=x, width=width))
    return [Span(x=round(span.x, 2), width=round(span.width, 2)) for span in spans]


def _labels(*, start: datetime, seconds: int, count: int) -> list[str]:
    """The times at which equal parts of the drawing begin."""
    every = timedelta(seconds=seconds * (count // _LABELS))
    if seconds >= _DAY:
        form = "%d %b"
    elif seconds * count >= _DAY:
        form = "%d %b %H:%M"
    else:
        form = "%H:%M" if seconds >= 60 else "%H:%M:%S"
    begin = start.astimezone(UTC)
    return [(begin + every * place).astimezone(start.tzinfo).strftime(form) for place in range(_LABELS)]
