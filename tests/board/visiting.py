"""A visitor of the board without a browser: asks for a page, and reads the figures on it."""

from __future__ import annotations

import http.client
import re
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser
from urllib.parse import quote

BOARD = "/callkaro/board"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said."""

    status: int
    headers: dict[str, str]
    text: str


def visit(port: int, path: str, *, token: str | None = None) -> Answer:
    """Ask for a page below the board."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        headers = {"Accept": "text/html"} | ({"Authorization": f"Bearer {token}"} if token else {})
        connection.request("GET", f"{BOARD}{path}", headers=headers)
        response = connection.getresponse()
        text = response.read().decode()
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, text)
    finally:
        connection.close()


def run_path(dag_id: str, run_id: str, *, kind: str = "runs", task_id: str | None = None) -> str:
    """The path of the page of a run."""
    task = "" if task_id is None else f"/tasks/{task_id}"
    return f"/dags/{dag_id}/{kind}/{quote(run_id, safe='')}{task}"


def steps(page: str) -> dict[str, int]:
    """The funnel: name and count of each step."""
    found = re.findall(r'<span class="name">(.*?)</span>\s*<span class="count">([\d,]+)</span>', page)
    return {name.lower(): int(count.replace(",", "")) for name, count in found}


def tables(page: str) -> dict[str, dict[str, int]]:
    """What is counted beside the funnel, by heading."""
    parts = re.findall(r'<section class="reasons">\s*<h3>(.*?)</h3>(.*?)</section>', page, re.DOTALL)
    row = re.compile(r'<td>(.*?)</td><td class="number">([\d,]+)</td>')
    return {
        heading: {unescape(name): int(count.replace(",", "")) for name, count in row.findall(body)}
        for heading, body in parts
    }


@dataclass
class Elements(HTMLParser):
    """The elements of a page with their attributes."""

    text: str
    found: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
