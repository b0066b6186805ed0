"""Where files lie: folders, patterns, object storages and the connections that open them."""

from __future__ import annotations

import gzip
import importlib
import io
import json
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.sources import FileContacts

ASHA = {"to_number": "+919876543210", "name": "Asha"}
RAVI = {"to_number": "+919876543211", "name": "Ravi"}


def read(path: Any, **options: Any) -> list[Any]:
    return list(FileContacts(path, **options).rows({}))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What a Spark job leaves behind, and a hand-written file beside it."""
    export = tmp_path / "export"
    (export / "day=2026-06-01").mkdir(parents=True)
    (export / "part-1.csv").write_text("to_number,name\n+919876543211,Ravi\n")
    (export / "part-0.csv").write_text("name,to_number\nAsha,+919876543210\n")
    (export / "day=2026-06-01" / "part-0.jsonl").write_text('{"to_number": "+919876543212"}\n')
    (export / "_SUCCESS").touch()
    (export / ".part-0.csv.crc").write_bytes(b"crc")
    return export


def test_a_folder_is_read_whole_and_in_order(folder: Path) -> None:
    assert read(folder) == [{"to_number": "+919876543212"}, ASHA, RAVI]
    assert read(f"{folder}/") == read(folder)


def test_a_pattern_takes_what_it_matches(folder: Path) -> None:
    assert read(f"{folder}/part-*.csv") == [ASHA, RAVI]
    assert read(f"{folder}/part-[0].csv") == [ASHA]


def test_a_file_name_that_looks_like_a_pattern_is_still_a_file(folder: Path) -> None:
    odd = (folder / "part-0.csv").rename(folder / "contacts[1]?.csv")
    assert read(odd) == [ASHA]


@pytest.mark.parametrize("path", ["missing.csv", "missing/*.csv", "missing/", "export/part-0.csv/contacts.csv"])
def test_a_file_that_is_not_there_is_named(folder: Path, path: str) -> None:
    with pytest.raises(ConfigurationError, match="no file is at"):
        read(folder.parent / path)


def test_an_empty_folder_is_no_empty_list(tmp_path: Path) -> None:
    (tmp_path / "_SUCCESS").touch()
    with pytest.raises(ConfigurationError, match="no file is at"):
        read(tmp_path)


@pytest.mark.parametrize("path", ["", "  ", None, 5])
def test_an_empty_path_is_refused(path: Any) -> None:
    with pytest.raises(ConfigurationError, match="path"):
        read(path)


def test_a_storage_that_airflow_does_not_know_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"nosuch://bucket/contacts\.csv"):
        read("nosuch://bucket/contacts.csv")


def test_file_urls_and_path_objects_are_paths(folder: Path) -> None:
    from airflow.providers.common.compat.sdk import ObjectStoragePath

    assert read(f"file://{folder}/part-0.csv") == [ASHA]
    assert read(folder / "part-0.csv") == [ASHA]
    assert read(ObjectStoragePath(f"file://{folder}") / "part-0.csv") == [ASHA]


@pytest.fixture
def memory_storage() -> Iterator[Any]:
    """An object storage in memory that Airflow reaches as ``memory://`` through connection ``minio`` only."""
    from airflow.providers.common.compat.sdk import ObjectStoragePath
    from fsspec.implementations.memory import MemoryFileSystem

    class Private(MemoryFileSystem):
        store: dict[str, Any] = {}  # noqa: RUF012 - as its base class has it
        pseudo_dirs = [""]  # noqa: RUF012

    store = importlib.import_module(ObjectStoragePath.__module__.rpartition(".")[0] + ".store")
    storage = Private(skip_instance_cache=True)
    store.attach("memory", fs=MemoryFileSystem())
    store.attach("memory", "minio", fs=storage)
    yield storage
    del store._STORE_CACHE["memory-minio"]


def test_object_storage_is_read_through_its_connection(memory_storage: Any) -> None:
    from airflow.providers.common.compat.sdk import ObjectStoragePath

    memory_storage.pipe("/lists/a.csv", b"to_number,name\n+919876543210,Asha\n")
    memory_storage.pipe("/lists/b.jsonl.gz", gzip.compress(json.dumps(RAVI).encode()))
    memory_storage.pipe("/lists/c.parquet", parquet_file(ASHA))
    assert read("memory://lists", conn_id="minio") == [ASHA, RAVI, ASHA]
    assert read("memory://lists/*.csv", conn_id="minio") == [ASHA]
    if Version(version("universal_pathlib")) >= Version("0.3"):  # before, it is taken out of a path for buckets only
        assert read("memory://minio@lists/*.csv") == [ASHA]
    assert read(ObjectStoragePath("memory://lists/b.jsonl.gz", conn_id="minio")) == [RAVI]
    with pytest.raises(ConfigurationError, match="no file is at"):
        read("memory://lists/a.csv")


def parquet_file(*rows: Any) -> bytes:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    file = io.BytesIO()
    parquet.write_table(pyarrow.Table.from_pylist(list(rows)), file)
    return file.getvalue()


def test_a_connection_in_a_path_is_the_authors_alone() -> None:
    source = FileContacts("{{ dag_run.conf['list'] }}")
    source.path = "s3://other_conn@lists/a.csv"  # as the template renders
    with pytest.raises(ConfigurationError, match="not written in the DAG: name it with conn_id") as caught:
        next(source.rows({}))
    assert "other_conn" not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "conn_id", "message"),
    [
        ("s3://minio@lists/a.csv", "archive", "another connection before its @ than conn_id"),
        ("s3://key:secret@lists/a.csv", None, "keep them in an Airflow connection"),
    ],
)
def test_a_path_that_names_another_connection_or_a_login_is_refused(
    path: str, conn_id: str | None, message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message) as caught:
        read(path, conn_id=conn_id)
    assert "secret" not in str(caught.value)
