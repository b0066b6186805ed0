"""Rows from Excel: what the sheet shows, exactly, and no row that it holds is lost or rung by mistake."""

from __future__ import annotations

import io
import itertools
import tracemalloc
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from workbooks import DATE, MOMENT, PHONE, SPAN, TIME, cell, row, workbook

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.sources import FileContacts

ASHA = {"to_number": "+919876543210", "name": "Asha"}
RAVI = {"to_number": "+919876543211", "name": "Ravi"}
HEADER = row("to_number", "name")
BOUND = 8_000_000  # bytes


def read(path: Path, content: bytes, **options: Any) -> list[Any]:
    (path / "a.xlsx").write_bytes(content)
    return list(FileContacts(path / "a.xlsx", **options).rows({}))


def one(path: Path, *rows: str, **options: Any) -> list[Any]:
    return read(path, workbook({"Sheet1": rows}, **options))


def refusal(path: Path, content: bytes, **options: Any) -> str:
    with pytest.raises(ConfigurationError, match=r"a\.xlsx") as caught:
        read(path, content, **options)
    assert "98765" not in str(caught.value)
    assert caught.value.__context__ is None
    return str(caught.value)


def test_rows_come_whatever_the_sheet_says_of_its_own_size(tmp_path: Path) -> None:
    assert one(tmp_path, HEADER, row(*ASHA.values()), row(*RAVI.values())) == [ASHA, RAVI]


def test_blank_rows_and_rows_that_are_out_of_order_cost_nobody(tmp_path: Path) -> None:
    rows = (
        row(),
        f'<row r="4">{cell("B4", "to_number", kind="inlineStr")}{cell("C4", "name", kind="inlineStr")}</row>',
        f'<row r="99">{cell("C99", "Ravi", kind="inlineStr")}{cell("B99", "+919876543211", kind="str")}</row>',
        f'<row r="7">{cell("B7")}{cell("C7", "  ", kind="inlineStr")}</row>',
        f'<row r="5">{cell("B5", "+919876543210", kind="inlineStr")}</row>',
    )
    assert one(tmp_path, *rows) == [RAVI, {**ASHA, "name": None}]


@pytest.mark.parametrize(
    ("stored", "read_as"),
    [
        ("919876543210", 919876543210),
        ("919876543210.0", 919876543210),
        ("9.1987654321E11", 919876543210),
        ("123456789012345", 123456789012345),
        ("2.5", 2.5),
        ("-3", -3),
        ("1.5E+300", 1.5e300),
    ],
)
def test_a_number_is_read_to_its_last_digit_however_it_is_stored(tmp_path: Path, stored: str, read_as: Any) -> None:
    value = one(tmp_path, row("to_number"), f"<row>{cell('A2', stored)}</row>")[0]["to_number"]
    assert (value, type(value)) == (read_as, type(read_as))


@pytest.mark.parametrize(
    ("stored", "style", "read_as"),
    [
        ("46348", DATE, "2026-11-22"),
        ("46348.4375", MOMENT, "2026-11-22T10:30:00"),
        ("0.4375", TIME, "10:30:00"),
        ("1.5", SPAN, "36:00:00"),
        ("1", DATE, "1900-01-01"),
        ("61", DATE, "1900-03-01"),
        ("7", PHONE, 7),
    ],
)
def test_dates_and_times_are_iso(tmp_path: Path, stored: str, style: int, read_as: Any) -> None:
    rows = (row("to_number"), f"<row>{cell('A2', stored, style=style)}</row>")
    assert one(tmp_path, *rows) == [{"to_number": read_as}]
    if style == DATE and stored == "46348":
        assert one(tmp_path, *rows, begins_1904=True) == [{"to_number": "2030-11-23"}]


def test_texts_are_what_a_person_sees(tmp_path: Path) -> None:
    texts = [
        "<t>to_number</t>",
        '<r><t>As</t></r><r><t>ha</t></r><rPh sb="0" eb="1"><t>x</t></rPh>',
        "<t>a_x000D_b</t>",
    ]
    cells = (
        cell("A2", 1, kind="s"),
        cell("B2", 2, kind="s"),
        cell("C2", 1, kind="b"),
        cell("D2", "2026-11-22", kind="d"),
    )
    rows = (
        f'<row>{cell("A1", 0, kind="s")}<c t="str"><v>b</v></c>{row("c", "d")[5:-6]}</row>',
        f"<row>{''.join(cells)}</row>",
    )
    assert one(tmp_path, *rows, texts=texts) == [{"to_number": "Asha", "b": "a\rb", "c": True, "d": "2026-11-22"}]


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(cell("B2", "#N/A", kind="e"), id="an error"),
        pytest.param(cell("B2", formula="A1"), id="a formula that was never worked out"),
        pytest.param(cell("B2", "60", style=DATE), id="a day that never was"),
        pytest.param(cell("B2", "1e99", style=DATE), id="a date beyond all dates"),
        pytest.param(cell("B2", "two"), id="no number"),
        pytest.param(cell("E2", 1), id="a cell beside the table"),
        pytest.param(cell("B2", "x" * (1 << 20), kind="inlineStr"), id="too long"),
    ],
)
def test_a_cell_that_cannot_be_read_costs_its_row(tmp_path: Path, bad: str) -> None:
    broken = f"<row>{cell('A2', '+919876543219', kind='inlineStr')}{bad}</row>"
    assert one(tmp_path, HEADER, row(*ASHA.values()), broken, row(*RAVI.values())) == [ASHA, None, RAVI]


def test_what_a_formula_came_to_is_read(tmp_path: Path) -> None:
    worked_out = cell("B2", "Asha", kind="str", formula="A1&amp;A2"), cell("B3", "", kind="str", formula="A9")
    first, second = (f"<row>{cell('A2', 1)}{each}</row>" for each in worked_out)
    assert one(tmp_path, HEADER, first, second) == [{"to_number": 1, "name": "Asha"}, {"to_number": 1, "name": None}]


def test_a_hidden_row_rings_nobody_and_the_log_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    hidden = row("+919876543219", "Meera", more=' hidden="1"')
    assert one(tmp_path, HEADER, hidden, row(*ASHA.values()), hidden) == [None, ASHA, None]
    assert [record.message.count("hidden rows") for record in caplog.records] == [1]


def test_a_sheet_is_named_or_the_first_that_is_shown(tmp_path: Path) -> None:
    content = workbook({"Old": [HEADER, row(*RAVI.values())], "New": [HEADER, row(*ASHA.values())]}, hidden=["Old"])
    assert read(tmp_path, content) == [ASHA]
    assert read(tmp_path, content, sheet="Old") == [RAVI]
    assert "none of the 2 sheets" in refusal(tmp_path, content, sheet="Leads")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "must name the columns"),
        ([row("to_number", "name", "to_number")], "columns 1 and 3"),
        ([row("+919876543210", "Asha")], "its first line is a contact"),
        ([row(919876543210)], "its first line is a contact"),
    ],
)
def test_a_header_that_names_no_columns_is_refused(tmp_path: Path, rows: Iterable[str], message: str) -> None:
    assert message in refusal(tmp_path, workbook({"Sheet1": rows}))


def entities() -> str:
    return '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "b"><!ENTITY c "&b;&b;">]>'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"to_number,name\n", "no Excel workbook", id="a CSV"),
        pytest.param(
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "2007 or later", id="an old format, or a password"
        ),
        pytest.param(workbook({"a": [HEADER]})[:-200], "no Excel workbook", id="cut short"),
        pytest.param(workbook({"a": [HEADER, "<row><c></row>"]}), "damaged", id="broken XML"),
        pytest.param(workbook({"a": [HEADER, f"<row>{cell('A2', 7, kind='s')}</row>"]}), "damaged", id="no such text"),
        pytest.param(workbook({"a": [HEADER, f"<row>{cell('ZZZZ2', 7)}</row>"]}), "damaged", id="no such column"),
        pytest.param(workbook({"a": [HEADER]}, begin=entities()), "document type", id="entities"),
        pytest.param(workbook({}), "no sheet", id="no sheet"),
    ],
)
def test_what_is_no_sound_workbook_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    assert message in refusal(tmp_path, content)


def test_a_workbook_behind_another_name_is_told_how_to_be_called(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(workbook({"a": [HEADER]}))
    with pytest.raises(ConfigurationError, match=r"an Excel workbook is to end in \.xlsx"):
        list(FileContacts(tmp_path / "a.csv").rows({}))
    assert list(FileContacts(tmp_path / "a.csv", format="xlsx").rows({})) == []


def test_a_long_sheet_never_stands_in_memory(tmp_path: Path) -> None:
    numbers = (f'<row><c><v>{number}</v></c><c t="s"><v>0</v></c></row>' for number in range(50_000))
    content = workbook({"a": itertools.chain([HEADER], numbers)}, texts=["<t>Asha</t>"])
    count, peak, _ = cost_of(tmp_path, content)
    assert count == 50_000
    assert peak < BOUND


@pytest.mark.parametrize("kind", ["one text", "one tag", "many texts", "many files"])
def test_no_small_workbook_unfolds_to_much(tmp_path: Path, kind: str) -> None:
    mega = "a" * (1 << 20)
    sheet: Iterator[str] = iter([HEADER])
    texts: Iterable[str] = ()
    if kind == "one text":
        sheet = itertools.chain(sheet, ['<row><c t="inlineStr"><is><t>'], [mega] * 80, ["</t></is></c></row>"])
    elif kind == "one tag":
        sheet = itertools.chain(sheet, ['<row a="'], [mega] * 80, ['"/>'])
    elif kind == "many texts":
        texts = (f"<t>{mega}</t>" for _ in range(80))
    content = workbook({"a": sheet}, texts=texts)
    if kind == "many files":
        import zipfile

        target = io.BytesIO(content)
        with zipfile.ZipFile(target, "a") as packed:
            for number in range(20_000):
                packed.writestr(f"{number:060}", "")
        content = target.getvalue()
    count, peak, refused = cost_of(tmp_path, content)
    assert (count, "memory" in refused) == ((1, False) if kind == "one text" else (0, True))
    assert peak < 64 << 20


def cost_of(path: Path, content: bytes) -> tuple[int, int, str]:
    """How many rows come, the most memory that it takes, and how it is refused."""
    (path / "a.xlsx").write_bytes(content)
    count, refused = 0, ""
    tracemalloc.start()
    try:
        for _ in FileContacts(path / "a.xlsx").rows({}):
            count += 1
    except ConfigurationError as error:
        refused = str(error)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return count, peak, refused
