"""Folders of this machine, opened past no stranger's link, and files in them that only their owner may read.

Reports and exports hold phone numbers, and other users may write to their folder too, as in /tmp. So a folder is opened
once, step by step, and everything in it is done through that descriptor: it stays the same folder even if somebody
exchanges a part of its path meanwhile.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

OWNER_ONLY = 0o600  # the permissions of every file that this package writes for its users
MAX_LINKS = 40  # as many as Linux follows on one way
_FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW  # to enter it, it need not be readable


@contextmanager
def opened_folder(folder: Path) -> Iterator[int]:
    """A folder as a descriptor, made with its parents where it is missing.

    A symbolic link in the path is followed if it belongs to root or to the user of this process, who could write to its
    target anyway; any other link is refused, as Linux does in /tmp.

    :param folder: absolute.
    :raises OSError: it cannot be reached or made, or a stranger's link is in its path.
    """
    real = _past_trusted_links(folder)
    descriptor = os.open("/", _FOLDER)
    try:
        for name in real.parts[1:]:
            descriptor, before = _entered(name, descriptor), descriptor
            os.close(before)
        yield descriptor
    finally:
        os.close(descriptor)


def entry_named(name: str, folder: int) -> os.stat_result | None:
    """The file, folder, pipe or device of that name in a folder; None where there is none. Raises OSError if it is a
    symbolic link (``ELOOP``), or a pipe or device of another user, who would read along."""
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    if stat.S_ISLNK(found.st_mode):
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    if not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode) or _is_trusted(found)):
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
    return found


def open_new(name: str, folder: int) -> BinaryIO:
    """A new file, open for writing, which only its owner can open from the first moment on. Raises OSError if it cannot
    be made, or something has that name."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    return open(os.open(name, flags, OWNER_ONLY, dir_fd=folder), "wb")


def open_device(name: str, folder: int) -> BinaryIO:
    """A pipe or a device, open for writing. Raises OSError if it cannot be written to, or it is a folder or a symbolic
    link."""
    return open(os.open(name, os.O_WRONLY | os.O_NOFOLLOW, dir_fd=folder), "wb")


def keep_names(folder: int) -> None:
    """Have the names in a folder survive a loss of power, where the file system knows how."""
    with suppress(OSError):
        descriptor = os.open(".", os.O_RDONLY, dir_fd=folder)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def remove(name: str, folder: int) -> None:
    """Remove a file; one that is not there, or cannot be removed, stays as it is."""
    with suppress(OSError):
        os.unlink(name, dir_fd=folder)


def _entered(name: str, folder: int) -> int:
    try:
        return os.open(name, _FOLDER, dir_fd=folder)
    except FileNotFoundError:
        with suppress(FileExistsError):  # another task makes it at this moment
            os.mkdir(name, dir_fd=folder)
        return os.open(name, _FOLDER, dir_fd=folder)


def _past_trusted_links(folder: Path) -> Path:
    """The folder's path without links. Raises OSError if a stranger's link is in it, or there are too many links
    (``ELOOP``)."""
    resolved, left, links = Path("/"), [*reversed(folder.parts[1:])], 0
    while left:
        name = left.pop()
        place = resolved.parent if name == ".." else resolved / name
        if not place.is_symlink():
            resolved = place
            continue
        links += 1
        if links > MAX_LINKS or not _is_trusted(place.lstat()):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        target = place.readlink()
        resolved = Path("/") if target.is_absolute() else resolved
        left.extend(reversed(target.parts[1:] if target.is_absolute() else target.parts))
    return resolved


def _is_trusted(found: os.stat_result) -> bool:
    return found.st_uid in (0, os.geteuid())
