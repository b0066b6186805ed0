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

_USUAL_SCHEMAS = {"postgres": "public", "sqlite": "main", "redshift": "public", "mssql": "dbo"}
_SCHEMA_IS_DATABASE = frozenset({"mysql"})

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


def lineage_between(
    hook: Any,
    *,
    takes: Iterable[str] = (),
    makes: Iterable[str] = (),
    reads: Iterable[object] = (),
    writes: Iterable[object] = (),
) -> OperatorLineage | None:
    """What a task moves between a vendor and files; None where it cannot be told.

    :param takes: what it takes from the vendor, such as ``campaigns/7``.
    :param makes: what it makes there.
    :param reads: the paths of files that it reads; what is no path is left out.
    :param writes: the paths of those that it writes.
    """
    try:
        from airflow.providers.common.compat.openlineage.facet import Dataset
        from airflow.providers.openlineage.extractors import OperatorLineage

        def datasets(names: Iterable[str], paths: Iterable[object]) -> list[Any]:
            own = [Dataset(namespace=_namespace(hook), name=name) for name in names]
            return [*own, *(_dataset_of_path(path) for path in paths if isinstance(path, str))]

        return OperatorLineage(inputs=datasets(takes, reads), outputs=datasets(makes, writes))
    except Exception as error:  # as above
        _log.debug("The lineage of a task cannot be told (%s)", type(error).__name__)
        return None


def _namespace(hook: Any) -> str:
    """What OpenLineage calls a vendor: its host."""
    return f"{hook.conn_type}://{urlsplit(hook.connection.target.base_url).netloc}"


def _table_of(conn_id: str, table: str) -> Any:
    """A table, named as OpenLineage names it: database, schema, table."""
    from airflow.providers.common.compat.openlineage.facet import Dataset

    namespace, database, connection_type, _ = _database(conn_id)
    schema, _, table = table.rpartition(".")
    return Dataset(namespace=namespace, name=_full_name(database, schema, table, connection_type=connection_type))


def _database(conn_id: str) -> tuple[str, str, str, str]:
    """What OpenLineage calls the database of a connection: namespace and name; the connection's type, the dialect."""
    from airflow.providers.common.compat.sdk import BaseHook
    from airflow.providers.openlineage.sqlparser import DatabaseInfo, SQLParser

    connection = BaseHook.get_connection(conn_id)
    hook = connection.get_hook()
    database = hook.get_openlineage_database_info(connection)
    if database is None:  # as of SQLite
        place = f"{connection.host}:{connection.port}" if connection.port else None
        database = DatabaseInfo(scheme=connection.conn_type, authority=place)
    name = database.database or connection.schema or connection.host or conn_id
    dialect = hook.get_openlineage_database_dialect(connection)
    return SQLParser.create_namespace(database), name, connection.conn_type or "", dialect


def _tables(source: SqlContacts) -> Iterable[Any]:
    from airflow.providers.common.compat.openlineage.facet import Dataset
    from airflow.providers.openlineage.sqlparser import SQLParser

    namespace, database, connection_type, dialect = _database(source.conn_id)
    read = SQLParser(dialect=dialect).parse([source.sql])
    names = {
        _full_name(table.database or database, table.schema, table.name, connection_type=connection_type)
        for table in (read.in_tables if read else ())
    }
    # a statement that the parser cannot read still reads this database
    return [Dataset(namespace=namespace, name=name) for name in sorted(names) or [database]]


def _full_name(database: str, schema: str | None, table: str, *, connection_type: str) -> str:
    """A table's name. The hook could ask the database for the schema of a bare name; lineage connects to none."""
    schema = schema or _USUAL_SCHEMAS.get(connection_type)
    if connection_type in _SCHEMA_IS_DATABASE:
        return f"{schema or database}.{table}"
    return ".".join(filter(None, (database, schema, table)))


def _outputs(operator: PlacingOperator, result: Mapping[str, Any] | None) -> Iterator[Any]:
    from airflow.providers.common.compat.openlineage.facet import OutputDataset, OutputStatisticsOutputDatasetFacet

    if _places_calls(operator):
        namespace = _namespace(operator.hook)
        campaigns = list(_campaigns(operator, result))
        statistics = {}
        if result is not None and len(campaigns) == 1:
            statistics["outputStatistics"] = OutputStatisticsOutputDatasetFacet(rowCount=result["accepted"])
        for name in campaigns:
            yield OutputDataset(namespace=namespace, name=name, outputFacets=statistics)
    for argument in ("report_path",) if _places_calls(operator) else ("page_path",):
        path = unredacted(getattr(operator, argument, None))
        if isinstance(path, str):
            yield _dataset_of_path(path)


def _places_calls(operator: PlacingOperator) -> bool:
    return operator.places_calls and getattr(operator, "dry_run", None) is not True  # Airflow has a method of that name


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
