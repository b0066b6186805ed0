"""The one way in which this package writes a file for its users: whole, or not at all.

A reader, or the next task, never finds half a report in the place of yesterday's whole one, whatever ends the writing.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from airflow_provider_callkaro.calls.masking import mask_error
from airflow_provider_callkaro.exceptions import NotWritten
from airflow_provider_callkaro.files.storage import local_path, make_folder, shown, storage_of

_PERMISSIONS = 0o777


@contextmanager
def published(path: str) -> Iterator[IO[bytes]]:
    """A file to write to, which stands at ``path`` once the block has ended well, in place of what stood there.

    Local: written beside its place and moved there in one step; a symbolic link keeps pointing where it points, and a
    file that is replaced hands on its permissions. Elsewhere: gathered here, then uploaded in one piece, which
    object storage shows once all of it is there (SFTP, HDFS and SMB may show a part of it). Missing folders are made.

    :param path: anything that Airflow's ``ObjectStoragePath`` understands.
    :raises ConfigurationError: Airflow has no storage of that kind here.
    :raises NotWritten: the file cannot be written; what stood there before still stands.
    """
    target = storage_of(path)
    try:
        local = local_path(target)
        with _uploaded(target) if local is None else _replaced(local) as file:
            yield file
    except OSError as error:
        raise NotWritten(
            f"{shown(path)} cannot be written ({mask_error(error)}), and what stood there before still stands: see "
            "to the place, or give another path"
        ) from None


@contextmanager
def _replaced(place: Path) -> Iterator[IO[bytes]]:
    place.parent.mkdir(parents=True, exist_ok=True)
    before = _what_stands_at(place)
    if before is not None and not stat.S_ISREG(before.st_mode):
        with place.open("wb") as device:  # a pipe or a device has nothing to lose; a folder is refused here
            yield device
        return
    # Not after the file's own name, which may be as long as a name can be.
    beside = place.with_name(f".unfinished-{uuid4().hex}")
    try:
        with open(beside, "xb", opener=None if before is None else _opener(before)) as file:
            if before is not None:
                os.fchmod(file.fileno(), stat.S_IMODE(before.st_mode) & _PERMISSIONS)
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, place)
    except BaseException:
        with suppress(OSError):
            beside.unlink()
        raise
    _keep_name(place.parent)


def _what_stands_at(place: Path) -> os.stat_result | None:
    try:
        return place.stat()
    except FileNotFoundError:
        return None


def _opener(before: os.stat_result) -> Any:
    """Opens a new file that is at no moment open to more people than the one that it replaces."""
    return lambda name, flags: os.open(name, flags, stat.S_IMODE(before.st_mode) & _PERMISSIONS)


def _keep_name(folder: Path) -> None:
    """Have the new name survive a loss of power, where the file system knows how."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def _uploaded(target: Any) -> Iterator[IO[bytes]]:
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
                f"{shown(str(target))} cannot be uploaded ({mask_error(error)}), and what stood there before still "
                "stands: see to the storage and its connection, or give another path"
            ) from None
