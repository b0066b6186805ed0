"""One JSON document, read as it comes: its rows are the elements of its one list.

`JsonEvents` reads the JSON. This module says where the rows are, and keeps which fields a stranger's document may have
kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from airflow_provider_callkaro.files.reading.json_file import JsonEvents
from airflow_provider_callkaro.vendors.callaro.answers import MORE

MAX_META = 1_000  # ours: fields that an answer says of its pages


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
        self._events = JsonEvents(pieces)

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
            yield self._events.value(event)
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
                self._keep(name, self._events.value(event))

    def _keep(self, name: str, value: object) -> None:
        if name in ("meta", "pagination") and isinstance(value, dict):
            self.meta = {**self.meta, **value}
            if len(self.meta) > MAX_META:
                raise ValueError("it says too much of its pages")
        if name in MORE:
            self.said[name] = value
