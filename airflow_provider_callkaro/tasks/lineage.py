"""What OpenLineage is told of an operator: where its people come from, and what it makes: campaign, report, outcomes.

It is asked for only where Airflow's OpenLineage provider is installed and on. Datasets are tables, files and campaigns
by their names; no row, no number and no text of a query is among them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow_provider_callkaro.files.storage import redacted_path
from airflow_provider_callkaro.tasks.arguments import unredacted

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage

    from airflow_provider_callkaro.sources import SqlContacts
    from airflow_provider_callkaro.tasks.placing import PlacingOperator

_CALLS = "calls"  # the dataset of calls that belong to no campaign

_log = logging.getLogger(__name__)


def lineage_of(operator: PlacingOperator, *, result: Mapping[str, Any] | None) -> OperatorLineage | None:
    """The inputs and outputs of an operator whose templates are rendered; None where they cannot be told.

    :param result: what the run came to; None while it has not ended.
    """
    try:
        from airflow.providers.openlineage.extractors import OperatorLineage

        return OperatorLineage(inputs=[*_inputs(operator)], outputs=[*_outputs(operator, result)])
    except Exception as error:  # lineage is told beside the run, and must not end it
        _log.debug("The lineage of %s cannot be told (%s)", operator.task_id, type(error).__name__)
        return None


def _inputs(operator: PlacingOperator) -> Iterator[Any]:
    """The datasets of the list, and of the people whom the policy suppresses."""
    from airflow_provider_callkaro.sources import AssetContacts, FileContacts, SqlContacts

    for source in (getattr(operator, "contacts", None), operator.suppression.source):
        if isinstance(source, SqlContacts):
            yield from _tables(source)
        elif isinstance(source, FileContacts) and isinstance(source.path, str):
            yield _dataset_of_path(source.path)
        elif isinstance(source, AssetContacts) and isinstance(source.asset, str) and "://" in source.asset:
            yield _dataset_of_path(source.asset)


def lineage_of_write_back(report_path: Callable[[], str], *, conn_id: str, table: str) -> OperatorLineage | None:
    """The report that is read and the table that is written; None where they cannot be told."""
    try:
        from airflow.providers.openlineage.extractors import OperatorLineage

        return OperatorLineage(inputs=[_dataset_of_path(report_path())], outputs=[_table_of(conn_id, table)])
    except Exception as error:  # as above
        _log.debug("The lineage of a write-back cannot be told (%s)", type(error).__name__)
        return None


def _table_of(conn_id: str, table: str) -> Any:
    """A table, named as OpenLineage names it: database, schema, table."""
    from airflow.providers.common.compat.openlineage.facet import Dataset
    from airflow.providers.openlineage.sqlparser import SQLParser

    database, name, default_schema, _ = _database(conn_id)
    schema, _, table = table.rpartition(".")
    parts = (name, schema or default_schema, table)
    return Dataset(namespace=SQLParser.create_namespace(database), name=".".join(part for part in parts if part))


def _database(conn_id: str) -> tuple[Any, str | None, str | None, Any]:
    """What OpenLineage calls the database of a connection, its name, its schema, and the hook."""
    from airflow.providers.common.compat.sdk import BaseHook
    from airflow.providers.openlineage.sqlparser import DatabaseInfo

    connection = BaseHook.get_connection(conn_id)
    hook = connection.get_hook()
    database = hook.get_openlineage_database_info(connection)
    schema = "main" if connection.conn_type == "sqlite" else hook.get_openlineage_default_schema()
    if database is None:  # as of SQLite
        place = f"{connection.host}:{connection.port}" if connection.port else None
        database = DatabaseInfo(scheme=connection.conn_type, authority=place)
    return database, database.database or connection.schema or connection.host, schema, hook


def _tables(source: SqlContacts) -> Iterable[Any]:
    from airflow.providers.common.compat.openlineage.facet import Dataset
    from airflow.providers.common.compat.sdk import BaseHook
    from airflow.providers.openlineage.sqlparser import SQLParser

    database, name, schema, hook = _database(source.conn_id)
    connection = BaseHook.get_connection(source.conn_id)
    parser = SQLParser(dialect=hook.get_openlineage_database_dialect(connection), default_schema=schema)
    told = parser.generate_openlineage_metadata_from_sql(
        sql=source.sql, hook=hook, database_info=database, database=name, use_connection=False
    )
    tables = dict.fromkeys((table.namespace, table.name) for table in told.inputs)
    # a statement that the parser cannot read still reads this database
    whole = (parser.create_namespace(database), name or source.conn_id)
    return [Dataset(namespace=namespace, name=table) for namespace, table in tables or [whole]]


def _outputs(operator: PlacingOperator, result: Mapping[str, Any] | None) -> Iterator[Any]:
    from airflow.providers.common.compat.openlineage.facet import OutputDataset, OutputStatisticsOutputDatasetFacet

    if operator.places_calls and not getattr(operator, "dry_run", False):
        vendor = operator.hook
        namespace = f"{vendor.conn_type}://{urlsplit(vendor.connection.target.base_url).netloc}"
        campaigns = list(_campaigns(operator, result))
        statistics = {}
        if result is not None and len(campaigns) == 1:
            statistics["outputStatistics"] = OutputStatisticsOutputDatasetFacet(rowCount=result["accepted"])
        for name in campaigns:
            yield OutputDataset(namespace=namespace, name=name, outputFacets=statistics)
    for argument in ("report_path", "page_path"):
        path = unredacted(getattr(operator, argument, None))
        if isinstance(path, str):
            yield _dataset_of_path(path)


def _campaigns(operator: PlacingOperator, result: Mapping[str, Any] | None) -> Iterator[str]:
    """The names of the campaigns, as far as they are known; several are known only once they are made."""
    if result is not None and "created" in result:
        yield from (f"campaigns/{campaign['campaign_id']}" for campaign in result["created"])
    elif hasattr(operator, "batch_id"):
        yield f"campaigns/{operator.batch_id}" if operator.batch_id else _CALLS


def _dataset_of_path(path: str) -> Any:
    """A file or folder, named as OpenLineage names them: the bucket is the namespace."""
    from airflow.providers.common.compat.openlineage.facet import Dataset

    scheme, separator, place = redacted_path(path).partition("://")
    if not separator or scheme in ("file", "local"):
        return Dataset(namespace="file", name=str(Path(place if separator else path).expanduser().absolute()))
    bucket, _, name = place.partition("/")
    return Dataset(namespace=f"{scheme}://{bucket}", name=name or "/")
