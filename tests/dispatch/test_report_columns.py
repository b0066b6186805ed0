"""A line of the report carries the user's own key of its row, and never a number that nobody asked for."""

from __future__ import annotations

import csv
import json
import logging
from datetime import date
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from placing_calls import AGENT, Caller, numbers
from test_report import Both

from airflow_provider_callkaro.calls.outcome import Outcome
from airflow_provider_callkaro.dispatch.intake import Intake
from airflow_provider_callkaro.dispatch.limits import Shard
from airflow_provider_callkaro.dispatch.report import Report, report_format
from airflow_provider_callkaro.dispatch.report_columns import COLUMNS, ReportColumns
from airflow_provider_callkaro.dispatch.tally import RowOutcome
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.files.writing.spreadsheet import cell_text, plain_cell

NUMBER, OTHER = numbers(2)


def report_at(path: Path, columns: ReportColumns) -> Report:
    return Report(kind=report_format(str(path)), open_target=lambda: path.open("wb"), columns=columns)


def lines_of(path: Path) -> list[dict[str, object]]:
    with path.open(newline="", encoding="utf-8") as text:
        return list(csv.DictReader(text)) if path.suffix == ".csv" else [json.loads(line) for line in text]


def written(path: Path, columns: ReportColumns, rows: list[object]) -> list[dict[str, object]]:
    """The report of these rows, whose outcomes come in the reverse order."""
    report = report_at(path, columns)
    for place, row in enumerate(rows, start=1):
        columns.keep(place, row)
    for place in reversed(range(1, len(rows) + 1)):
        report.add(RowOutcome(row_number=place, outcome=Outcome.ACCEPTED, call_id=f"call-{place}"))
    report.publish()
    report.close()
    return sorted(lines_of(path), key=lambda line: int(str(line["row"])))


@pytest.fixture(params=["calls.csv", "calls.jsonl"])
def path(request, tmp_path) -> Path:
    return tmp_path / request.param


def test_each_line_has_the_key_of_its_own_row_whatever_order_the_answers_have(caller: Caller, path) -> None:
    rows = [
        {"to_number": number, "agent_id": AGENT, "customer_id": f"C-{place}", "call_key": f"k{place}"}
        for place, number in enumerate(numbers(60), start=1)
    ]
    rows.append({"to_number": "junk", "agent_id": AGENT, "customer_id": "C-61", "call_key": "k61"})
    columns = ReportColumns(["customer_id", "call_key"])
    report = report_at(path, columns)
    summary = caller.place(rows, report=Both(report), on_row=columns.keep).summary
    report.publish()
    report.close()
    assert (summary.accepted, summary.rejected) == (60, 1)
    lines = lines_of(path)
    assert {tuple(line) for line in lines} == {(*COLUMNS, "customer_id", "call_key")}
    assert {(int(str(line["row"])), line["customer_id"], line["call_key"]) for line in lines} == {
        (place, f"C-{place}", f"k{place}") for place in range(1, 62)
    }
    ids = {ring.metadata["customer_id"]: ring.call_id for ring in caller.sandbox.rings}
    assert {line["customer_id"]: line["call_id"] for line in lines if line["state"] == "accepted"} == ids
    assert not any(number in path.read_text() for number in numbers(60))


@pytest.mark.parametrize(
    ("wanted", "column_map", "row", "expected"),
    [
        (["customer_id"], None, {"to_number": NUMBER, "CUSTOMER_ID": 7}, {"customer_id": 7}),
        (["call_key"], {"customer_id": "call_key"}, {"to_number": NUMBER, "customer_id": "C"}, {"call_key": "C"}),
        ({"state": "home_state"}, None, {"to_number": NUMBER, "state": "Goa"}, {"home_state": "Goa"}),
        (["to_number"], None, {"to_number": NUMBER}, {"to_number": NUMBER}),
        (["to_number"], {"phone": "to_number"}, {"phone": NUMBER}, {"to_number": NUMBER}),
        (["to_number"], None, NUMBER, {"to_number": NUMBER}),
        (["day"], None, {"to_number": NUMBER, "day": date(2026, 6, 1)}, {"day": "2026-06-01"}),
        (["debt"], None, {"to_number": NUMBER, "debt": Decimal("12.00")}, {"debt": "12.00"}),
        (["id"], None, {"to_number": NUMBER, "id": UUID(int=7)}, {"id": str(UUID(int=7))}),
        (["id"], None, {"to_number": NUMBER, "id": 17.0}, {"id": 17}),  # of a data frame with gaps
        (["id"], None, {"to_number": NUMBER, "id": float("nan")}, {"id": None}),
        (["tags"], None, {"to_number": NUMBER, "tags": ["a", 1]}, {"tags": ["a", 1]}),
    ],
)
def test_a_column_is_found_by_its_name_and_written_as_the_list_has_it(wanted, column_map, row, expected, path) -> None:
    [line] = written(path, ReportColumns(wanted, column_map=column_map), [row])
    own = {name: value for name, value in line.items() if name not in COLUMNS}
    if path.suffix == ".csv":
        texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in expected.items()}
        expected = {name: "" if text in ("", "null") else text.replace(", ", ",") for name, text in texts.items()}
    assert own == expected


def test_no_number_gets_into_a_report_that_does_not_ask_for_it_by_name() -> None:
    with pytest.raises(ConfigurationError, match=r'names phone, which column_map makes the number.*"to_number"'):
        ReportColumns(["phone"], column_map={"Phone": "to_number"})


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ("customer_id", "report_columns must be a list of names"),
        ([""], "report_columns holds what is no name"),
        ([7], "report_columns holds what is no name"),
        (["id", "ID"], "report_columns names a column twice"),
        (["State"], r'second column state.*report_columns=\{"state": "list_state"\}'),
        ({"id": "row"}, "second column row"),
        ({"id": "key", "other": "Key"}, "two columns the same name"),
        ({"id": 7}, "gives a column a name that is none"),
        ({"id": "a\nb"}, "gives a column a name that is none"),
        ([f"c{place}" for place in range(51)], "more than 50 columns"),
    ],
)
def test_names_that_cannot_work_are_refused_in_one_sentence(columns, words) -> None:
    with pytest.raises(ConfigurationError, match=words):
        ReportColumns(columns)


def test_a_misspelt_column_ends_the_run_before_the_first_call(caller: Caller) -> None:
    rows = [{"to_number": NUMBER, "agent_id": AGENT, "customer_id": "C-1"}]
    columns = ReportColumns(["custmer_id"])
    with pytest.raises(ConfigurationError, match=r"names custmer_id, which .* do not have; did you mean customer_id\?"):
        caller.place([None, *rows], on_row=columns.keep)
    assert caller.sandbox.rings == []


def test_a_row_that_lacks_a_column_which_the_first_had_leaves_it_empty(path) -> None:
    rows = [{"to_number": NUMBER, "id": "1"}, {"to_number": NUMBER}, None, {"id": "4"}]
    lines = written(path, ReportColumns(["id"]), rows)
    assert [line["id"] or None for line in lines] == ["1", None, None, "4"]


def test_a_value_that_no_report_can_show_costs_its_cell_and_one_line_of_the_log(path, caplog) -> None:
    rows = [{"id": b"\xff\x00", "to_number": NUMBER}, {"id": b"\xff\x01", "to_number": NUMBER}]
    with caplog.at_level(logging.WARNING):
        lines = written(path, ReportColumns(["id"]), rows)
    assert [line["id"] or None for line in lines] == [None, None]
    [said] = caplog.messages
    assert said == "Column id of the report holds values that it cannot show (bytes)"


def test_only_rows_on_their_way_are_held() -> None:
    columns, held = ReportColumns(["id"]), 0
    intake = Intake(
        rows=({"to_number": NUMBER, "id": place} for place in range(1000)),
        read=lambda row: _Call(str(row["id"])),  # type: ignore[arg-type,index]
        shard=Shard(index=0, count=4),
        on_row=columns.keep,
    )
    while (job := intake.next()) is not None:
        held = max(held, len(columns._kept))
        assert isinstance(columns.take(job.row_number)[0], int)
    assert held == 1


class _Call:
    """As much of a call as the intake looks at."""

    def __init__(self, key: str) -> None:
        self.key = self.to_number = key


@given(text=st.text(st.sampled_from("'=+-@;\t\n\r \"a1") | st.characters(exclude_categories=["Cs"])))
def test_a_key_that_looks_like_a_formula_is_found_again_in_its_cell(text) -> None:
    assert cell_text(plain_cell(text)) == text
