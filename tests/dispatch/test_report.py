"""The report has one line per contact row: complete, or not there at all."""

from __future__ import annotations

import csv
import io
import json
import logging
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from placing_calls import numbers, rows

from airflow_provider_callkaro.calls.outcome import Outcome, Reason
from airflow_provider_callkaro.dispatch.report import COLUMNS, Report, report_format
from airflow_provider_callkaro.dispatch.tally import RowOutcome
from airflow_provider_callkaro.exceptions import ConfigurationError, NotWritten
from airflow_provider_callkaro.files.writing.spreadsheet import plain_cell


def report_at(path: Path) -> Report:
    return Report(kind=report_format(str(path)), open_target=lambda: path.open("wb"))


def lines_of(path: Path) -> list[dict[str, str | None]]:
    """The report's lines, in the order of the rows; what is empty is None in either format."""
    with path.open(newline="", encoding="utf-8") as text:
        if path.suffix == ".csv":
            found = [{name: value or None for name, value in line.items()} for line in csv.DictReader(text)]
        else:
            found = [json.loads(line) for line in text]
    for line in found:
        assert tuple(line) == COLUMNS
        line["row"] = int(line["row"])
    return sorted(found, key=lambda line: line["row"])


@pytest.fixture(params=["calls.csv", "calls.jsonl"])
def path(request, tmp_path) -> Path:
    return tmp_path / request.param


def test_the_report_has_a_line_for_every_row_with_its_state_reason_and_call_id(caller, path) -> None:
    caller.sandbox.fault("rejected", first=1)
    caller.sandbox.fault("drop_answer_after_accepting", after=1, first=1)
    report = report_at(path)
    caller.place([*rows(3), numbers(1)[0], {"to_number": "junk"}], report=Both(report))
    report.publish()
    report.close()
    lines = {line["row"]: line for line in lines_of(path)}
    call_ids = {ring.to_number: ring.call_id for ring in caller.sandbox.rings}
    assert len(lines) == 5
    states = sorted((line["state"], line["reason"]) for row, line in lines.items() if row <= 3)
    assert states == sorted(
        [("accepted", None), ("rejected", "vendor_rejected"), ("unknown", "no_answer")], key=lambda pair: pair[0]
    )
    for row, number in enumerate(numbers(3), start=1):
        assert lines[row]["call_id"] == (call_ids[number] if lines[row]["state"] == "accepted" else None)
        assert number not in str(lines[row])
    assert (lines[4]["state"], lines[4]["reason"]) == ("skipped", "duplicate")
    assert (lines[5]["state"], lines[5]["reason"]) == ("rejected", "bad_number")


def test_a_run_that_was_cut_short_and_went_on_ends_in_one_complete_report(durable_caller, path) -> None:
    def cut_short():
        for index, row in enumerate(rows(80)):
            if index == 50:
                raise KeyboardInterrupt
            yield row

    first = report_at(path)
    with pytest.raises(KeyboardInterrupt):
        durable_caller.place(cut_short(), report=Both(first))
    first.close()
    assert not path.exists()
    second = report_at(path)
    durable_caller.place(rows(80), report=Both(second))
    second.publish()
    second.close()
    lines = lines_of(path)
    assert [line["row"] for line in lines] == list(range(1, 81))
    assert {line["state"] for line in lines} == {"accepted"}
    call_ids = {ring.to_number: ring.call_id for ring in durable_caller.sandbox.rings}
    assert [line["call_id"] for line in lines] == [call_ids[number] for number in numbers(80)]


def test_publishing_replaces_what_stood_there(path) -> None:
    path.write_text("yesterday's report, which was much longer than today's\n" * 100)
    report = report_at(path)
    report.publish()
    report.close()
    assert lines_of(path) == []


def test_a_report_larger_than_memory_is_complete(path) -> None:
    report = report_at(path)
    for number in range(1, 30_001):
        report.add(RowOutcome(row_number=number, outcome=Outcome.ACCEPTED, call_id=f"call-{number}", detail="ह" * 20))
    report.publish()
    report.close()
    lines = lines_of(path)
    assert [(line["row"], line["call_id"]) for line in lines] == [(n, f"call-{n}") for n in range(1, 30_001)]


@contextmanager
def full_disk(*, after: int) -> Iterator[None]:
    """No file can grow beyond so many bytes: what a full disk does to a long one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (after, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


MANY = 30_000  # rows, more than are kept in memory


def test_a_full_disk_for_temporary_files_costs_the_report_and_no_row(path, caplog) -> None:
    path.write_text("yesterday's report")
    report = report_at(path)
    with caplog.at_level(logging.ERROR), full_disk(after=1_500_000):
        for number in range(1, MANY + 1):
            report.add(RowOutcome(row_number=number, outcome=Outcome.ACCEPTED, detail="+919876543210" * 20))
    with pytest.raises(NotWritten, match=r"not published.*File too large") as caught:
        report.publish()  # there is room again by now, but lines are missing
    report.close()
    assert path.read_text() == "yesterday's report"
    assert "98765" not in str(caught.value) + caplog.text
    [said] = caplog.messages
    assert "cannot be gathered" in said


def test_a_disk_that_is_full_only_at_the_end_is_noticed_too(path) -> None:
    opened = []
    report = Report(kind=report_format(str(path)), open_target=lambda: opened.append(path))
    for number in range(1, MANY + 1):
        report.add(RowOutcome(row_number=number, outcome=Outcome.ACCEPTED, detail="x" * 70))
    with full_disk(after=1_000), pytest.raises(NotWritten, match=r"not published.*File too large"):
        report.publish()  # some lines are still held in memory, and find no room
    report.close()
    assert opened == []


def test_a_place_that_fails_at_the_end_is_one_clear_error_without_its_own_words(path) -> None:
    def fails():
        raise PermissionError(13, "denied to key SECRET", str(path))

    report = Report(kind="csv", open_target=fails)
    report.add(RowOutcome(row_number=1, outcome=Outcome.ACCEPTED))
    with pytest.raises(NotWritten, match=r"cannot be published.*Permission denied") as caught:
        report.publish()
    report.close()
    assert "SECRET" not in str(caught.value)


def test_half_a_character_from_a_vendor_costs_no_report(path) -> None:
    report = report_at(path)
    report.add(RowOutcome(row_number=1, outcome=Outcome.ACCEPTED, call_id="call-\ud83d"))
    report.publish()
    report.close()
    [line] = lines_of(path)
    assert line["call_id"].startswith("call-")


@given(detail=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0"), min_size=1))
def test_whatever_the_vendor_says_stays_in_its_field(detail) -> None:
    for kind in ("csv", "jsonl"):
        target = _Kept()
        report = Report(kind=kind, open_target=lambda target=target: target)
        row = RowOutcome(row_number=1, outcome=Outcome.REJECTED, reason=Reason.VENDOR_REJECTED, detail=detail)
        report.add(row)
        report.publish()
        report.close()
        text = target.content.decode()
        [line] = csv.DictReader(io.StringIO(text, newline="")) if kind == "csv" else [json.loads(text)]
        assert line["detail"] == (plain_cell(detail) if kind == "csv" else detail)
        assert line["state"] == "rejected"


@pytest.mark.parametrize("path", ["report", "report.txt", "report.csv.gz", ""])
def test_a_path_that_does_not_say_the_format_is_refused(path) -> None:
    with pytest.raises(ConfigurationError, match="report_path"):
        report_format(path)


@pytest.mark.parametrize(("path", "kind"), [("a.CSV", "csv"), ("s3://b/c.jsonl", "jsonl"), ("/d/e.ndjson", "jsonl")])
def test_the_ending_of_the_path_says_the_format(path, kind) -> None:
    assert report_format(path) == kind


class Both:
    """Notes the rows for the checks of every run, and hands them to the report as well."""

    def __init__(self, report: Report) -> None:
        self.rows: list[RowOutcome] = []
        self._report = report

    def add(self, row: RowOutcome) -> None:
        self.rows.append(row)
        self._report.add(row)


class _Kept(io.BytesIO):
    """A file whose content can be looked at after it was closed."""

    content = b""

    def close(self) -> None:
        self.content = self.getvalue()
        super().close()
