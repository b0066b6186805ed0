"""JSON that is read as it comes, value by value: a document may be longer than the memory.

ijson reads the JSON. This module keeps what a stranger's document may cost: the length of a value, and its depth. ijson
quotes the document in its errors, so none of them leaves here.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO, TypeAlias

from airflow_provider_callkaro.calls.row_size import MAX_ROW_BYTES
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.files.reading.jsonl_file import jsonl_rows
from airflow_provider_callkaro.files.reading.row_count import RowCount

MAX_DEPTH = 500  # ours: lists and objects inside each other
_BEGINS = frozenset({"start_array", "start_map"})
_ENDS = frozenset({"end_array", "end_map"})
_TEXT_OR_WORD = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\Z)|-?Infinity|NaN', re.DOTALL)
_UNFINISHED = re.compile(rb"[A-Za-z-]{1,9}\Z")  # may be -Infinity or its beginning
_PIECE = 1 << 16  # bytes

Event: TypeAlias = tuple[str, Any]
"""What ijson finds next, and the value that it has there."""


def json_rows(file: BinaryIO, *, name: str, are_lines: bool, count: RowCount) -> Iterator[Any]:
    """The elements of a JSON list; where the file is no list, the values of its lines.

    :param file: a binary file in UTF-8 that has ``peek``.
    :param name: the file's name, for messages.
    :param are_lines: whether the file's name says JSON Lines; if not, the first line must be a value.
    :raises ConfigurationError: it is neither, or the list breaks off or holds too long a value.
    """
    begin: bytes = file.peek(1)  # type: ignore[attr-defined]
    if not begin.removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"["):
        for row in jsonl_rows(file, count=count):
            if row is None and not are_lines:
                raise ConfigurationError(
                    f"contacts: {name} is neither a list of rows nor a row in each line: write it as one of them"
                )
            are_lines = True
            yield row
        return
    try:
        for row in _elements(JsonEvents(iter(lambda: file.read(_PIECE), b""))):
            count.rows += 1
            yield row
    except ValueError as error:
        wrong = str(error)
    else:
        return
    # outside the except block: else the error would be its context
    raise ConfigurationError(
        f"contacts: the list in {name} cannot be read behind row {count.rows}: {wrong}; mend it, or write a row in "
        "each line (.jsonl)"
    )


def _elements(events: JsonEvents) -> Iterator[Any]:
    next(events)
    while (event := next(events))[0] != "end_array":
        yield events.value(event)
    for _ in events:
        raise ValueError("there is something behind the end")


class JsonEvents(Iterator[Event]):
    """What ijson finds in a document, one after the other.

    :param pieces: the document's bytes; a byte order mark is passed over.
    """

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._length = 0  # bytes that ijson has taken
        self._events = self._read(pieces)

    def __next__(self) -> Event:
        return next(self._events)

    def value(self, event: Event) -> Any:
        """The value that begins with an event; None for one that names something twice, because it is not clear which
        of the two values is meant. Raises ValueError if it is too long or too deep."""
        from ijson import ObjectBuilder

        if event[0] not in _BEGINS:
            return event[1]
        builder, depth, length = ObjectBuilder(), 1, self._length
        builder.event(*event)
        names: list[set[str]] = [set()]  # of each object that is open; a list has none
        is_clear = True
        while depth:
            event = next(self._events)
            builder.event(*event)
            if event[0] in _BEGINS:
                names.append(set())
            elif event[0] in _ENDS:
                names.pop()
            elif event[0] == "map_key":
                is_clear &= event[1] not in names[-1]
                names[-1].add(event[1])
            depth += (event[0] in _BEGINS) - (event[0] in _ENDS)
            if depth > MAX_DEPTH or self._length - length > MAX_ROW_BYTES:
                raise ValueError("a value is too deep or too long")
        return builder.value if is_clear else None

    def _read(self, pieces: Iterable[bytes]) -> Iterator[Event]:
        """What ijson finds. Raises ValueError if it is no JSON, or a text in it is too long."""
        import ijson

        found: list[Event] = ijson.sendable_list()
        parser = ijson.basic_parse_coro(found)
        silent = 0  # bytes since ijson last found something
        try:
            for piece in filter(None, _without_nan(pieces)):  # to ijson an empty one is the end
                self._length += len(piece)
                if not _succeeds(parser.send, piece):  # what it found before is not to be touched then: it is half made
                    raise ValueError("it is no JSON")
                silent = 0 if found else silent + len(piece)
                if silent > MAX_ROW_BYTES:
                    raise ValueError("a text is too long")
                yield from map(_as_python, found)
                found.clear()
        finally:
            is_whole = _succeeds(parser.close)
        if not is_whole:
            raise ValueError("it is not whole")
        yield from map(_as_python, found)


def _succeeds(step: Callable[..., object], *arguments: bytes) -> bool:
    """Whether ijson goes on: its errors, of which each backend has other ones, quote what they could not read."""
    try:
        step(*arguments)
    except MemoryError:
        raise
    except Exception:
        return False
    return True


def _as_python(event: Event) -> Event:
    """The event with a number as Python's own JSON reader has it; ijson makes a Decimal of every fraction."""
    kind, value = event
    return (kind, float(value)) if kind == "number" and type(value) is not int else event


def _without_nan(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The document with ``null`` for ``NaN`` and ``Infinity``, which Python writes and JSON does not have.

    A byte order mark is left out too. No piece ends within a word or an escape.
    """
    held, in_text, has_begun = b"", False, False
    for piece in pieces:
        data = held + piece
        if not has_begun and len(data) < len(codecs.BOM_UTF8):
            held = data
            continue
        if not has_begun:
            data, has_begun = data.removeprefix(codecs.BOM_UTF8), True
        backslashes = len(data) - len(data.rstrip(b"\\"))
        word = _UNFINISHED.search(data)
        end = word.start() if word is not None else len(data) - backslashes % 2
        data, held = data[:end], data[end:]
        quotes = data.replace(b"\\\\", b"").replace(b'\\"', b"").count(b'"')
        if b"NaN" in data or b"Infinity" in data:
            opened = b'"' if in_text else b""
            data = _TEXT_OR_WORD.sub(_null, opened + data)[len(opened) :]
        in_text ^= quotes % 2 == 1
        yield data
    yield held


def _null(found: re.Match[bytes]) -> bytes:
    return found[0] if found[0].startswith(b'"') else b"null"
