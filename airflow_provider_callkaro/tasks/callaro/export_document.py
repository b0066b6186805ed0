"""One JSON document, read as it comes: its rows are the elements of its one list.

ijson reads the JSON. This module says where the rows are, and keeps what a stranger's document may cost: the length of
a value, its depth, and the fields that are kept. ijson quotes the document in its errors, so none of them leaves here.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from airflow_provider_callkaro.calls.row_size import MAX_ROW_BYTES
from airflow_provider_callkaro.vendors.callaro.answers import MORE

MAX_META = 1_000  # ours: fields that an answer says of its pages
MAX_DEPTH = 500  # ours: lists and objects inside each other
_BEGINS = frozenset({"start_array", "start_map"})
_ENDS = frozenset({"end_array", "end_map"})
_TEXT_OR_WORD = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\Z)|-?Infinity|NaN', re.DOTALL)
_UNFINISHED = re.compile(rb"[A-Za-z-]{1,9}\Z")  # may be -Infinity or its beginning

Event: TypeAlias = tuple[str, Any]
"""What ijson finds next, and the value that it has there."""


class ExportDocument:
    """The rows of one JSON document, and what it says beside them.

    The list may be the document itself, a field of an object, or a field of its object ``data``. An empty list counts
    only if there is no other.

    :param pieces: the document's bytes; a byte order mark is passed over.
    :ivar fields: how many fields the objects around the list hold.
    :ivar meta: what the object says of its pages.
    :ivar said: what it says of more beside that, in the words of other ways of paging.
    """

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self.fields = 0
        self.meta: Mapping[str, Any] = {}
        self.said: dict[str, Any] = {}
        self._filled = 0
        self._empty = 0
        self._length = 0  # bytes that ijson has taken
        self._events = self._read(pieces)

    @property
    def lists(self) -> int:
        """How many lists there were so far; the empty ones as one, and not at all beside others."""
        return self._filled or min(self._empty, 1)

    def rows(self) -> Iterator[Any]:
        """The rows, once. Raises ValueError if it is no JSON, holds too long or too deep a value, or has something
        behind its end."""
        match next(self._events):
            case "start_array", _:
                yield from self._list()
            case "start_map", _:
                yield from self._object(may_hold_data=True)
            case _:
                raise ValueError("it is neither a list nor an object")
        for _ in self._events:
            raise ValueError("there is something behind the end")

    def _list(self) -> Iterator[Any]:
        event = next(self._events)
        if event[0] == "end_array":
            self._empty += 1
            return
        self._filled += 1
        while event[0] != "end_array":
            yield self._value(event)
            event = next(self._events)

    def _object(self, *, may_hold_data: bool) -> Iterator[Any]:
        for kind, name in self._events:
            if kind == "end_map":
                return
            self.fields += 1
            event = next(self._events)
            if event[0] == "start_array":
                yield from self._list()
            elif event[0] == "start_map" and name == "data" and may_hold_data:
                yield from self._object(may_hold_data=False)
            else:
                self._keep(name, self._value(event))

    def _keep(self, name: str, value: object) -> None:
        if name in ("meta", "pagination") and isinstance(value, dict):
            self.meta = {**self.meta, **value}
            if len(self.meta) > MAX_META:
                raise ValueError("it says too much of its pages")
        if name in MORE:
            self.said[name] = value

    def _value(self, event: Event) -> Any:
        from ijson import ObjectBuilder

        if event[0] not in _BEGINS:
            return event[1]
        builder, depth, length = ObjectBuilder(), 1, self._length
        builder.event(*event)
        while depth:
            event = next(self._events)
            builder.event(*event)
            depth += (event[0] in _BEGINS) - (event[0] in _ENDS)
            if depth > MAX_DEPTH or self._length - length > MAX_ROW_BYTES:
                raise ValueError("a value is too deep or too long")
        return builder.value

    def _read(self, pieces: Iterable[bytes]) -> Iterator[Event]:
        """What ijson finds. Raises ValueError if it is no JSON, or a text in it is too long."""
        import ijson

        found: list[Event] = ijson.sendable_list()
        parser = ijson.basic_parse_coro(found)
        silent = 0  # bytes since ijson last found something
        try:
            for piece in filter(None, _without_nan(pieces)):  # to ijson an empty one is the end
                self._length += len(piece)
                if not _succeeds(parser.send, piece):
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
