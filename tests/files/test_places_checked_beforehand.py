"""A place that cannot be written to is found out before the first ring, not after the last."""

from __future__ import annotations

import logging
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from task_context import task_context

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.files.writing.write_check import check_writable
from airflow_provider_callkaro.operators.callkaro import CallKaroPreflightOperator


@pytest.mark.parametrize("name", ["report.csv", "new/folder/report.csv"])
def test_a_good_place_passes_and_keeps_nothing_of_the_check(tmp_path: Path, name: str) -> None:
    check_writable(str(tmp_path / name))
    assert os.listdir((tmp_path / name).parent) == []


def test_what_stands_there_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "report.csv"
    path.write_bytes(b"yesterday's")
    before = path.stat()
    check_writable(f"file://{path}")
    assert path.read_bytes() == b"yesterday's"
    assert path.stat() == before


@pytest.mark.parametrize(
    ("path", "missing"),
    [
        pytest.param("/proc/nobody/report.csv", "no such bucket or folder", id="a folder that cannot be made"),
        pytest.param("/proc/report.csv", "/proc/report.csv: ", id="a folder that cannot be written to"),
        pytest.param("{folder}/a-file/report.csv", "is a file and no folder", id="a file where a folder should be"),
        pytest.param("{folder}/a-folder", "is a folder and no file", id="a folder"),
        pytest.param("{folder}/a-folder/", "is a folder and no file", id="a folder that says so"),
    ],
)
def test_a_place_on_this_machine_that_cannot_be_written_to_is_named(tmp_path: Path, path: str, missing: str) -> None:
    (tmp_path / "a-file").touch()
    (tmp_path / "a-folder").mkdir()
    path = path.format(folder=tmp_path)
    with pytest.raises(ConfigurationError, match="nobody was rung") as caught:
        check_writable(path)
    assert path in str(caught.value)
    assert missing in str(caught.value)


@pytest.mark.parametrize(
    ("path", "package"),
    [
        ("s3://bucket/a.csv", "apache-airflow-providers-amazon[s3fs]"),
        ("gs://bucket/a.csv", "apache-airflow-providers-google"),
        ("abfs://container/a.csv", "apache-airflow-providers-microsoft-azure"),
        ("nosuch://bucket/a.csv", "the provider of its storage"),
    ],
)
def test_the_package_that_opens_a_storage_is_named(path: str, package: str) -> None:
    with pytest.raises(ConfigurationError, match="nobody was rung") as caught:
        check_writable(path)
    assert f"install {package}," in str(caught.value)


def test_a_storage_that_takes_files_passes_and_keeps_nothing_of_the_check(bucket: Any) -> None:
    check_writable("memory://outreach/2026/report.csv")
    assert bucket.find("/") == []


@pytest.mark.parametrize(
    ("error", "missing"),
    [
        (PermissionError("AccessDenied for key AKIASECRET"), "permission is missing (PermissionError)"),
        (FileNotFoundError("NoSuchBucket, host-id SECRET"), "no such bucket or folder"),
        (RuntimeError("credentials SECRET have expired"), "the storage or its connection fails (RuntimeError)"),
    ],
)
def test_a_storage_that_takes_no_files_is_named_without_its_own_words(
    bucket: Any, error: Exception, missing: str
) -> None:
    bucket.write_error = error
    with pytest.raises(ConfigurationError, match="nobody was rung") as caught:
        check_writable("memory://outreach/report.csv")
    assert missing in str(caught.value)
    assert "memory://outreach/report.csv:" in str(caught.value)
    assert "SECRET" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_storage_that_deletes_nothing_passes_and_what_stays_says_what_it_is(
    bucket: Any, caplog: pytest.LogCaptureFixture
) -> None:
    bucket.delete_error = PermissionError("delete of SECRET denied")
    with caplog.at_level(logging.WARNING):
        check_writable("memory://outreach/report.csv")
    [left] = bucket.find("/")
    assert left.startswith("/outreach/_write_check_")
    assert b"can be deleted" in bucket.cat(left)
    assert left.rpartition("/")[2] in caplog.text
    assert "SECRET" not in caplog.text


@pytest.mark.skipif(os.geteuid() != 0, reason="takes another user's part, which only root can")
def test_a_file_of_another_user_in_a_common_folder_is_refused() -> None:
    with tempfile.TemporaryDirectory() as folder:  # other users cannot enter `tmp_path`
        common = Path(folder)
        common.chmod(0o1777)
        (common / "report.csv").touch()
        (common / "report.csv").chmod(0o666)
        os.seteuid(65534)
        try:
            with pytest.raises(ConfigurationError, match="permission is missing"):
                check_writable(str(common / "report.csv"))
            check_writable(str(common / "another.csv"))
        finally:
            os.seteuid(0)


def test_a_preflight_whose_page_has_no_place_reads_no_list(monkeypatch: pytest.MonkeyPatch) -> None:
    read = []

    class Contacts:
        template_fields = ()

        def rows(self, context: Any) -> Any:
            read.append(1)
            yield "+919876543210"

        def total(self, context: Any) -> None:
            return None

    monkeypatch.setenv("AIRFLOW_CONN_CALLKARO_DEFAULT", "callkaro://:key@127.0.0.1:1")
    operator = CallKaroPreflightOperator(
        task_id="look", contacts=Contacts(), agent_id="asha", page_path="/proc/nobody/page.html"
    )
    with pytest.raises(ConfigurationError, match=r"/proc/nobody/page\.html: .*nobody was rung"):
        operator.execute(task_context())
    assert read == []


@pytest.mark.parametrize("path", ["https://h.example/a.csv?sig=Planted", "s3://key:Planted@bucket/a.csv"])
def test_a_path_that_is_a_key_is_refused_because_it_would_stand_in_the_result(path):
    with pytest.raises(ConfigurationError, match="password or a signature: let a connection open") as refused:
        check_writable(path)
    assert "Planted" not in str(refused.value)
