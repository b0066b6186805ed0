"""The site that ``make docs`` builds: whole, without a broken link, and without a request to another host."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).parents[2]
LOADING = {
    ("script", "src"),
    ("img", "src"),
    ("link", "href"),
    ("iframe", "src"),
    ("source", "src"),
    ("form", "action"),
}

pytestmark = pytest.mark.skipif(find_spec("mkdocs") is None, reason="mkdocs is not installed: constraints/docs.txt")


class Page(HTMLParser):
    """What a built page links to, what it loads, and its anchors."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.anchors: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag == "link" and given.get("rel") == "canonical":
            return
        self.loads += [value for name, value in given.items() if (tag, name) in LOADING]
        self.loads += re.findall(r"url\(([^)]*)\)", given.get("style", ""))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The site, built into a folder from which it is then moved, beside an older version."""
    built = tmp_path_factory.mktemp("built")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(built / "0.2.0")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    moved = tmp_path_factory.mktemp("moved") / "anywhere"
    shutil.move(built, moved)
    return moved


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {path: Page(path) for path in sorted(site.rglob("*.html")) if path.name != "404.html"}


def test_the_scripts_of_the_theme_find_what_they_look_for(pages: dict[Path, Page]) -> None:
    """Seen in a browser: the switch of colours stopped at a missing sheet, and the contents at ``#1-a-warehouse``."""
    of_docs = {path: page for path, page in pages.items() if path.parent.name != "anywhere"}
    assert len(of_docs) > 30
    for path, page in of_docs.items():
        assert {"hljs-light", "hljs-dark"} <= page.anchors, path
        headings = re.findall(r'<h[1-6] id="([^"]*)"', path.read_text(encoding="utf-8"))
        assert all(name[:1].isalpha() for name in headings), path


def test_no_link_of_the_site_is_broken(site: Path, pages: dict[Path, Page]) -> None:
    broken = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            missing = not target.exists() or not target.is_relative_to(site.resolve())
            if missing or (parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors):
                broken.append((str(path.relative_to(site)), link))
    assert not broken
    assert len(pages) > 40


def test_no_page_loads_anything_from_another_host(site: Path, pages: dict[Path, Page]) -> None:
    loaded = {load for page in pages.values() for load in page.loads}
    loaded |= set(Page(site / "0.2.0" / "404.html").loads)
    for style in site.rglob("*.css"):
        loaded |= set(re.findall(r"(?:url\(|@import\s+)[\"']?([^\"')\s]+)", style.read_text(encoding="utf-8")))
    absolute = {load for load in loaded if re.match(r"(?:https?:)?//", load)}
    assert not absolute
    assert any(load.endswith(".css") for load in loaded)
    own = [script for page in pages.values() for script in page.loads if script.endswith(".js")]
    assert {urlsplit(script).path.rpartition("/")[2] for script in own} >= {
        "main.js",
        "base.js",
    }  # search, and the theme


def test_no_script_names_an_address_that_it_would_ask(site: Path) -> None:
    asked = re.compile(r"(?:fetch|open|importScripts|src\s*=|href\s*=)\s*\(?\s*[\"'`](?:https?:)?//", re.IGNORECASE)
    assert not [str(path) for path in site.rglob("*.js") if asked.search(path.read_text(encoding="utf-8"))]


def test_it_is_searched_and_has_two_colours(site: Path) -> None:
    version = site / "0.2.0"
    index = (version / "search" / "search_index.json").read_text(encoding="utf-8")
    assert "ledger_scope" in index
    front = (version / "index.html").read_text(encoding="utf-8")
    assert "theme-menu" in front
    assert "[data-bs-theme=dark] .codehilite" in (version / "site.css").read_text(encoding="utf-8")


def test_every_page_is_there_as_text_and_listed(site: Path, pages: dict[Path, Page]) -> None:
    version = site / "0.2.0"
    listed = re.findall(r"\]\(([^)]+)\)", (version / "llms.txt").read_text(encoding="utf-8"))
    assert len(listed) > 30
    assert not [place for place in listed if not (version / place).exists()]
    for path in pages:
        if path.parent != site and path.name not in ("search.html",):
            text = path.with_suffix(".md")
            assert text.exists() or (path.name == "index.html" and path.with_name("README.md").exists()), path
    assert (site / "index.html").read_text(encoding="utf-8").count("<li>") == 1


def test_a_text_page_links_to_text_pages(site: Path) -> None:
    version = site / "0.2.0"
    for path in version.rglob("*.md"):
        for link in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", path.read_text(encoding="utf-8")):
            assert (path.parent / link).exists(), (path.name, link)


def test_a_page_shows_its_text_and_nothing_before_it(site: Path, pages: dict[Path, Page]) -> None:
    for path in pages:
        if path.parent != site and path.name != "search.html":
            shown = path.read_text(encoding="utf-8").partition('role="main">')[2].split()
            assert shown[0].startswith("<h1"), path


def test_the_drawings_are_drawn_without_a_script(site: Path) -> None:
    page = (site / "0.2.0" / "architecture.html").read_text(encoding="utf-8")
    assert "flowchart" not in page
    assert "sequenceDiagram" not in page
    assert page.count("callkaro-layer") >= 7
