"""A budget is shared out whole: nobody gets more than is there or than it wants, and the urgent go first."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_callkaro.budgets.sharing import Claim, share_out

claims = st.lists(
    st.builds(
        Claim,
        wanted=st.integers(0, 60),
        priority=st.integers(-2, 2),
        weight=st.floats(0.01, 100),
        owed=st.floats(-3, 3),
        held=st.integers(0, 60),
    ),
    max_size=12,
)


@given(st.integers(0, 100), claims)
def test_everything_is_shared_out_and_no_more(total: int, some: list[Claim]) -> None:
    shares = share_out(total, some)
    assert sum(share.whole for share in shares) == min(total, sum(claim.wanted for claim in some))
    for claim, share in zip(some, shares, strict=True):
        assert 0 <= share.whole <= claim.wanted
        assert abs(share.whole - share.exact) < 1 + 1e-6


@given(st.integers(0, 100), claims)
def test_a_lower_priority_gets_what_the_higher_leave(total: int, some: list[Claim]) -> None:
    shares = share_out(total, some)
    served = [claim.priority for claim, share in zip(some, shares, strict=True) if share.whole > 0]
    unserved = [claim.priority for claim, share in zip(some, shares, strict=True) if share.whole < claim.wanted]
    assert not served or not unserved or min(served) >= max(unserved)


@given(st.integers(1, 100), claims)
def test_whoever_weighs_more_and_wants_as_much_gets_no_less(total: int, some: list[Claim]) -> None:
    shares = share_out(total, some)
    for one, own in zip(some, shares, strict=True):
        for other, its in zip(some, shares, strict=True):
            if one.priority == other.priority and one.weight >= other.weight and one.wanted >= other.wanted:
                assert own.exact >= its.exact - 1e-6


@pytest.mark.parametrize(
    ("total", "some", "expected"),
    [
        (10, [Claim(wanted=99), Claim(wanted=99)], [5, 5]),
        (10, [Claim(wanted=2), Claim(wanted=99), Claim(wanted=99)], [2, 4, 4]),
        (8, [Claim(wanted=99, weight=3), Claim(wanted=99)], [6, 2]),
        (8, [Claim(wanted=5, priority=1), Claim(wanted=99)], [5, 3]),
        (3, [Claim(wanted=99, owed=owed) for owed in (0.0, 0.9, 0.1, 0.5)], [0, 1, 1, 1]),
        (1, [Claim(wanted=1, held=1), Claim(wanted=1, owed=0.9)], [1, 0]),
        (1, [Claim(wanted=1, held=1), Claim(wanted=1, owed=1.1)], [0, 1]),
        (5, [], []),
    ],
)
def test_shares(total: int, some: list[Claim], expected: list[int]) -> None:
    assert [share.whole for share in share_out(total, some)] == expected
