"""A do-not-call list protects everybody on it, or nobody is rung: no entry of it is passed over."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_callkaro.calls.phone import NumberReader
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.sources import FileContacts
from airflow_provider_callkaro.tasks.rules import Suppression

PROTECTED = "+919876500001"


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        pytest.param("a.csv", b"to_number,note\n+919876500001,x\nAndr\xe9,+919876500002\n", id="no UTF-8"),
        pytest.param("a.csv", b"to_number,note\n+919876500001,x,y,z\n", id="too many cells"),
        pytest.param("a.csv", b'to_number,note\n+919876500001,"x\n+919876500002,y\n', id="a quotation without an end"),
        pytest.param("a.jsonl", b'"+919876500001"\n{"to_number": "+91\n', id="broken JSON"),
    ],
)
def test_a_line_of_a_file_that_cannot_be_read_protects_nobody_so_nobody_is_rung(
    tmp_path: Path, name: str, lines: bytes
) -> None:
    (tmp_path / name).write_bytes(lines)
    with pytest.raises(ConfigurationError, match=r"entry \d of suppress cannot be read") as caught:
        Suppression(FileContacts(tmp_path / name)).read({}, NumberReader())
    assert "98765" not in str(caught.value)


@pytest.mark.parametrize("first", [b"+919876500001", b"98765001", b"9.19876E+11"])
def test_the_first_person_of_a_list_without_a_header_is_not_taken_for_its_header(tmp_path: Path, first: bytes) -> None:
    (tmp_path / "a.csv").write_bytes(first + b"\n+919876500002\n")
    with pytest.raises(ConfigurationError, match="its first line is a contact"):
        Suppression(FileContacts(tmp_path / "a.csv")).read({}, NumberReader())


def test_empty_cells_protect_nobody_and_are_no_fault(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"to_number;note\n+919876500001;x\n;y\n")
    found = Suppression(FileContacts(tmp_path / "a.csv")).read({}, NumberReader())
    assert PROTECTED in found
    assert len(Suppression([PROTECTED, None, ""]).read({}, NumberReader())) == 1
