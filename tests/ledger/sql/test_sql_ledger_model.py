"""Random histories of tries and runs on one SQL ledger, in one scope or two, beside a model of what it should say."""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from ageing_ledger import let_time_pass
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, precondition, rule
from ledger_contract import NUMBER
from ledger_secrets import keys

from airflow_provider_callkaro.ledger.contract import CLAIM_LEASE, Claim, Entry, EntryState, Settlement
from airflow_provider_callkaro.ledger.digests import LedgerKeys
from airflow_provider_callkaro.ledger.sql.ledger import SqlLedger
from airflow_provider_callkaro.ledger.upkeep.carry_over import carry_over

pytestmark = pytest.mark.slow

KEYS = ["anna", "Anna", "anna ", "बाला"]
RUNS = ["monday", "tuesday"]
SCOPES = [("calls",), ("calls", "replayed"), ("replayed", "calls"), ("replayed",)]
OUTCOMES = [EntryState.ACCEPTED, EntryState.REJECTED, EntryState.UNKNOWN]

some_keys = st.lists(st.sampled_from(KEYS), unique=True)


@dataclass(frozen=True)
class Held:
    """What the model holds under a key in one scope."""

    state: EntryState
    run: str
    owner: int
    claimed_at: datetime
    redials: int = 0
    call_id: str | None = None


@dataclass(eq=False)
class Try:
    """One try of a run: its ledger, and the claims it has not settled (with what each replaced, by scope)."""

    number: int
    run: str
    scopes: tuple[str, ...]
    ledger: SqlLedger
    outstanding: dict[str, dict[str, Held]] = field(default_factory=dict)


class SqlLedgerHistory(RuleBasedStateMachine):
    """Tries start, claim, settle, release, redial and are killed, in any order, and the clock goes on."""

    tries = Bundle("tries")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="callkaro-ledger-"))
        self.engine = sqlalchemy.create_engine(
            f"sqlite:///{self.folder / 'calls.db'}", poolclass=sqlalchemy.pool.NullPool
        )
        self.now = datetime(2026, 1, 5, tzinfo=UTC)
        self.model: dict[tuple[str, str], Held] = {}
        self.open: list[Try] = []

    def teardown(self) -> None:
        for one in self.open:
            one.ledger.__exit__(None, None, None)
        self.engine.dispose()
        shutil.rmtree(self.folder)

    def make_ledger(self, **given: Any) -> SqlLedger:
        return SqlLedger(self.engine, **given)

    def standing(self, key: str, one: Try) -> dict[str, Held]:
        """What stands under the key, by scope, that of the try's own first."""
        return {scope: self.model[scope, key] for scope in one.scopes if (scope, key) in self.model}

    def reading(self, key: str, one: Try) -> Entry | None:
        """What a try should read under the key."""
        held = next(iter(self.standing(key, one).values()), None)
        return None if held is None else self.as_entry(held, one.run)

    def as_entry(self, held: Held, run: str) -> Entry:
        state, this_run = held.state, held.run == run
        if state is EntryState.CLAIMED and (this_run or not self.is_young(held)):
            state = EntryState.UNKNOWN
        return Entry(state=state, this_run=this_run, call_id=held.call_id, redials=held.redials)

    def is_young(self, held: Held) -> bool:
        return self.now - held.claimed_at < CLAIM_LEASE

    @initialize(target=tries)
    def first_try(self) -> Try:
        return self.next_try(RUNS[0], SCOPES[0])

    @precondition(lambda self: len(self.open) < 5)
    @rule(target=tries, run=st.sampled_from(RUNS), scopes=st.sampled_from(SCOPES))
    def next_try(self, run: str, scopes: tuple[str, ...]) -> Try:
        ledger = self.make_ledger(scope=scopes[0], also=scopes[1:], run=run)
        ledger.__enter__()
        self.open.append(Try(len(self.open), run, scopes, ledger))
        return self.open[-1]

    @rule(hours=st.sampled_from([0.4, 2]))
    def time_goes_on(self, hours: float) -> None:
        self.now += timedelta(hours=hours)
        if self.open:
            let_time_pass(self.engine, timedelta(hours=hours))

    @rule(one=tries, settled=some_keys, claimed=some_keys, redialled=some_keys, data=st.data())
    def turn(self, one: Try, settled: list[str], claimed: list[str], redialled: list[str], data: st.DataObject) -> None:
        """One commit: settle some of what is outstanding, claim some people, redial those who stand there already."""
        settlements = [
            Settlement(key=key, state=data.draw(st.sampled_from([*OUTCOMES, None])), call_id=f"call of {one.number}")
            for key in settled
            if key in one.outstanding
        ]
        for settlement in settlements:
            self.settle_model(one, settlement)
        # What the dispatcher read before this commit, or believes that it leaves behind.
        claims = [
            Claim(key=key, number=NUMBER, replaces=self.reading(key, one) if key in redialled else None)
            for key in claimed
        ]
        expected = {claim.key: entry for claim in claims if (entry := self.claim_model(one, claim)) is not None}
        assert one.ledger.commit(settle=settlements, claim=claims) == expected

    @rule(one=tries, key=st.sampled_from(KEYS), redials=st.integers(0, 2), state=st.sampled_from(OUTCOMES))
    def redial_on_old_news(self, one: Try, key: str, redials: int, state: EntryState) -> None:
        stale = Claim(key=key, number=NUMBER, replaces=Entry(state=state, this_run=False, redials=redials))
        entry = self.claim_model(one, stale)
        assert one.ledger.commit(claim=[stale]) == ({} if entry is None else {key: entry})

    def settle_model(self, one: Try, settlement: Settlement) -> None:
        key = settlement.key
        replaced = one.outstanding.pop(key)
        for scope, held in self.standing(key, one).items():
            if held.owner != one.number:
                continue
            if settlement.state is not None:
                settled = dataclasses.replace(held, state=settlement.state, call_id=settlement.call_id)
                self.model[scope, key] = settled
            elif scope in replaced:
                self.model[scope, key] = replaced[scope]
            else:
                del self.model[scope, key]

    def claim_model(self, one: Try, claim: Claim) -> Entry | None:
        """Claim in the model: None if it is won, else the entry in the way."""
        standing = self.standing(claim.key, one)
        if not all(self.gives_way(held, one, claim) for held in standing.values()):
            return self.reading(claim.key, one)
        redials = next((held.redials + 1 for held in standing.values()), 0)
        for scope in one.scopes:
            self.model[scope, claim.key] = Held(EntryState.CLAIMED, one.run, one.number, self.now, redials=redials)
        one.outstanding[claim.key] = standing
        return None

    def gives_way(self, held: Held, one: Try, claim: Claim) -> bool:
        being_made = held.state is EntryState.CLAIMED and (held.owner == one.number or self.is_young(held))
        entry = self.as_entry(held, one.run)
        return (
            not being_made
            and claim.replaces is not None
            and (entry.state, entry.redials) == (claim.replaces.state, claim.replaces.redials)
        )

    @invariant()
    def every_try_reads_what_the_model_says(self) -> None:
        for one in self.open:
            expected = {key: entry for key in KEYS if (entry := self.reading(key, one)) is not None}
            assert one.ledger.state_of(KEYS) == expected

    @invariant()
    def nobody_is_counted_twice_by_their_state(self) -> None:
        if not self.open:
            return
        with self.engine.connect() as connection:
            rows = connection.exec_driver_sql("SELECT * FROM voice_call_ledger").all()
        assert len(rows) == len(self.model)
        if rows and hasattr(rows[0], "call_key"):
            assert {(row.scope, row.call_key) for row in rows} == set(self.model)
        for row in rows:
            assert row.state.startswith("also ") == (row.number == "")


class KeyedLedgerHistory(SqlLedgerHistory):
    """Meanwhile the ledger is put under a key, carried over, and put under other keys; every try is told of them."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: LedgerKeys | None = None

    def make_ledger(self, **given: Any) -> SqlLedger:
        return SqlLedger(self.engine, **given, keys=self.keys, reread=lambda: self.keys)

    @precondition(lambda self: self.keys is None or len(self.keys.keys) < 3)
    @rule()
    def a_new_key(self) -> None:
        known = [] if self.keys is None else [key.id for key in self.keys.keys]
        self.keys = keys(f"k{len(known) + 1}", *known)

    @precondition(lambda self: self.keys is not None and self.open)
    @rule(batch=st.sampled_from([1, 500]))
    def carry_over(self, batch: int) -> None:
        carry_over(self.engine, self.keys, batch=batch)


TestSqlLedgerHistory = SqlLedgerHistory.TestCase
TestKeyedLedgerHistory = KeyedLedgerHistory.TestCase
TestKeyedLedgerHistory.settings = settings(
    max_examples=40, stateful_step_count=30, deadline=None, phases=[Phase.generate, Phase.reuse]
)
TestSqlLedgerHistory.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
