"""The file of a SQLite ledger, which holds phone numbers: only its owner may read it, from the moment it is made.

SQLite itself would make it as the process makes any file, often readable by all. The files that SQLite puts beside it
(``-wal``, ``-shm``, ``-journal``) get the permissions of the database.

Each function takes a database as SQLAlchemy's URL names it: a path or a ``file:`` URI; None and ``:memory:`` have no
file.
"""

from __future__ import annotations

import os
from contextlib import suppress
from urllib.parse import unquote, urlsplit


def make_private(database: str | None) -> None:
    """Make an empty file for a database that has none; an existing file keeps its permissions."""
    if path := _path_of(database):
        with suppress(OSError):  # it exists already, or cannot be made: SQLite says what is wrong
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))


def is_missing(database: str | None) -> bool:
    """Whether a database should have a file and has none, so that opening it would make an empty one."""
    path = _path_of(database)
    return path is not None and not os.path.lexists(path)


def _path_of(database: str | None) -> str | None:
    path = unquote(urlsplit(database).path) if database and database.startswith("file:") else database
    return path if path and ":memory:" not in path else None
