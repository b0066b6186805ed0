"""What is long: a list of Callaro's, page after page to its end, and a file that goes there, up to a bound.

Half a list is never taken for the whole, and half a file is never sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from airflow_provider_callkaro.calls.outcome import Reason
from airflow_provider_callkaro.exceptions import ConfigurationError, OutcomeUnknown
from airflow_provider_callkaro.vendors.callaro.answers import Page
from airflow_provider_callkaro.vendors.callaro.api import Callaro

MOST_BYTES = 64 << 20  # of a file that is sent; ours: the vendor's limit is not documented
_PIECE = 1 << 20  # bytes read at once


def bounded(file: BinaryIO) -> bytes:
    """What a file holds.

    :raises ConfigurationError: it is longer than `MOST_BYTES`, or empty.
    """
    content = bytearray()
    while piece := file.read(_PIECE):
        content += piece
        if len(content) > MOST_BYTES:
            raise ConfigurationError(
                f"the file of contacts is longer than {MOST_BYTES >> 20} MiB: import it in parts, nothing was sent"
            )
    if not content:
        raise ConfigurationError("the file of contacts is empty: nothing was sent")
    return bytes(content)


def every_item(ask_for: Callable[[int], Page], *, most_pages: int) -> Iterator[dict[str, Any]]:
    """What a list holds, until it says that this was the last page, has an empty one, or begins anew.

    :param ask_for: asks for one page, by its number from 1.
    :param most_pages: how many pages are read at most.
    :raises OutcomeUnknown: it ends although it says that it goes on, or goes on in a way that is not understood.
    :raises ConfigurationError: it has more pages than that.
    """
    beginnings: list[Any] = []
    number, came, pages, total, goes_on = 1, 0, None, None, False
    for _ in range(most_pages):
        page = ask_for(number)
        paging = page.paging
        pages = paging.pages if paging.pages is not None else pages
        total = paging.total if paging.total is not None else total
        beginning = (page.items[0].get("id") or page.items[0]) if page.items else None
        if not page.items or beginning in beginnings:
            if (pages is not None and number <= pages) or paging.goes_on or (goes_on and paging.is_last is not True):
                raise _half()
            break
        beginnings.append(beginning)
        yield from page.items
        came += len(page.items)
        if paging.is_unclear and pages is None:
            raise _half()
        if (pages is not None and number >= pages and paging.next_page is None) or paging.is_last:
            break
        follows = paging.next_page if paging.next_page is not None else number + 1
        if follows <= number:
            raise _half()
        number, goes_on = follows, paging.goes_on
    else:
        raise ConfigurationError(f"the list has more than {most_pages:,} pages: ask for more at once, with per_page")
    if total is not None and came < total:
        raise _half()


def _half() -> OutcomeUnknown:
    return OutcomeUnknown(
        f"{Callaro.name} says that its list goes on, in a way that is not understood (a cursor?), or gives less of it "
        "than it says there is: half a list is not used",
        vendor=Callaro.name,
        reason=Reason.UNREADABLE_ANSWER,
    )
