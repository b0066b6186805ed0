"""The rows of a list with at most ``max_rows``: counted before the first call is placed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from airflow.providers.common.compat.sdk import AirflowFailException, Context

from airflow_provider_callkaro.dispatch.limits import Stop
from airflow_provider_callkaro.exceptions import RunIncomplete
from airflow_provider_callkaro.sources.contract import ContactRow, ContactSource

_BETWEEN_LOOKS = 1_000  # rows counted between two looks at whether Airflow ends the run


def rows_within(
    contacts: ContactSource, context: Context, *, length: int | None, max_rows: int, stop: Stop, log: logging.Logger
) -> Iterator[ContactRow]:
    """The rows of a source, once it is certain that there are not too many.

    This reads a source that does not know its length twice: first to count, no further than one row too many. If the
    source has grown since, the counted number of rows comes, and then the error. A source that gives its rows only
    once (a queue, a query that deletes what it returns) has lost them to the counting.

    :param length: how many rows the source says it has; None where only reading it would tell.
    :raises AirflowFailException: there are more than ``max_rows``, or none came at the second reading; a retry would
        change nothing.
    :raises RunIncomplete: the run was asked to end while the rows were counted.
    """
    total = length
    if total is None:
        log.info("Counting the rows before the first call, because max_rows is %d", max_rows)
        with _rows(contacts, context) as counted:
            total = _count(counted, up_to=max_rows + 1, stop=stop)
        if total <= max_rows:
            log.info("The list has %d rows", total)
    if total > max_rows:
        raise AirflowFailException(
            f"the list has more rows than max_rows={max_rows}, so this try rings nobody: look at where the contacts "
            "come from, or set max_rows to what the list is meant to have"
        )
    number = 0
    with _rows(contacts, context) as rows:
        for number, row in enumerate(rows, start=1):
            if number > max_rows:
                raise AirflowFailException(
                    f"the list has grown since it was counted, and has more rows than max_rows={max_rows}: nobody "
                    "behind that row is rung. Look at where the contacts come from"
                )
            yield row
    if total and not number:
        raise AirflowFailException(
            f"the list had {total} rows when they were counted for max_rows, and none when they were to be rung: "
            "nobody was rung. Give a source that can be read twice, such as a table or a file that holds them"
        )
    if number < total:
        log.warning("The list had %d rows when they were counted, and %d when they were read", total, number)


def _count(rows: Iterator[ContactRow], *, up_to: int, stop: Stop) -> int:
    count = 0
    for count, _ in enumerate(rows, start=1):
        if count >= up_to:
            break
        if count % _BETWEEN_LOOKS == 0 and stop.why is not None:
            raise RunIncomplete(f"the run ended while its rows were counted ({stop.why}): nobody was rung")
    return count


@contextmanager
def _rows(contacts: ContactSource, context: Context) -> Iterator[Iterator[ContactRow]]:
    """The rows, closed however the reading ends."""
    rows = contacts.rows(context)
    try:
        yield rows
    finally:
        close: Callable[[], None] | None = getattr(rows, "close", None)
        if close is not None:
            close()
