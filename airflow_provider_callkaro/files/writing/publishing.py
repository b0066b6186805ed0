"""The one way in which this package writes a file for its users: whole, or not at all.

Whatever ends the writing, a reader or the next task never finds half a report in the place of yesterday's whole one.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING
from uuid import uuid4

from airflow_provider_callkaro.calls.masking import mask_error
from airflow_provider_callkaro.exceptions import NotWritten
from airflow_provider_callkaro.files.storage import local_path, make_folder, redacted_path, storage_of
from airflow_provider_callkaro.files.writing.local_folder import (
    entry_named,
    keep_names,
    open_device,
    open_new,
    opened_folder,
    remove,
)

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import ObjectStoragePath


@contextmanager
def published(path: str) -> Iterator[IO[bytes]]:
    """A file to write to. It replaces what is at ``path`` once the block has ended without an error.

    A local file is written beside its place, readable by its owner alone, and moved there in one step; no symbolic link
    is followed, not even one that is set meanwhile. For any other storage the file is gathered on this machine and
    uploaded in one piece. Object storage shows it once it is complete; SFTP, HDFS and SMB may show a part of it.
    Missing folders are made.

    :param path: anything that Airflow's ``ObjectStoragePath`` understands.
    :raises ConfigurationError: Airflow has no storage of that kind here.
    :raises NotWritten: the file cannot be written; the old one is untouched.
    """
    target = storage_of(path)
    try:
        local = local_path(target)
        with _uploaded(target) if local is None else _replaced(local) as file:
            yield file
    except OSError as error:
        raise NotWritten(
            f"{redacted_path(path)} cannot be written ({mask_error(error)}), and what stood there before still stands: "
            "see to the place, or give another path"
        ) from None


@contextmanager
def _replaced(place: Path) -> Iterator[IO[bytes]]:
    with opened_folder(place.parent) as folder:
        before = entry_named(place.name, folder)
        if before is not None and not stat.S_ISREG(before.st_mode):
            # A pipe or a device holds nothing that could be lost; a folder is refused here.
            with open_device(place.name, folder) as device:
                yield device
            return
        # Not named after the file, whose name may be as long as a name can be.
        beside = f".unfinished-{uuid4().hex}"
        try:
            with open_new(beside, folder) as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(beside, place.name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            remove(beside, folder)
            raise
        keep_names(folder)


@contextmanager
def _uploaded(target: ObjectStoragePath) -> Iterator[IO[bytes]]:
    with tempfile.NamedTemporaryFile(prefix="upload-") as file:
        yield file
        file.flush()
        try:
            make_folder(target)
            target.fs.put_file(file.name, target.path)
        except OSError:
            raise
        except Exception as error:  # each storage's library has errors of its own
            raise NotWritten(
                f"{redacted_path(str(target))} cannot be uploaded ({mask_error(error)}), and what stood there before "
                "still stands: see to the storage and its connection, or give another path"
            ) from None
