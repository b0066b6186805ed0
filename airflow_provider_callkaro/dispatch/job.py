"""A call on its way through the dispatcher, in the types of its stages.

A `Job` is a call of the list. The rules make of it a `ReadyJob`, or hold it back (`Held`). Ready jobs that are claimed
travel in a `Dispatch`, and an `Answer` says what became of that.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from airflow_provider_callkaro.calls.call import Call
from airflow_provider_callkaro.calls.outcome import Outcome, Reason
from airflow_provider_callkaro.exceptions import VendorError
from airflow_provider_callkaro.ledger.contract import Entry
from airflow_provider_callkaro.vendors.http import Request


@dataclass(slots=True, kw_only=True)
class Job:
    """One call of the list, and how often it was tried.

    :param row_number: of the contact row, from 1.
    :param key: in the ledger.
    :param number: whom to ring, E.164, for the ledger only.
    :param call: the call as the row asks for it.
    :param attempts: how often it was handed to the dialler and not given back.
    :param delays: how often it was handed to the dialler and was too late to start.
    :param replaces: the ledger's entry that a redial takes over.
    """

    row_number: int
    key: str = field(repr=False)
    number: str = field(repr=False)
    call: Call
    attempts: int = 0
    delays: int = 0
    replaces: Entry | None = None


class Judged(NamedTuple):
    """A call that the rules let pass, and until when that holds.

    :param call: the call as it goes out.
    :param not_after: the moment, in seconds since 1970 UTC, after which no byte of its request may leave; the judgement
        is good until then.
    """

    call: Call
    not_after: float = math.inf


class ReadyJob(NamedTuple):
    """A job that the rules let pass, with the judgement (see `Judged`). Only ready jobs can be put into requests."""

    job: Job
    call: Call
    not_after: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A call that does not go out now.

    :param until: the moment from which it may go out, for a call that is only pending.
    """

    outcome: Outcome
    reason: Reason
    until: datetime | None = None


@dataclass(slots=True)
class Dispatch:
    """One request that can make phones ring. The calls it carries are claimed, settled and lost together.

    The main thread makes it and the event loop sends it; neither changes it afterwards.

    :param not_after: the moment, in seconds since 1970 UTC, after which no byte of it may leave: the earliest of its
        calls.
    """

    jobs: Sequence[Job]
    request: Request
    not_after: float

    @property
    def key(self) -> str:
        """Tells it from every other dispatch under way."""
        return self.jobs[0].key


@dataclass(slots=True)
class Answer:
    """What came back for a dispatch: the vendor's id, or an error."""

    dispatch: Dispatch
    call_id: str | None
    error: VendorError | None
