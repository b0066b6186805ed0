"""What a value says of itself: whoever keeps the variables of a frame (error trackers, rich logs) keeps that."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import math
import pkgutil
from collections.abc import Iterator

import pytest

import airflow_provider_callkaro
from airflow_provider_callkaro.calls.call import Call
from airflow_provider_callkaro.dispatch.job import Answer, Dispatch, Job, Judged, ReadyJob
from airflow_provider_callkaro.ledger.contract import Claim, EntryState, Settlement
from airflow_provider_callkaro.ledger.sql.table import Row
from airflow_provider_callkaro.vendors.http import Request, Response

NUMBER = "+919876543210"
NAME = "Asha Raghavan"
KEY = "ck_live_9f8a7b6c5d4e3f2a1b0c"
TELLING = {"to_number", "number", "phone_number", "key", "call_key", "password", "access", "refresh", "log_in"} | {
    "metadata",
    "context",
    "extra",
    "call_options",
    "body",
    "headers",
    "raw",
    "webhook_secret",
    "extra_fields",
    "suppress",
}

NAMES_ALONE = {"RowRights.metadata"}  # of columns, as the author of a DAG names them


def classes() -> Iterator[type]:
    """Every class of the package but the sandbox's, which is the vendor and rings no real phone."""
    for module in pkgutil.walk_packages(airflow_provider_callkaro.__path__, "airflow_provider_callkaro."):
        if ".sandbox" not in module.name and not module.name.endswith("__main__"):
            found = vars(importlib.import_module(module.name)).values()
            yield from (each for each in found if inspect.isclass(each) and each.__module__ == module.name)


def generated(dataclass: type) -> bool:
    """Whether its `__repr__` is the one that `dataclasses` writes."""
    return dataclass.__dataclass_params__.repr


def test_no_dataclass_shows_what_holds_a_number_a_key_or_a_fact_about_a_person():
    shown = {
        f"{found.__qualname__}.{field.name}"
        for found in classes()
        if dataclasses.is_dataclass(found) and generated(found)
        for field in dataclasses.fields(found)
        if field.repr and field.name in TELLING
    }
    assert shown - NAMES_ALONE == set()


def test_every_class_of_the_tree_is_looked_at():
    assert {Call, Job, Claim, Settlement, Response} <= set(classes())


def test_what_a_constructor_refused_can_be_shown_nevertheless():
    """A debugger, pytest and error trackers show the object of a frame that raised."""
    own = [found for found in classes() if "__repr__" in vars(found) and not hasattr(found, "_fields")]
    half_made = [object.__new__(found) for found in own if not (dataclasses.is_dataclass(found) and generated(found))]
    assert {type(value).__name__ for value in half_made} >= {"SqlContacts", "FileContacts", "RowContacts", "Redacted"}
    assert all(type(value).__name__ in repr(value) for value in half_made)


def test_a_dataclass_has_what_it_shows_before_it_checks_anything():
    late = {
        f"{found.__qualname__}.{field.name}"
        for found in classes()
        if dataclasses.is_dataclass(found) and generated(found)
        for field in dataclasses.fields(found)
        if field.repr and not field.init and field.default is field.default_factory is dataclasses.MISSING
    }
    assert late == set()


CALL = Call(to_number=NUMBER, call_key=NAME, metadata={"name": NAME}, extra={"from_number": NUMBER})
JOB = Job(row_number=1, key=NUMBER, number=NUMBER, call=CALL)
DISPATCH = Dispatch(
    (JOB,), Request.json("POST", "/call", {"to_number": NUMBER, "name": NAME}, retry_safe=False), math.inf
)


@pytest.mark.parametrize(
    "value",
    [
        CALL,
        JOB,
        ReadyJob(JOB, CALL, 0.0),
        DISPATCH,
        Answer(DISPATCH, "c-1", None),
        Judged(call=CALL),
        Claim(key=NUMBER, number=NUMBER),
        Settlement(key=NUMBER, state=EntryState.ACCEPTED),
        Response(200, f"{NUMBER} {NAME}".encode(), {"x-echo": KEY}),
        Row("0", "s", NUMBER, NUMBER[1:], "claimed", None, None, None, "r", "o", 1, 0, None, None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_on_its_way_says_nothing_of_whom_it_is_about(value):
    for text in (repr(value), str(value), f"{[value]}"):
        assert [secret for secret in (NUMBER[1:], NAME, KEY) if secret in text] == []
