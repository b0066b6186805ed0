"""What Callaro's stand-in tells of a campaign: a client that reads it must find what was dialled, and nothing else."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta

import pytest

from airflow_provider_callkaro.sandbox import Sandbox

TODAY = datetime.now(UTC).date()


@pytest.fixture(scope="module")
def both():
    """A sandbox with one campaign that has rung its whole audience, and one that rang nobody."""
    with Sandbox(callaro_dial_seconds=0) as sandbox:
        yield sandbox


@pytest.fixture
def client(both, client_of):
    both.reset()
    client = client_of(both)
    client.draft(name="Rung", campaign_phone_number_ids=[101, 102], concurrency_limit=3)
    client.draft(name="Draft", contacts=[{"phone_e164": n} for n in ("+919876543210", "+442079460123", "+12025550101")])
    client.callaro("POST", "/123/launch")
    return client


def data(client, path):
    answer = client.callaro("GET", path)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def test_the_list_comes_in_pages_with_the_newest_last(client):
    for _ in range(23):
        client.draft()
    ids, page = [], 1
    while True:
        listed = client.callaro("GET", f"?page={page}&per_page=10").json()
        ids += [campaign["id"] for campaign in listed["data"]]
        if page == listed["meta"]["pages"]:
            break
        page += 1
    assert ids == list(range(123, 148))
    assert listed["meta"] == {"count": 25, "page": 3, "per_page": 10, "pages": 3}
    assert len(client.callaro("GET").json()["data"]) == 20
    assert client.callaro("GET", "?page=4&per_page=10").json()["data"] == []


@pytest.mark.parametrize("query", ["page=0", "page=x", "per_page=0", "per_page=101", "per_page=-1", "page=1.5"])
def test_a_page_that_cannot_be_is_refused(client, query):
    assert client.callaro("GET", f"?{query}").status_code == 422
    assert client.callaro("GET", f"/123/tasks?{query}").status_code == 422


def test_tasks_say_who_was_dialled_and_with_what_outcome(client, both):
    done, waiting = data(client, "/123/tasks"), data(client, "/124/tasks")
    assert {(task["status"], task["outcome"]) for task in done} == {("completed", "answered")}
    assert [task["phone_e164"] for task in done] == [ring.to_number for ring in both.rings]
    assert {(task["status"], task["outcome"], task["dialed_at"]) for task in waiting} == {("pending", None, None)}


def test_analytics_count_only_the_days_asked_for(client):
    yesterday, tomorrow = TODAY - timedelta(days=1), TODAY + timedelta(days=2)
    assert data(client, f"/123/analytics?from={yesterday}&to={tomorrow}")["dialed"] == 5
    assert data(client, f"/123/analytics?to={TODAY - timedelta(days=2)}")["dialed"] == 0
    everything = data(client, "/123/analytics")
    assert everything | {"campaign_id": 123, "total": 5, "dialed": 5, "answered": 5, "answer_rate": 1.0} == everything
    assert data(client, "/124/analytics")["answer_rate"] == 0.0
    for query in ("from=yesterday", "from=20260401", "from=2026-04-02&to=2026-04-01"):
        assert client.callaro("GET", f"/123/analytics?{query}").status_code == 422


def test_health_is_healthy_until_a_test_says_otherwise(client, both):
    healthy = {
        "status": "healthy",
        "pending_tasks": 0,
        "dialed": 5,
        "failed": 0,
        "failure_rate": 0.0,
        "numbers_healthy": 2,
        "numbers_total": 2,
    }
    assert data(client, "/123/dispatch_health") == healthy
    both.callaro_health(123, status="degraded", failure_rate=0.4)
    both.callaro_health("123", numbers_healthy=1)
    assert data(client, "/123/dispatch_health") == healthy | {
        "status": "degraded",
        "failure_rate": 0.4,
        "numbers_healthy": 1,
    }
    assert data(client, "/124/dispatch_health")["status"] == "healthy"


def test_results_come_as_a_streamed_csv_and_as_pages(client):
    answer = client.callaro("GET", "/123/results_export")
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert answer.headers["Transfer-Encoding"] == "chunked"
    rows = list(csv.DictReader(answer.text.splitlines()))
    assert list(rows[0]) == ["phone_e164", "status", "outcome", "duration_seconds", "dialed_at"]
    assert [(row["phone_e164"], row["outcome"]) for row in rows] == [
        (f"+12025550{number}", "answered") for number in range(101, 106)
    ]
    paged = client.callaro("GET", "/123/results_export?format=json&per_page=2&page=3").json()
    assert [row["phone_e164"] for row in paged["data"]] == ["+12025550105"]
    assert client.callaro("GET", "/123/results_export?format=xml").status_code == 422


def test_all_campaigns_come_as_a_csv(client):
    rows = list(csv.DictReader(client.callaro("GET", "/export").text.splitlines()))
    assert [(row["id"], row["name"], row["status"]) for row in rows] == [
        ("123", "Rung", "completed"),
        ("124", "Draft", "draft"),
    ]


def test_a_clone_is_a_new_draft_with_what_was_overridden(client, both):
    prefill = data(client, "/123/clone_prefill")
    assert prefill == {
        "name": "Rung (copy)",
        "agent_id": 42,
        "campaign_phone_number_ids": [101, 102],
        "concurrency_limit": 3,
    }
    assert len(both.callaro_campaigns) == 2
    answer = client.callaro("POST", "/123/clone", json={"name": "May"})
    assert (answer.status_code, answer.json()["data"]["status"]) == (201, "draft")
    assert client.callaro("POST", "/123/clone").json()["data"]["name"] == "Rung (copy)"
    assert client.callaro("POST", "/123/clone", json={"agent_id": None}).status_code == 422
    assert [(campaign.id, campaign.name, campaign.launches) for campaign in both.callaro_campaigns[2:]] == [
        (125, "May", 0),
        (126, "Rung (copy)", 0),
    ]
    assert both.callaro_campaigns[2].fields == prefill | {"name": "May"}


def test_a_template_takes_its_name_from_the_campaign_or_from_the_body(client, both):
    first = client.callaro("POST", "/123/save_as_template")
    second = client.callaro("POST", "/123/save_as_template", json={"name": "Monthly"})
    assert [first.status_code, second.status_code] == [201, 201]
    assert [first.json()["data"], second.json()["data"]] == [{"id": 1, "name": "Rung"}, {"id": 2, "name": "Monthly"}]
    assert len(both.callaro_campaigns) == 2


def test_the_forecasts_are_about_the_campaigns_own_audience(client):
    assert data(client, "/123/capacity_preview") == {
        "contacts": 5,
        "concurrency_limit": 3,
        "estimated_minutes": 4,
        "calls_per_hour": 90,
        "numbers": 2,
    }
    assert data(client, "/124/audience_timezone_analysis") == {
        "total": 3,
        "by_timezone": {"Asia/Kolkata": 1, "Europe/London": 1},
        "unknown": 1,
        "outside_window": 0,
    }


def post_import(client, *, file="phone,name\r\n+12025550101,Zoë\r\n\r\n+12025550102,B\r\n", **parts):
    files = {} if file is None else {"file": ("contacts.csv", file.encode(), "text/csv")}
    # requests makes a form multipart only where there is a file
    files |= {name: (None, text) for name, text in parts.items()}
    return client.callaro("POST", "//api/v1/contacts/import", files=files)


def test_an_import_is_counted_and_rings_nobody(client, both):
    answer = post_import(client, column_mapping=json.dumps({"phone": "phone_e164"}), options='{"tag": "May"}')
    assert (answer.status_code, answer.json()["data"]) == (202, {"import_id": 1, "rows": 2})
    [imported] = both.callaro_imports
    assert (imported.column_mapping, imported.options) == ({"phone": "phone_e164"}, {"tag": "May"})
    assert "Zoë" in imported.file
    assert "Zoë" not in repr(imported)
    assert len(both.rings) == 5


@pytest.mark.parametrize(
    ("parts", "field"),
    [
        ({"column_mapping": "{}", "file": None}, "file"),
        ({"column_mapping": "{}", "file": ""}, "file"),
        ({}, "column_mapping"),
        ({"column_mapping": "[]"}, "column_mapping"),
        ({"column_mapping": "{"}, "column_mapping"),
        ({"column_mapping": "{}", "options": "7"}, "options"),
    ],
)
def test_an_import_that_cannot_be_names_the_part(client, both, parts, field):
    answer = post_import(client, **parts)
    assert (answer.status_code, list(answer.json()["errors"])) == (422, [field])
    assert both.callaro_imports == []


def test_an_import_that_is_no_form_is_refused(client):
    assert client.callaro("POST", "//api/v1/contacts/import", data=b"phone\n+12025550101").status_code == 422
