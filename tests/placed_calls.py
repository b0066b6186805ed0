"""A SQL ledger with calls in it, as a fan-out leaves them, and the events that a vendor sends about them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy

from airflow_provider_callkaro.calls.disposition import Disposition
from airflow_provider_callkaro.ledger.contract import Claim, EntryState, Settlement
from airflow_provider_callkaro.ledger.digests import LedgerKey, LedgerKeys
from airflow_provider_callkaro.ledger.sql.ledger import SqlLedger
from airflow_provider_callkaro.outcomes.keeping import Keep
from airflow_provider_callkaro.outcomes.store import OutcomeStore
from airflow_provider_callkaro.vendors.call_events import CallEvent

KEYS = LedgerKeys((LedgerKey(id="k1", secret="0123456789abcdef" * 4),))
SCOPE = "outreach/calls@monday"
RUN = "outreach/calls@manual__monday"


def number(place: int) -> str:
    return f"+9198765{place:05}"


@dataclass
class Ledger:
    """One ledger's database. ``keys``: of a keyed one."""

    engine: sqlalchemy.Engine
    keys: LedgerKeys | None = None
    scope: str = SCOPE
    run: str = RUN
    also: tuple[str, ...] = ()
    open_claims: list[Any] = field(default_factory=list)

    def place(self, places: Iterable[int], *, state: EntryState | None = EntryState.ACCEPTED) -> None:
        """Place calls to these people. ``state``: None leaves the claims open. Accepted call 7 has the id call-7."""
        claims = [Claim(key=number(place), number=number(place)) for place in places]
        with SqlLedger(self.engine, scope=self.scope, also=self.also, run=self.run, keys=self.keys) as ledger:
            assert ledger.commit(claim=claims) == {}
            if state is not None:
                ledger.commit(settle=[self._settlement(claim, state) for claim in claims])

    def _settlement(self, claim: Claim, state: EntryState) -> Settlement:
        call_id = f"call-{int(claim.number[-5:])}" if state is EntryState.ACCEPTED else None
        return Settlement(key=claim.key, state=state, call_id=call_id)

    def state_of(self, place: int) -> tuple[str, str | None]:
        """The state and the call id of the person's entry, as another run finds it."""
        with SqlLedger(self.engine, scope=self.scope, run="another", keys=self.keys) as ledger:
            entry = ledger.state_of([number(place)])[number(place)]
        return str(entry.state), entry.call_id

    def store(self, **options: Any) -> OutcomeStore:
        return OutcomeStore(self.engine, keys=self.keys, **options)

    def record(self, *events: CallEvent, conn_id: str = "callkaro_default", keep: Keep | None = None) -> Any:
        with self.store(keep=keep or Keep()) as store:
            return store.record(events, conn_id=conn_id)

    def rows(self) -> list[dict[str, Any]]:
        """The outcomes, without the instants at which they came."""
        with self.engine.connect() as connection:
            found = connection.execute(
                sqlalchemy.text("SELECT * FROM voice_call_outcomes ORDER BY vendor_call, attempt")
            )
            return [
                {name: value for name, value in row.items() if name not in ("received_at", "changed_at")}
                for row in found.mappings()
            ]


def event(place: int, **values: Any) -> CallEvent:
    """What CallKaro says of a call: somebody answered, unless ``values`` say otherwise."""
    return CallEvent(
        **{
            "vendor": "callkaro",
            "call_id": f"call-{place}",
            "disposition": Disposition.REACHED,
            "vendor_word": "CLIENT_INITIATED",
            "number": number(place)[1:],
            "duration_seconds": 42.0,
        }
        | values
    )
