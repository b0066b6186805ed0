"""The reports of all parts of a list as one report: each line once, in the order of the list, whole or not there."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from airflow_provider_callkaro.calls.outcome import Outcome
from airflow_provider_callkaro.dispatch.combining import CombinedSummary, PartSummary
from airflow_provider_callkaro.dispatch.report_columns import COLUMNS
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.files.reading.report_file import report_lines
from airflow_provider_callkaro.files.reading.row_order import in_row_order
from airflow_provider_callkaro.files.storage import connection_in, local_path, redacted_path, storage_of
from airflow_provider_callkaro.files.writing.result_file import ResultFile, file_format
from airflow_provider_callkaro.files.writing.write_check import check_writable

LONGEST_ROW = 18  # digits of the number of a row

log = logging.getLogger(__name__)


def check_place(path: str | None) -> None:
    """Refuse a place to which no report can be written, before the others are read. Raises ConfigurationError, naming
    the place and what is missing."""
    if path is None:
        return
    file_format(path, None)
    try:
        check_writable(path)
    except ConfigurationError as error:
        raise ConfigurationError(f"report_path: {error}") from None


def write_report(combined: CombinedSummary, path: str) -> int:
    """Read the report of every part, and write all lines to ``path``. What is there is replaced once all is written.

    :param path: where to, in the format of its ending: CSV, JSON Lines or Parquet.
    :return: how many lines it has.
    :raises ConfigurationError: a part has no report of its own, or one that does not have a line for each of its rows.
    :raises NotWritten: it cannot be written there.
    """
    sources = [(part, _report_of(part)) for part in combined.parts]
    places = [_place(source) for _, source in sources]
    if len(set(places)) != len(places):
        raise ConfigurationError(
            "two parts wrote their report to the same place, where the later replaced the earlier: give each its own, "
            'such as report_path="…/{{ ds }}-{{ ti.map_index }}.csv"'
        )
    if _place(path) in places:
        raise ConfigurationError("report_path is where a part has its report: give the combined report another place")
    lines = (line for part, source in sources for line in _lines(part, source))
    with ResultFile(path, kind=file_format(path, None)) as file:
        file.name_columns(COLUMNS)
        if combined.of_one_list:
            ordered = _Numbered(in_row_order(lines))
            file.add_all(ordered)
            if combined.whole and not ordered.is_list_of(combined.summary.total):
                log.warning(
                    "The rows of the parts are not the numbers 1 to %d, so the parts read the list in different orders "
                    "or at different states: a row that cannot be a call may be counted twice or not at all. Give the "
                    "list an order (order by …) and let it stand until all parts have ended",
                    combined.summary.total,
                )
        else:
            file.add_all(lines)
        file.publish()
        return file.rows


class _Numbered:
    """Lines in the order of their rows, and whether their numbers have no gap and no repetition."""

    def __init__(self, lines: Iterable[Mapping[str, Any]]) -> None:
        self._lines = lines
        self._last = 0
        self._is_gapless = True

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        for line in self._lines:
            self._is_gapless &= line["row"] == self._last + 1
            self._last = line["row"]
            yield line

    def is_list_of(self, rows: int) -> bool:
        """Whether the numbers were 1 to ``rows``, each once; asked at the end."""
        return self._is_gapless and self._last == rows


def _report_of(part: PartSummary) -> str:
    if part.report is None:
        raise ConfigurationError(f"{part.name} wrote no report: give the fan-out a report_path, or leave it out here")
    return part.report


def _lines(part: PartSummary, source: str) -> Iterator[Mapping[str, Any]]:
    """The lines of one part's report. Raises ConfigurationError if they are not those of its summary."""
    states: Counter[str] = Counter()
    for line in report_lines(source):
        states[str(line.get("state"))] += 1
        yield {**line, "row": _row_number(line.get("row"), source)}
    count, total = states.total(), part.counts["total"]
    if count > total or (count < total and not part.unread and not part.counts["pending"]):
        raise ConfigurationError(
            f"the report of {part.name} at {redacted_path(source)} has {count} lines and its summary counts {total} "
            "rows, so it is the report of another run: clear that part"
        )
    counted = {outcome.value: part.counts[outcome] for outcome in Outcome}
    if any(lines > counted.get(state, 0) for state, lines in states.items()):
        raise ConfigurationError(
            f"the report of {part.name} at {redacted_path(source)} has other outcomes than its summary counts, so it "
            "is the report of another run: clear that part"
        )


def _place(path: str) -> tuple[str, str, str]:
    """Where a report is, however its path is spelled: kind of storage, connection, name in it."""
    target = storage_of(path)
    if (local := local_path(target)) is not None:
        return "", "", str(local.resolve())
    return type(target.fs).__name__, connection_in(path) or "", str(target.fs._strip_protocol(target.path))


def _row_number(value: object, source: str) -> int:
    text = str(value)
    if isinstance(value, bool) or not text.isascii() or not text.isdecimal() or len(text) > LONGEST_ROW:
        raise ConfigurationError(f"{redacted_path(source)} has a line without the number of its row: it is no report")
    return int(text)
