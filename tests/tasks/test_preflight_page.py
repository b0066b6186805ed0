"""The preflight page is a page that somebody opens in a browser: nothing in it may become anything but text."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import pytest

from airflow_provider_callkaro.dispatch.preflight_report import PreflightReport, Price
from airflow_provider_callkaro.tasks.preflight_page import page

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
HOSTILE = '"><script>alert(1)</script><style>*{color:red}</style><img src=x onerror=alert(1)>{{ 7 * 191 }}<!--'


class Page(HTMLParser):
    """The elements of a page with their attributes, and what its style says."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, Any]]] = []
        self.styles = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))


@pytest.fixture(params=["Renewals", HOSTILE], ids=["ordinary", "hostile"])
def text(request: pytest.FixtureRequest) -> str:
    name = request.param
    report = PreflightReport(
        made_at=NOW,
        total=7,
        would_ring=6,
        rejected=1,
        skipped=0,
        held=0,
        settled=0,
        reasons={name: 1},
        zones={name: 5, "Asia/Kolkata": 1},
        hours={NOW: 4, NOW.replace(hour=12): 2},
        later=0,
        never=0,
        zone=UTC,
        ends_at=NOW,
        pace=1.0,
        price=Price(per_minute=1, minutes_per_call=1, currency=name),
    )
    return page(report, title=name)


def test_a_browser_is_told_to_load_and_run_nothing(text: str) -> None:
    told = Page(text)
    policies = [
        attributes["content"]
        for _, attributes in told.elements
        if attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    digest = base64.b64encode(hashlib.sha256(told.styles[0].encode()).digest()).decode()
    assert policies == [
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"  # and so no scripts
    ]
    tags = [tag for tag, _ in told.elements]
    assert tags.index("meta") < tags.index("style")
    assert text.index("Content-Security-Policy") < text.index("<style>")


def test_the_policy_blocks_nothing_that_the_page_needs(text: str) -> None:
    told = Page(text)
    assert len(told.styles) == sum(tag == "style" for tag, _ in told.elements) == 1
    assert not [name for _, attributes in told.elements for name in attributes if name in ("style", "src", "href")]
    bars = {attributes["class"] for tag, attributes in told.elements if tag == "i"} - {"none"}
    assert bars == {"p100", "p50", "p20"}
    assert all(re.search(rf"^\.{bar} {{ --share: {bar[1:]}%; }}$", told.styles[0], re.MULTILINE) for bar in bars)


def test_names_stay_text(text: str) -> None:
    told = Page(text)
    assert not {tag for tag, _ in told.elements} & {"script", "img", "iframe", "object", "link", "form", "a", "svg"}
    assert not [name for _, attributes in told.elements for name in attributes if name.startswith("on")]
    assert "1337" not in text
