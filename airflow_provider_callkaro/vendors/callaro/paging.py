"""Paging: what an answer says about the other pages of its list.

No answer with a list is documented. Pages are counted (``meta.pages``), or an answer says that there is more
(``has_more``) or which page is next (``next_page``, ``next``), at its top, in ``data``, or under ``meta`` or
``pagination``. A cursor only means "there is more": it is not followed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from airflow_provider_callkaro.vendors.answers import whole_in

MORE = ("next_cursor", "next", "next_page", "has_more", "has_next")  # the vendor pages its calls by a cursor
_BESIDE = ("meta", "pagination")
_PAGES = ("pages", "total_pages", "last_page")
_TOTAL = ("total", "total_count")
_NEXT = ("next_page", "next")
_FLAGS = ("has_more", "has_next")


@dataclass(frozen=True, slots=True, kw_only=True)
class Paging:
    """What one page says about the others.

    :param pages: how many pages there are; None where it does not say.
    :param next_page: the number of the page that follows; None where it does not say.
    :param is_last: whether it says that no page follows; None where it says nothing about that.
    :param is_unclear: whether it says that there is more without naming a page.
    :param total: how many items the whole list has; None where it does not say.
    """

    pages: int | None = None
    next_page: int | None = None
    is_last: bool | None = None
    is_unclear: bool = False
    total: int | None = None

    @property
    def goes_on(self) -> bool:
        """Whether it says that there are more pages, other than by their number."""
        return self.is_last is False


def paging_of(answer: Mapping[str, object]) -> Paging:
    """Read what an answer says about the other pages of its list."""
    places = _places(answer)
    marks = {name: place[name] for place in reversed(places) for name in MORE if name in place}
    pages, total = _count(places, _PAGES, least=1), _count(places, _TOTAL, least=0)
    next_page = next((number for name in _NEXT if (number := _page_number(marks.get(name))) is not None), None)
    goes_on = next_page is not None or any(marks.values())
    unclear = goes_on and next_page is None and not any(marks.get(name) is True for name in _FLAGS)
    is_last = (not goes_on) if marks else None
    return Paging(pages=pages, next_page=next_page, is_last=is_last, is_unclear=unclear, total=total)


def _places(answer: Mapping[str, object]) -> list[Mapping[str, Any]]:
    data = answer.get("data")
    around = [answer, data if isinstance(data, dict) else {}]
    return around + [inner for place in around for name in _BESIDE if isinstance(inner := place.get(name), dict)]


def _count(places: list[Mapping[str, object]], names: tuple[str, ...], *, least: int) -> int | None:
    for place in places[2:]:  # beside the list only: elsewhere such a name is a figure of something else
        for name in names:
            value = whole_in(place.get(name))
            if value is not None and value >= least:
                return value
    return None


def _page_number(value: object) -> int | None:
    """The number of a page, also from a text or from the query of a link."""
    if (number := whole_in(value)) is not None:
        return number if number > 0 else None
    if not isinstance(value, str):
        return None
    text = value.strip()
    if "?" in text:
        try:
            text = parse_qs(urlsplit(text).query).get("page", [""])[0]
        except ValueError:
            return None
    return int(text) if text.isascii() and text.isdigit() and 0 < len(text) < 10 and int(text) > 0 else None
