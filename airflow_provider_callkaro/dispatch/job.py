"""A call on its way through the dispatcher: with what it travels, what came back for it, or what holds it back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from airflow_provider_callkaro.calls.call import Call
from airflow_provider_callkaro.calls.outcome import Outcome, Reason
from airflow_provider_callkaro.exceptions import VendorError
from airflow_provider_callkaro.ledger.contract import Entry
from airflow_provider_callkaro.vendors.http import Request


@dataclass(slots=True, kw_only=True)
class Job:
    """One call that is to be dispatched.

    :param row_number: of the contact row, from 1.
    :param key: in the ledger.
    :param number: whom to ring, E.164, for the ledger only.
    :param call: the call as the row asks for it.
    :param ready: the call as it is dispatched, once the rules have let it pass.
    :param not_after: the moment, in seconds since 1970 UTC, after which no byte of its request may leave: the judgement
        that let it pass is good until then, and no longer.
    :param attempts: how often it was handed over by now.
    :param delays: how often it was handed over and found to be too late.
    :param replaces: the ledger's entry that a redial takes over.
    """

    row_number: int
    key: str = field(repr=False)
    number: str = field(repr=False)
    call: Call
    ready: Call = field(init=False)
    not_after: float = math.inf
    attempts: int = 0
    delays: int = 0
    replaces: Entry | None = None


@dataclass(slots=True)
class Dispatch:
    """One request that can make phones ring, and the calls it carries: claimed, settled and lost together.

    :ivar not_after: the moment after which none of it may leave: the earliest of its calls.
    """

    jobs: Sequence[Job]
    request: Request
    not_after: float = field(init=False)

    def __post_init__(self) -> None:
        first = self.jobs[0].not_after
        self.not_after = first if len(self.jobs) == 1 else min(job.not_after for job in self.jobs)

    @property
    def key(self) -> str:
        """What tells it from every other dispatch under way."""
        return self.jobs[0].key


@dataclass(slots=True)
class Answer:
    """What came back for a dispatch: the vendor's id, or what went wrong."""

    dispatch: Dispatch
    call_id: str | None
    error: VendorError | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A call that may be dispatched, and until when that holds.

    :param call: as it is to be sent.
    :param not_after: seconds since 1970 UTC; see `Job`.
    """

    call: Call
    not_after: float = math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A call that is not dispatched now.

    :param until: the moment at which it may be, for one that is only pending.
    """

    outcome: Outcome
    reason: Reason
    until: datetime | None = None
