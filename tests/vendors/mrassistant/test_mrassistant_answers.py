"""What MrAssistant's answers mean, and what of them may be said: a validation repeats what was sent."""

from __future__ import annotations

import json
import pickle
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_provider_callkaro.calls import Reason
from airflow_provider_callkaro.calls.call import Call
from airflow_provider_callkaro.exceptions import (
    AllRejected,
    OutcomeUnknown,
    Rejected,
    Throttled,
    Unauthorized,
    VendorError,
)
from airflow_provider_callkaro.vendors.http import Response
from airflow_provider_callkaro.vendors.mrassistant.api import (
    CampaignSettings,
    CreatedCampaign,
    MrAssistant,
    invalid_target_indexes,
)

SECRET = "a-secret-that-signs"
NUMBER = "+919876543210"


def request_of(secret):
    call = Call(to_number=NUMBER)
    settings = CampaignSettings(name="Renewals", webhook_secret=secret)
    return MrAssistant().create_campaign(settings, name="Renewals", agent_id="a-1", targets=[call], schedule_at=None)


def finding(*place, kind="value_error", **more):
    return {"type": kind, "loc": ["body", *place], "msg": f"Value error, {NUMBER} {SECRET}", "input": NUMBER, **more}


def answer(body, status=422, headers=(), *, secret=SECRET):
    return Response(status, json.dumps(body).encode(), dict(headers), request_of(secret))


def error_of(response, **arguments):
    with pytest.raises(VendorError) as error:
        MrAssistant().read_campaign(response, **arguments)
    return error.value


def test_a_validation_names_the_targets_it_blames():
    detail = [
        finding("targets", 3, "to_number"),
        finding("targets", 3, "context"),
        finding("targets", 0),
        finding("targets", 17, "from_number", kind="string_type"),
    ]
    error = error_of(answer({"detail": detail}))
    assert (type(error), error.invalid_indexes) == (Rejected, {0, 3, 17})
    assert "body.targets.3.to_number (value_error)" in str(error)


@pytest.mark.parametrize(
    "detail",
    [
        [finding("agent_id", kind="uuid_parsing")],
        [finding("targets", kind="too_long")],
        [finding("targets", True)],
        [finding("targets", -1)],
        [finding("targets", "3")],
        [finding("targets", 1.0)],
        [{"loc": ["query", "targets", 3]}],
        [{"loc": "body.targets.3"}, "body", None, 3, []],
        "targets 3 is wrong",
        {"targets": [3]},
        None,
    ],
)
def test_a_fault_that_is_in_no_target_blames_none(detail):
    assert error_of(answer({"detail": detail})).invalid_indexes == frozenset()
    assert invalid_target_indexes(answer({"detail": detail})) == frozenset()


def test_a_fault_in_the_settings_is_everybodys_and_condemns_nobody():
    error = error_of(answer({"detail": [finding("context", "targets", 3), finding("name", kind="string_too_long")]}))
    assert type(error) is AllRejected
    assert "body.name (string_too_long): correct what the campaign is given" in str(error)
    mixed = error_of(answer({"detail": [finding("name"), finding("agent_id")]}))
    assert type(mixed) is Rejected


@pytest.mark.parametrize("status", [401, 422])
def test_no_word_of_a_refused_log_in_comes_through(status):
    said = Response(status, json.dumps({"detail": "wrong password hunter2 for bob"}).encode())
    with pytest.raises(VendorError) as error:
        MrAssistant().read_tokens(said)
    assert "hunter2" not in str(error.value)
    assert "bob" not in str(error.value)


@pytest.mark.parametrize("field", ["detail", "message", "error"])
def test_the_text_of_a_validation_never_comes_through(field):
    said = Response(422, json.dumps({field: "context {'name': 'Asha', 'pan': 'ABCDE1234F'} is not allowed"}).encode())
    assert "Asha" not in str(error_of(said))
    assert "ABCDE" not in str(error_of(said))


def test_a_target_that_was_not_sent_is_not_blamed():
    detail = [finding("targets", 2), finding("targets", 999)]
    assert error_of(answer({"detail": detail}), targets=3).invalid_indexes == {2}


@pytest.mark.parametrize("status", [400, 404, 422])
def test_an_answer_that_nobody_can_read_blames_none(status):
    error = error_of(Response(status, b"<html>no</html>"))
    assert (type(error), error.invalid_indexes) == (Rejected, frozenset())


def test_the_blame_survives_the_way_between_processes():
    error = error_of(answer({"detail": [finding("targets", 3)]}))
    assert pickle.loads(pickle.dumps(error)).invalid_indexes == {3}


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Rejected),
        (401, Unauthorized),
        (403, Unauthorized),
        (404, Rejected),
        (422, Rejected),
        (429, Throttled),
        (500, OutcomeUnknown),
        (502, OutcomeUnknown),
        (302, OutcomeUnknown),
    ],
)
@pytest.mark.parametrize("detail", ["no", [finding("targets", 0)], {"reason": "no"}])
def test_every_status_has_one_meaning_whatever_the_detail(status, kind, detail):
    assert type(error_of(answer({"detail": detail}, status))) is kind


def test_an_agent_that_does_not_exist_is_named_as_the_reason():
    assert error_of(answer({"detail": "Agent not found"}, 404)).reason is Reason.AGENT_NOT_FOUND


@pytest.mark.parametrize(
    "detail",
    [
        f"webhook_secret {SECRET} is too weak",
        f"webhook_secret {SECRET.upper()!r} is too weak",
        f"webhook_secret={SECRET[:9]}... is too weak",
        f'{{"webhook_secret":"{SECRET}"}}',
        f"{SECRET}{NUMBER}",
    ],
)
def test_a_text_that_repeats_the_secret_is_shown_without_it(detail):
    error = error_of(answer({"detail": detail}, 400, {"x-request-id": f"r-{SECRET}"}))
    assert "secret-that" not in str(error).casefold()
    assert SECRET[:9] not in str(error)
    assert error.request_id is None


def test_a_text_that_repeats_nothing_is_shown_as_it_is():
    error = error_of(answer({"detail": "The monthly limit of 500 calls is reached"}, 400, {"x-request-id": "r-1"}))
    assert str(error) == "MrAssistant rejected the request (400): The monthly limit of 500 calls is reached"
    assert error.request_id == "r-1"


SECRETS = (
    st.sampled_from([SECRET, "hunter2", "ab", "x y z", "body", "p'w\"d\\", "12345678", "пароль", "tab\there"])
    | st.text(min_size=1, max_size=40).filter(str.strip)
    | st.text("abcdefgh_", min_size=6, max_size=20)
)
NUMBERS = st.from_regex(r"\+[1-9][0-9]{7,14}", fullmatch=True)
FIELDS = st.sampled_from(
    ["detail", "message", "error", "error_code", "request_id", "loc", "msg", "type", "input", "ctx"]
)


@st.composite
def planted(draw):
    """An answer with a secret and a number anywhere in it, as text of their own and inside others."""
    secret, number = draw(SECRETS), draw(NUMBERS)
    around = st.sampled_from(["", " ", "=", '"', "Value error, "])
    texts = st.builds(
        "{}{}{}".format, around, st.sampled_from([secret, number, secret + number, f"{number} {secret}"]), around
    )
    leaves = st.one_of(texts, st.integers(0, 3), st.none(), st.sampled_from(["body", "targets", "value_error"]))
    body = draw(
        st.recursive(leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(FIELDS | texts, inner))
    )
    shaped = draw(
        st.sampled_from([body, {"detail": body}, {"detail": [body]}, {"detail": [{"loc": [body], "type": body}]}])
    )
    headers = draw(st.dictionaries(st.sampled_from(["x-request-id", "retry-after"]), texts))
    status = draw(st.sampled_from([200, 201, 302, 400, 401, 404, 409, 422, 429, 500, 503]))
    return secret, number, Response(status, json.dumps(shaped).encode(), headers, request_of(secret))


OURS = (  # what our own words are made of: a secret that stands in them is not the vendor's to give away
    "MrAssistant rejected the request refused key or token asked to slow down failed sent us elsewhere: it may have "
    "accepted answered with a body that cannot be read and called it a failure without a campaign id; correct the "
    "password of the connection () 200 201 302 400 401 404 409 422 429 500 503 Rejected Throttled Unauthorized "
    "OutcomeUnknown('\"•••…,.\\"
).casefold()

TELLING = re.compile(r"[^\W_]")  # what stands between letters and digits is no part of what is compared


@pytest.mark.slow
@given(planted())
@example((SECRET, NUMBER, answer({"detail": [finding("targets", 0, SECRET, kind=SECRET)]})))
@example(("letmein", NUMBER, answer({"detail": [finding("context", "letmein")]}, secret="letmein")))
@example(("letmein", NUMBER, answer({"message": "no", "error_code": "LETMEIN"}, 400, secret="letmein")))
@example(("x y z", NUMBER, answer({"detail": "secret: x y z"}, 400, secret="x y z")))
@example((SECRET, NUMBER, answer({"status": "running"}, 201, {"x-request-id": SECRET})))
def test_nothing_private_comes_through_an_error_wherever_the_vendor_repeats_it(case):
    secret, number, response = case
    words = [word for word in secret.casefold().split() if word not in OURS and word.isprintable()]
    words = [word for word in words if TELLING.search(word)] or words[: len(secret.split()) == 1]
    shown = said = ""
    try:
        MrAssistant().read_campaign(response)
    except VendorError as error:
        said = f"{error} {error!r}"
        shown = f"{said} {error.request_id}".casefold()
    assert number[1:] not in said
    assert [word for word in words if word in shown] == []


def test_a_created_campaign_shows_nothing_but_what_it_is():
    body = {"campaign_id": "c-1", "status": "running", "context": {"name": "Asha"}, "webhook_secret": SECRET}
    campaign = MrAssistant().read_campaign(answer(body, 201))
    assert SECRET not in repr(campaign)
    assert "Asha" not in repr(campaign)


@pytest.mark.parametrize(
    "body",
    [
        {"campaign_id": "c-1"},
        {"campaign_id": " c-1 ", "total_targets": "3", "calls_failed": True, "status": 5, "scheduled_at": None},
        {"data": {"campaign_id": "c-1"}},
        {"id": "c-1"},
    ],
)
def test_of_the_ten_keys_only_the_id_has_to_be_there(body):
    assert MrAssistant().read_campaign(answer(body, 200)) == CreatedCampaign(campaign_id="c-1", raw=body)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({}, Reason.UNREADABLE_ANSWER),
        ([], Reason.UNREADABLE_ANSWER),
        ({"status": "running"}, Reason.NO_CALL_ID),
        ({"campaign_id": ""}, Reason.NO_CALL_ID),
        ({"campaign_id": "x" * 201}, Reason.NO_CALL_ID),
        ({"campaign_id": None, "status": "running"}, Reason.NO_CALL_ID),
        ({"campaign_id": "c-1", "status": "failed"}, Reason.SERVER_ERROR),
    ],
)
def test_a_campaign_that_nobody_can_name_may_be_ringing(body, reason):
    error = error_of(answer(body, 201))
    assert (type(error), error.reason) == (OutcomeUnknown, reason)


@pytest.mark.parametrize("token", [None, "", 5, "two words", "line\nbreak", "schlüssel", "x" * 8_001])
def test_a_token_that_no_header_can_carry_is_none(token):
    with pytest.raises(OutcomeUnknown, match="without a token"):
        MrAssistant().read_tokens(answer({"access_token": token, "refresh_token": "r"}, 200))
    tokens = MrAssistant().read_tokens(answer({"access_token": "a", "refresh_token": token}, 200))
    assert (tokens.access, tokens.refresh) == ("a", None)
