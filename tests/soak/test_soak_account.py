"""The account finds each broken promise, and is content where none was broken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_callkaro.sandbox import Endpoint, Request, Ring
from tests.soak import witness
from tests.soak.account import (
    Account,
    ToldByTask,
    judge_campaigns,
    judge_hours,
    judge_rate,
    judge_rings,
    judge_rows,
    judge_singles,
    most_at_once,
    outside_by,
    worst_second,
)
from tests.soak.lists import DagOfTheSoak, ListTask, Run

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
TASK = ListTask(task_id="calls", place=0, people=10)
RUN = Run(dag=DagOfTheSoak(dag_id="a_dag", lists=[TASK], singles=1, launches=1), run_id="soak-0001", number=1)
NUMBERS = RUN.contact_list(0).numbers
PHONES = RUN.contact_list(0).phones
moments = st.lists(st.floats(min_value=0, max_value=5))


def ring(number: str, *, at: datetime = NOW, **fields: Any) -> Ring:
    return Ring(
        order=1,
        to_number=number,
        agent_id="agent",
        batch_id=None,
        call_id="id",
        received_at=at,
        rings_at=at,
        metadata=None,
        body={},
        scheduled=False,
        **fields,
    )


def seen_by_vendors(**seen: Any) -> witness.Testimony:
    return witness.Testimony(
        **{"rings": [], "requests": [], "callaro_campaigns": [], "mrassistant_campaigns": [], **seen}
    )


def whole_report() -> list[dict[str, str]]:
    """Everybody is accepted once, unreadable rows are rejected, the repeated skipped."""
    states = [
        "accepted" if place < 10 else "rejected" if phone == "" or phone == "no number" else "skipped"
        for place, phone in enumerate(PHONES)
    ]
    return [{"row": str(place), "state": state} for place, state in enumerate(states, start=1)]


def told(lines: Sequence[Mapping[str, str]] | None, **changes: Any) -> ToldByTask:
    summary = {"total": 0, "accepted": 0, "rejected": 0, "skipped": 0, "unknown": 0, "pending": 0}
    for line in lines or ():
        summary[line["state"]] += 1
        summary["total"] += 1
    return ToldByTask(**{"run": RUN, "task": TASK, "map_index": -1, "summary": summary, "lines": lines, **changes})


def findings_of_rows(each: ToldByTask, rings: Sequence[Ring]) -> list[str]:
    account = Account()
    judge_rows(account, [each], rings)
    return account.findings.get("no row lost", [])


EVERYBODY = [ring(number) for number in NUMBERS]


def test_a_whole_run_is_in_order() -> None:
    account = Account()
    judge_rows(account, [told(whole_report())], EVERYBODY)
    judge_rings(account, seen_by_vendors(rings=EVERYBODY), [RUN])
    assert account.findings == {}
    assert account.figures["rows in"] == account.figures["rows out"] == len(PHONES)
    assert account.figures["most rings of a number"] == 1


def test_a_number_that_rings_twice_is_found_and_not_named() -> None:
    account = Account()
    judge_rings(account, seen_by_vendors(rings=[*EVERYBODY, ring(NUMBERS[3])]), [RUN])
    (finding,) = account.findings["nobody twice"]
    assert "soak-0001" in finding
    assert NUMBERS[3].removeprefix("+") not in finding


def test_a_number_of_no_list_is_found() -> None:
    account = Account()
    judge_rings(account, seen_by_vendors(rings=[ring("+12025550101")]), [RUN])
    assert account.findings["nobody twice"]


def test_a_call_that_was_deleted_did_not_ring() -> None:
    account = Account()
    judge_rings(account, seen_by_vendors(rings=[ring(NUMBERS[0], deleted=True), ring(NUMBERS[0])]), [RUN])
    assert account.findings == {}


LINES = whole_report()


@pytest.mark.parametrize(
    ("each", "rings"),
    [
        pytest.param(told(LINES[:-1]), EVERYBODY, id="a row in no report"),
        pytest.param(told([*LINES[:-1], LINES[0]]), EVERYBODY, id="a row twice"),
        pytest.param(told(LINES), EVERYBODY[1:], id="accepted and never rung"),
        pytest.param(told([{**LINES[0], "state": "rejected"}, *LINES[1:]]), EVERYBODY, id="rejected and rung"),
        pytest.param(told([{**LINES[0], "state": "pending"}, *LINES[1:]]), EVERYBODY, id="never dialled"),
        pytest.param(told(None), EVERYBODY, id="no report"),
        pytest.param(told(LINES, summary=None), EVERYBODY, id="no summary"),
        pytest.param(told(LINES, summary={**told(LINES).summary, "total": 1}), EVERYBODY, id="does not add up"),
        pytest.param(
            told(LINES, summary={**told(LINES).summary, "accepted": 9, "unknown": 1}), EVERYBODY, id="two stories"
        ),
    ],
)
def test_a_lost_row_is_found(each: ToldByTask, rings: Sequence[Ring]) -> None:
    assert findings_of_rows(each, rings)


def test_a_shard_that_left_nothing_is_found() -> None:
    task = replace(TASK, shards=2)
    account = Account()
    judge_rows(
        account,
        [told(LINES, task=task, map_index=0), told(None, task=task, map_index=1, summary=None)],
        EVERYBODY,
    )
    assert account.findings["no row lost"]


def test_a_single_call_that_was_never_placed_is_found() -> None:
    run = replace(RUN, dag=replace(RUN.dag, rung=1))
    content, worried = Account(), Account()
    judge_singles(content, [ring(run.conf_numbers[0])], [run])
    judge_singles(worried, [ring(run.conf_numbers[0], deleted=True)], [run])
    assert content.findings == {}
    assert len(worried.findings["no row lost"]) == 1


@pytest.mark.parametrize(("launches", "is_wrong"), [([1], False), ([1, 0], False), ([1, 1], True), ([2], True)])
def test_a_second_launch_is_found(launches: list[int], is_wrong: bool) -> None:
    campaigns = [SimpleNamespace(name=f"{RUN.run_id} it", launches=each) for each in launches]
    account = Account()
    judge_campaigns(account, seen_by_vendors(callaro_campaigns=campaigns), [RUN])
    assert bool(account.findings) == is_wrong


def test_a_ring_outside_the_hours_is_found() -> None:
    spans = [(NOW.timestamp(), NOW.timestamp() + 60)]
    rings = [ring(NUMBERS[0], at=NOW + timedelta(seconds=59.9)), ring(NUMBERS[1], at=NOW + timedelta(seconds=60))]
    account = Account()
    judge_hours(account, rings, agents=["agent"], spans=spans)
    assert len(account.findings["never at a wrong hour"]) == 1
    assert account.figures["rings within hours"] == 1


def test_how_far_from_the_hours() -> None:
    spans = [(10.0, 20.0), (30.0, 40.0)]
    far = [outside_by(datetime.fromtimestamp(at, UTC), spans) for at in (5, 10, 19, 22, 29, 39, 45)]
    assert far == pytest.approx([5, 0, 0, 2, 1, 0, 5])


@given(moments=moments)
def test_the_worst_second_is_that_of_any_start(moments: list[float]) -> None:
    slow = max((sum(start <= other < start + 1 for other in moments) for start in moments), default=0)
    assert abs(worst_second(moments) - slow) <= sum(
        abs(one - other) == pytest.approx(1) for one in moments for other in moments
    )


@given(spans=st.lists(st.tuples(st.integers(0, 50), st.integers(1, 50)).map(lambda pair: (pair[0], sum(pair)))))
def test_as_many_are_in_flight_as_overlap_where_one_starts(spans: list[tuple[int, int]]) -> None:
    slow = max((sum(start <= at < end for start, end in spans) for at, _ in spans), default=0)
    assert most_at_once(spans) == slow


def test_a_rate_above_the_budget_is_found() -> None:
    requests = [
        Request(
            endpoint=Endpoint.OUTBOUND,
            received_at=NOW + timedelta(milliseconds=200 * place),
            answered_at=NOW + timedelta(milliseconds=200 * place + 500),
        )
        for place in range(10)
    ]
    content, worried = Account(), Account()
    judge_rate(content, seen_by_vendors(requests=requests), path=Endpoint.OUTBOUND, rate=5, in_flight=3)
    judge_rate(worried, seen_by_vendors(requests=requests), path=Endpoint.OUTBOUND, rate=4, in_flight=2)
    assert content.findings == {}
    assert len(worried.findings["within the budget"]) == 2
