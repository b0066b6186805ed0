"""Why a ledger's database does not work, in our words: its own may quote parameters, and those are phone numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass

CONNECTION_ID = "callkaro_conn_id"
"""The execution option of an engine that says which Airflow connection it is of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """What is wrong.

    :param sentence: what it is, and the way out.
    :param is_final: whether the same try would meet it again.
    :param codes: of the database: an SQLSTATE of PostgreSQL, an error number of MySQL, a name of SQLite.
    :param words: what its message says where it has no code: patterns, in small letters.
    """

    sentence: str
    is_final: bool
    codes: frozenset[str]
    words: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.sentence


_CAUSES = (
    Cause(
        sentence="it refuses the login: correct the login and the password of the connection",
        is_final=True,
        codes=frozenset({"28P01", "28000", "1045", "1698"}),
        words=(
            "password authentication failed",
            'role "[^"]*" does not exist',
            "access denied for user",
            "no password supplied",
        ),
    ),
    Cause(
        sentence="there is no such database: create it, or correct the schema of the connection",
        is_final=True,
        codes=frozenset({"3D000", "1049"}),
        words=("unknown database", 'database "[^"]*" does not exist'),
    ),
    Cause(
        sentence="the login lacks a right: grant it create, select, insert, update and delete on the ledger's tables",
        is_final=True,
        codes=frozenset({"42501", "1044", "1142", "1227", "SQLITE_READONLY", "SQLITE_PERM", "SQLITE_AUTH"}),
    ),
    Cause(
        sentence="its file cannot be opened: see that the folder exists on the worker and may be written to",
        is_final=True,
        codes=frozenset({"SQLITE_CANTOPEN"}),
    ),
    Cause(
        sentence="it is no database: correct the path of the connection",
        is_final=True,
        codes=frozenset({"SQLITE_NOTADB"}),
    ),
    Cause(
        sentence="the name of its host is not known: correct the host of the connection, or see to DNS",
        is_final=False,
        codes=frozenset({"2005"}),
        words=("could not translate host name", "name or service not known", "unknown mysql server host"),
    ),
    Cause(
        sentence="its host refuses the connection: see that it runs there, and correct host and port",
        is_final=False,
        codes=frozenset({"2002", "2003"}),
        words=("connection refused", "can't connect to"),
    ),
    Cause(
        sentence="its host did not answer in time: see that it can be reached from the worker",
        is_final=False,
        codes=frozenset(),
        words=("timeout expired", "timed out"),
    ),
    Cause(
        sentence="its disk is full: make room, then run it again", is_final=False, codes=frozenset({"53100", "1021"})
    ),
    Cause(sentence="its disk is full: make room, then run it again", is_final=False, codes=frozenset({"SQLITE_FULL"})),
)


def cause_of(error: Exception, *, code: str) -> Cause | None:
    """What is wrong, as far as it is known. ``code``: the database's own, empty where it gave none."""
    for cause in _CAUSES:
        if code and (code in cause.codes or any(code.startswith(f"{known}_") for known in cause.codes)):
            return cause
    text = str(getattr(error, "orig", None) or "").lower() if not code or code in ("2002", "2003") else ""
    return next((cause for cause in _CAUSES if any(re.search(words, text) for words in cause.words)), None)
