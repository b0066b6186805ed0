"""How calls that go together are put into requests: full ones, none too large, nobody forgotten, nobody twice."""

from __future__ import annotations

import math
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_callkaro.calls.call import Call
from airflow_provider_callkaro.dispatch.batching import MAX_OPEN_REQUESTS, ManyCallsBatcher
from airflow_provider_callkaro.dispatch.job import Job, ReadyJob
from airflow_provider_callkaro.vendors.http import Request


class Post:
    """A vendor that takes calls of one agent together, and notes what it is asked for."""

    name = "Post"

    def __init__(self, calls_per_request: int) -> None:
        self.calls_per_request = calls_per_request
        self.asked: list[tuple[int, int, bool]] = []

    def batch_key(self, call):
        return call.agent_id

    def place_calls(self, calls, *, first_row, is_whole_list):
        self.asked.append((len(calls), first_row, is_whole_list))
        return Request("POST", "/")

    def read_placed_calls(self, response, *, calls):
        raise NotImplementedError


def job(row: int, agent: str = "a") -> ReadyJob:
    number = f"+9198765{row:05d}"
    call = Call(to_number=number, agent_id=agent)
    return ReadyJob(Job(row_number=row, key=number, number=number, call=call), call, math.inf)


def jobs(count: int, *, start: int = 1, agent: str = "a") -> list[ReadyJob]:
    return [job(row, agent) for row in range(start, start + count)]


def test_a_list_of_two_thousand_five_hundred_makes_three_requests() -> None:
    together = ManyCallsBatcher(Post(1000))
    together.add(jobs(2500), now=0.0)
    first = together.take(10, is_last=False)
    assert [len(request.jobs) for request in first] == [1000, 1000]
    assert [len(request.jobs) for request in together.take(10, is_last=True)] == [500]


def test_a_request_that_just_fits_waits_until_it_is_known_to_be_the_last() -> None:
    vendor = Post(100)
    together = ManyCallsBatcher(vendor)
    together.add(jobs(100), now=0.0)
    assert together.take(1, is_last=False) == []
    (request,) = together.take(1, is_last=True)
    request.dispatch()
    assert vendor.asked == [(100, 1, True)]


def test_only_what_may_go_together_does() -> None:
    together = ManyCallsBatcher(Post(10))
    together.add([job(row, agent="ab"[row % 2]) for row in range(1, 31)], now=0.0)
    taken = [*together.take(9, is_last=False), *together.take(9, is_last=True)]
    assert [len(request.jobs) for request in taken] == [10, 10, 5, 5]
    assert all(len({one.call.agent_id for one in request.jobs}) == 1 for request in taken)


def test_no_more_requests_are_taken_than_there_is_room_for() -> None:
    together = ManyCallsBatcher(Post(10))
    together.add(jobs(55), now=0.0)
    assert len(together.take(2, is_last=True)) == 2
    assert together.waiting == 35


def test_calls_of_many_kinds_do_not_pile_up() -> None:
    together = ManyCallsBatcher(Post(10))
    together.add([job(row, agent=f"agent {row}") for row in range(1, 200)], now=0.0)
    together.take(1_000, is_last=False)
    assert together.waiting <= 10 * MAX_OPEN_REQUESTS


def test_what_has_waited_too_long_is_taken_out_in_the_order_of_the_list() -> None:
    together = ManyCallsBatcher(Post(10))
    together.add([job(row, agent="ab"[row % 2]) for row in range(1, 8)], now=5.0)
    assert together.drain(before=5.0) == []
    assert [one.row_number for one in together.drain(before=5.1)] == list(range(1, 8))
    assert (together.waiting, together.take(9, is_last=True)) == (0, [])


@given(
    size=st.integers(1, 7),
    groups=st.lists(st.lists(st.sampled_from("abc"), max_size=12), max_size=6),
    room=st.integers(0, 4),
)
def test_whatever_comes_in_goes_out_once_and_in_requests_that_are_not_too_large(size, groups, room) -> None:
    together = ManyCallsBatcher(Post(size))
    row = 0
    taken = []
    for agents in groups:
        batch = [job(row := row + 1, agent) for agent in agents]
        together.add(batch, now=float(row))
        taken += together.take(room, is_last=False)
    while together.waiting:
        taken += together.take(1, is_last=True)
    for request in taken:
        assert 1 <= len(request.jobs) <= size
        assert len({one.call.agent_id for one in request.jobs}) == 1
    assert Counter(one.row_number for request in taken for one in request.jobs) == Counter(range(1, row + 1))
    for agent in "abc":
        rows = [one.row_number for request in taken for one in request.jobs if one.call.agent_id == agent]
        assert rows == sorted(rows)
