"""What every ledger promises, as tests that each ledger runs.

A test class inherits `LedgerContract`, or those of `shared_ledger_contract`, and has two fixtures. ``make_ledger``,
called with ``run=`` (and ``scope=`` and ``also=``, where runs share the ledger), gives a ledger that is not opened yet,
over the one store of that test. Two calls with one run are two tries of it. ``let_time_pass`` makes everything in that
store as much older.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

import pytest

from airflow_provider_callkaro.ledger.contract import CallLedger, Claim, Entry, EntryState, LegacyNumbers, Settlement

MakeLedger = Callable[..., CallLedger]
LetTimePass = Callable[[timedelta], None]

NUMBER = "+919876500001"
OTHER_NUMBER = "+919876500002"
LEGACY_NUMBER = "+9109876500001"  # the same phone as earlier versions took it: with the zero that India dials at home
INDIA = LegacyNumbers(
    prefixes=("910",), spellings=lambda number: (f"+910{number[3:]}",) if number.startswith("+91") else ()
)

AN_HOUR_AND_MORE = timedelta(minutes=61)


def claim(key: str = NUMBER, *, replaces: Entry | None = None) -> Claim:
    return Claim(key=key, number=NUMBER, replaces=replaces)


def accept(key: str = NUMBER, *, call_id: str = "call-1") -> Settlement:
    return Settlement(key=key, state=EntryState.ACCEPTED, call_id=call_id)


def reject(key: str = NUMBER) -> Settlement:
    return Settlement(key=key, state=EntryState.REJECTED, reason="bad_number", detail="the agent is unknown")


def release(key: str = NUMBER) -> Settlement:
    return Settlement(key=key, state=None)


def everything(ledger: CallLedger, *keys: str) -> Mapping[str, Entry]:
    return ledger.state_of(keys or (NUMBER,))


class LedgerContract:
    """What holds within one run, from try to try."""

    def test_a_person_not_rung_yet_can_be_claimed(self, make_ledger: MakeLedger) -> None:
        with make_ledger(run="monday") as ledger:
            assert everything(ledger) == {}
            assert ledger.commit(claim=[claim()]) == {}

    def test_one_try_does_not_win_a_person_twice(self, make_ledger: MakeLedger) -> None:
        with make_ledger(run="monday") as ledger:
            ledger.commit(claim=[claim()])
            assert ledger.commit(claim=[claim()]) == {NUMBER: Entry(state=EntryState.UNKNOWN, this_run=True)}

    def test_a_call_that_a_killed_try_left_open_is_unknown_and_not_dialled_again(self, make_ledger: MakeLedger) -> None:
        killed = make_ledger(run="monday")
        killed.__enter__()
        killed.commit(claim=[claim()])
        unknown = Entry(state=EntryState.UNKNOWN, this_run=True)
        with make_ledger(run="monday") as ledger:
            assert everything(ledger) == {NUMBER: unknown}
            assert ledger.commit(claim=[claim()]) == {NUMBER: unknown}

    def test_the_next_try_knows_what_was_accepted_and_under_which_id(self, make_ledger: MakeLedger) -> None:
        with make_ledger(run="monday") as ledger:
            ledger.commit(claim=[claim()])
            ledger.commit(settle=[accept(call_id="call-17")])
        accepted = Entry(state=EntryState.ACCEPTED, this_run=True, call_id="call-17")
        with make_ledger(run="monday") as ledger:
            assert everything(ledger) == {NUMBER: accepted}
            assert ledger.commit(claim=[claim()]) == {NUMBER: accepted}

    def test_the_next_try_knows_why_a_call_was_rejected(self, make_ledger: MakeLedger) -> None:
        with make_ledger(run="monday") as ledger:
            ledger.commit(claim=[claim()])
            ledger.commit(settle=[reject()])
        with make_ledger(run="monday") as ledger:
            assert everything(ledger)[NUMBER] == Entry(
                state=EntryState.REJECTED, this_run=True, reason="bad_number", detail="the agent is unknown"
            )

    def test_a_released_person_can_still_be_rung(self, make_ledger: MakeLedger) -> None:
        with make_ledger(run="monday") as ledger:
            ledger.commit(claim=[claim()])
            ledger.commit(settle=[release()])
            assert everything(ledger) == {}
        with make_ledger(run="monday") as ledger:
            assert everything(ledger) == {}
            assert ledger.commit(claim=[claim()]) == {}

    def test_a_try_that_released_a_person_can_claim_them_again(self, make_ledger: MakeLedger) -> None:
        with make_ledger(run="monday") as ledger:
            ledger.commit(claim=[claim()])
            assert ledger.commit(settle=[release()], claim=[claim()]) == {}
            ledger.commit(settle=[accept()])
            assert everything(ledger)[NUMBER].state is EntryState.ACCEPTED

    def test_one_commit_settles_one_person_and_claims_another(self, make_ledger: MakeLedger) -> None:
        with make_ledger(run="monday") as ledger:
            ledger.commit(claim=[claim()])
            assert ledger.commit(settle=[accept()], claim=[claim(OTHER_NUMBER)]) == {}
        with make_ledger(run="monday") as ledger:
            entries = everything(ledger, NUMBER, OTHER_NUMBER)
            assert [entries[key].state for key in (NUMBER, OTHER_NUMBER)] == [EntryState.ACCEPTED, EntryState.UNKNOWN]

    def test_a_commit_of_nothing_changes_nothing(self, make_ledger: MakeLedger) -> None:
        with make_ledger(run="monday") as ledger:
            assert ledger.commit() == {}
            assert ledger.state_of([]) == {}

    def test_whom_a_frozen_try_may_be_ringing_right_now_its_successor_leaves_alone_for_an_hour(
        self, make_ledger: MakeLedger, let_time_pass: LetTimePass
    ) -> None:
        with make_ledger(run="monday") as frozen:
            frozen.commit(claim=[claim()])
        for minutes in (0, 58):
            let_time_pass(timedelta(minutes=minutes))
            with make_ledger(run="monday") as ledger:
                ringing = everything(ledger)[NUMBER]
                assert (ringing.state, ringing.may_be_ringing) == (EntryState.UNKNOWN, True)
                assert ledger.commit(claim=[claim(replaces=ringing)]) == {NUMBER: ringing}
        let_time_pass(timedelta(minutes=3))
        with make_ledger(run="monday") as ledger:
            over = everything(ledger)[NUMBER]
            assert (over.state, over.may_be_ringing) == (EntryState.UNKNOWN, False)
            assert ledger.commit(claim=[claim(replaces=over)]) == {}

    @pytest.mark.parametrize("settled", [accept(), reject()], ids=["accepted", "rejected"])
    def test_a_settled_call_is_not_taken_for_one_that_may_be_ringing(
        self, make_ledger: MakeLedger, settled: Settlement
    ) -> None:
        with make_ledger(run="monday") as ledger:
            ledger.commit(claim=[claim()])
            assert everything(ledger)[NUMBER].may_be_ringing is True
            ledger.commit(settle=[settled])
            assert everything(ledger)[NUMBER].may_be_ringing is False
        with make_ledger(run="monday") as ledger:
            assert everything(ledger)[NUMBER].may_be_ringing is False

    def test_a_redial_takes_the_place_of_the_call_it_repeats(
        self, make_ledger: MakeLedger, let_time_pass: LetTimePass
    ) -> None:
        with make_ledger(run="monday") as ledger:
            ledger.commit(claim=[claim()])
        let_time_pass(AN_HOUR_AND_MORE)
        with make_ledger(run="monday") as ledger:
            unknown = everything(ledger)[NUMBER]
            assert ledger.commit(claim=[claim(replaces=unknown)]) == {}
            ledger.commit(settle=[accept(call_id="call-2")])
            expected = Entry(state=EntryState.ACCEPTED, this_run=True, call_id="call-2", redials=1)
            assert everything(ledger) == {NUMBER: expected}
        with make_ledger(run="monday") as ledger:
            assert everything(ledger) == {NUMBER: expected}

    def test_a_redial_that_was_killed_counts_as_one(self, make_ledger: MakeLedger) -> None:
        with make_ledger(run="monday") as ledger:
            ledger.commit(claim=[claim()])
            ledger.commit(settle=[reject()])
        with make_ledger(run="monday") as ledger:
            ledger.commit(claim=[claim(replaces=everything(ledger)[NUMBER])])
        with make_ledger(run="monday") as ledger:
            assert everything(ledger) == {NUMBER: Entry(state=EntryState.UNKNOWN, this_run=True, redials=1)}

    def test_a_redial_that_never_left_forgets_nothing(self, make_ledger: MakeLedger) -> None:
        with make_ledger(run="monday") as ledger:
            ledger.commit(claim=[claim()])
            ledger.commit(settle=[reject()])
        with make_ledger(run="monday") as ledger:
            before = everything(ledger)
            ledger.commit(claim=[claim(replaces=before[NUMBER])])
            ledger.commit(settle=[release()])
            assert everything(ledger) == before
            assert ledger.commit(claim=[claim()]) == before
            assert ledger.commit(claim=[claim(replaces=before[NUMBER])]) == {}
            assert ledger.commit(settle=[release()], claim=[claim(replaces=before[NUMBER])]) == {}
            ledger.commit(settle=[release()])
        with make_ledger(run="monday") as ledger:
            assert everything(ledger) == before

    def test_a_redial_decided_on_old_news_is_lost(self, make_ledger: MakeLedger, let_time_pass: LetTimePass) -> None:
        with make_ledger(run="monday") as ledger:
            ledger.commit(claim=[claim()])
        let_time_pass(AN_HOUR_AND_MORE)
        with make_ledger(run="monday") as ledger:
            unknown = everything(ledger)[NUMBER]
            ledger.commit(claim=[claim(replaces=unknown)])
            ledger.commit(settle=[accept()])
            accepted = everything(ledger)[NUMBER]
            assert ledger.commit(claim=[claim(replaces=unknown)]) == {NUMBER: accepted}
            assert everything(ledger) == {NUMBER: accepted}

    def test_keys_that_look_alike_are_different_people(self, make_ledger: MakeLedger) -> None:
        keys = ["anna", "Anna", "ANNA", "anna ", " anna", "änna", "an\u0308na", "änna", "अन्ना", "👩", "", "ß", "ss"]
        keys = list(dict.fromkeys(keys))
        with make_ledger(run="monday") as ledger:
            assert ledger.commit(claim=[claim(key) for key in keys]) == {}
            ledger.commit(settle=[accept(key, call_id=f"call-{index}") for index, key in enumerate(keys)])
        with make_ledger(run="monday") as ledger:
            found = everything(ledger, *keys, "ANNa", "anna  ")
            assert {key: entry.call_id for key, entry in found.items()} == {
                key: f"call-{index}" for index, key in enumerate(keys)
            }

    def test_texts_of_any_length_and_script_do_not_lose_the_outcome(self, make_ledger: MakeLedger) -> None:
        key = "customer " * 5_000
        strange = "ग्राहक \ud83d \x00 👩 \t\r\n" * 5_000
        with make_ledger(run="monday") as ledger:
            ledger.commit(claim=[claim(key), claim(strange)])
            ledger.commit(
                settle=[
                    Settlement(key=key, state=EntryState.REJECTED, reason=strange, detail=strange),
                    Settlement(key=strange, state=EntryState.ACCEPTED, call_id=strange),
                ]
            )
        with make_ledger(run="monday") as ledger:
            found = everything(ledger, key, strange)
            assert [found[one].state for one in (key, strange)] == [EntryState.REJECTED, EntryState.ACCEPTED]

    def test_a_long_list_is_kept_to_the_last_person(self, make_ledger: MakeLedger) -> None:
        keys = [f"+9198765{index:05d}" for index in range(2_000)]
        with make_ledger(run="monday") as ledger:
            assert ledger.commit(claim=[claim(key) for key in keys]) == {}
            ledger.commit(settle=[accept(key, call_id=f"of {key}") for key in keys[:1_999]])
        with make_ledger(run="monday") as ledger:
            found = ledger.state_of([*keys, "nobody"])
            assert {key: entry.call_id for key, entry in found.items()} == {
                **{key: f"of {key}" for key in keys[:1_999]},
                keys[1_999]: None,
            }
