"""What the pages point at is there: files that they name, and links between them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "airflow_provider_callkaro"
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "benchmarks" / "README.md"])
NAMED = re.compile(r"`([\w./-]+/(?:[\w.-]+\.(?:py|md|toml|yml))?)`")
LINK = re.compile(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)")
TO_BE_MADE = re.compile(r"\b(?:ringer|hours\.toml|dags|site)\b")  # what a page tells its reader to write


def anchors(page: Path) -> set[str]:
    """Of the headings, as repository hosts make them: small letters, hyphens for blanks, no punctuation."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_page_names_a_file_that_is_not_there(page: Path) -> None:
    """Of the repository, of the package, as in ``dispatch/job.py``, or beside the page."""
    named = [path for path in NAMED.findall(page.read_text(encoding="utf-8")) if not TO_BE_MADE.search(path)]
    missing = [path for path in named if not any((place / path).exists() for place in (ROOT, PACKAGE, page.parent))]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    for path, anchor in LINK.findall(page.read_text(encoding="utf-8")):
        target = page.parent / path if path else page
        assert target.exists(), path
        if anchor:
            assert anchor in anchors(target), f"{path}#{anchor}"
