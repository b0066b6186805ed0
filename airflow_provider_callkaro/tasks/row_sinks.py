"""What takes the outcome of each row: the report, the metrics, an operator's own watcher; and the end of the rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow_provider_callkaro.dispatch.report import RowSink
from airflow_provider_callkaro.dispatch.tally import RowOutcome


class _AllSinks:
    """Gives each row to several sinks."""

    def __init__(self, sinks: Sequence[RowSink]) -> None:
        self._sinks = sinks

    def add(self, row: RowOutcome) -> None:
        for sink in self._sinks:
            sink.add(row)


def one_sink(*sinks: RowSink | None) -> RowSink | None:
    """One sink that gives each row to all of these; None where there is none."""
    wanted = [sink for sink in sinks if sink is not None]
    return _AllSinks(wanted) if len(wanted) > 1 else next(iter(wanted), None)


def close_rows(rows: Any) -> None:
    """Close what the rows hold open where the run ended before the list."""
    close = getattr(rows, "close", None)
    if close is not None:
        close()
