"""An object storage in memory, which Airflow reaches as any storage whose library is installed."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from airflow.providers.common.compat.sdk import ObjectStoragePath
from fsspec.implementations.memory import MemoryFileSystem


class Bucket(MemoryFileSystem):
    """A storage of a test's own, which can refuse."""

    store: ClassVar[dict[str, Any]] = {}
    pseudo_dirs: ClassVar[list[str]] = [""]
    write_error: Exception | None = None
    delete_error: Exception | None = None

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **options: Any) -> Any:
        if self.write_error:
            raise self.write_error
        return super().pipe_file(path, value, mode=mode, **options)

    def put_file(self, local: str, path: str, *arguments: Any, **options: Any) -> None:
        if self.write_error:
            raise self.write_error
        super().put_file(local, path, *arguments, **options)

    def rm_file(self, path: str) -> None:
        if self.delete_error:
            raise self.delete_error
        super().rm_file(path)


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    """Airflow reaches it as ``memory://``."""
    stores = importlib.import_module(ObjectStoragePath.__module__.rpartition(".")[0] + ".store")
    Bucket.store.clear()
    Bucket.pseudo_dirs[:] = [""]
    storage = Bucket(skip_instance_cache=True)
    stores.attach("memory", fs=storage)
    yield storage
    del stores._STORE_CACHE["memory"]
