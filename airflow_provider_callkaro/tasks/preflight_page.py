"""The preflight report as one HTML page that needs nothing else: no script, no font, no picture from anywhere.

The page says so itself: its content security policy lets a browser load nothing, run nothing, and take no style but the
one whose digest it names. Whatever a name in it should contain, it stays text. That is why the bars have classes: a
style attribute would need a policy that allows them all.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date
from pathlib import Path

from airflow_provider_callkaro.dispatch.preflight_report import PreflightReport
from airflow_provider_callkaro.files.writing.publishing import published

TEMPLATE = Path(__file__).with_suffix(".html")
STYLE = Path(__file__).with_suffix(".css")


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """The calls of one day. ``hours``: 24 figures, from midnight on."""

    day: date
    hours: tuple[int, ...]

    @property
    def busiest(self) -> int:
        """The hour with most calls."""
        return self.hours.index(max(self.hours))


def page(report: PreflightReport, *, title: str) -> str:
    """The page. ``title``: what would be run, as the reader knows it."""
    from jinja2 import Environment

    style = _style()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    template = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(
        TEMPLATE.read_text("utf-8")
    )
    return template.render(
        style=style,
        policy=f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
        share=_share,
        title=title,
        report=report,
        made_at=f"{report.made_at.astimezone(UTC):%a %d %b %Y %H:%M} UTC",
        days=_days(report),
        peak=max(report.hours.values(), default=1),
        tables=(("Where", report.zones), ("Why not, or not now", report.reasons)),
    )


def write_page(path: str, report: PreflightReport, *, title: str) -> None:
    """Write the page to its place, local or in object storage, replacing what stood there. Raises NotWritten if it
    cannot be written there; what stood there before still stands."""
    with published(path) as file:
        file.write(page(report, title=title).encode("utf-8"))


def _style() -> str:
    shares = "".join(f".p{percent} {{ --share: {percent}%; }}\n" for percent in range(101))
    return STYLE.read_text("utf-8") + shares


def _share(part: int, whole: int) -> str:
    """The class of a bar."""
    return f"p{round(100 * part / whole)}"


def _days(report: PreflightReport) -> list[Day]:
    """The hours by local day; the hour that comes twice when clocks go back is one bar."""
    days: dict[date, Counter[int]] = {}
    for hour, calls in report.hours.items():
        local = hour.astimezone(report.zone)
        days.setdefault(local.date(), Counter())[local.hour] += calls
    return [Day(day=day, hours=tuple(calls[hour] for hour in range(24))) for day, calls in days.items()]
