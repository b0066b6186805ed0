"""Whether a file can be written to a path, asked before the work whose result belongs there."""

from __future__ import annotations

import errno
import logging
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from airflow_provider_callkaro.calls.masking import mask_error
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.files.storage import holds_a_secret, local_path, make_folder, redacted_path, storage_of
from airflow_provider_callkaro.files.writing.local_folder import entry_named, open_new, opened_folder, remove

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import ObjectStoragePath

log = logging.getLogger(__name__)

_NOTE = b"This file only showed that reports can be written here. It can be deleted.\n"


def check_writable(path: str) -> None:
    """See that a file can be written to ``path``: make its folder, write a small file beside it, and remove that again.

    A file at ``path`` is not touched. The small file remains only in a storage that refuses to delete it; its name
    begins with ``_write_check``.

    :param path: anything that Airflow's ``ObjectStoragePath`` understands.
    :raises ConfigurationError: nothing can be written there; the message names the place and what is missing.
    """
    if holds_a_secret(path):  # the path comes back in the task's result, which Airflow stores
        raise ConfigurationError(
            f"the path {redacted_path(path)} is written with a password or a signature: let a connection open the "
            "storage; nobody was rung"
        )
    try:
        target = storage_of(path)
    except ConfigurationError as error:
        raise ConfigurationError(f"{error}; nobody was rung") from None
    try:
        local = local_path(target)
        if local is None:
            _try_storage(target)
        else:
            _try_folder(local)
    except Exception as error:  # each storage's library has errors of its own
        raise ConfigurationError(
            f"nothing can be written to {redacted_path(path)}: {_what_is_missing(error)}; mend that or give another "
            "path; nobody was rung"
        ) from None


def _try_folder(place: Path) -> None:
    with opened_folder(place.parent) as folder:
        before = entry_named(place.name, folder) if place.name else None
        if not place.name or (before is not None and stat.S_ISDIR(before.st_mode)):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if before is not None and not stat.S_ISREG(before.st_mode):
            return  # a pipe or a device is written to as it is
        probe = f"_write_check_{uuid4().hex}.txt"
        try:
            with open_new(probe, folder) as file:
                file.write(_NOTE)
        finally:
            remove(probe, folder)
        if before is not None and not _may_replace(before, folder=os.fstat(folder)):
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))


def _may_replace(file: os.stat_result, *, folder: os.stat_result) -> bool:
    """Whether a file may be replaced in its folder; in one such as /tmp only by its owner."""
    sticky = bool(folder.st_mode & stat.S_ISVTX)
    return not sticky or os.geteuid() in (0, file.st_uid, folder.st_uid)


def _try_storage(target: ObjectStoragePath) -> None:
    make_folder(target)
    folder, _, name = target.path.rpartition("/")
    probe = f"{folder}/_write_check_{uuid4().hex}.txt" if name else ""
    if not probe:
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    target.fs.pipe_file(probe, _NOTE)
    try:
        target.fs.rm_file(probe)
    except Exception as error:
        log.warning(
            "%s can be written but not deleted from (%s): %s stays there, and can be deleted by somebody who may",
            redacted_path(str(target.parent)),
            mask_error(error),
            probe.rpartition("/")[2],
        )


def _what_is_missing(error: Exception) -> str:
    match error:
        case PermissionError():
            return f"permission is missing ({mask_error(error)})"
        case FileNotFoundError():
            return f"there is no such bucket or folder, and it cannot be made ({mask_error(error)})"
        case FileExistsError() | NotADirectoryError():
            return f"a part of the path is a file and no folder ({mask_error(error)})"
        case IsADirectoryError():
            return f"it is a folder and no file ({mask_error(error)})"
        case OSError(errno=errno.ELOOP):
            return "it is a symbolic link, or somebody else's link is on the way there, and neither is written through"
        case ImportError():
            return f"a library of its storage is missing ({mask_error(error)})"
        case _:
            return f"the storage or its connection fails ({mask_error(error)})"
