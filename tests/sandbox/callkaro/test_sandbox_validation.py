"""What the sandbox refuses: a DAG that passes here must not fail on the vendor's first answer."""

from __future__ import annotations

import pytest

from airflow_provider_callkaro.sandbox import Endpoint

NUMBER = "+14155550100"


MOSTLY_JSON = b'{"to_number": "+14155550100", "agent_id": "agent", "metadata": {"score": NaN}}'


def error_of(answer):
    body = answer.json()
    assert body["status"] == "error"
    return answer.status_code, body["message"]


@pytest.mark.parametrize("path", [path for path in Endpoint if path.startswith(("/call/", "/v2/"))])
def test_without_the_right_key_nothing_is_accepted(client, sandbox, path):
    body = {"to_number": NUMBER, "agent_id": "agent", "name": "Renewals"}
    assert error_of(client.post(path, json=body, key=None)) == (403, "Missing X-API-KEY in headers")
    assert error_of(client.post(path, json=body, key="wrong")) == (403, "Invalid API key")
    assert error_of(client.post(path, json=body, key="")) == (403, "Invalid API key")
    assert (sandbox.rings, sandbox.campaigns) == ([], [])


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\xff\xfe", b"nonsense", MOSTLY_JSON, b"[" * 100_000, b"[]", b"null", b'"text"', b"7"],
)
def test_a_body_that_is_no_json_object_is_a_400(client, sandbox, body):
    assert error_of(client.post("/call/outbound", data=body))[0] == 400
    assert sandbox.rings == []


@pytest.mark.parametrize("name", ["to_number", "agent_id"])
@pytest.mark.parametrize("absent", [{}, None, ""])
def test_a_call_without_a_required_field_is_a_400(client, name, absent):
    fields = {"to_number": NUMBER, "agent_id": "agent"}
    fields[name] = absent
    if absent == {}:
        del fields[name]
    expected = {"to_number": "Missing required field: to_number", "agent_id": "Missing agent_id"}[name]
    assert error_of(client.post("/call/outbound", json=fields)) == (400, expected)


@pytest.mark.parametrize(
    "number",
    ["14155550100", "+0415555010", "+1", "+1234567890123456", "+1 415 555 0100", "+1415555010O", NUMBER + "\n", "+١٢٣"],
)
def test_a_number_that_is_not_international_is_a_400(client, sandbox, number):
    assert error_of(client.call(number)) == (400, "Invalid field: to_number")
    assert sandbox.rings == []


@pytest.mark.parametrize("number", ["+12", "+123456789012345"])
def test_the_shortest_and_the_longest_number_ring(client, number):
    assert client.call(number).status_code == 200


REFUSED = [
    ("to_number", 14155550100),
    ("agent_id", 7),
    ("batch_id", ["b"]),
    ("metadata", "text"),
    ("metadata", None),
    ("schedule_at", "2026-05-28T09:30:00Z"),
    ("schedule_at", "2026-05-28T09:30:00+05:30"),
    ("schedule_at", "2026-05-28 09:30:00"),
    ("schedule_at", "2026-05-28T09:30"),
    ("schedule_at", "2026-02-30T09:30:00"),
    ("schedule_at", ""),
    ("schedule_at", 1_780_000_000),
    ("min_trigger_time", "24:00"),
    ("min_trigger_time", "9"),
    ("max_trigger_time", "18:60"),
    ("max_trigger_time", "18:00:00"),
    ("max_trigger_time", None),
    ("carry_over", "true"),
    ("carry_over", 1),
    ("number_of_retries", -1),
    ("number_of_retries", 11),
    ("number_of_retries", 1.5),
    ("number_of_retries", True),
    ("number_of_retries", "3"),
    ("gap_between_retries", "30"),
    ("gap_between_retries", [30, "60"]),
    ("gap_between_retries", -1),
    ("gap_between_retries", False),
    ("priority", -101),
    ("priority", 101),
    ("priority", "0"),
    ("language", "fr"),
    ("language", ["en"]),
]


@pytest.mark.parametrize(("name", "value"), REFUSED)
def test_a_field_out_of_its_range_is_a_400(client, sandbox, name, value):
    assert error_of(client.call(**{name: value})) == (400, f"Invalid field: {name}")
    assert sandbox.rings == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("schedule_at", "2020-02-29T00:00:00"),
        ("min_trigger_time", "9:00"),
        ("max_trigger_time", "23:59"),
        ("carry_over", False),
        ("number_of_retries", 0),
        ("number_of_retries", 10),
        ("gap_between_retries", 0),
        ("gap_between_retries", []),
        ("gap_between_retries", [30, 60]),
        ("priority", -100),
        ("priority", 100),
        ("language", "ml"),
        ("metadata", {}),
        ("batch_id", None),
        ("a_field_of_tomorrow", {"deep": [1]}),
    ],
)
def test_a_field_at_the_edge_of_its_range_rings(client, sandbox, name, value):
    assert client.call(**{name: value}).status_code == 200
    assert sandbox.rings[0].body[name] == value


def test_an_agent_that_does_not_exist_is_a_404(client):
    assert error_of(client.call(agent_id="unknown_agent")) == (404, "Agent does not exist")
    body = {"name": "Renewals", "agent_id": "unknown_agent"}
    assert error_of(client.post("/call/campaign", json=body)) == (404, "Agent does not exist")


def test_a_number_on_the_do_not_disturb_list_is_a_400_and_does_not_ring(client, sandbox):
    assert error_of(client.call("+14155550199")) == (400, "DND_NUMBER")
    assert sandbox.rings == []


@pytest.mark.parametrize("path", ["/call/campaign", "/v2/call/campaign"])
@pytest.mark.parametrize(
    ("name", "message"),
    [
        (None, "Missing required field: name"),
        ("", "Missing required field: name"),
        (7, "Invalid field: name"),
        ("n" * 201, "Invalid field: name"),
    ],
)
def test_a_campaign_needs_a_name_of_1_to_200_characters(client, sandbox, path, name, message):
    assert error_of(client.post(path, json={"name": name, "agent_id": "agent"})) == (400, message)
    assert sandbox.campaigns == []
    assert client.post(path, json={"name": "न" * 200, "agent_id": "agent"}).status_code == 200


def test_a_call_to_an_unknown_campaign_is_a_400(client, sandbox):
    assert error_of(client.call(batch_id="no such campaign")) == (400, "Campaign does not exist")
    assert sandbox.rings == []


def test_a_v1_campaign_takes_only_its_own_agent(client, sandbox):
    batch_id = client.campaign(agent_id="first")
    assert client.call(batch_id=batch_id, agent_id="first").status_code == 200
    assert error_of(client.call(batch_id=batch_id, agent_id="second"))[0] == 400
    assert client.post("/call/outbound", json={"to_number": NUMBER, "batch_id": batch_id}).status_code == 200
    assert [ring.agent_id for ring in sandbox.rings] == ["first", "first"]


def test_a_v2_campaign_needs_an_agent_in_each_call(client, sandbox):
    batch_id = client.campaign()
    answer = client.post("/call/outbound", json={"to_number": NUMBER, "batch_id": batch_id})
    assert error_of(answer) == (400, "Missing agent_id")
    assert sandbox.rings == []


def test_another_path_and_another_method_are_errors_in_the_vendors_shape(client):
    assert error_of(client.post("/call/inbound", json={}))[0] == 404
    assert error_of(client.control("GET", "/call/outbound"))[0] == 405


@pytest.mark.parametrize("number", ["+14155550100", "14155550100"])
def test_deleting_a_scheduled_call_leaves_other_agents_and_other_numbers_alone(client, sandbox, number):
    for agent_id, to_number in (("a", NUMBER), ("b", NUMBER), ("a", "+14155550101")):
        client.call(to_number, agent_id=agent_id, schedule_at="2027-01-01T10:00:00")
    client.call(NUMBER, agent_id="a")
    answer = client.post("/call/delete-schedule-call?agent_id=a", json={"to_number": number})
    assert answer.json() == {"status": "success", "message": "Scheduled call deleted successfully"}
    assert [ring.deleted for ring in sandbox.rings] == [True, False, False, False]
    assert sandbox.rings_per_number() == {NUMBER: 2, "+14155550101": 1}


def test_a_deletion_may_come_as_a_form(client, sandbox):
    client.call(schedule_at="2027-01-01T10:00:00")
    answer = client.post("/call/delete-schedule-call?agent_id=agent", files={"to_number": (None, NUMBER)})
    assert answer.status_code == 200
    assert sandbox.rings[0].deleted


def test_a_deletion_without_agent_or_number_is_a_400(client, sandbox):
    path = "/call/delete-schedule-call"
    client.call(schedule_at="2027-01-01T10:00:00")
    assert error_of(client.post(path, json={"to_number": NUMBER})) == (400, "Missing agent_id in request query")
    assert error_of(client.post(path + "?agent_id=agent", json={})) == (400, "Missing to_number in request")
    form = {"Content-Type": "multipart/form-data"}
    answer = client.post(path + "?agent_id=agent", data=b"no boundary", headers=form)
    assert error_of(answer) == (400, "Missing to_number in request")
    assert not sandbox.rings[0].deleted
