"""Contact rows from what the triggering asset events point at.

A DAG that is scheduled on an asset is told *that* new contacts exist; the events say *where*. Either the producing task
wrote the path of its file into the event's extra, or the asset's own URI is the file.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Generator, Iterable, Mapping, Sequence
from typing import Any

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.sources.contract import ContactRow
from airflow_provider_callkaro.sources.file_formats import check_delimiter, format_named
from airflow_provider_callkaro.sources.files import contact_files

log = logging.getLogger(__name__)


class AssetContacts:
    """The rows of the files that this run's triggering asset events name, oldest event first, each file once.

    :param asset: take only the events of this asset: an Asset, its name or its URI. None takes all. Templated.
    :param conn_id: the Airflow connection that opens the storage; None takes the storage's default. Templated.
    :param format: ``csv``, ``jsonl`` or ``parquet``; None goes by the ending of each file.
    :param path_key: where in an event's extra the path stands; an event without it means the asset's URI. Default
        ``path``. Templated.
    :param delimiter: what separates the cells of a CSV, one character. Default ``,``.
    :raises ConfigurationError: ``format`` or ``delimiter`` is none of these.
    """

    __slots__ = ("_format", "asset", "conn_id", "delimiter", "path_key")

    template_fields: Sequence[str] = ("asset", "conn_id", "path_key")

    def __init__(
        self,
        asset: Any = None,
        *,
        conn_id: str | None = None,
        format: str | None = None,  # noqa: A002 - the word users look for
        path_key: str = "path",
        delimiter: str = ",",
    ) -> None:
        # Only a text is kept: Airflow's templater would take an Asset for a path or for an object of the user's.
        self.asset = getattr(asset, "uri", None) or getattr(asset, "name", asset)
        self.conn_id = conn_id
        self.path_key = path_key
        self._format = None if format is None else format_named(format)
        self.delimiter = check_delimiter(delimiter)

    def __repr__(self) -> str:
        which = "the triggering assets" if self.asset is None else f"asset {self.asset}"
        through = "" if self.conn_id is None else f" through connection {self.conn_id}"
        return f"rows of the files that the events of {which} name{through}"

    def rows(self, context: Mapping[str, Any]) -> Generator[ContactRow, None, None]:
        """The files' rows, read as they are asked for; which files there are is decided at the first row.

        :param context: the task's context; its events are read at the first row only.
        :raises ConfigurationError: no event triggered this run, or one names no file that can be read.
        """
        events = self._events(context)
        found = [
            file
            for event in events
            for file in contact_files(
                self._path(event), conn_id=self.conn_id, file_format=self._format, delimiter=self.delimiter
            )
        ]
        files = {file.url: file for file in found}
        log.info("Contacts come from %d files named by %d asset events", len(files), len(events))
        for file in files.values():
            yield from file.rows()

    def total(self, context: Mapping[str, Any]) -> None:  # noqa: ARG002
        """None: only reading all of it would tell."""
        return

    def _events(self, context: Mapping[str, Any]) -> list[Any]:
        by_asset = context.get("triggering_asset_events") or context.get("triggering_dataset_events") or {}
        events = _each_once(event for of_asset in by_asset.values() for event in of_asset)
        if self.asset is not None:
            events = [event for event in events if self.asset in _names(_asset(event))]
        if not events:
            of = "" if self.asset is None else f" of {self.asset}"
            raise ConfigurationError(
                f"AssetContacts: no asset event{of} triggered this run, and a manual run has none: run the task that "
                "updates the asset, or give FileContacts a path"
            )
        return sorted(events, key=lambda event: event.timestamp)

    def _path(self, event: Any) -> str:
        asset = _asset(event)
        path = (event.extra or {}).get(self.path_key)
        if path is None:
            path = asset.uri
            if "://" not in path and not os.path.isabs(path):
                raise ConfigurationError(
                    f'AssetContacts: asset "{path}" has no URI that is a file: give it one, or put the path of a file '
                    f'into extra["{self.path_key}"] of its events'
                )
        if not isinstance(path, str):
            raise ConfigurationError(
                f'AssetContacts: extra["{self.path_key}"] of an event of asset "{asset.uri}" is no text: put a path '
                "there"
            )
        return path


def _each_once(events: Iterable[Any]) -> list[Any]:
    """An event stands under its asset and again under each alias that it came through."""
    return list({id(event): event for event in events}.values())


def _asset(event: Any) -> Any:
    return event.asset if hasattr(event, "asset") else event.dataset  # before Airflow 3 an asset was a dataset


def _names(asset: Any) -> tuple[str, ...]:
    return (asset.uri, getattr(asset, "name", asset.uri))
