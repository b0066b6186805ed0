"""Answers of all three vendors, broken in all ways, that repeat whom they are about and the key: no error shows either.

The suite runs some hundred examples; ``LEAK_EXAMPLES=100000`` runs as many.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

from hostile_inputs import (
    ANSWER_FIELDS,
    EXAMPLES,
    KEY,
    NUMBER,
    PERSON,
    mutated,
    nested,
    planted,
    told_of,
    within_bounds,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_callkaro.vendors.callaro import answers as callaro_answers
from airflow_provider_callkaro.vendors.callaro.api import Callaro
from airflow_provider_callkaro.vendors.callkaro.api import CallKaro
from airflow_provider_callkaro.vendors.http import Request, Response
from airflow_provider_callkaro.vendors.mrassistant.api import MrAssistant
from airflow_provider_callkaro.vendors.redaction import Redaction

STATUSES = (200, 201, 204, 302, 400, 401, 403, 404, 408, 409, 422, 429, 500, 503, 999)
READERS: list[Callable[[Response], Any]] = [
    CallKaro().read_campaign,
    CallKaro().read_placed_call,
    CallKaro().read_deleted_call,
    MrAssistant().read_placed_call,
    MrAssistant().read_call,
    MrAssistant().read_agent_calls,
    MrAssistant().read_tokens,
    MrAssistant().read_done,
    MrAssistant().read_outbound,
    lambda response: MrAssistant().read_campaign(response, targets=3),
    Callaro().read_campaign,
    lambda response: Callaro().read_change(response, asked=7),
    Callaro().read_page,
    callaro_answers.read_object,
]
SENT = Request.json(
    "POST", "/call/outbound", {"to_number": NUMBER, "metadata": PERSON, "api_key": KEY}, retry_safe=False
)
REDACTIONS = [Redaction(CallKaro.headers(KEY)), Redaction(Callaro.headers(KEY))]


def read_answers(chance: random.Random, bits: bytes) -> None:
    body = mutated(chance, json.dumps(nested(chance, ANSWER_FIELDS)).encode(), bits)
    headers = {"x-request-id": str(planted(chance)), "retry-after": str(planted(chance))}
    response = Response(chance.choice(STATUSES), body, headers, SENT, chance.choice(REDACTIONS))
    for reader in chance.sample(READERS, 3):
        try:
            reader(response)
        except Exception as error:
            told_of(error)


@settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**64), bits=st.binary(max_size=24))
def test_no_answer_shows_whom_it_is_about(seed: int, bits: bytes) -> None:
    with within_bounds():
        read_answers(random.Random(seed), bits)
