"""The summaries of a list that several tasks shared add up, and what is missing is never taken for nothing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_callkaro.calls.outcome import Outcome, Reason
from airflow_provider_callkaro.dispatch.combining import combine
from airflow_provider_callkaro.exceptions import ConfigurationError

COUNTS = st.integers(min_value=0, max_value=10**7)


def summary(index: int = 0, count: int = 1, **changed: Any) -> dict[str, Any]:
    outcomes = {outcome.value: changed.pop(outcome.value, 0) for outcome in Outcome}
    return {
        "batch_id": "b1",
        "total": sum(outcomes.values()),
        **outcomes,
        "reasons": {},
        "report": None,
        "shard": [index, count],
        **changed,
    }


def without_shard(**changed: Any) -> dict[str, Any]:
    return {name: value for name, value in summary(**changed).items() if name != "shard"}


@st.composite
def parts_of_a_list(draw: st.DrawFn) -> list[dict[str, Any]]:
    count = draw(st.integers(min_value=1, max_value=8))
    return [
        summary(
            index,
            count,
            **{outcome.value: draw(COUNTS) for outcome in Outcome},
            reasons=draw(st.dictionaries(st.sampled_from([*Reason]).map(str), COUNTS)),
        )
        for index in range(count)
    ]


@given(parts=parts_of_a_list(), random=st.randoms(use_true_random=False))
def test_every_count_is_the_sum_of_the_parts_whatever_their_order(parts, random):
    random.shuffle(parts)
    combined = combine(parts).as_xcom(report=None)
    for name in ("total", *(outcome.value for outcome in Outcome)):
        assert combined[name] == sum(part[name] for part in parts)
    assert combined["total"] == sum(combined[outcome.value] for outcome in Outcome)
    reasons = {reason for part in parts for reason in part["reasons"]}
    assert combined["reasons"] == {name: sum(part["reasons"].get(name, 0) for part in parts) for name in reasons}
    assert (combined["shards"], combined["missing"], "unread" in combined) == (len(parts), 0, False)


@given(parts=parts_of_a_list(), data=st.data())
def test_a_part_that_left_no_summary_is_always_missed(parts, data):
    there = data.draw(
        st.lists(st.sampled_from(parts), unique_by=lambda part: part["shard"][0], max_size=len(parts) - 1)
    )
    combined = combine(there, shards=len(parts))
    assert combined.missing == len(parts) - len(there)
    assert not combined.whole
    assert combined.as_xcom(report=None)["unread"] is True
    if there:
        assert combine(there) == combined


def test_a_message_names_the_parts_that_are_missing():
    assert combine([summary(1, 4)]).missing_parts() == "the summary of part 1, 3, 4 of 4"
    assert combine([summary(1, 40)]).missing_parts() == "the summary of part 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, … of 40"
    assert combine([], shards=3).missing_parts() == "3 of 3 summaries"
    assert combine([without_shard()], shards=3).missing_parts() == "2 of 3 summaries"


def test_a_task_that_returned_nothing_is_a_missing_part():
    combined = combine([None, summary(1, 2, accepted=3), None][:2])
    assert (combined.missing, combined.whole) == (1, False)
    assert combined.missing_parts() == "the summary of part 1 of 2"
    assert combine([None, without_shard(accepted=3)], shards=2).missing == 1


def test_a_summary_that_speaks_of_a_thousand_million_parts_costs_no_more_than_another():
    assert combine([summary(1, 10**15)]).missing_parts().endswith("10, 11, … of 1000000000000000")


def test_a_reason_is_a_word_and_shows_no_number():
    combined = combine([summary(0, 1, rejected=9, reasons={"+919876543210": 3, "x" * 10_000: 4, "duplicate": 2})])
    assert "9876" not in str(combined.summary)
    assert len(str(combined.as_xcom(report=None))) < 1_000
    assert sum(combined.summary.reasons.values()) == 9


def test_a_part_that_was_only_rehearsed_is_no_part_of_a_list_that_was_called(tmp_path):
    rehearsed = summary(0, 2, pending=3, reasons={"dry_run": 3})
    assert combine([rehearsed, summary(1, 2, pending=2, reasons={"dry_run": 2})]).whole
    mixed = combine([rehearsed, summary(1, 2, accepted=2, report=str(tmp_path / "1.csv"))])
    assert (mixed.whole, mixed.left) == (False, 3)


def test_what_one_part_rehearsed_does_not_stand_for_what_another_one_left():
    parts = [summary(0, 2, pending=5), summary(1, 2, reasons={"dry_run": 5})]
    assert (combine(parts).left, combine(parts).whole) == (5, False)


@pytest.mark.parametrize(
    ("changed", "whole"),
    [
        ({"accepted": 3, "rejected": 1, "skipped": 1, "unknown": 1}, True),
        ({"pending": 1}, False),
        ({"unread": True}, False),
        ({"pending": 2, "reasons": {"dry_run": 2}}, True),  # a dry run has nothing left to do
        ({"pending": 3, "reasons": {"dry_run": 2}}, False),
    ],
)
def test_a_list_is_done_when_nothing_of_it_is_left(changed, whole):
    assert combine([summary(0, 2), summary(1, 2, **changed)]).whole is whole


@pytest.mark.parametrize(
    ("summaries", "shards", "message"),
    [
        ([summary(0, 2), summary(0, 2)], None, "2 summaries of 2 parts, and a part counts once"),
        ([summary(0, 2), summary(1, 4)], None, "cut in 2 and 4 parts"),
        ([summary(0, 2), without_shard()], None, "cut in 2 and no parts"),
        ([summary(0, 2), summary(1, 2)], 3, "cut in 2 parts, and shards is 3"),
        ([without_shard(), without_shard()], None, "do not say how many there should be"),
        ([without_shard(), without_shard()], 1, "2 summaries of 1 parts"),
        ([], None, "do not say how many there should be"),
        ([summary(), None], None, "2 summaries of 1 parts"),
        ([summary(), {}], None, "summary 2 is not what a fan-out returns"),
        (["+919876543210"], None, "summary 1 is not what a fan-out returns"),
        ([summary(accepted=-1)], None, "summary 1 is not what a fan-out returns"),
        ([summary(accepted=True)], None, "summary 1 is not what a fan-out returns"),
        ([{"campaign_id": 7, "state": "completed", "export": None, "rows": 5}], 1, "not what a fan-out returns"),
        ([summary(total=5)], None, "do not add up"),
        ([summary(reasons={"duplicate": "+919876543210"})], None, "reasons of summary 1 are no counts"),
        ([summary(shard=[0])], None, "does not say which part"),
        ([summary(2, 2)], None, "index from 0 to count - 1"),
    ],
)
def test_what_cannot_be_added_up_is_refused_and_not_quoted(summaries, shards, message):
    with pytest.raises(ConfigurationError, match=message) as refused:
        combine(summaries, shards=shards)
    assert "9876" not in str(refused.value)


def test_the_campaigns_of_all_parts_are_named():
    assert combine([summary(0, 2), summary(1, 2)]).campaign == {"batch_id": "b1"}
    assert combine([summary(0, 2), summary(1, 2, batch_id="b2")]).campaign == {"batch_id": None}
    made = [
        {**without_shard(), "shard": [index, 2], "campaigns": 70, "created": [{"campaign_id": n} for n in range(70)]}
        for index in range(2)
    ]
    for part in made:
        del part["batch_id"]
    campaign = combine(made).campaign
    assert campaign["campaigns"] == 140
    assert len(campaign["created"]) == 100
