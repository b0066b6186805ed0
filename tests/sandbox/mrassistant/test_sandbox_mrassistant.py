"""MrAssistant's stand-in: what it takes, what it refuses in FastAPI's words, and how far a call is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from airflow_provider_callkaro.sandbox import Sandbox

AGENT = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
OTHER_AGENT = "4c90c3cc-0d44-4b50-8888-8dd25736052a"
NOBODY = "00000000-0d44-4b50-8888-8dd25736052a"
TARGET = {"to_number": "+12025550101", "context": {"name": "Asha"}}
CALL_KEYS = {
    "call_id",
    "agent_id",
    "tenant_id",
    "direction",
    "from_number",
    "to_number",
    "status",
    "started_at",
    "disposition",
    "duration_seconds",
    "recording_url",
    "sentiment_score",
    "language_detected",
    "ended_at",
}


@pytest.fixture(params=[0, 3600], ids=["ends at once", "goes on"])
def paced(request):
    with Sandbox(mrassistant_call_seconds=request.param) as sandbox:
        yield sandbox, "ended" if request.param == 0 else "initiated"


def create(client, **fields):
    return client.mrassistant(
        "POST", "/campaigns", json={"agent_id": AGENT, "name": "May", "targets": [TARGET]} | fields
    )


def call(client, **fields):
    return client.mrassistant("POST", "/calls/outbound", json={"agent_id": AGENT, "to_number": "+12025550101"} | fields)


def findings_of(answer):
    assert answer.status_code == 422, answer.text
    return [(finding["loc"], finding["type"], finding["input"]) for finding in answer.json()["detail"]]


def test_every_target_of_a_campaign_rings_in_the_order_of_the_list(client, sandbox):
    targets = [
        TARGET,
        {"to_number": "+1 202 555 0102", "from_number": "+12025550190"},
        {"to_number": "+12025550101", "from_number": None},
    ]
    answer = create(client, targets=targets, context={"month": "May"}, webhook_secret="hush")
    assert answer.status_code == 201
    campaign = answer.json()
    assert (campaign["total_targets"], campaign["status"], campaign["scheduled_at"]) == (3, "running", None)
    assert [(ring.to_number, ring.metadata, ring.body) for ring in sandbox.rings] == [
        ("+12025550101", {"name": "Asha"}, targets[0]),
        ("+12025550102", None, targets[1]),
        ("+12025550101", None, targets[2]),
    ]
    assert {(ring.vendor, ring.batch_id, ring.agent_id) for ring in sandbox.rings} == {
        ("MrAssistant", campaign["campaign_id"], AGENT)
    }
    [seen] = sandbox.mrassistant_campaigns
    assert (seen.campaign_id, seen.name, seen.agent_id, seen.total_targets) == (
        campaign["campaign_id"],
        "May",
        AGENT,
        3,
    )
    assert seen.fields == {"agent_id": AGENT, "name": "May", "context": {"month": "May"}, "webhook_secret": "hush"}
    assert "hush" not in repr(seen)


def test_a_scheduled_campaign_rings_when_it_is_scheduled(client, sandbox):
    moment = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    answer = create(client, schedule_at=moment.isoformat()).json()
    assert (answer["status"], answer["scheduled_at"], answer["started_at"]) == ("scheduled", moment.isoformat(), None)
    assert [(ring.rings_at, ring.scheduled) for ring in sandbox.rings] == [(moment, True)]
    assert client.mrassistant("GET", f"/calls/agent/{AGENT}/calls").json() == {"calls": [], "total": 0}


def test_a_scheduled_call_is_not_deleted_at_another_vendor(client, sandbox):
    create(client, schedule_at="2099-01-01T10:00:00Z")
    client.post(f"/call/delete-schedule-call?agent_id={AGENT}", json={"to_number": "+12025550101"})
    assert [ring.deleted for ring in sandbox.rings] == [False]


def test_a_thousand_targets_are_taken_and_one_more_is_not(client, sandbox):
    targets = [{"to_number": f"+1202555{number:04d}"} for number in range(1001)]
    [(place, kind, _)] = findings_of(create(client, targets=targets))
    assert (place, kind) == (["body", "targets"], "list_too_long")
    assert sandbox.rings == []
    assert create(client, targets=targets[:1000]).status_code == 201
    assert [ring.to_number for ring in sandbox.rings] == [target["to_number"] for target in targets[:1000]]


@pytest.mark.parametrize(
    ("field", "value", "kind"),
    [
        ("agent_id", "agent", "uuid_parsing"),
        ("agent_id", None, "uuid_parsing"),
        ("name", "", "string_too_short"),
        ("name", "n" * 256, "string_too_long"),
        ("name", 7, "string_type"),
        ("targets", [], "list_too_short"),
        ("targets", TARGET, "list_type"),
        ("schedule_at", "2026-05-28T09:30:00", "timezone_aware"),
        ("schedule_at", "tomorrow", "timezone_aware"),
        ("schedule_at", 1_780_000_000, "timezone_aware"),
        ("concurrent_calls", 0, "greater_than_equal"),
        ("concurrent_calls", 11, "less_than_equal"),
        ("concurrent_calls", "1", "int_type"),
        ("concurrent_calls", None, "int_type"),
        ("retry_failed", "yes", "bool_type"),
        ("retry_attempts", -1, "greater_than_equal"),
        ("retry_attempts", 4, "less_than_equal"),
        ("retry_attempts", True, "int_type"),
        ("context", [], "dict_type"),
        ("webhook_url", 7, "string_type"),
        ("webhook_secret", {}, "string_type"),
        ("notify_on_call_complete", 1, "bool_type"),
    ],
)
def test_a_field_beyond_its_range_is_a_finding_that_repeats_it(client, sandbox, field, value, kind):
    assert findings_of(create(client, **{field: value})) == [(["body", field], kind, value)]
    assert (sandbox.rings, sandbox.mrassistant_campaigns) == ([], [])


@pytest.mark.parametrize("field", ["schedule_at", "webhook_url", "webhook_secret"])
def test_what_may_be_null_may_be_null(client, field):
    assert create(client, **{field: None}).status_code == 201


def test_every_wrong_target_is_found_and_nobody_is_rung(client, sandbox):
    targets = [
        TARGET,
        {"to_number": "12025550101"},
        {"context": {"name": "Asha"}},
        "+12025550101",
        {"to_number": "+12025550104", "context": None},
    ]
    answer = create(client, targets=targets, retry_attempts=9)
    assert findings_of(answer) == [
        (["body", "retry_attempts"], "less_than_equal", 9),
        (["body", "targets", 1, "to_number"], "value_error", "12025550101"),
        (["body", "targets", 2, "to_number"], "missing", {"context": {"name": "Asha"}}),
        (["body", "targets", 3], "model_attributes_type", "+12025550101"),
        (["body", "targets", 4, "context"], "dict_type", None),
    ]
    assert sandbox.rings == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"[" * 100_000])
def test_a_body_that_is_no_json_object_is_a_422(client, body):
    for path in ("/campaigns", "/calls/outbound", "/auth/token", "/auth/refresh"):
        [(place, kind, _)] = findings_of(client.mrassistant("POST", path, data=body))
        assert (place, kind) == (["body", 0], "json_invalid")


def test_an_agent_that_does_not_exist_is_a_404(client, sandbox):
    for answer in (create(client, agent_id=NOBODY), call(client, agent_id=NOBODY)):
        assert (answer.status_code, answer.json()) == (404, {"detail": "Agent not found"})
    assert sandbox.rings == []


def test_a_call_rings_once_and_can_be_asked_after(client, sandbox):
    placed = call(client, to_number="+1 202 555 0103", context={"name": "Asha"}, priority="urgent").json()
    assert placed | {"agent_id": AGENT, "to_number": "+12025550103", "status": "initiated", "recording": {}} == placed
    [ring] = sandbox.rings
    assert (ring.to_number, ring.call_id, ring.metadata) == ("+12025550103", placed["call_id"], {"name": "Asha"})
    report = client.mrassistant("GET", f"/calls/{placed['call_id']}").json()
    assert set(report) == CALL_KEYS
    assert report["to_number"] == "+12025550103"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("to_number", "<string>"),
        ("priority", "highest"),
        ("media_encryption", "allow"),
        ("ringing_timeout_seconds", 81),
        ("max_call_duration_seconds", 59),
        ("wait_until_answered", "no"),
        ("custom_headers", "X-Ref: 7"),
    ],
)
def test_a_call_with_a_field_beyond_its_range_does_not_ring(client, sandbox, field, value):
    [(place, _, repeated)] = findings_of(call(client, **{field: value}))
    assert (place, repeated) == (["body", field], value)
    assert sandbox.rings == []


def test_a_call_goes_through_its_states_in_their_order(client_of):
    with Sandbox(mrassistant_call_seconds=0.4) as sandbox:
        client = client_of(sandbox)
        call_id = call(client).json()["call_id"]
        seen = []
        while "ended" not in seen:
            report = client.mrassistant("GET", f"/calls/{call_id}").json()
            seen += [report["status"]] if report["status"] not in seen else []
    order = ["initiated", "ringing", "answered", "ended"]
    assert seen == [status for status in order if status in seen]
    assert report["ended_at"] > report["started_at"]


def test_ending_a_call_ends_it_once(client_of):
    with Sandbox(mrassistant_call_seconds=3600) as sandbox:
        client = client_of(sandbox)
        call_id = call(client).json()["call_id"]
        transfer = {"transfer_to": "tel:+12025550199"}
        assert client.mrassistant("POST", f"/calls/{call_id}/transfer", json=transfer).status_code == 200
        assert client.mrassistant("GET", f"/calls/{call_id}").json()["status"] == "initiated"
        ended = []
        for _ in range(2):
            assert client.mrassistant("POST", f"/calls/{call_id}/end").status_code == 200
            ended.append(client.mrassistant("GET", f"/calls/{call_id}").json()["ended_at"])
        assert client.mrassistant("GET", f"/calls/{call_id}").json()["status"] == "ended"
        assert ended[0] == ended[1]
        assert client.mrassistant("POST", f"/calls/{call_id}/transfer", json=transfer).status_code == 400


@pytest.mark.parametrize(
    "body", [{}, {"transfer_to": "12025550199"}, {"transfer_to": "tel:+1", "transfer_type": "hot"}]
)
def test_a_transfer_that_cannot_be_is_a_422(client, body):
    call_id = call(client).json()["call_id"]
    findings_of(client.mrassistant("POST", f"/calls/{call_id}/transfer", json=body))


def test_a_call_that_does_not_exist_is_a_404(client):
    asked = [("GET", "", None), ("POST", "/end", None), ("POST", "/transfer", {"transfer_to": "sip:desk"})]
    for method, path, body in asked:
        answer = client.mrassistant(method, f"/calls/{AGENT}{path}", json=body)
        assert (answer.status_code, answer.json()) == (404, {"detail": "Call not found"})


def test_the_calls_of_an_agent_are_listed_filtered_and_cut(paced, client_of):
    sandbox, status = paced
    client = client_of(sandbox)
    create(client, targets=[{"to_number": f"+1202555010{digit}"} for digit in range(5)])
    call(client, agent_id=OTHER_AGENT)

    def listed(**query):
        answer = client.mrassistant("GET", f"/calls/agent/{AGENT}/calls", params=query).json()
        return answer["total"], [each["to_number"][-1] for each in answer["calls"]]

    soon = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    assert listed() == (5, ["0", "1", "2", "3", "4"])
    assert listed(limit=2, offset=3) == (5, ["3", "4"])
    assert listed(status_filter=status)[0] == 5
    assert listed(status_filter="failed") == (0, [])
    assert listed(direction="inbound") == (0, [])
    assert (listed(end_date=soon)[0], listed(start_date=soon)[0]) == (5, 0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "0"),
        ("limit", "501"),
        ("limit", "many"),
        ("offset", "-1"),
        ("direction", "sideways"),
        ("status_filter", "completed"),
        ("start_date", "today"),
    ],
)
def test_a_filter_that_cannot_be_is_a_422(client, name, value):
    [(place, _, repeated)] = findings_of(client.mrassistant("GET", f"/calls/agent/{AGENT}/calls?{name}={value}"))
    assert (place, str(repeated)) == (["query", name], value)


def test_where_nothing_is_the_answer_has_the_shape_of_whose_paths_they_are(client):
    assert client.mrassistant("DELETE", "/campaigns").json() == {"detail": "Method Not Allowed"}
    assert client.mrassistant("GET", "/calls/a/b/c").json() == {"detail": "Not Found"}
    assert client.callaro("DELETE", "/123").json()["error_code"] == "METHOD_NOT_ALLOWED"
    assert client.control("GET", "/nowhere").json() == {"status": "error", "message": "Not Found"}
