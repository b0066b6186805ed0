"""Lines of reports in the order of their rows, however many there are, in little memory.

A report has its lines in the order in which outcomes came. To sort them, so many are held at a time; what is more goes
to temporary files, each sorted, which are then read side by side.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from heapq import merge
from itertools import islice
from typing import IO, Any, TypeAlias

Line: TypeAlias = Mapping[str, Any]

HELD = 50_000  # lines sorted in memory; some 50 MB
MAX_FILES = 64  # temporary files open at once; more are merged into one

_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def in_row_order(lines: Iterable[Line], *, held: int = HELD, max_files: int = MAX_FILES) -> Iterator[Line]:
    """The lines by their ``row``, a whole number; lines of one row keep their order.

    :param lines: each is plain JSON. All are read before the first one comes back.
    :param held: how many are sorted in memory.
    :param max_files: how many temporary files are open at once, 2 or more.
    """
    remaining = iter(lines)
    chunk = sorted(islice(remaining, held), key=_row)
    with ExitStack() as stack:
        files: list[IO[str]] = []
        for first in remaining:
            files.append(stack.enter_context(_spilled(chunk)))
            if len(files) == max_files:
                merged = stack.enter_context(_spilled(merge(*map(_read, files), key=_row)))
                for file in files:
                    file.close()
                files = [merged]
            chunk = sorted([first, *islice(remaining, held - 1)], key=_row)
        yield from merge(*map(_read, files), chunk, key=_row)


def _row(line: Line) -> int:
    row: int = line["row"]
    return row


def _spilled(lines: Iterable[Line]) -> IO[str]:
    file = tempfile.TemporaryFile(  # noqa: SIM115 - closed by who merges them
        "w+", encoding="utf-8", errors="surrogatepass", newline="\n"
    )
    file.writelines(_compact(line) + "\n" for line in lines)
    return file


def _read(file: IO[str]) -> Iterator[Line]:
    file.seek(0)
    return map(json.loads, file)
