"""One commit of the SQL ledger: it settles and claims in one transaction, which may run twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_callkaro.ledger.contract import ClaimRefusal
from airflow_provider_callkaro.ledger.sql.claiming import Claiming
from airflow_provider_callkaro.ledger.sql.scope_uses import ScopeUseRecorder
from airflow_provider_callkaro.ledger.sql.session import begin_writing
from airflow_provider_callkaro.ledger.sql.settling import Settling

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """One commit of one ledger object.

    A settlement changes only claims of earlier turns, so it never changes a claim of its own commit.
    """

    settling: Settling
    claiming: Claiming
    scope_use: ScopeUseRecorder

    def write(self, connection: Connection) -> Mapping[str, ClaimRefusal]:
        """Settle and claim, within the transaction.

        :return: for each key whose claim was lost, why.
        :raises ConfigurationError: a scope in which it claims was pruned.
        :raises KeysChanged: the ledger was put under another key.
        """
        begin_writing(connection, self.settling.author.statements)
        if self.claiming.claims:
            self.claiming.may_be_erased = self.claiming.author.lock_key(connection)
        self.claiming.lock_numbers(connection)
        if self.claiming.claims:
            self.scope_use.record(connection)
        settled = self.settling.settlements.keys()
        both = settled & self.claiming.claims.keys()
        self.settling.release(connection)
        self.settling.settle(connection, both)
        lost = self.claiming.claim(connection)
        # An insert may wait for another run that claims or settles the same people; a settlement never waits. In this
        # order no two runs wait for each other, except for the rare key that is both settled and claimed.
        self.settling.settle(connection, settled - both)
        return lost
