"""The database under `benchmarks.ledger`: made for it, watched while it is loaded, dropped after it.

PostgreSQL's own figures say what it wrote, `/proc` what its processes used, and samples of its view of sessions what
they waited for.
"""

from __future__ import annotations

import secrets
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psutil
import sqlalchemy

EVERY = 0.02  # seconds between two samples of what the sessions wait for
_OURS = "backend_type = 'client backend' AND datname = current_database() AND pid <> pg_backend_pid()"


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What the database has used up to a moment; the difference of two is that of a span.

    :param backends: seconds of CPU of the sessions of this database.
    :param others: seconds of CPU of all other processes of the server: WAL writer, checkpointer, autovacuum.
    :param wal: bytes of the log.
    :param syncs: times that the log was forced to disk.
    :param updates: rows updated; ``hot`` of them without a new entry in an index.
    """

    backends: float
    others: float
    wal: int
    syncs: int
    updates: int
    hot: int

    def since(self, earlier: Usage) -> Usage:
        """What was used from an earlier moment on."""
        return Usage(
            backends=self.backends - earlier.backends,
            others=self.others - earlier.others,
            wal=self.wal - earlier.wal,
            syncs=self.syncs - earlier.syncs,
            updates=self.updates - earlier.updates,
            hot=self.hot - earlier.hot,
        )


class WatchedDatabase:
    """A PostgreSQL database on this machine. ``url``: SQLAlchemy's."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._connection = sqlalchemy.create_engine(url, isolation_level="AUTOCOMMIT").connect()

    def close(self) -> None:
        """Give the connection back."""
        self._connection.close()
        self._connection.engine.dispose()

    def query(self, statement: str) -> Any:
        """Run a statement in a transaction of its own."""
        return self._connection.exec_driver_sql(statement)

    def usage(self) -> Usage:
        """What it has used until now."""
        ours = {int(pid) for (pid,) in self.query(f"SELECT pid FROM pg_stat_activity WHERE {_OURS}")}
        own = int(self.query("SELECT pg_backend_pid()").scalar_one())
        postmaster = psutil.Process(own).parent()
        assert postmaster is not None
        backends = others = 0.0
        times = postmaster.cpu_times()
        others += times.user + times.system + times.children_user + times.children_system
        for child in postmaster.children():
            try:
                times = child.cpu_times()
            except psutil.NoSuchProcess:
                continue
            if child.pid in ours:
                backends += times.user + times.system
            elif child.pid != own:
                others += times.user + times.system
        wal, syncs = self.query("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn, wal_sync FROM pg_stat_wal").one()
        updates, hot = self.query(
            "SELECT coalesce(sum(n_tup_upd), 0), coalesce(sum(n_tup_hot_upd), 0) FROM pg_stat_user_tables "
            "WHERE relname = 'voice_call_ledger'"
        ).one()
        return Usage(
            backends=backends,
            others=others,
            wal=int(wal),
            syncs=int(syncs),
            updates=int(updates),
            hot=int(hot),
        )

    @contextmanager
    def waits(self) -> Iterator[Counter[str]]:
        """Sample what the sessions of this database do until the block ends: counts, by name."""
        found: Counter[str] = Counter()
        done = threading.Event()

        def sample() -> None:
            while not done.wait(EVERY):
                for (what,) in watcher.query(
                    "SELECT CASE WHEN state LIKE 'idle%%' THEN 'waits for its worker' ELSE "
                    "coalesce(wait_event_type || ' ' || wait_event, 'computes') END FROM pg_stat_activity "
                    f"WHERE {_OURS} AND application_name = ''"
                ):
                    found[str(what)] += 1

        watcher = WatchedDatabase(self.url + "?application_name=watch")
        thread = threading.Thread(target=sample, daemon=True)
        thread.start()
        try:
            yield found
        finally:
            done.set()
            thread.join()
            watcher.close()

    @contextmanager
    def old_transaction(self) -> Iterator[None]:
        """Another session that holds a snapshot until the block ends, so that no dead row may be removed."""
        engine = sqlalchemy.create_engine(self.url + "?application_name=old", isolation_level="REPEATABLE READ")
        with engine.connect() as connection:
            connection.exec_driver_sql("SELECT count(*) FROM voice_call_scopes")
            yield
        engine.dispose()

    def sizes(self) -> dict[str, int]:
        """Bytes of the ledger's table and of each index."""
        rows = self.query(
            "SELECT relname, pg_relation_size(oid) FROM pg_class WHERE relname LIKE 'voice_call_ledger%%' "
            "AND relkind IN ('r', 'i') ORDER BY 2 DESC"
        )
        return {str(name): int(size) for name, size in rows}


@contextmanager
def database_on(server: str) -> Iterator[WatchedDatabase]:
    """A new database on a server, dropped after the block. ``server``: the URL of a database there."""
    name = f"callkaro_bench_ledger_{secrets.token_hex(4)}"
    beside = WatchedDatabase(server)
    beside.query(f"CREATE DATABASE {name}")
    try:
        made = WatchedDatabase(sqlalchemy.make_url(server).set(database=name).render_as_string(hide_password=False))
        try:
            yield made
        finally:
            made.close()
    finally:
        beside.query(f"DROP DATABASE {name} WITH (FORCE)")
        beside.close()
