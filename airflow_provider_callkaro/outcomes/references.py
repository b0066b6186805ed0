"""The reference that a call carries in its metadata, so that its outcome finds it.

It is the id of the call's row in the ledger, encrypted with a secret that the ledger's database keeps. It is the same
each time, says nothing to whoever lacks the secret, and needs no table. The id is one block of AES, and no two calls
have one id, so plain encryption of the block hides all that there is to hide.
"""
# ruff: noqa: S608

from __future__ import annotations

import random
import secrets
import time
from binascii import Error, a2b_base64, b2a_base64

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB
from sqlalchemy.engine import Connection, Engine

from airflow_provider_callkaro.ledger.sql.dialects import statements_for
from airflow_provider_callkaro.ledger.sql.session import SqlSession, begin_writing, execute
from airflow_provider_callkaro.ledger.sql.statements import Statements

SECRETS_TABLE = "voice_call_secrets"
CREATE_SECRETS = """\
CREATE TABLE IF NOT EXISTS voice_call_secrets (
    name VARCHAR(32) NOT NULL PRIMARY KEY,
    secret VARCHAR(64) NOT NULL,
    made_at TIMESTAMP NOT NULL
)"""
CHARACTERS = 22  # of a reference: 16 bytes in base64
_NAME = "reference"
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_STANDARD = str.maketrans("-_", "+/")


class References:
    """Turns ids of the ledger's rows, in clear, into references and back. ``secret``: 16, 24 or 32 bytes."""

    def __init__(self, secret: bytes) -> None:
        cipher = Cipher(AES(secret), ECB())  # noqa: S305 - one block, and never the same one for two calls
        self._encrypt = cipher.encryptor().update
        self._decrypt = cipher.decryptor().update

    def reference_of(self, id_: str) -> str:
        """The reference of a row. ``id_``: 32 hexadecimal digits, as in a clear ledger."""
        block = self._encrypt(bytes.fromhex(id_))
        return b2a_base64(block, newline=False)[:CHARACTERS].translate(_URL_SAFE).decode()

    def id_of(self, reference: str) -> str | None:
        """The id that a reference stands for; None for a text that is no reference. One that was made up gives an id
        that no row has."""
        if len(reference) != CHARACTERS or not reference.isascii():
            return None
        try:
            block = a2b_base64(reference.translate(_STANDARD) + "==")
        except Error:
            return None
        return self._decrypt(block).hex() if len(block) == 16 else None


def open_references(session: SqlSession, statements: Statements) -> References:
    """The references of a ledger; its secret is made at random on first use. Raises LedgerError if it could not be read
    or written."""
    session.create_table(SECRETS_TABLE, [statements.suited(CREATE_SECRETS)])
    found = session.transact(_read, action="read")
    if found is None:
        proposed = secrets.token_hex(32)

        def make(connection: Connection) -> str | None:
            begin_writing(connection, statements)
            insert = f"INSERT INTO {SECRETS_TABLE} (name, secret, made_at) "
            absent = f"WHERE NOT EXISTS (SELECT 1 FROM {SECRETS_TABLE} WHERE name = :name)"
            one = f"SELECT :name AS name, :secret AS secret, {statements.now} AS made_at"
            execute(connection, f"{insert} SELECT * FROM ({one}) AS proposed {absent}", name=_NAME, secret=proposed)
            return _read(connection)

        found = session.transact(make, action="written")
    return References(bytes.fromhex(str(found)))


def references_of(engine: Engine) -> References:
    """The references of the ledger in a database. Raises LedgerError if its secret could not be read or written."""
    statements = statements_for(engine.dialect.name)
    session = SqlSession(
        engine=engine, statements=statements, table=SECRETS_TABLE, sleep=time.sleep, random=random.random
    )
    try:
        return open_references(session, statements)
    finally:
        session.close()


def _read(connection: Connection) -> str | None:
    query = f"SELECT secret FROM {SECRETS_TABLE} WHERE name = :name"
    found = execute(connection, query, name=_NAME).scalar_one_or_none()
    return None if found is None else str(found)
