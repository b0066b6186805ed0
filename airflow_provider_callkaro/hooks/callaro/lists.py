"""A list of Callaro's, page after page to its end. Half a list is never taken for the whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from airflow_provider_callkaro.calls.outcome import Reason
from airflow_provider_callkaro.exceptions import ConfigurationError, OutcomeUnknown
from airflow_provider_callkaro.vendors.callaro.answers import Page
from airflow_provider_callkaro.vendors.callaro.api import Callaro


def every_item(ask_for: Callable[[int], Page], *, most_pages: int) -> Iterator[dict[str, Any]]:
    """The items of a list, until a page says that it is the last one, is empty, or repeats an earlier one.

    :param ask_for: asks for one page, by its number from 1.
    :param most_pages: how many pages are read at most.
    :raises OutcomeUnknown: the list ends although it says that it goes on, or says so in a way that is not understood.
    :raises ConfigurationError: it has more pages than that.
    """
    first_items: list[object] = []  # of each page: one that is met again means that the list begins anew
    number, count, pages, total, goes_on = 1, 0, None, None, False
    for _ in range(most_pages):
        page = ask_for(number)
        paging = page.paging
        pages = paging.pages if paging.pages is not None else pages
        total = paging.total if paging.total is not None else total
        first_item = (page.items[0].get("id") or page.items[0]) if page.items else None
        if not page.items or first_item in first_items:
            if (pages is not None and number <= pages) or paging.goes_on or (goes_on and paging.is_last is not True):
                raise _incomplete()
            break
        first_items.append(first_item)
        yield from page.items
        count += len(page.items)
        if paging.is_unclear and pages is None:
            raise _incomplete()
        if (pages is not None and number >= pages and paging.next_page is None) or paging.is_last:
            break
        next_number = paging.next_page if paging.next_page is not None else number + 1
        if next_number <= number:
            raise _incomplete()
        number, goes_on = next_number, paging.goes_on
    else:
        raise ConfigurationError(f"the list has more than {most_pages:,} pages: ask for more at once, with per_page")
    if total is not None and count < total:
        raise _incomplete()


def _incomplete() -> OutcomeUnknown:
    return OutcomeUnknown(
        f"{Callaro.name} says that its list goes on, in a way that is not understood (a cursor?), or gives less of it "
        "than it says there is: half a list is not used",
        vendor=Callaro.name,
        reason=Reason.UNREADABLE_ANSWER,
    )
