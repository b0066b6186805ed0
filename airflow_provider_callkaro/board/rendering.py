"""The templates, and what a browser is told of each page: load nothing from elsewhere, run nothing but one script.

Every value is escaped, whatever it holds. No page has an inline style, because a policy that allows one allows all.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'"
)


def board_page(template: str, *, base: str, **values: Any) -> str:
    """A page of the board. ``base``: the path under which the board is mounted."""
    text: str = _environment().get_template(template).render(base=base, policy=None, **values)
    return text


def standalone_page(template: str, **values: Any) -> str:
    """A page that needs nothing but itself. It says so itself: its policy names the digest of its style."""
    style = (FOLDER / "board.css").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    text: str = _environment().get_template(template).render(base="", policy=policy, style=style, **values)
    return text


@cache
def _environment() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters.update(figure=_figure, moment=_moment, second=_second, span=_span)
    return environment


def _figure(count: int) -> str:
    return f"{count:,}"


def _moment(instant: datetime) -> str:
    zone = "UTC" if instant.tzinfo is UTC else str(instant.tzinfo)
    return f"{instant:%d %b %Y %H:%M} {zone}"


def _second(instant: datetime) -> str:
    return f"{instant:%H:%M:%S}"


def _span(seconds: int) -> str:
    """A number of seconds in words: '15 seconds', 'minute', '10 minutes', 'hour'."""
    for unit, name in ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")):
        if seconds % unit == 0:
            count = seconds // unit
            return name if count == 1 else f"{count} {name}s"
    raise AssertionError("unreachable")
