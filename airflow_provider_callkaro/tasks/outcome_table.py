"""A table of outcomes in a user's own database: each line of a report, in the row that has its key.

One transaction takes a whole report, so a report is there altogether or not at all, and twice is the same as once. The
statements are SQLAlchemy's, which quotes identifiers and binds values for each database. Columns have no type here, so
that the database itself reads a key of the report's text as what the column is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_callkaro.exceptions import ConfigurationError

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

DIALECTS = ("sqlite", "postgresql", "mysql", "mariadb")
MAX_IDENTIFIER = 63  # characters; PostgreSQL cuts longer names without a word
_IDENTIFIER = re.compile(rf"[^\W\d][\w$]{{0,{MAX_IDENTIFIER - 1}}}")
_KEY_LENGTH, _VALUE_LENGTH = 200, 255  # characters, of the columns of a new table
_LONG = frozenset({"detail", "fields", "call_link", "recording_url", "transcript"})  # columns whose texts are longer


def checked_identifier(argument: str, name: object) -> str:
    """A name of a table or a column. Raises ConfigurationError if no table or column should be called so."""
    if not isinstance(name, str) or not _IDENTIFIER.fullmatch(name):
        raise ConfigurationError(
            f"{argument} holds what is no name of a table or column: use letters, digits and underscores, at most "
            f"{MAX_IDENTIFIER}"
        )
    return name


def checked_table(name: object) -> tuple[str | None, str]:
    """The schema, or None, and the name of a table. Raises ConfigurationError if it is neither ``table`` nor
    ``schema.table``."""
    schema, dot, table = name.rpartition(".") if isinstance(name, str) else ("", "", name)
    return checked_identifier("table", schema) if dot else None, checked_identifier("table", table)


def written_instant(dialect: str) -> Callable[[datetime], str]:
    """How an instant in UTC is written for a database, so that a column of instants and one of texts both take it."""
    if dialect == "postgresql":  # a column with a time zone would take a bare text for the session's zone
        return lambda moment: moment.isoformat(" ", "microseconds")
    return lambda moment: moment.replace(tzinfo=None).isoformat(" ", "microseconds")


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeTable:
    """A table, and the columns of it that a report fills.

    :param name: of the table, with its schema before a dot where it is not the connection's own.
    :param keys: the columns that say whose row it is.
    :param values: the columns that are written.
    :param inserts: whether a key that the table has not gets a row; else it is left out.
    """

    name: str
    keys: Sequence[str]
    values: Sequence[str]
    inserts: bool
    _table: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        from sqlalchemy import column, table

        schema, name = checked_table(self.name)
        columns: list[Any] = [column(each) for each in (*self.keys, *self.values)]
        object.__setattr__(self, "_table", table(name, *columns, schema=schema))

    def check(self, connection: Connection) -> None:
        """Refuse a table that is missing, lacks a column, or cannot tell one key from another. Raises
        ConfigurationError, naming what is missing."""
        from sqlalchemy import inspect

        schema, name = checked_table(self.name)
        look = inspect(connection)
        if not (look.has_table(name, schema=schema) or name in look.get_view_names(schema=schema)):
            raise ConfigurationError(f"there is no table {self.name}: create it, or let create_table=True do so")
        has = {each["name"] for each in look.get_columns(name, schema=schema)}
        missing = [each for each in (*self.keys, *self.values) if each not in has]
        if missing:
            raise ConfigurationError(f"table {self.name} has no column {', '.join(missing)}: add it, or name another")
        if not self.inserts:
            return
        unique: list[Any] = [look.get_pk_constraint(name, schema=schema)["constrained_columns"]]
        unique += [each["column_names"] for each in look.get_unique_constraints(name, schema=schema)]
        unique += [
            each["column_names"]
            for each in look.get_indexes(name, schema=schema)
            if each["unique"] and not any(key.endswith("_where") for key in each.get("dialect_options", {}))
        ]
        if set(self.keys) not in map(set, unique):
            raise ConfigurationError(
                f"table {self.name} has no primary key or unique index on {', '.join(self.keys)}, so a second run "
                'would add each row again: make one, or use mode="update" where there is one'
            )

    def create(self, connection: Connection) -> None:
        """Create the table where it is missing: the key as its primary key, all columns texts."""
        from sqlalchemy import Column, MetaData, String, Table, Text
        from sqlalchemy.dialects.mysql import MEDIUMTEXT, VARCHAR

        schema, name = checked_table(self.name)
        is_mysql = connection.dialect.name in ("mysql", "mariadb")
        # MySQL would take C-1 and c-1 for one key
        key = VARCHAR(_KEY_LENGTH, charset="utf8mb4", collation="utf8mb4_bin") if is_mysql else String(_KEY_LENGTH)
        columns: list[Column[Any]] = [Column(each, key, primary_key=True, autoincrement=False) for each in self.keys]
        long = Text().with_variant(MEDIUMTEXT(), "mysql").with_variant(MEDIUMTEXT(), "mariadb")
        columns += [Column(each, long if each in _LONG else String(_VALUE_LENGTH)) for each in self.values]
        Table(name, MetaData(), *columns, schema=schema).create(connection, checkfirst=True)

    def write(self, connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
        """Write these rows, each with another key."""
        if not rows:
            return
        if self.inserts:
            connection.execute(self._upsert(connection.dialect.name), rows)
        else:
            connection.execute(self._update(only_empty=False), self._marked(rows))

    def write_where_empty(self, connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
        """Write these rows where the table has no outcome for their key yet."""
        if not rows:
            return
        if self.inserts:
            connection.execute(self._insert_or_keep(connection.dialect.name), rows)
        else:
            connection.execute(self._update(only_empty=True), self._marked(rows))

    def _insert(self, dialect: str) -> Any:
        from sqlalchemy import bindparam
        from sqlalchemy.dialects import mysql, postgresql, sqlite

        insert = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}.get(dialect, mysql.insert)
        return insert(self._table).values({name: bindparam(name) for name in (*self.keys, *self.values)})

    def _upsert(self, dialect: str) -> Any:
        statement = self._insert(dialect)
        if dialect in ("sqlite", "postgresql"):
            new = {name: statement.excluded[name] for name in self.values}
            return statement.on_conflict_do_update(index_elements=list(self.keys), set_=new)
        return statement.on_duplicate_key_update({name: statement.inserted[name] for name in self.values})

    def _insert_or_keep(self, dialect: str) -> Any:
        statement = self._insert(dialect)
        if dialect in ("sqlite", "postgresql"):
            return statement.on_conflict_do_nothing(index_elements=list(self.keys))
        return statement.on_duplicate_key_update({self.keys[0]: self._table.c[self.keys[0]]})

    def _update(self, *, only_empty: bool) -> Any:
        from sqlalchemy import bindparam

        statement = self._table.update()
        for name in self.keys:
            statement = statement.where(self._table.c[name] == bindparam(f"key_{name}"))
        for name in self.values if only_empty else ():
            statement = statement.where(self._table.c[name].is_(None))
        return statement.values({name: bindparam(f"new_{name}") for name in self.values})

    def missing(self, connection: Connection, rows: Sequence[dict[str, Any]]) -> int:
        """For how many of these rows, each with another key, the table will have none after they are written."""
        if self.inserts or not rows:
            return 0
        from sqlalchemy import and_, bindparam, func, or_, select

        own = [self._table.c[name] for name in self.keys]
        values: dict[str, Any] = {}
        each_row = []
        for place, row in enumerate(rows):
            each_row.append(and_(*(column == bindparam(f"{column.name}_{place}") for column in own)))
            values |= {f"{column.name}_{place}": row[column.name] for column in own}
        keys = select(*own).where(or_(*each_row)).distinct().subquery()
        return len(rows) - int(connection.execute(select(func.count()).select_from(keys), values).scalar_one())

    def _marked(self, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """The values of rows by the names of an update's parameters."""
        return [
            {f"{'key' if name in self.keys else 'new'}_{name}": value for name, value in row.items()} for row in rows
        ]
