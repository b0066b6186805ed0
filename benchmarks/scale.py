"""How much is measured: all of it, or just enough to see that nothing is broken."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How much is measured.

    :param repetitions: of each measurement; the median counts.
    :param rounds: how often each connection calls, where there is latency; start-up is a part of that.
    :param calls: in a run without latency.
    :param kills: how many runs are killed for each figure.
    :param long_list: rows of the long list whose memory is measured.
    :param mapped: mapped ``HttpOperator`` tasks.
    """

    repetitions: int
    rounds: int
    calls: int
    kills: int
    long_list: int
    mapped: int


FULL = Scale(repetitions=5, rounds=100, calls=20_000, kills=8, long_list=1_000_000, mapped=100)
QUICK = Scale(repetitions=1, rounds=30, calls=5_000, kills=2, long_list=100_000, mapped=20)
