"""Whose password opens a storage: its library takes any connection's login and password for its own."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import ObjectStoragePath
from fsspec.implementations.memory import MemoryFileSystem

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.files.writing.publishing import published
from airflow_provider_callkaro.sources import FileContacts

RIGHT = {"s3": "aws", "s3a": "aws", "gs": "google_cloud_platform", "abfs": "wasb", "abfss": "adls"}


@pytest.fixture
def storages(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Storages under the schemes of the clouds, without their libraries; a connection ``given``."""
    stores = importlib.import_module(ObjectStoragePath.__module__.rpartition(".")[0] + ".store")
    names = [(scheme, conn_id) for scheme in (*RIGHT, "memory") for conn_id in ("given", "theirs")]
    for scheme, conn_id in names:
        stores.attach(scheme, conn_id=conn_id, fs=MemoryFileSystem(skip_instance_cache=True))
    yield
    for scheme, conn_id in names:
        del stores._STORE_CACHE[f"{scheme}-{conn_id}"]


@pytest.fixture
def define(monkeypatch: pytest.MonkeyPatch) -> Any:
    def define(conn_type: str, conn_id: str = "given") -> None:
        given = {"conn_type": conn_type, "login": "somebody", "password": "a-secret"}
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(given))

    return define


@pytest.mark.usefixtures("storages")
@pytest.mark.parametrize("scheme", RIGHT)
@pytest.mark.parametrize("conn_type", ["callkaro", "postgres", "http", ""])
def test_a_connection_of_another_kind_opens_no_storage(define: Any, scheme: str, conn_type: str) -> None:
    define(conn_type)
    with pytest.raises(ConfigurationError, match=f'is of type "{conn_type}" and not of type .*"{RIGHT[scheme]}"'):
        list(FileContacts(f"{scheme}://bucket/contacts.csv", conn_id="given").rows({}))


@pytest.mark.usefixtures("storages")
@pytest.mark.parametrize("conn_type", ["callkaro", "callaro", "mrassistant"])
def test_a_vendors_key_opens_no_storage_of_an_unknown_kind(define: Any, conn_type: str) -> None:
    define(conn_type)
    with pytest.raises(ConfigurationError, match=f'is of type "{conn_type}"'):
        list(FileContacts("memory://bucket/contacts.csv", conn_id="given").rows({}))


@pytest.mark.usefixtures("storages")
@pytest.mark.parametrize(("scheme", "conn_type"), [*RIGHT.items(), ("memory", "anything")])
def test_a_connection_of_the_right_kind_does(define: Any, scheme: str, conn_type: str) -> None:
    define(conn_type)
    with pytest.raises(ConfigurationError, match="no file is at"):
        list(FileContacts(f"{scheme}://bucket/contacts.csv", conn_id="given").rows({}))


@pytest.mark.usefixtures("storages")
def test_a_connection_that_the_path_names_is_looked_at_too(define: Any) -> None:
    define("postgres", "theirs")
    with (
        pytest.raises(ConfigurationError, match=r'connection "theirs".*is of type "postgres"'),
        published("s3://theirs@bucket/report.csv"),
    ):
        pass
