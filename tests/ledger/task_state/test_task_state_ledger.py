"""The task-state ledger keeps a ledger's promises to the tries of one run, within the limits of Airflow's store."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from airflow_task_state import ADVISED_BYTES, TaskStateInMemory
from hypothesis import given, settings
from hypothesis import strategies as st
from ledger_contract import INDIA, NUMBER, OTHER_NUMBER, LedgerContract, accept, claim, everything, reject, release
from ledger_secrets import SECRETS, keys
from shared_ledger_contract import LegacyContract

from airflow_provider_callkaro.exceptions import LedgerError
from airflow_provider_callkaro.ledger.contract import Claim, EntryState, Settlement
from airflow_provider_callkaro.ledger.task_state.ledger import TaskStateLedger

WINDOW = 64


@pytest.fixture
def store() -> TaskStateInMemory:
    return TaskStateInMemory()


class Clock:
    """Stands where the test puts it."""

    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


MODES = {"no key": [], "a key": [("k1",)], "put under a key": [(), ("k1",)], "changing keys": [("k1",), ("k2", "k1")]}


@pytest.fixture(params=MODES)
def make_ledger(request: pytest.FixtureRequest, store: TaskStateInMemory, clock: Clock):
    """The first ledger of a test has the first keys of its mode, every later one the last."""
    given = [keys(*ids) if ids else None for ids in MODES[request.param]] or [None]

    def make(*, run: str) -> TaskStateLedger:
        return TaskStateLedger(store, clock=clock, legacy=INDIA, keys=given.pop(0) if len(given) > 1 else given[0])

    return make


@pytest.fixture
def let_time_pass(clock: Clock):
    def pass_(by: timedelta) -> None:
        clock.now += by.total_seconds()

    return pass_


def rejected(key: str, *, detail: str) -> Settlement:
    return Settlement(key=key, state=EntryState.REJECTED, call_id=None, reason="vendor_rejected", detail=detail)


def dispatch_in_windows(ledger: TaskStateLedger, keys: list[str], settlement) -> None:
    """Claim and settle a list as the dispatcher does: each turn settles one window and claims the next."""
    settle: list[Settlement] = []
    for start in range(0, len(keys), WINDOW):
        window = keys[start : start + WINDOW]
        assert ledger.commit(settle=settle, claim=[claim(key) for key in window]) == {}
        settle = [settlement(key) for key in window]
    ledger.commit(settle=settle)


@pytest.fixture
def age_version(store: TaskStateInMemory):
    """Earlier versions did not say when a segment was written."""

    def age() -> None:
        for name in list(store.texts):
            store.set(name, {key: value for key, value in store.get(name).items() if key != "at"})

    return age


class TestTaskStateLedger(LedgerContract, LegacyContract):
    """The contract, and what only a ledger within Airflow's own store promises."""

    def test_an_outcome_is_not_released_by_mistake(self, make_ledger) -> None:
        with make_ledger(run="monday") as ledger:
            ledger.commit(claim=[claim()])
            ledger.commit(settle=[accept()])
            ledger.commit(settle=[release()])
            assert everything(ledger)[NUMBER].state is EntryState.ACCEPTED

    def test_an_outstanding_call_cannot_be_redialled_by_the_try_that_is_making_it(self, make_ledger) -> None:
        with make_ledger(run="monday") as ledger:
            ledger.commit(claim=[claim()])
            standing = everything(ledger)
            assert ledger.commit(claim=[claim(replaces=standing[NUMBER])]) == standing

    def test_a_commit_whose_claims_are_all_lost_costs_no_write(self, make_ledger, store) -> None:
        with make_ledger(run="monday") as ledger:
            ledger.commit(claim=[claim()])
            ledger.commit(claim=[claim()])
            assert len(store.writes) == 1


@pytest.mark.parametrize(
    "settlement",
    [
        pytest.param(lambda key: accept(key, call_id=f"{key}-" + "0123456789abcdef" * 6), id="long ids"),
        pytest.param(lambda key: rejected(key, detail="the number +91••••••0001 is not reachable " * 9), id="details"),
        pytest.param(lambda key: rejected(key, detail="👩" * 300), id="details in the widest script"),
    ],
)
def test_no_stored_value_outgrows_what_airflow_advises_and_nothing_is_lost(store, settlement) -> None:
    keys = [f"+9198765{index:05d}" for index in range(5_000)]
    with TaskStateLedger(store) as ledger:
        dispatch_in_windows(ledger, keys, settlement)
    assert store.largest < ADVISED_BYTES
    with TaskStateLedger(store) as ledger:
        found = ledger.state_of(keys)
    assert set(found) == set(keys)
    assert {entry.state for entry in found.values()} == {settlement(NUMBER).state}


def test_a_thousand_calls_settled_in_one_turn_stay_within_what_airflow_advises(store) -> None:
    keys = [f"+9198765{index:05d}" for index in range(1_000)]
    with TaskStateLedger(store) as ledger:
        ledger.commit(claim=[claim(key) for key in keys])
        ledger.commit(settle=[rejected(key, detail="no such agent: " + "x" * 200) for key in keys])
    assert store.largest < ADVISED_BYTES
    with TaskStateLedger(store) as ledger:
        assert {entry.state for entry in ledger.state_of(keys).values()} == {EntryState.REJECTED}


def test_an_ordinary_turn_is_one_write(store) -> None:
    keys = [f"+9198765{index:05d}" for index in range(5_000)]
    with TaskStateLedger(store) as ledger:
        dispatch_in_windows(ledger, keys, lambda key: accept(key, call_id="a1b2c3d4e5"))
    assert len(store.writes) == len(range(0, len(keys), WINDOW)) + 1


def test_no_number_and_no_key_can_be_read_off_the_page_that_shows_the_store(store) -> None:
    keys = [*(f"+9198765{index:05d}" for index in range(200)), "key:customer-4711"]
    with TaskStateLedger(store) as ledger:
        dispatch_in_windows(ledger, keys, reject)
    shown = json.dumps([store.texts, store.writes])
    assert "98765" not in shown
    assert "4711" not in shown


def test_a_user_may_say_how_long_airflow_keeps_it() -> None:
    kept: list[timedelta | None] = []

    class Store(TaskStateInMemory):
        def set(self, key, value, *, retention=None):
            kept.append(retention)
            super().set(key, value)

    for retention in (None, timedelta(days=400)):
        with TaskStateLedger(Store(), retention=retention) as ledger:
            ledger.commit(claim=[claim()])
    assert kept == [None, timedelta(days=400)]


@pytest.mark.parametrize(
    "foreign",
    [
        "done",
        0,
        [],
        {},
        {"format": 2, "calls": {}},
        {"format": 1},
        {"format": 1, "calls": []},
        {"format": 1, "calls": {"abc": None}},
        {"format": 1, "calls": {"abc": "accepted"}},
        {"format": 1, "calls": {"abc": ""}, "more": 1} | {"format": "1"},
        {"format": 1, "at": "noon", "calls": {}},
        {"format": 1, "at": True, "calls": {}},
    ],
)
def test_a_value_that_is_not_the_ledgers_stops_the_run_before_anybody_is_rung(store, foreign) -> None:
    store.set("calls/00000", foreign)
    with pytest.raises(LedgerError, match="calls/00000"), TaskStateLedger(store) as ledger:
        ledger.commit(claim=[claim()])


def test_a_store_that_cannot_be_read_stops_the_run_before_anybody_is_rung() -> None:
    class Store(TaskStateInMemory):
        def get(self, key, default=None):
            raise ConnectionError("no route to the API server of +919876500001")

    with pytest.raises(LedgerError, match="ConnectionError") as raised, TaskStateLedger(Store()):
        pass
    assert "98765" not in str(raised.value)


class FailingStore(TaskStateInMemory):
    """A store of which one write raises: before anything was written, or after it was.

    :ivar good_writes: how many go well before that; None is all.
    """

    def __init__(self, *, lands: bool) -> None:
        super().__init__()
        self.good_writes: int | None = None
        self._lands = lands

    def set(self, key, value, *, retention=None):
        fails = self.good_writes == 0
        if not fails or self._lands:
            super().set(key, value)
        if self.good_writes is not None:
            self.good_writes = None if fails else self.good_writes - 1
        if fails:
            raise ConnectionError("no answer from the API server")


@pytest.mark.parametrize("lands", [False, True])
def test_a_write_that_fails_wins_no_claim_and_loses_no_outcome(lands) -> None:
    store = FailingStore(lands=lands)
    with TaskStateLedger(store) as ledger:
        ledger.commit(claim=[claim("anna")])
        store.good_writes = 0
        with pytest.raises(LedgerError, match="ConnectionError"):
            ledger.commit(settle=[accept("anna")], claim=[claim("ben")])
        assert ledger.state_of(["ben"]) == {}
        ledger.commit(settle=[accept("anna")])  # what the dispatcher does before it gives up
    with TaskStateLedger(store) as ledger:
        assert {key: entry.state for key, entry in ledger.state_of(["anna", "ben"]).items()} == {
            "anna": EntryState.ACCEPTED
        }


@pytest.mark.parametrize("lands", [False, True])
def test_a_turn_of_many_writes_that_fails_at_the_second_can_be_settled_again(lands) -> None:
    store = FailingStore(lands=lands)
    keys = [f"+9198765{index:05d}" for index in range(2_000)]
    with TaskStateLedger(store) as ledger:
        ledger.commit(claim=[claim(key) for key in keys])
        settlements = [rejected(key, detail="no such agent " * 8) for key in keys]
        store.good_writes = 1
        with pytest.raises(LedgerError):
            ledger.commit(settle=settlements)
        ledger.commit(settle=settlements)
    assert store.largest < ADVISED_BYTES
    with TaskStateLedger(store) as ledger:
        assert {entry.state for entry in ledger.state_of(keys).values()} == {EntryState.REJECTED}


STEPS = st.lists(
    st.tuples(
        st.lists(st.sampled_from("abcdefgh"), max_size=6, unique=True),
        st.lists(st.sampled_from(["accept", "reject", "release", "open"]), min_size=6, max_size=6),
    ),
    max_size=12,
)


@pytest.mark.slow
@given(steps=STEPS, killed_at=st.integers(0, 12), details=st.integers(0, 2_000))
@settings(deadline=None, max_examples=150)
def test_whenever_the_worker_is_killed_the_next_try_knows_everybody_who_may_have_been_rung(
    steps, killed_at, details
) -> None:
    """Whatever a commit that returned has said is known to the next try, whichever write was the last."""
    store = TaskStateInMemory()
    left_behind = store.copy()
    known: dict[str, EntryState] = {}
    expected = dict(known)
    with TaskStateLedger(store) as ledger:
        settle: list[Settlement] = []
        for number, (keys, outcomes) in enumerate(steps):
            filler = [Claim(key=f"filler {number} {index}", number=NUMBER) for index in range(details)]
            lost = ledger.commit(settle=settle, claim=[*map(claim, keys), *filler])
            for settlement in settle:
                known[settlement.key] = settlement.state or EntryState.CLAIMED
                if settlement.state is None:
                    del known[settlement.key]
            assert set(lost) == {key for key in keys if key in known}
            won = [key for key in keys if key not in lost]
            known.update(dict.fromkeys(won, EntryState.UNKNOWN))
            settle = [
                {"accept": accept, "reject": reject, "release": release}[outcome](key)
                for key, outcome in zip(won, outcomes, strict=False)
                if outcome != "open"
            ]
            if number == killed_at:
                left_behind, expected = store.copy(), dict(known)
    assert store.largest < ADVISED_BYTES
    with TaskStateLedger(left_behind) as ledger:
        assert {key: entry.state for key, entry in ledger.state_of("abcdefgh").items()} == expected


def test_a_segment_of_an_earlier_version_says_no_time_and_its_open_calls_can_be_redialled(store, age_version) -> None:
    with TaskStateLedger(store) as ledger:
        ledger.commit(claim=[claim()])
    age_version()
    with TaskStateLedger(store) as ledger:
        standing = everything(ledger)[NUMBER]
        assert (standing.state, standing.may_be_ringing) == (EntryState.UNKNOWN, False)
        assert ledger.commit(claim=[claim(replaces=standing)]) == {}


def test_under_a_key_whoever_tries_all_numbers_finds_none(store) -> None:
    with TaskStateLedger(store) as ledger:
        ledger.commit(claim=[claim()])
    (unkeyed,) = store.get("calls/00000")["calls"]
    with TaskStateLedger(store, keys=keys("k1")) as ledger:
        assert ledger.commit(claim=[claim(), claim(OTHER_NUMBER)]).keys() == {NUMBER}
    (digest,) = (one for segment in store.texts.values() for one in json.loads(segment)["calls"] if one != unkeyed)
    tried = f"{NUMBER[:-4]}{{:04d}}"
    with TaskStateLedger(guessing := TaskStateInMemory()) as ledger:
        ledger.commit(claim=[claim(tried.format(tail)) for tail in range(5_000)])
    guesses = {one for segment in guessing.texts.values() for one in json.loads(segment)["calls"]}
    assert (unkeyed in guesses, digest in guesses) == (True, False)
    assert digest.startswith("k1:")


@pytest.mark.parametrize("given", [None, keys("k2"), "another secret"], ids=["no key", "another key", "another secret"])
def test_whoever_lacks_the_key_of_the_tries_before_refuses_and_rings_nobody(store, given, monkeypatch) -> None:
    with TaskStateLedger(store, keys=keys("k1")) as ledger:
        ledger.commit(claim=[claim()])
    if given == "another secret":
        monkeypatch.setitem(SECRETS, "k1", SECRETS["k3"])
        given = keys("k1")
    with pytest.raises(
        LedgerError, match='under the key k1, and this process does not have it: add its secret to "led'
    ):
        TaskStateLedger(store, keys=given).__enter__()


def test_a_version_that_knows_of_no_keys_takes_a_keyed_state_for_none_of_its_own(store) -> None:
    """It would look for unkeyed digests, find none, and ring everybody again."""
    with TaskStateLedger(store, keys=keys("k1")) as ledger:
        ledger.commit(claim=[claim()])
    assert store.get("calls/00000")["format"] == 2
