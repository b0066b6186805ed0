"""Contacts are imported once, whatever becomes of the answer, and no number of theirs is shown."""

from __future__ import annotations

import csv
import gzip
import json
import logging

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from airflow_task_state import TaskStateInMemory
from test_callaro_operators import TaskRun, asked, run, sandbox, slow_sandbox  # noqa: F401 - fixtures

from airflow_provider_callkaro.exceptions import ConfigurationError, OutcomeUnknown, Throttled
from airflow_provider_callkaro.hooks.callaro import CallaroHook
from airflow_provider_callkaro.hooks.callaro import files as callaro_files
from airflow_provider_callkaro.operators.callaro import (
    CallaroContactImportOperator,
    CallaroExportImportErrorsOperator,
    CallaroImportContactsOperator,
)

IMPORT = "/api/v1/contacts/import"
IMPORTS = "/api/v1/contact-imports"
LOST = ["reset_after_accepting", "drop_answer_after_accepting", "error_after_accepting", "unreadable_answer"]
PEOPLE = "phone,name\n+919876500001,Àsha\n+919876500002,Ravi\n12,Meera\n"


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "people.csv"
    path.write_text(PEOPLE, encoding="utf-8")
    return path


def importing(path, **arguments):
    defaults = {"column_mapping": {"phone": "phone_e164", "name": "first_name"}}
    operator = CallaroImportContactsOperator(task_id="campaign", path=str(path), **{**defaults, **arguments})
    operator.hook = CallaroHook(sleep=lambda seconds: None)
    return operator


def test_a_file_is_imported_with_its_columns(sandbox, run, path):  # noqa: F811
    assert importing(path, options={"skip_duplicates": True}).execute(run.attempt()) == 1
    ((imported),) = sandbox.callaro_imports
    assert (imported.rows, imported.file) == (3, PEOPLE.replace("\n", "\n"))
    assert imported.column_mapping == {"phone": "phone_e164", "name": "first_name"}
    assert imported.options == {"skip_duplicates": True}
    assert imported.filename.startswith("people-")
    assert imported.filename.endswith(".csv")


def test_a_packed_file_is_sent_unpacked(sandbox, run, tmp_path):  # noqa: F811
    path = tmp_path / "people.csv.gz"
    path.write_bytes(gzip.compress(PEOPLE.encode()))
    importing(path).execute(run.attempt())
    assert sandbox.callaro_imports[0].file == PEOPLE
    packed = gzip.compress(PEOPLE.encode())
    for damaged in (packed[:-9], packed[:12] + b"\xff" * 8 + packed[20:]):
        path.write_bytes(damaged)
        with pytest.raises(ConfigurationError, match="damaged"):
            importing(path).execute(TaskRun(run_id="another").attempt())
    assert len(sandbox.callaro_imports) == 1


def test_the_lines_of_a_file_may_end_as_on_an_old_machine(sandbox, run, path):  # noqa: F811
    path.write_bytes(PEOPLE.replace("\n", "\r").encode())
    importing(path).execute(run.attempt())
    assert len(sandbox.callaro_imports) == 1


@pytest.mark.parametrize(
    ("written", "encoding", "arguments"),
    [
        (PEOPLE.replace(",", ";"), "utf-8", {}),
        (PEOPLE.replace(",", "\t"), "utf-16", {}),
        (PEOPLE, "utf-32", {}),
        ("sep=;\n" + PEOPLE.replace(",", ";"), "utf-8-sig", {}),
        (PEOPLE.replace(",", ":"), "utf-8", {"delimiter": ":"}),
        (PEOPLE.replace(",", ";"), "cp1252", {"encoding": "cp1252"}),
        (PEOPLE, "cp1252", {"encoding": "cp1252", "delimiter": ","}),
    ],
)
def test_callaro_gets_commas_and_utf_8_whatever_the_file_has(sandbox, run, path, written, encoding, arguments):  # noqa: F811
    path.write_bytes(written.encode(encoding))
    importing(path, **arguments).execute(run.attempt())
    (imported,) = sandbox.callaro_imports
    assert imported.file == PEOPLE
    packed = path.with_name("people.csv.gz")
    packed.write_bytes(gzip.compress(written.encode(encoding)))
    importing(packed, metadata_columns=[], **arguments).execute(TaskRun(run_id="another").attempt())
    assert sandbox.callaro_imports[1].file == PEOPLE


@pytest.mark.parametrize(
    ("written", "arguments", "sentence"),
    [
        (b"phone;name,first\n+919876500001;A,B\n", {}, "could separate the names in the first line of people.csv"),
        (PEOPLE.encode(), {"delimiter": ";"}, "names no column of column_mapping"),
        (PEOPLE.encode("utf-16"), {"encoding": "cp1252"}, "begins with the byte order mark of utf-16"),
        ("phone;name\n+919876500001;\u00c0sha\n".encode("cp1252"), {}, "row 1 of people.csv cannot be read"),
        (b"phone;name\n+919876500001;A;B;C\n", {}, "row 1 of people.csv cannot be read"),
    ],
)
def test_a_file_that_is_not_clear_is_not_sent(sandbox, run, path, written, arguments, sentence):  # noqa: F811
    path.write_bytes(written)
    with pytest.raises(ConfigurationError, match=sentence) as told:
        importing(path, **arguments).execute(run.attempt())
    assert "98765" not in str(told.value)
    assert sandbox.callaro_imports == []


WIDE = '\ufeffPhone,Name,SSN,note\n+919876500001,Àsha,123-45-6789,"a, b\nc"\n+919876500002,Ravi\n'


def test_only_the_columns_that_are_named_leave_the_house(sandbox, run, path):  # noqa: F811
    path.write_text(WIDE, encoding="utf-8")
    importing(path, metadata_columns=["note"]).execute(run.attempt())
    (imported,) = sandbox.callaro_imports
    assert imported.file == 'Phone,Name,note\n+919876500001,Àsha,"a, b\nc"\n+919876500002,Ravi,\n'
    importing(path, metadata_columns=[]).execute(TaskRun(run_id="another").attempt())
    assert sandbox.callaro_imports[1].file == "Phone,Name\n+919876500001,Àsha\n+919876500002,Ravi\n"


def test_columns_that_go_along_unnamed_are_said_and_no_contact_is(sandbox, run, path, capfd):  # noqa: F811
    path.write_text(WIDE, encoding="utf-8")
    importing(path).execute(run.attempt())
    assert sandbox.callaro_imports[0].file == WIDE
    said = "".join(capfd.readouterr())
    assert "though none is mapped: SSN, note. metadata_columns" in said
    path.write_text(PEOPLE.partition("\n")[2], encoding="utf-8")  # no header line
    importing(path).execute(TaskRun(run_id="another").attempt())
    said += "".join(capfd.readouterr())
    assert all(private not in said for private in ("Àsha", "98765", "123-45"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (PEOPLE.partition("\n")[2], "its first line is a contact"),
        ("who,where\n+919876500001,Pune\n", "names no column of column_mapping"),
        ("phone,name\n+919876500001,Asha,too,many\n", "row 1 of .*people.csv cannot be read"),
    ],
)
def test_a_file_whose_cells_nobody_can_tell_apart_is_not_sent(sandbox, run, path, text, words):  # noqa: F811
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=words) as refused:
        importing(path, metadata_columns=["city"]).execute(run.attempt())
    assert "98765" not in str(refused.value)
    assert sandbox.callaro_imports == []


@pytest.mark.parametrize("fault", LOST)
def test_a_lost_answer_is_looked_up_and_the_file_is_not_sent_again(sandbox, run, path, fault):  # noqa: F811
    sandbox.fault(fault, path=IMPORT, first=1)
    assert importing(path).execute(run.attempt()) == 1
    assert importing(path).execute(run.attempt()) == 1
    assert (len(sandbox.callaro_imports), asked(sandbox, IMPORT)) == (1, 1)


def test_what_cannot_be_found_again_is_not_sent_again_unasked(sandbox, run, path):  # noqa: F811
    sandbox.fault("error_before_accepting", path=IMPORT, first=1)
    with pytest.raises(OutcomeUnknown):
        importing(path).execute(run.attempt())
    with pytest.raises(AirflowFailException, match=r"repeat_unknown=True"):
        importing(path).execute(run.attempt())
    assert asked(sandbox, IMPORT) == 1
    assert importing(path, repeat_unknown=True).execute(run.attempt()) == 1
    assert len(sandbox.callaro_imports) == 1


def test_a_list_that_cannot_be_read_sends_nothing(sandbox, run, path):  # noqa: F811
    sandbox.fault("error_before_accepting", path=IMPORT, first=1)
    sandbox.fault("rejected", path=IMPORTS)
    for error in (OutcomeUnknown, AirflowFailException):
        with pytest.raises(error):
            importing(path).execute(run.attempt())
    assert asked(sandbox, IMPORT) == 1
    sandbox.clear_faults()


def test_a_worker_that_dies_on_the_import_leaves_one_that_is_found(sandbox, path):  # noqa: F811
    class Dying(TaskStateInMemory):
        def set(self, key, value, *, retention=None):
            if value.get("made") == "taken":
                raise KeyboardInterrupt
            super().set(key, value, retention=retention)

    run = TaskRun(store=TaskStateInMemory())  # noqa: F811
    dying = Dying()
    with pytest.raises(KeyboardInterrupt):
        importing(path).execute(run.attempt() | {"task_state_store": dying})
    run.store.texts = dying.texts
    assert importing(path).execute(run.attempt()) == 1
    assert len(sandbox.callaro_imports) == 1


def test_a_refusal_and_a_no_for_now_are_tried_by_the_next_try(sandbox, path, caplog):  # noqa: F811
    run = TaskRun(store=TaskStateInMemory())  # noqa: F811
    with caplog.at_level(logging.DEBUG):
        sandbox.fault("rejected", path=IMPORT, first=1)
        with pytest.raises(AirflowFailException, match="BAD_REQUEST") as error:
            importing(path).execute(run.attempt())
        sandbox.fault("throttled", path=IMPORT, first=20, retry_after=0)
        with pytest.raises(Throttled):
            importing(path).execute(run.attempt())
        assert importing(path).execute(run.attempt()) == 1
    assert "98765" not in str(error.value) + caplog.text
    assert "Ravi" not in str(error.value) + caplog.text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"column_mapping": {}}, "column_mapping is empty"),
        ({"column_mapping": ["phone"]}, "column_mapping must be a mapping"),
        ({"options": "all"}, "options must be a mapping"),
    ],
)
def test_what_cannot_work_is_said_and_nothing_is_sent(sandbox, run, path, arguments, words):  # noqa: F811
    with pytest.raises(ConfigurationError, match=words):
        importing(path, **arguments).execute(run.attempt())
    assert sandbox.requests == []


def test_a_file_that_is_missing_empty_too_long_or_several_sends_nothing(
    sandbox,  # noqa: F811
    tmp_path,
    path,
    monkeypatch,
):
    run = TaskRun(store=TaskStateInMemory())  # noqa: F811
    with pytest.raises(ConfigurationError, match="no file is at"):
        importing(tmp_path / "nobody.csv").execute(run.attempt())
    empty = tmp_path / "empty.csv"
    empty.touch()
    with pytest.raises(ConfigurationError, match="is empty: nothing was sent"):
        importing(empty).execute(run.attempt())
    with pytest.raises(ConfigurationError, match="2 files are at"):
        importing(tmp_path / "*.csv").execute(run.attempt())
    monkeypatch.setattr(callaro_files, "MOST_BYTES", 20)
    with pytest.raises(ConfigurationError, match="import it in parts"):
        importing(path).execute(run.attempt())
    assert sandbox.requests == []
    monkeypatch.undo()


class TestAfterwards:
    @pytest.fixture
    def import_id(self, sandbox, path, monkeypatch):  # noqa: F811
        return importing(path).execute(TaskRun().attempt())

    def test_how_it_stands_is_told_in_numbers_and_a_word(self, sandbox, import_id):  # noqa: F811
        told = CallaroContactImportOperator(
            task_id="stands", import_id=import_id, maximum={"failed": 1}, allowed={"status": "completed"}
        ).execute({})
        assert told["state"] == "completed"
        assert told["numbers"] == {"id": 1, "rows": 3, "imported": 2, "failed": 1}

    def test_one_that_is_not_as_it_should_be_fails_for_good(self, sandbox, import_id):  # noqa: F811
        with pytest.raises(AirflowFailException, match="import 1 is not as it should be: failed is 1, above 0"):
            CallaroContactImportOperator(task_id="s", import_id=import_id, maximum={"failed": 0}).execute({})
        with pytest.raises(AirflowFailException, match="404"):
            CallaroContactImportOperator(task_id="s", import_id=99).execute({})
        with pytest.raises(ConfigurationError, match="import_id is None"):
            CallaroContactImportOperator(task_id="s", import_id=None)

    def test_refused_lines_are_written_to_a_file(self, sandbox, import_id, tmp_path):  # noqa: F811
        target = tmp_path / "refused.csv"
        told = CallaroExportImportErrorsOperator(task_id="e", import_id=import_id, path=str(target)).execute({})
        assert told == {"path": str(target), "rows": 1, "format": "csv"}
        with target.open(newline="") as file:
            assert list(csv.DictReader(file)) == [{"line": "4", "phone_e164": "12", "error": "is no number"}]

    def test_a_place_that_cannot_be_written_is_said_before_anything_is_fetched(self, sandbox):  # noqa: F811
        with pytest.raises(ConfigurationError, match="path must end in"):
            CallaroExportImportErrorsOperator(task_id="e", import_id=1, path="refused.xlsx").execute({})
        assert sandbox.requests == []

    def test_a_path_of_the_accounts_own_is_used(self, sandbox, import_id, monkeypatch):  # noqa: F811
        connection = json.loads(sandbox.airflow_connections["callaro_default"])
        connection["extra"] = {"routes": {"contact_import": f"GET {IMPORTS}/{{id}}/nowhere"}}
        monkeypatch.setenv("AIRFLOW_CONN_CALLARO_DEFAULT", json.dumps(connection))
        with pytest.raises(AirflowFailException, match="404"):
            CallaroContactImportOperator(task_id="s", import_id=import_id).execute({})
