"""Contact rows from the files that the triggering asset events name.

A run of a DAG that is scheduled on an asset means that there are new contacts; the run's events say where. Either the
producing task wrote the path of its file into the event's extra, or the asset's own URI is the file. Anybody with
access to the REST API can create an event, so its path must lie below a folder that the DAG's author chose.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Generator, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.files.formats import format_named
from airflow_provider_callkaro.files.path_confinement import path_below, stays_below
from airflow_provider_callkaro.files.reading.delimiters import check_delimiter
from airflow_provider_callkaro.files.reading.encoding import check_encoding
from airflow_provider_callkaro.files.storage import connection_in, redacted_path
from airflow_provider_callkaro.half_made import shown_half_made
from airflow_provider_callkaro.sources.contact_file import ContactFile
from airflow_provider_callkaro.sources.contract import ContactRow
from airflow_provider_callkaro.sources.files import contact_files, plain_path

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

log = logging.getLogger(__name__)


class AssetContacts:
    """The rows of the files that this run's triggering asset events name, oldest event first, each file once.

    A path in an event's extra must lie at or below ``base_path``, or at or below the asset's own URI if there is no
    ``base_path``; a path that does not begin with a slash is relative to it. Symbolic links that lead out of it, and a
    connection before the ``@`` of a path, are refused.

    :param asset: take only the events of this asset: an Asset, its name or its URI. None takes all. Templated.
    :param conn_id: the Airflow connection that opens the storage; None takes the storage's default. Templated.
    :param base_path: the folder, local or in object storage, below which every file must lie, the assets' own URIs
        among them. Default: each asset's own URI. Templated.
    :param format: ``csv``, ``jsonl``, ``json``, ``parquet`` or ``xlsx``; None goes by each file's ending.
    :param path_key: the key of the path in an event's extra; an event without it means the asset's URI. Default
        ``path``. Templated.
    :param delimiter: what separates the cells of a CSV, one character. None (default) finds it from the first line,
        where only one of comma, semicolon, tab and ``|`` can be it.
    :param encoding: of CSV and JSON, as Python names it, such as ``cp1252``. None (default) is UTF-8, or what the byte
        order mark says.
    :param sheet: the name of the sheet of an Excel workbook. None (default) is the first that is not hidden.
    :raises ConfigurationError: ``format``, ``delimiter`` or ``encoding`` is none of these, or ``base_path`` names a
        connection.
    """

    __slots__ = ("_format", "asset", "base_path", "conn_id", "delimiter", "encoding", "path_key", "sheet")

    template_fields: Sequence[str] = ("asset", "conn_id", "base_path", "path_key")

    def __init__(
        self,
        asset: Any = None,
        *,
        conn_id: str | None = None,
        base_path: str | os.PathLike[str] | None = None,
        format: str | None = None,  # noqa: A002 - the word users look for
        path_key: str = "path",
        delimiter: str | None = None,
        encoding: str | None = None,
        sheet: str | None = None,
    ) -> None:
        # Keep a text only: Airflow's templater would take an Asset for a path, or look for template fields in it.
        self.asset = getattr(asset, "uri", None) or getattr(asset, "name", asset)
        self.base_path, self.conn_id = plain_path(base_path, conn_id)
        self._check_base()
        self.path_key = path_key
        self._format = None if format is None else format_named(format)
        self.delimiter = check_delimiter(delimiter)
        self.encoding = check_encoding(encoding)
        self.sheet = sheet

    @shown_half_made
    def __repr__(self) -> str:
        which = "the triggering assets" if self.asset is None else f"asset {redacted_path(str(self.asset))}"
        through = "" if self.conn_id is None else f" through connection {self.conn_id}"
        below = "" if self.base_path is None else f" below {redacted_path(str(self.base_path))}"
        return f"rows of the files that the events of {which} name{below}{through}"

    def rows(self, context: Context) -> Generator[ContactRow, None, None]:
        """The files' rows, read as they are asked for; which files there are is decided at the first row.

        :param context: the task's context; its events are read at the first row only.
        :raises ConfigurationError: no event triggered this run, or one names no file that can be read, or one that is
            not below the place where files must lie.
        """
        self._check_base()
        events = self._events(context)
        found = [file for event in events for file in self._files(event)]
        files = {file.url: file for file in found}
        log.info("Contacts come from %d files named by %d asset events", len(files), len(events))
        for file in files.values():
            yield from file.rows()

    def total(self, context: Context) -> None:  # noqa: ARG002
        """None: only reading all of it would tell."""
        return

    def _events(self, context: Context) -> list[Any]:
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

    def _files(self, event: Any) -> list[ContactFile]:
        asset = _asset(event)
        path = (event.extra or {}).get(self.path_key)
        if path is None:
            path = asset.uri
            if not _is_location(path):
                raise ConfigurationError(
                    f'AssetContacts: asset "{path}" has no URI that is a file: give it one, or put the path of a file '
                    f'into extra["{self.path_key}"] of its events'
                )
        if not isinstance(path, str) or not path.strip():
            raise ConfigurationError(
                f'AssetContacts: extra["{self.path_key}"] of an event of asset "{asset.uri}" is no text: put a path '
                "there"
            )
        base = str(asset.uri if self.base_path is None else self.base_path)
        if not _is_location(base) and self.base_path is None:
            raise ConfigurationError(
                f'AssetContacts: an event of asset "{base}" names a file, and anybody who may make events could name '
                "any: set base_path to the folder below which such files lie"
            )
        whose = f'AssetContacts: an event of asset "{asset.uri}"'
        path = path_below(path, base, whose=whose, way_out="set base_path to the folder below which such files lie")
        files = contact_files(
            path,
            conn_id=self.conn_id,
            file_format=self._format,
            delimiter=self.delimiter,
            encoding=self.encoding,
            sheet=self.sheet,
        )
        if not all(stays_below(file.filesystem, file.path, base) for file in files):
            raise ConfigurationError(
                f"{whose} names a file behind a symbolic link that leads out of {redacted_path(base)}: put the file "
                "itself there"
            )
        return files

    def _check_base(self) -> None:
        if isinstance(self.base_path, str):
            if not self.base_path.strip():
                raise ConfigurationError("AssetContacts: base_path is empty: name the folder below which the files lie")
            if connection_in(self.base_path) is not None:
                raise ConfigurationError("AssetContacts: base_path names a connection before its @: use conn_id")


def _is_location(uri: str) -> bool:
    return "://" in uri or os.path.isabs(uri)


def _each_once(events: Iterable[Any]) -> list[Any]:
    """Airflow lists an event under its asset and again under each alias through which it came."""
    return list({id(event): event for event in events}.values())


def _asset(event: Any) -> Any:
    return event.asset if hasattr(event, "asset") else event.dataset  # before Airflow 3 an asset was a dataset


def _names(asset: Any) -> tuple[str, ...]:
    return (asset.uri, getattr(asset, "name", asset.uri))
