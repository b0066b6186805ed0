"""A call on its way through the dispatcher, and what came back for it."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_callkaro.exceptions import VendorError
from airflow_provider_callkaro.ledger.contract import Entry
from airflow_provider_callkaro.vendors.http import Request


@dataclass(slots=True, kw_only=True)
class Job:
    """One call that is to be dispatched.

    :param row_number: of the contact row, from 1.
    :param key: in the ledger.
    :param number: whom to ring, E.164, for the ledger only.
    :param attempts: how often it was handed over by now.
    :param replaces: the ledger's entry that a redial takes over.
    """

    row_number: int
    key: str
    number: str
    request: Request
    attempts: int = 0
    replaces: Entry | None = None


@dataclass(slots=True)
class Answer:
    """What came back for a job: the vendor's id of the call, or what went wrong."""

    job: Job
    call_id: str | None
    error: VendorError | None
