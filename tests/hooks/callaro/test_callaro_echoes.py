"""Ids of Callaro's that repeat whom they were made for: none of it is in what the hook hands on."""

from __future__ import annotations

import io

import pytest

from airflow_provider_callkaro.hooks.callaro import CallaroHook
from airflow_provider_callkaro.sandbox import Endpoint

PERSON = {"phone_e164": "+919876500001", "first_name": "Zofutanarema"}
FIELDS = {"name": "Renewals", "agent_id": 42, "contacts": [PERSON]}


@pytest.fixture
def hook(sandbox, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_CALLARO_DEFAULT", sandbox.airflow_connections["callaro_default"])
    return CallaroHook()


def create(hook, _campaign):
    return hook.create_campaign(FIELDS).id


def clone(hook, campaign):
    return hook.clone(campaign, {"contacts": [PERSON]}).id


def import_contacts(hook, _campaign):
    file = io.BytesIO(f"number,name\n{','.join(PERSON.values())}\n".encode())
    return hook.import_contacts(file, {"number": "phone_e164", "name": "first_name"})["import_id"]


@pytest.mark.parametrize(
    ("make", "endpoint"),
    [
        (create, Endpoint.CALLARO_CREATE),
        (clone, Endpoint.CALLARO_CLONE),
        (import_contacts, Endpoint.CALLARO_CONTACTS_IMPORT),
    ],
)
def test_an_id_that_repeats_a_person_is_kept_without_them(hook, sandbox, make, endpoint):
    campaign = hook.create_campaign(FIELDS).id
    sandbox.fault("echo_after_accepting", path=endpoint)
    kept = str(make(hook, campaign))
    assert "•••" in kept
    assert "9876500001" not in kept
    assert PERSON["first_name"] not in kept
    assert sandbox.api_key not in kept
    sandbox.clear_faults()
    assert isinstance(make(hook, campaign), int)
