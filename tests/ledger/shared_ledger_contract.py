"""What a ledger promises besides, where several runs share it, and where an earlier version has begun it."""

from __future__ import annotations

from collections.abc import Callable

from ledger_contract import (
    LEGACY_NUMBER,
    NUMBER,
    OTHER_NUMBER,
    LedgerContract,
    MakeLedger,
    accept,
    claim,
    everything,
    reject,
    release,
)

from airflow_provider_callkaro.ledger.contract import Claim, Entry, EntryState


class SharedLedgerContract(LedgerContract):
    """What holds besides, where several runs share one ledger."""

    def test_a_person_whom_another_run_may_be_ringing_right_now_is_left_alone(self, make_ledger: MakeLedger) -> None:
        claimed = Entry(state=EntryState.CLAIMED, this_run=False)
        with make_ledger(run="monday") as monday, make_ledger(run="tuesday") as tuesday:
            monday.commit(claim=[claim()])
            assert everything(tuesday) == {NUMBER: claimed}
            assert tuesday.commit(claim=[claim(), claim(OTHER_NUMBER)]) == {NUMBER: claimed}
            assert tuesday.commit(claim=[claim(replaces=claimed)]) == {NUMBER: claimed}

    def test_a_person_whom_another_run_has_rung_is_not_rung_again(self, make_ledger: MakeLedger) -> None:
        with make_ledger(run="monday") as monday, make_ledger(run="tuesday") as tuesday:
            monday.commit(claim=[claim()])
            monday.commit(settle=[accept()])
            accepted = Entry(state=EntryState.ACCEPTED, this_run=False, call_id="call-1")
            assert tuesday.commit(claim=[claim()]) == {NUMBER: accepted}
            assert everything(tuesday) == {NUMBER: accepted}

    def test_a_person_whom_another_run_released_is_free(self, make_ledger: MakeLedger) -> None:
        with make_ledger(run="monday") as monday, make_ledger(run="tuesday") as tuesday:
            monday.commit(claim=[claim()])
            monday.commit(settle=[release()])
            assert tuesday.commit(claim=[claim()]) == {}

    def test_two_scopes_may_each_ring_a_person_once(self, make_ledger: MakeLedger) -> None:
        with make_ledger(run="monday", scope="bills") as bills, make_ledger(run="monday", scope="offers") as offers:
            assert bills.commit(claim=[claim()]) == {}
            assert everything(offers) == {}
            assert offers.commit(claim=[claim()]) == {}

    def test_of_two_runs_that_redial_a_person_only_one_does(self, make_ledger: MakeLedger) -> None:
        with make_ledger(run="sunday") as sunday:
            sunday.commit(claim=[claim()])
            sunday.commit(settle=[reject()])
        with make_ledger(run="monday") as monday, make_ledger(run="tuesday") as tuesday:
            seen_by_monday, seen_by_tuesday = everything(monday)[NUMBER], everything(tuesday)[NUMBER]
            assert monday.commit(claim=[claim(replaces=seen_by_monday)]) == {}
            assert tuesday.commit(claim=[claim(replaces=seen_by_tuesday)]) == {
                NUMBER: Entry(state=EntryState.CLAIMED, this_run=False, redials=1)
            }

    def test_a_redial_that_never_left_gives_the_call_back_to_the_run_that_made_it(
        self, make_ledger: MakeLedger
    ) -> None:
        with make_ledger(run="sunday") as sunday:
            sunday.commit(claim=[claim()])
            sunday.commit(settle=[reject()])
            before = everything(sunday)
            with make_ledger(run="monday") as monday:
                monday.commit(claim=[claim(replaces=everything(monday)[NUMBER])])
                monday.commit(settle=[release()])
                assert everything(monday)[NUMBER].this_run is False
            assert everything(sunday) == before

    def test_a_claim_in_two_scopes_blocks_whoever_claims_in_either(self, make_ledger: MakeLedger) -> None:
        with (
            make_ledger(run="monday", scope="replayed", also=["this week"]) as both,
            make_ledger(run="tuesday", scope="this week") as week,
            make_ledger(run="tuesday", scope="replayed") as replayed,
            make_ledger(run="tuesday", scope="last week", also=["replayed"]) as last_week,
        ):
            assert both.commit(claim=[claim()]) == {}
            claimed = {NUMBER: Entry(state=EntryState.CLAIMED, this_run=False)}
            for other in (week, replayed, last_week):
                assert everything(other) == claimed
                assert other.commit(claim=[claim()]) == claimed
            both.commit(settle=[accept()])
            accepted = {NUMBER: Entry(state=EntryState.ACCEPTED, this_run=False, call_id="call-1")}
            for other in (week, replayed, last_week):
                assert everything(other) == accepted
                assert other.commit(claim=[claim()]) == accepted

    def test_a_claim_that_is_lost_in_one_scope_leaves_nothing_in_the_others(self, make_ledger: MakeLedger) -> None:
        with (
            make_ledger(run="tuesday", scope="b") as rival,
            make_ledger(run="monday", scope="a", also=["b", "c"]) as ledger,
        ):
            rival.commit(claim=[claim()])
            rival.commit(settle=[accept()])
            accepted = Entry(state=EntryState.ACCEPTED, this_run=False, call_id="call-1")
            assert ledger.commit(claim=[claim(), claim(OTHER_NUMBER)]) == {NUMBER: accepted}
        for scope in ("a", "c"):
            with make_ledger(run="wednesday", scope=scope) as ledger:
                assert list(everything(ledger, NUMBER, OTHER_NUMBER)) == [OTHER_NUMBER]
                assert ledger.commit(claim=[claim()]) == {}

    def test_what_is_released_is_free_in_every_scope(self, make_ledger: MakeLedger) -> None:
        with make_ledger(run="monday", scope="a", also=["b"]) as ledger:
            ledger.commit(claim=[claim()])
            ledger.commit(settle=[release()])
        for scope in ("a", "b"):
            with make_ledger(run="tuesday", scope=scope) as ledger:
                assert ledger.commit(claim=[claim()]) == {}

    def test_of_a_person_in_two_scopes_the_entry_of_the_own_scope_is_told(self, make_ledger: MakeLedger) -> None:
        for scope, settlement in (("a", accept(call_id="a call of a")), ("b", accept(call_id="a call of b"))):
            with make_ledger(run="monday", scope=scope) as ledger:
                ledger.commit(claim=[claim()])
                ledger.commit(settle=[settlement])
        for own, also in (("a", "b"), ("b", "a")):
            with make_ledger(run="tuesday", scope=own, also=[also]) as ledger:
                assert everything(ledger)[NUMBER].call_id == f"a call of {own}"
                assert ledger.commit(claim=[claim()])[NUMBER].call_id == f"a call of {own}"

    def test_a_redial_takes_over_what_two_runs_have_left_in_two_scopes(self, make_ledger: MakeLedger) -> None:
        for run, scope in (("monday", "a"), ("tuesday", "b")):
            with make_ledger(run=run, scope=scope) as ledger:
                ledger.commit(claim=[claim()])
                ledger.commit(settle=[reject()])
        with make_ledger(run="tuesday", scope="a", also=["b"]) as ledger:
            assert ledger.commit(claim=[claim(replaces=everything(ledger)[NUMBER])]) == {}

    def test_a_redial_takes_the_call_over_in_every_scope_and_gives_it_back_in_every_scope(
        self, make_ledger: MakeLedger
    ) -> None:
        with make_ledger(run="monday", scope="a", also=["b"]) as ledger:
            ledger.commit(claim=[claim()])
            ledger.commit(settle=[reject()])
        with make_ledger(run="tuesday", scope="a", also=["b", "c"]) as ledger:
            before = everything(ledger)
            assert ledger.commit(claim=[claim(replaces=before[NUMBER])]) == {}
            ledger.commit(settle=[release()])
            assert everything(ledger) == before
            for scope, expected in (("a", before), ("b", before), ("c", {})):
                with make_ledger(run="tuesday", scope=scope) as other:
                    assert everything(other) == expected
            assert ledger.commit(claim=[claim(replaces=before[NUMBER])]) == {}
            ledger.commit(settle=[accept(call_id="call-2")])
        for scope in ("a", "b", "c"):
            with make_ledger(run="tuesday", scope=scope) as ledger:
                assert everything(ledger) == {
                    NUMBER: Entry(state=EntryState.ACCEPTED, this_run=True, call_id="call-2", redials=1)
                }

    def test_no_redial_rings_somebody_who_was_reached_in_another_scope(self, make_ledger: MakeLedger) -> None:
        for scope, settlement in (("a", reject()), ("b", accept())):
            with make_ledger(run="monday", scope=scope) as ledger:
                ledger.commit(claim=[claim()])
                ledger.commit(settle=[settlement])
        with make_ledger(run="tuesday", scope="a", also=["b"]) as ledger:
            rejected = everything(ledger)
            assert ledger.commit(claim=[claim(replaces=rejected[NUMBER])]) == rejected
        with make_ledger(run="tuesday", scope="b") as ledger:
            assert everything(ledger)[NUMBER].state is EntryState.ACCEPTED


class LegacyContract:
    """What holds where an earlier version has written people in spellings of their own.

    ``make_ledger`` gives ledgers that know `INDIA`; ``age_version`` makes what was written look like that version's.
    """

    def test_a_person_whom_an_earlier_version_wrote_in_another_spelling_is_not_rung_again(
        self, make_ledger: MakeLedger, age_version: Callable[[], None]
    ) -> None:
        with make_ledger(run="monday") as ledger:
            ledger.commit(claim=[Claim(key=LEGACY_NUMBER, number=LEGACY_NUMBER)])
            ledger.commit(settle=[accept(LEGACY_NUMBER)])
        age_version()
        accepted = {NUMBER: Entry(state=EntryState.ACCEPTED, this_run=True, call_id="call-1")}
        with make_ledger(run="monday") as ledger:
            assert everything(ledger, NUMBER, OTHER_NUMBER) == accepted
            assert ledger.commit(claim=[claim(), claim(OTHER_NUMBER), claim("key:+91")]) == accepted

    def test_a_redial_takes_over_a_call_in_another_spelling_and_gives_it_back_if_it_never_left(
        self, make_ledger: MakeLedger, age_version: Callable[[], None]
    ) -> None:
        with make_ledger(run="monday") as ledger:
            ledger.commit(claim=[Claim(key=LEGACY_NUMBER, number=LEGACY_NUMBER)])
            ledger.commit(settle=[reject(LEGACY_NUMBER)])
        age_version()
        with make_ledger(run="monday") as ledger:
            before = everything(ledger)
            redial = claim(replaces=before[NUMBER])
            assert ledger.commit(claim=[redial]) == {}
            ledger.commit(settle=[release()])
            assert everything(ledger) == before
            assert ledger.commit(claim=[redial]) == {}
            ledger.commit(settle=[accept(call_id="call-2")])
        with make_ledger(run="monday") as ledger:
            assert everything(ledger) == {
                NUMBER: Entry(state=EntryState.ACCEPTED, this_run=True, call_id="call-2", redials=1)
            }
