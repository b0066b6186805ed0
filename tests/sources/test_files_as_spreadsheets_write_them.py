"""What offices hand over: other delimiters and encodings, lists without a header. Nobody is rung by a guess."""

from __future__ import annotations

import gzip
import json
import logging
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.sources import FileContacts

ASHA = {"to_number": "+919876543210", "name": "Asha"}
ZOE = {"to_number": "+919876543211", "name": "Zoë"}


def read(path: Path, content: bytes, **options: Any) -> list[Any]:
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return list(FileContacts(path, **options).rows({}))


def refusal(path: Path, content: bytes, **options: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        read(path, content, **options)
    message = str(caught.value)
    assert path.name in message
    assert "987654" not in message
    return message


def csv_of(delimiter: str, encoding: str) -> bytes:
    lines = [("to_number", "name"), *((row["to_number"], row["name"]) for row in (ASHA, ZOE))]
    return "".join(f"{delimiter.join(line)}\r\n" for line in lines).encode(encoding)


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_delimiter_that_alone_can_be_it_is_found(tmp_path: Path, delimiter: str, name: str) -> None:
    content = csv_of(delimiter, "utf-8")
    assert read(tmp_path / name, content) == [ASHA, ZOE]
    assert read(tmp_path / name, content, delimiter=delimiter) == [ASHA, ZOE]


@pytest.mark.parametrize("header", [b"phone;name, first", b"phone\tname|city", b"a,b;c"])
def test_a_header_that_could_be_split_in_two_ways_asks_for_the_delimiter(tmp_path: Path, header: bytes) -> None:
    message = refusal(tmp_path / "a.csv", header + b"\n+919876543210;Asha,+919876543211\n")
    assert 'say which one with delimiter=, such as delimiter=";"' in message
    assert "could separate the names" in message


@pytest.mark.parametrize(
    ("header", "number"),
    [
        pytest.param(b"to_number,amount (INR; incl. tax)", "to_number", id="the number's column tells"),
        pytest.param(b'phone,"name; first"', "phone", id="quoted"),
        pytest.param(b'"phone","a,b","c;d"', "phone", id="all quoted"),
    ],
)
def test_a_character_inside_of_a_name_is_no_second_delimiter(tmp_path: Path, header: bytes, number: str) -> None:
    assert read(tmp_path / "a.csv", header + b"\n+919876543210,1\n")[0][number] == "+919876543210"


def test_one_column_needs_no_delimiter(tmp_path: Path) -> None:
    rows = read(tmp_path / "a.csv", b"to_number\n+919876543210\n+919876543211,Asha\n")
    assert rows == [{"to_number": "+919876543210"}, None]


def test_a_file_may_say_its_delimiter_itself(tmp_path: Path) -> None:
    content = b"sep=;\r\n" + csv_of(";", "utf-8")
    assert read(tmp_path / "a.csv", content) == [ASHA, ZOE]
    assert read(tmp_path / "a.csv", b"\xef\xbb\xbf" + content, delimiter=";") == [ASHA, ZOE]
    assert "leave delimiter out" in refusal(tmp_path / "a.csv", content, delimiter=",")


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_says_what_a_file_is_written_in(tmp_path: Path, encoding: str, name: str) -> None:
    content = csv_of("\t", encoding)
    assert read(tmp_path / name, content) == [ASHA, ZOE]
    assert read(tmp_path / name, content, encoding=encoding) == [ASHA, ZOE]
    assert "leave encoding out" in refusal(tmp_path / name, content, encoding="cp1252") if encoding != "utf-8" else True


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "utf-16-be", "cp500"])
def test_another_encoding_is_told(tmp_path: Path, encoding: str) -> None:
    assert read(tmp_path / "a.csv", csv_of(",", encoding), encoding=encoding) == [ASHA, ZOE]
    lines = "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in (ASHA, ZOE)).encode(encoding)
    assert read(tmp_path / "a.jsonl", lines, encoding=encoding) == [ASHA, ZOE]


def test_an_encoding_is_never_guessed_and_its_argument_is_named_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        rows = read(tmp_path / "a.csv", csv_of(",", "cp1252") * 2)
    assert rows == [ASHA, None, {"to_number": "to_number", "name": "name"}, ASHA, None]
    assert [record.message.count("encoding=") for record in caplog.records] == [1]
    assert "Zo" not in caplog.text


def test_bytes_that_the_told_encoding_does_not_have_cost_their_row(tmp_path: Path) -> None:
    content = csv_of(",", "cp1252").replace("ë".encode("cp1252"), b"\x81")
    assert read(tmp_path / "a.csv", content, encoding="cp1252") == [ASHA, None]
    cut = csv_of(",", "utf-16")[:-1]
    assert read(tmp_path / "a.csv", cut)[0] == ASHA
    assert read(tmp_path / "a.csv", cut)[1] in (None, ZOE)


@pytest.mark.parametrize(
    "first",
    [
        b"+919876543210,Asha",
        b"Asha,9876543210",
        b"Asha;+91 98765-43210",
        b"919876543210.0,Asha",
        b"Asha,9.19876E+11",
        b"98765432",
        b"(022) 2654",
    ],
)
@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_a_list_without_a_header_is_named_as_one(tmp_path: Path, first: bytes, name: str) -> None:
    message = refusal(tmp_path / name, first + b"\n" + first + b"\n")
    assert "its first line is a contact: put a line of names before it" in message


@pytest.mark.parametrize("header", [b"to_number,2026,20260601", b"to_number,q1-2026", b"n1", b"to_number,1,2"])
def test_a_name_with_digits_may_be_a_name(tmp_path: Path, header: bytes) -> None:
    assert len(read(tmp_path / "a.csv", header + b"\n+919876543210\n")) == 1
