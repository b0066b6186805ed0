"""Why Callaro refused: the fields and its short texts are told, and nothing of what was sent is repeated."""

from __future__ import annotations

import json

import pytest
from test_callaro_shapes import CAMPAIGNS, hook, vendor  # noqa: F401 - fixtures

from airflow_provider_callkaro.exceptions import OutcomeUnknown, Rejected, Unauthorized, VendorError

LAUNCH = f"POST {CAMPAIGNS}/7/launch"


def refused_launch(hook, vendor, body, *, status=422, kind=Rejected):  # noqa: F811
    vendor.says[f"GET {CAMPAIGNS}/7"] = [(200, {"id": 7, "status": "draft"})]
    vendor.says[LAUNCH] = [(status, body)]
    with pytest.raises(kind) as error:
        hook.launch(7)
    return str(error.value)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"errors": {"contacts": ["no contacts", "segment is empty"]}}, "contacts: no contacts, segment is empty"),
        ({"errors": {"schedule": "lies in the past"}}, "schedule: lies in the past"),
        ({"errors": {"schedule": {"end": ["before start"]}}}, "schedule.end: before start"),
        ({"errors": [{"field": "agent_id", "message": "is archived"}]}, "agent_id: is archived"),
        ({"errors": ["no phone numbers left"]}, "no phone numbers left"),
        ({"details": {"missing": ["agent", "numbers"]}}, "missing: agent, numbers"),
        ({"details": {"contacts": 0, "has_schedule": False}}, "contacts: 0; has_schedule: false"),
        ({"details": "the campaign has no audience"}, "the campaign has no audience"),
    ],
)
def test_a_refused_launch_says_its_reasons(hook, vendor, said, words):  # noqa: F811
    message = refused_launch(
        hook, vendor, {"error": "Validation failed", "error_code": "VALIDATION_ERROR", "errors": {}, **said}
    )
    assert message.startswith("Callaro rejected the request (422): VALIDATION_ERROR: Validation failed")
    assert words in message
    assert vendor.count("POST", f"{CAMPAIGNS}/7/launch") == 1


def test_reasons_are_told_of_every_kind_of_refusal(hook, vendor):  # noqa: F811
    errors = {"error": "no", "errors": {"plan": ["does not allow campaigns"]}}
    for status, kind in ((409, Rejected), (404, Rejected), (500, OutcomeUnknown), (403, Unauthorized)):
        vendor.says[f"GET {CAMPAIGNS}/7/analytics"] = [(status, errors)]
        with pytest.raises(kind, match=r"plan: does not allow campaigns"):
            hook.analytics(7)


def test_a_missing_scope_is_named_and_the_key_is_not(hook, vendor):  # noqa: F811
    body = {"error": "no", "details": {"required": "bulk_call_campaigns:write", "key": "sk_0123456789abcdef0123"}}
    message = refused_launch(hook, vendor, body, status=403, kind=Unauthorized)
    assert "required: bulk_call_campaigns:write" in message
    assert "sk_0123456789" not in message


FIELDS = {
    "name": "Winback",
    "agent_id": 42,
    "timezone": "Asia/Kolkata",
    "contacts": [{"phone_e164": "+919876543210", "first_name": "Priya", "note": "owes 48213 rupees"}],
}


@pytest.mark.parametrize(
    "said",
    [
        {"errors": {"contacts.0.phone_e164": ["+91 98765 43210 is no number"]}},
        {"errors": {"contacts": ["Priya cannot be called", "'Priya' is unknown", "owes 48213 rupees"]}},
        {"errors": {"contacts": {"Priya": ["cannot be called"]}}},
        {"errors": {"+919876543210": ["is on the list"]}},
        {"errors": [{"field": "contacts", "message": "bad", "input": "Priya", "value": 48213}]},
        {"details": {"contacts": [{"first_name": "Priya", "note": "owes 48213 rupees"}]}},
        {"details": {"received": {"first_name": "Meera"}, "email": "priya@example.com"}},
        {"error": "Priya (owes 48213 rupees) cannot be called"},
        {"error": 'got "Meera Nair" for first_name'},
    ],
)
def test_what_was_sent_is_never_repeated(hook, vendor, said):  # noqa: F811
    vendor.says[f"POST {CAMPAIGNS}"] = [(422, {"error": "Validation failed", **said})]
    with pytest.raises(Rejected) as error:
        hook.create_campaign(FIELDS)
    for secret in ("Priya", "priya", "48213", "9876543210", "98765 43210", "Meera", "rupees"):
        assert secret not in str(error.value)
    assert "422" in str(error.value)


@pytest.mark.parametrize(
    "monster",
    [
        {"errors": {f"field_{number}": ["x" * 5_000] * 50 for number in range(500)}},
        {"errors": json.loads("[" * 400 + "]" * 400)},
        {"errors": {"a": {"b": {"c": {"d": {"e": {"f": {"g": {"h": ["deep"]}}}}}}}}},
        {"errors": 7, "details": None},
        {"errors": {"a\nb\x00": ["line\nbreak"]}},
    ],
)
def test_whatever_the_reasons_are_the_message_stays_short_and_on_one_line(hook, vendor, monster):  # noqa: F811
    message = refused_launch(hook, vendor, {"error": "no", **monster})
    assert len(message) < 1_200
    assert message.isprintable()


def test_a_refused_import_names_fields_and_shows_no_text(hook, vendor, tmp_path):  # noqa: F811
    vendor.says["POST /api/v1/contacts/import"] = [
        (422, {"error": "Row 1: Priya is no name", "error_code": "VALIDATION_ERROR", "errors": {"file": ["Priya"]}})
    ]
    path = tmp_path / "people.csv"
    path.write_text("phone,name\n+919876543210,Priya\n")
    with path.open("rb") as file, pytest.raises(VendorError) as error:
        hook.import_contacts(file, {"phone": "phone_e164"})
    assert "VALIDATION_ERROR" in str(error.value)
    assert "file" in str(error.value)
    assert "Priya" not in str(error.value)
