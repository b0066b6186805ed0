"""What a list may hold, and what becomes of each row: repetitions, bad rows, parts of a list, a list seen before."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from placing_calls import LedgerAround, numbers, rows

from airflow_provider_callkaro.calls.outcome import Outcome, Reason
from airflow_provider_callkaro.dispatch.limits import Limits, Shard
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.ledger.contract import Claim

ANNA, BEN = numbers(2)


def outcomes(run) -> list[tuple[Outcome, Reason | str | None]]:
    return [(row.outcome, row.reason) for row in run.rows]


def test_a_person_who_stands_in_the_list_twice_is_rung_once(caller) -> None:
    spellings = [ANNA, f" {ANNA[:3]} {ANNA[3:8]}-{ANNA[8:]} ", BEN, ANNA]
    run = caller.place([{"to_number": spelling} for spelling in spellings])
    assert outcomes(run) == [
        (Outcome.ACCEPTED, None),
        (Outcome.SKIPPED, Reason.DUPLICATE),
        (Outcome.ACCEPTED, None),
        (Outcome.SKIPPED, Reason.DUPLICATE),
    ]
    assert caller.sandbox.rings_per_number() == {ANNA: 1, BEN: 1}


def test_a_key_of_the_users_own_decides_who_is_who(caller) -> None:
    keyed = [{"to_number": ANNA, "call_key": key} for key in ("bill 1", "bill 2", "bill 1", ANNA)]
    run = caller.place([*keyed, {"to_number": ANNA, "call_key": None}])
    assert [reason for _, reason in outcomes(run)] == [None, None, Reason.DUPLICATE, None, None]
    assert caller.sandbox.rings_per_number() == {ANNA: 4}


def test_rows_that_cannot_be_calls_are_rejected_with_a_reason_and_the_run_goes_on(caller) -> None:
    bad = [
        ({"to_number": "junk"}, Reason.BAD_NUMBER),
        ({"to_number": None}, Reason.MISSING_NUMBER),
        ({"to_number": BEN, "priority": 101}, Reason.BAD_PRIORITY),
        ({"to_number": BEN, "scores": {1, 2}}, Reason.BAD_METADATA),
        ([BEN], Reason.NOT_A_ROW),
    ]
    run = caller.place([{"to_number": ANNA}, *(row for row, _ in bad), {"to_number": BEN}])
    assert outcomes(run) == [
        (Outcome.ACCEPTED, None),
        *((Outcome.REJECTED, reason) for _, reason in bad),
        (Outcome.ACCEPTED, None),
    ]
    assert caller.entries("junk", ANNA).keys() == {ANNA}


def test_a_rejected_row_does_not_make_a_good_one_for_the_same_person_a_repetition(caller) -> None:
    run = caller.place([{"to_number": ANNA, "priority": 101}, {"to_number": ANNA, "priority": 1}])
    assert outcomes(run) == [(Outcome.REJECTED, Reason.BAD_PRIORITY), (Outcome.ACCEPTED, None)]


def test_a_list_that_can_never_be_right_says_so_before_anybody_is_rung(caller) -> None:
    with pytest.raises(ConfigurationError, match="to_number"):
        caller.place([{"phone": number} for number in numbers(10)])
    assert caller.sandbox.requests == []


@pytest.mark.parametrize("dry_run", [False, True])
def test_an_empty_list_is_a_success_with_zeros(caller, dry_run) -> None:
    run = caller.place([], dry_run=dry_run)
    assert str(run.summary) == "0 rows: 0 accepted, 0 rejected, 0 skipped, 0 unknown, 0 pending"
    assert run.summary.stopped is None


def test_a_list_of_nothing_but_repetitions_and_dirt_comes_to_its_end(caller) -> None:
    contacts = [{"to_number": ANNA}, *([{"to_number": ANNA}, {"to_number": "junk"}] * 5_000)]
    run = caller.place(contacts, limits=Limits(max_concurrency=4))
    assert (run.summary.accepted, run.summary.skipped, run.summary.rejected) == (1, 5_000, 5_000)


def test_a_dry_run_says_what_would_be_done_and_does_none_of_it(caller) -> None:
    caller.place([{"to_number": ANNA}])
    contacts = [{"to_number": ANNA}, {"to_number": BEN}, {"to_number": BEN}, {"to_number": "junk"}]
    before = caller.sandbox.rings

    class Sealed(LedgerAround):
        """A ledger that nothing may be written to."""

        def commit(self, *, settle=(), claim=()):
            raise AssertionError("a dry run writes nothing")

    run = caller.place(contacts, run="tuesday", dry_run=True, ledger=Sealed(caller.open_ledger("tuesday")))
    assert outcomes(run) == [
        (Outcome.SKIPPED, Reason.ALREADY_ACCEPTED),
        (Outcome.PENDING, Reason.DRY_RUN),
        (Outcome.SKIPPED, Reason.DUPLICATE),
        (Outcome.REJECTED, Reason.BAD_NUMBER),
    ]
    assert caller.sandbox.rings == before
    assert caller.entries(BEN) == {}
    assert caller.place(contacts, run="tuesday").summary.accepted == 1


def test_tasks_that_share_a_list_account_for_each_row_once_and_ring_everybody_once(caller) -> None:
    contacts = [*rows(60), *rows(20), *({"to_number": "junk"} for _ in range(20))]
    runs = [caller.place(contacts, run=f"part {index}", shard=Shard(index=index, count=3)) for index in range(3)]
    places = Counter(row.row_number for run in runs for row in run.rows)
    assert places == dict.fromkeys(range(1, 101), 1)
    totals = [sum(getattr(run.summary, state) for run in runs) for state in ("accepted", "skipped", "rejected")]
    assert totals == [60, 20, 20]
    assert caller.sandbox.rings_per_number() == dict.fromkeys(numbers(60), 1)


@given(key=st.text(), count=st.integers(1, 50))
def test_every_row_belongs_to_exactly_one_part(key, count) -> None:
    assert sum(Shard(index=index, count=count).holds(key) for index in range(count)) == 1


@pytest.mark.parametrize(("index", "count"), [(1, 1), (-1, 3), (0, 0), (3, 2)])
def test_a_part_that_does_not_exist_is_refused(index, count) -> None:
    with pytest.raises(ConfigurationError, match="shard"):
        Shard(index=index, count=count)


def test_a_second_try_goes_on_where_the_first_one_ended(caller) -> None:
    first = caller.place(rows(30))
    again = caller.place(rows(50))
    assert (again.summary.accepted, again.summary.dialled, again.summary.resumed) == (50, 20, 30)
    assert [row.call_id for row in again.rows[:30]] == [row.call_id for row in first.rows]


def test_another_run_says_of_each_person_why_they_are_not_rung_again(caller) -> None:
    caller.sandbox.fault("rejected", first=1)
    caller.sandbox.fault("drop_answer_after_accepting", after=1, first=1)
    caller.place(rows(3), limits=Limits(max_concurrency=1))
    caller.sandbox.clear_faults()
    run = caller.place(rows(4), run="tuesday")
    assert [reason for _, reason in outcomes(run)] == [
        Reason.ALREADY_REJECTED,
        Reason.ALREADY_UNKNOWN,
        Reason.ALREADY_ACCEPTED,
        None,
    ]


def test_a_person_whom_another_run_is_ringing_right_now_is_left_alone(caller) -> None:
    with caller.open_ledger("tuesday") as other:
        other.commit(claim=[Claim(key=ANNA, number=ANNA)])
        run = caller.place([{"to_number": ANNA}, {"to_number": BEN}], redial=["unknown", "rejected"])
        assert outcomes(run) == [(Outcome.SKIPPED, Reason.CLAIMED_BY_ANOTHER_RUN), (Outcome.ACCEPTED, None)]
    assert caller.sandbox.rings_per_number() == {BEN: 1}


@pytest.mark.slow
def test_a_list_that_is_mostly_done_is_passed_over_with_few_questions_to_the_ledger(durable_caller) -> None:
    done, left = 6_000, 40
    durable_caller.place(rows(done))

    class Counting(LedgerAround):
        questions = 0

        def state_of(self, keys):
            Counting.questions += 1
            return super().state_of(keys)

    ledger = Counting(durable_caller.open_ledger("tuesday"))
    run = durable_caller.place(rows(done + left), run="tuesday", ledger=ledger)
    assert (run.summary.skipped, run.summary.accepted, run.summary.dialled) == (done, left, left)
    assert Counting.questions + ledger.commits < 100
    assert durable_caller.most_rings() == 1


@pytest.mark.slow
def test_new_people_between_many_who_are_done_are_all_rung(caller) -> None:
    caller.place([row for index, row in enumerate(rows(3_000)) if index % 50])
    run = caller.place(rows(3_000), run="tuesday")
    assert (run.summary.accepted, run.summary.skipped) == (60, 2_940)
    assert caller.sandbox.rings_per_number() == dict.fromkeys(numbers(3_000), 1)
