"""The file of a SQLite ledger, which holds phone numbers: its owner's alone from the moment on that it is there.

SQLite would make it as the process makes any file, often readable by all. What SQLite puts beside it (``-wal``,
``-shm``, ``-journal``) gets the permissions of the database itself.
"""

from __future__ import annotations

import os
from contextlib import suppress
from urllib.parse import unquote, urlsplit


def make_private(database: str | None) -> None:
    """Make an empty file for a database that is not there yet; one that is there keeps the permissions it has.

    :param database: as SQLAlchemy's URL has it: a path or a ``file:`` URI; None and ``:memory:`` have no file.
    """
    path = unquote(urlsplit(database).path) if database and database.startswith("file:") else database
    if path and ":memory:" not in path:
        with suppress(OSError):  # it is there already, or cannot be made: SQLite says what is wrong
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))
