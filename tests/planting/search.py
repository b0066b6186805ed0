"""The search for what was planted: every file and every row, in whatever spelling."""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import re
import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from .what import Planted

_BETWEEN = re.compile(r"[^\w\n]+|_+")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{12,}")
_HEXADECIMAL = re.compile(r"[0-9A-Fa-f]{16,}")
_ESCAPED = re.compile(r"\\u00([0-9a-f]{2})")

Text = tuple[str, str]
"""Where something stands, and what stands there."""


def read(texts: Iterable[Text]) -> list[Text]:
    """Texts as they are searched: whatever each of them may mean."""
    return [(place, "\n".join(dict.fromkeys(_readings(text)))) for place, text in texts]


def found(texts: Iterable[Text], planted: Iterable[Planted]) -> set[tuple[str, Planted]]:
    """Which of the planted values stand where.

    :param texts: as `read` gives them.
    """
    pieces = [(piece, each) for each in planted for piece in each.pieces()]
    return {(place, each) for place, text in texts for piece, each in pieces if piece in text}


def _readings(text: str) -> Iterator[str]:
    """Whatever a text may mean, in small letters and digits alone, line by line."""
    yield _folded(text)
    plain = unquote(text)
    plain = _ESCAPED.sub(lambda code: chr(int(code[1], 16)), plain)
    if plain != text:
        yield _folded(plain)
    for run in set(_BASE64.findall(plain)):
        standard = run.replace("-", "+").replace("_", "/")
        for start in range(4):
            piece = standard[start:]
            piece = piece[: len(piece) - (len(piece) % 4 == 1)]
            yield _folded(_text(base64.b64decode(piece + "=" * (-len(piece) % 4))))
    for run in set(_HEXADECIMAL.findall(plain)):
        for start in (0, 1):
            yield _folded(_text(binascii.unhexlify(run[start : len(run) - (len(run) - start) % 2])))


def _folded(text: str) -> str:
    return _BETWEEN.sub("", text.lower())


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def texts_of_files(folder: Path) -> Iterator[Text]:
    """Every file below a folder, by its path from there; a packed one unpacked."""
    for file in sorted(folder.rglob("*")):
        if file.is_file() and not file.is_symlink():
            data = file.read_bytes()
            with suppress(OSError, EOFError, zlib.error):
                data = gzip.decompress(data)
            yield str(file.relative_to(folder)), _text(data)


def texts_of_sqlite(file: Path) -> Iterator[Text]:
    """Every column of every table, and the bytes of the file, deleted rows among them."""
    yield "file", _text(file.read_bytes())
    with closing(sqlite3.connect(file)) as database:
        tables = [name for (name,) in database.execute("select name from sqlite_master where type = 'table'")]
        for table in tables:
            cursor = database.execute(f'select * from "{table}"')
            yield from _columns(table, [column[0] for column in cursor.description], cursor.fetchall())


def texts_of_postgresql(url: str, *, leave_out: dict[str, str]) -> Iterator[Text]:
    """Every column of every table.

    :param url: as SQLAlchemy writes it.
    :param leave_out: of a table, the rows that are not read, as SQL.
    """
    import psycopg2

    with closing(psycopg2.connect(url.replace("+psycopg2", ""))) as connection, connection.cursor() as cursor:
        cursor.execute("select table_name from information_schema.tables where table_schema = 'public'")
        for (table,) in cursor.fetchall():
            cursor.execute(f'select * from "{table}" where not coalesce({leave_out.get(table, "false")}, false)')
            yield from _columns(table, [column[0] for column in cursor.description], cursor.fetchall())


def _columns(table: str, names: list[str], rows: list[tuple[Any, ...]]) -> Iterator[Text]:
    for index, name in enumerate(names):
        yield f"{table}.{name}", "\n".join(dict.fromkeys(_shown(row[index]) for row in rows))


def _shown(value: Any) -> str:
    if isinstance(value, (bytes, memoryview)):
        data = bytes(value)
        with suppress(zlib.error):
            data = zlib.decompress(data)
        return _text(data)
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    return str(value)
