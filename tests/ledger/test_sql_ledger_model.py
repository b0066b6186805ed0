"""Random histories of tries and runs on one SQL ledger, beside a model of what it should say."""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy
from ageing_ledger import let_time_pass
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, precondition, rule
from ledger_contract import NUMBER

from airflow_provider_callkaro.ledger.contract import CLAIM_LEASE, Claim, Entry, EntryState, Settlement
from airflow_provider_callkaro.ledger.sql import SqlLedger

KEYS = ["anna", "Anna", "anna ", "बाला"]
RUNS = ["monday", "tuesday"]
OUTCOMES = [EntryState.ACCEPTED, EntryState.REJECTED, EntryState.UNKNOWN]

some_keys = st.lists(st.sampled_from(KEYS), unique=True)


@dataclass(frozen=True)
class Held:
    """What the model holds under a key."""

    state: EntryState
    run: str
    owner: int
    claimed_at: datetime
    redials: int = 0
    call_id: str | None = None


@dataclass(eq=False)
class Try:
    """One try of a run: its ledger, and the claims it has not settled (with what each replaced)."""

    number: int
    run: str
    ledger: SqlLedger
    outstanding: dict[str, Held | None] = field(default_factory=dict)


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
        self.model: dict[str, Held] = {}
        self.open: list[Try] = []

    def teardown(self) -> None:
        for one in self.open:
            one.ledger.__exit__(None, None, None)
        self.engine.dispose()
        shutil.rmtree(self.folder)

    def reading(self, key: str, run: str) -> Entry | None:
        """What a try of the run should read under the key."""
        if (held := self.model.get(key)) is None:
            return None
        state, this_run = held.state, held.run == run
        if state is EntryState.CLAIMED and (this_run or not self.is_young(held)):
            state = EntryState.UNKNOWN
        return Entry(state=state, this_run=this_run, call_id=held.call_id, redials=held.redials)

    def is_young(self, held: Held) -> bool:
        return self.now - held.claimed_at < CLAIM_LEASE

    @initialize(target=tries)
    def first_try(self) -> Try:
        return self.next_try(RUNS[0])

    @precondition(lambda self: len(self.open) < 5)
    @rule(target=tries, run=st.sampled_from(RUNS))
    def next_try(self, run: str) -> Try:
        ledger = SqlLedger(self.engine, scope="calls", run=run)
        ledger.__enter__()
        self.open.append(Try(len(self.open), run, ledger))
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
            Claim(key=key, number=NUMBER, replaces=self.reading(key, one.run) if key in redialled else None)
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
        held = self.model.get(key)
        if held is None or held.owner != one.number:
            return
        if settlement.state is not None:
            self.model[key] = dataclasses.replace(held, state=settlement.state, call_id=settlement.call_id)
        elif replaced is not None:
            self.model[key] = replaced
        else:
            del self.model[key]

    def claim_model(self, one: Try, claim: Claim) -> Entry | None:
        """Claim in the model: None if it is won, else the entry in the way."""
        held, standing = self.model.get(claim.key), self.reading(claim.key, one.run)
        if held is not None and standing is not None:
            being_made = held.state is EntryState.CLAIMED and (held.owner == one.number or self.is_young(held))
            as_given = claim.replaces is not None and (standing.state, standing.redials) == (
                claim.replaces.state,
                claim.replaces.redials,
            )
            if being_made or not as_given or standing.state is EntryState.CLAIMED:
                return standing
        self.model[claim.key] = Held(
            EntryState.CLAIMED, one.run, one.number, self.now, redials=0 if held is None else held.redials + 1
        )
        one.outstanding[claim.key] = held
        return None

    @invariant()
    def every_try_reads_what_the_model_says(self) -> None:
        for one in self.open:
            expected = {key: self.reading(key, one.run) for key in KEYS if key in self.model}
            assert one.ledger.state_of(KEYS) == expected


TestSqlLedgerHistory = SqlLedgerHistory.TestCase
TestSqlLedgerHistory.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
