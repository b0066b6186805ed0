"""The pictures of the pages are shown somewhere, small, and say in words what they show."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "docs" / "images"
LARGEST = 200_000  # bytes; each clone of the repository holds every version
PNG = b"\x89PNG\r\n\x1a\n"


def shown() -> dict[Path, list[str]]:
    """Each picture that a page shows, with the words that stand for it."""
    found: dict[Path, list[str]] = {}
    for page in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md")):
        for words, path in re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
            found.setdefault((page.parent / path).resolve(), []).append(words)
    return found


def test_every_picture_is_shown_and_every_one_that_is_shown_is_there() -> None:
    assert set(shown()) == {picture.resolve() for picture in IMAGES.iterdir()}


def test_pictures_are_small_and_what_their_name_says() -> None:
    for picture in IMAGES.iterdir():
        content = picture.read_bytes()
        assert content.startswith(PNG), picture.name
        assert len(content) < LARGEST, picture.name


def test_every_picture_has_words_for_whoever_does_not_see_it() -> None:
    assert [picture.name for picture, words in shown().items() if min(map(len, words)) < 20] == []
