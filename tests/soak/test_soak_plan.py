"""A soak can be replayed: its seed decides everything, and a short one shows most of what can happen."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_callkaro.sandbox import Fault
from tests.soak.lists import DAGS, LISTS_PER_RUN, ContactList, conf_numbers
from tests.soak.plan import STORMS, Harm, make_plan
from tests.soak.witness import FAILING

seeds = st.integers(min_value=0, max_value=10**6)


def plan_of(seed: int, *, seconds: float = 300.0) -> object:
    return make_plan(seed=seed, seconds=seconds, dags=["one", "two", "three"], runs=10, paths=FAILING)


@given(seed=seeds)
def test_the_same_seed_gives_the_same_plan(seed: int) -> None:
    assert plan_of(seed) == plan_of(seed)
    assert plan_of(seed) != plan_of(seed + 1)


@given(seed=seeds)
def test_a_longer_soak_begins_as_a_shorter_one_does(seed: int) -> None:
    short, long = plan_of(seed, seconds=60), plan_of(seed, seconds=600)
    assert long.blows[: len(short.blows)] == short.blows
    assert long.storms[: len(short.storms)] == short.storms


@given(seed=seeds)
def test_every_kind_of_harm_comes_before_one_comes_twice(seed: int) -> None:
    kinds = [blow.harm for blow in plan_of(seed, seconds=900).blows[: len(Harm)]]
    assert set(kinds) == set(Harm)


@given(seed=seeds)
def test_every_dag_runs_before_one_runs_twice(seed: int) -> None:
    runs = plan_of(seed).runs
    assert [set(runs[start : start + 3]) for start in (0, 3, 6)] == [{"one", "two", "three"}] * 3


def test_the_sandbox_knows_every_fault_of_a_storm() -> None:
    for fault in STORMS:
        for path in FAILING:
            Fault.from_json({**fault, "path": path})


@given(first=st.integers(0, 9_998))
def test_no_number_is_in_two_lists(first: int) -> None:
    numbers = [
        number
        for run in (first, first + 1)
        for own in (
            *(ContactList(run=run, place=place, people=2_500).numbers for place in range(LISTS_PER_RUN)),
            conf_numbers(run=run, singles=100),
        )
        for number in own
    ]
    assert len(set(numbers)) == len(numbers)
    assert {len(number) for number in numbers} == {13}


def test_each_list_of_a_dag_has_a_place_of_its_own() -> None:
    for dag in DAGS.values():
        places = [task.place for task in dag.lists]
        assert len(set(places)) == len(places)
        assert all(place < LISTS_PER_RUN for place in places)


def test_the_soak_starts_without_pytest_and_its_paths() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-m", "tests.soak", "--help"]
    done = subprocess.run(
        command, cwd=Path(__file__).parents[2], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "--seed" in done.stdout
