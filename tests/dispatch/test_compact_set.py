"""The compact memory of a list's keys says what a set would say."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from placing_calls import numbers

from airflow_provider_callkaro.dispatch.intake import CompactSet

KEYS = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)


@given(keys=st.lists(KEYS))
def test_a_key_is_new_exactly_once(keys) -> None:
    seen, known = CompactSet(), set()
    for key in keys:
        assert seen.add(key) is (key not in known)
        known.add(key)
        assert len(seen) == len(known)


def test_a_long_list_is_remembered_to_the_last_number() -> None:
    seen = CompactSet()
    long = numbers(100_000)
    assert all(seen.add(number) for number in long)
    assert not any(seen.add(number) for number in long)
    assert len(seen) == 100_000
