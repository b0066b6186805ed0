"""The hook against the sandbox: each method does one thing at the vendor's, and no phone rings a second time for it."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import socket
from datetime import UTC, date, datetime, timedelta

import pytest

from airflow_provider_callkaro.exceptions import (
    ConfigurationError,
    NotAllowed,
    OutcomeUnknown,
    Rejected,
    Throttled,
    Unauthorized,
)
from airflow_provider_callkaro.hooks.callaro import CallaroHook
from airflow_provider_callkaro.sandbox import Sandbox
from airflow_provider_callkaro.vendors.callaro.states import CampaignState

CAMPAIGNS = "/api/v1/bulk_call_campaigns"
NUMBERS = ["+919876500001", "+919876500002", "+447911123456"]
FIELDS = {
    "name": "Q2 Pipeline Reactivation",
    "agent_id": 42,
    "timezone": "Asia/Kolkata",
    "campaign_phone_number_ids": [101, 102],
    "concurrency_limit": 3,
    "contacts": [{"phone_e164": number} for number in NUMBERS],
}
AFTER_ACCEPTING = [
    "reset_after_accepting",
    "drop_answer_after_accepting",
    "error_after_accepting",
    "truncated_answer",
    "unreadable_answer",
]
BEFORE_ACCEPTING = ["error_before_accepting", "reset_before_accepting"]
TURNED_AWAY = ["throttled", "unavailable"]


@pytest.fixture(scope="module")
def slow_sandbox():
    """A vendor whose campaigns do not end while a test looks at them."""
    with Sandbox(api_key="the-key-of-the-sandbox", callaro_dial_seconds=3_600) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(slow_sandbox):
    slow_sandbox.reset()
    return slow_sandbox


@pytest.fixture
def waits():
    """The seconds that the hook waited."""
    return []


@pytest.fixture
def hook(connect, sandbox, waits):
    connect(sandbox.airflow_connections["callaro_default"], conn_id="callaro_default")
    return CallaroHook(sleep=waits.append)


@pytest.fixture
def draft(hook):
    return hook.create_campaign(FIELDS).id


def seen(sandbox, campaign_id=123):
    """The campaign as the vendor remembers it."""
    return next(campaign for campaign in sandbox.callaro_campaigns if campaign.id == campaign_id)


def asked(sandbox, word):
    """How often an endpoint with this word was asked."""
    return sum(word in request.endpoint for request in sandbox.requests)


class TestCampaigns:
    def test_a_campaign_is_created_as_a_draft_with_every_field(self, hook, sandbox):
        campaign = hook.create_campaign(FIELDS)
        assert (campaign.id, campaign.name, campaign.state) == (123, FIELDS["name"], CampaignState.DRAFT)
        assert seen(sandbox).fields == FIELDS
        assert sandbox.rings == []

    def test_a_campaign_is_read_by_a_number_or_a_text(self, hook, draft):
        assert hook.get_campaign(123) == hook.get_campaign("123")
        assert hook.get_campaign("123").id == 123

    def test_a_campaign_is_updated(self, hook, sandbox, draft):
        changed = hook.update_campaign(draft, {"concurrency_limit": 5})
        assert changed.raw["concurrency_limit"] == 5
        assert seen(sandbox).fields["concurrency_limit"] == 5

    def test_an_update_of_nothing_is_not_sent(self, hook, sandbox):
        with pytest.raises(ConfigurationError, match="nothing to change"):
            hook.update_campaign(123, {})
        assert sandbox.requests == []

    def test_every_page_of_the_list_is_read(self, hook, sandbox):
        for number in range(7):
            hook.create_campaign(FIELDS | {"name": f"campaign {number}"})
        listed = list(hook.list_campaigns(per_page=3))
        assert [campaign["id"] for campaign in listed] == [123 + number for number in range(7)]
        assert asked(sandbox, "GET ") == 3

    def test_a_campaign_is_found_by_its_whole_name(self, hook, draft):
        assert hook.find_campaign(FIELDS["name"])["id"] == draft
        assert hook.find_campaign("Q2 Pipeline") is None

    def test_a_campaign_that_is_not_there_is_said(self, hook):
        with pytest.raises(Rejected, match="404"):
            hook.get_campaign(999)

    @pytest.mark.parametrize("fault", AFTER_ACCEPTING)
    def test_a_campaign_whose_answer_is_lost_is_not_created_twice(self, hook, sandbox, fault):
        sandbox.fault(fault, path=f"POST {CAMPAIGNS}", first=1)
        with pytest.raises(OutcomeUnknown):
            hook.create_campaign(FIELDS)
        assert len(sandbox.callaro_campaigns) == 1
        assert hook.find_campaign(FIELDS["name"])["id"] == 123

    def test_a_campaign_without_an_id_is_unknown(self, hook, sandbox):
        sandbox.fault("answer_without_id", path=f"POST {CAMPAIGNS}", first=1)
        with pytest.raises(OutcomeUnknown, match="without a campaign that has an id"):
            hook.create_campaign(FIELDS)
        assert len(sandbox.callaro_campaigns) == 1

    def test_a_campaign_that_was_turned_away_is_created_in_the_end(self, hook, sandbox):
        sandbox.fault("throttled", path=f"POST {CAMPAIGNS}", first=2, retry_after=0)
        hook.create_campaign(FIELDS)
        assert len(sandbox.callaro_campaigns) == 1

    def test_a_field_that_cannot_be_is_said_with_the_vendors_code_and_without_numbers(self, hook):
        with pytest.raises(Rejected) as error:
            hook.create_campaign(FIELDS | {"contacts": [{"phone_e164": "919876500001"}]})
        assert "422" in str(error.value)
        assert "VALIDATION_ERROR" in str(error.value)
        assert "9876500001" not in str(error.value)


class TestLifecycle:
    def test_a_campaign_goes_through_its_states(self, hook, sandbox, draft):
        assert hook.launch(draft).state is CampaignState.RUNNING
        assert hook.pause(draft).state is CampaignState.PAUSED
        assert hook.resume(draft).state is CampaignState.RUNNING
        assert hook.cancel(draft).state is CampaignState.CANCELLED
        assert (seen(sandbox).launches, seen(sandbox).resumes) == (1, 1)

    @pytest.mark.parametrize(
        ("before", "action"),
        [
            (["launch"], "launch"),
            (["launch", "pause"], "pause"),
            (["launch", "pause", "resume"], "resume"),
            (["launch", "cancel"], "cancel"),
        ],
    )
    def test_what_has_happened_is_not_sent_again(self, hook, sandbox, draft, before, action):
        for step in before:
            getattr(hook, step)(draft)
        sent = asked(sandbox, f"/{action}")
        assert getattr(hook, action)(draft).id == draft
        assert asked(sandbox, f"/{action}") == sent

    @pytest.mark.parametrize(
        ("before", "action", "allowed"),
        [
            ([], "pause", "launch"),
            ([], "resume", "launch"),
            ([], "cancel", "launch"),
            (["launch", "pause"], "launch", "resume and cancel"),
            (["launch", "cancel"], "launch", "nothing"),
            (["launch", "cancel"], "pause", "nothing"),
            (["launch", "cancel"], "resume", "nothing"),
        ],
    )
    def test_what_the_state_forbids_is_not_sent_and_says_what_would_be_allowed(
        self, hook, sandbox, draft, before, action, allowed
    ):
        for step in before:
            getattr(hook, step)(draft)
        with pytest.raises(NotAllowed) as error:
            getattr(hook, action)(draft)
        assert str(error.value).startswith(f"campaign {draft}: {action} is not allowed")
        assert str(error.value).endswith(f"which allows {allowed}")
        assert asked(sandbox, f"/{action}") == before.count(action)

    def test_a_launch_that_the_vendor_refuses_is_said_and_not_repeated(self, hook, sandbox):
        campaign = hook.create_campaign(FIELDS | {"contacts": []})
        with pytest.raises(Rejected, match="no contacts"):
            hook.launch(campaign.id)
        assert asked(sandbox, "/launch") == 1

    @pytest.mark.parametrize("fault", [*AFTER_ACCEPTING, *BEFORE_ACCEPTING, *TURNED_AWAY, "answer_without_id"])
    def test_a_launch_rings_once_whatever_becomes_of_its_answer(self, hook, sandbox, draft, fault):
        options = {"retry_after": 0} if fault in TURNED_AWAY else {}
        sandbox.fault(fault, path=f"{CAMPAIGNS}/{{id}}/launch", first=1, **options)
        campaign = hook.launch(draft)
        assert (campaign.id, campaign.state) == (draft, CampaignState.RUNNING)
        assert seen(sandbox).launches == 1
        accepted_unheard = fault in AFTER_ACCEPTING or fault == "answer_without_id"
        assert asked(sandbox, "/launch") == (1 if accepted_unheard else 2)

    @pytest.mark.parametrize("fault", [*AFTER_ACCEPTING, *BEFORE_ACCEPTING, *TURNED_AWAY])
    def test_a_resume_rings_once_whatever_becomes_of_its_answer(self, hook, sandbox, draft, fault):
        hook.launch(draft)
        hook.pause(draft)
        options = {"retry_after": 0} if fault in TURNED_AWAY else {}
        sandbox.fault(fault, path=f"{CAMPAIGNS}/{{id}}/resume", first=1, **options)
        assert hook.resume(draft).state is CampaignState.RUNNING
        assert (seen(sandbox).launches, seen(sandbox).resumes) == (1, 1)

    @pytest.mark.parametrize("action", ["pause", "cancel"])
    @pytest.mark.parametrize("fault", [*AFTER_ACCEPTING, *BEFORE_ACCEPTING])
    def test_a_campaign_is_stopped_whatever_becomes_of_the_answer(self, hook, sandbox, draft, action, fault):
        hook.launch(draft)
        sandbox.fault(fault, path=f"{CAMPAIGNS}/{{id}}/{action}", first=1)
        stopped = getattr(hook, action)(draft)
        assert stopped.state == seen(sandbox).status == {"pause": "paused", "cancel": "cancelled"}[action]

    @pytest.mark.parametrize("fault", BEFORE_ACCEPTING)
    def test_a_launch_is_not_sent_for_ever(self, hook, sandbox, draft, waits, fault):
        sandbox.fault(fault, path=f"{CAMPAIGNS}/{{id}}/launch")
        with pytest.raises(OutcomeUnknown):
            hook.launch(draft)
        assert asked(sandbox, "/launch") == 5
        assert len(waits) == 5
        assert waits == sorted(waits)
        assert seen(sandbox).status == "draft"

    def test_a_launch_whose_end_cannot_be_read_stays_unknown(self, hook, sandbox, draft):
        sandbox.fault("drop_answer_after_accepting", path=f"{CAMPAIGNS}/{{id}}/launch", first=1)
        sandbox.fault("rejected", path=f"GET {CAMPAIGNS}/{{id}}", after=1)
        with pytest.raises(OutcomeUnknown):
            hook.launch(draft)
        assert asked(sandbox, "/launch") == 1
        sandbox.clear_faults()
        assert hook.launch(draft).state is CampaignState.RUNNING
        assert seen(sandbox).launches == 1

    def test_a_launch_that_somebody_else_was_quicker_with_is_done(self, hook, sandbox, draft):
        sandbox.fault("hold_before_accepting", path=f"{CAMPAIGNS}/{{id}}/launch", first=1)

        async def both():
            late = asyncio.create_task(asyncio.to_thread(hook.launch, draft))
            await asyncio.to_thread(sandbox.wait_for_held, 1)
            await asyncio.to_thread(CallaroHook().launch, draft)
            sandbox.release()
            return await late

        assert asyncio.run(both()).state is CampaignState.RUNNING
        assert seen(sandbox).launches == 1

    def test_a_launch_that_somebody_cancelled_meanwhile_says_so(self, hook, sandbox, draft):
        sandbox.fault("hold_before_accepting", path=f"{CAMPAIGNS}/{{id}}/launch", first=1)

        async def both():
            late = asyncio.create_task(asyncio.to_thread(hook.launch, draft))
            await asyncio.to_thread(sandbox.wait_for_held, 1)
            await asyncio.to_thread(CallaroHook().launch, draft)
            await asyncio.to_thread(CallaroHook().cancel, draft)
            sandbox.release()
            return await late

        with pytest.raises(NotAllowed, match="state is cancelled"):
            asyncio.run(both())

    def test_a_path_that_was_guessed_wrongly_costs_a_setting(self, connect, sandbox, hook, draft):
        connection = json.loads(sandbox.airflow_connections["callaro_default"])
        connection["extra"] = {"routes": {"cancel": f"POST {CAMPAIGNS}/{{id}}/stop"}}
        connect(json.dumps(connection), conn_id="guessed")
        hook.launch(draft)
        with pytest.raises(Rejected, match="404"):
            CallaroHook("guessed").cancel(draft)
        connection["extra"] = {"routes": {"cancel": f"POST {CAMPAIGNS}/{{id}}/cancel"}}
        connect(json.dumps(connection), conn_id="corrected")
        assert CallaroHook("corrected").cancel(draft).state is CampaignState.CANCELLED


class TestClones:
    def test_a_clone_is_a_new_draft(self, hook, sandbox, draft):
        clone = hook.clone(draft, {"name": "Q3"})
        assert (clone.id, clone.name, clone.state) == (124, "Q3", CampaignState.DRAFT)
        assert seen(sandbox, 124).fields["agent_id"] == 42
        assert hook.clone(draft).id == 125

    def test_a_clone_whose_answer_is_lost_is_not_made_twice(self, hook, sandbox, draft):
        sandbox.fault("drop_answer_after_accepting", path=f"{CAMPAIGNS}/{{id}}/clone", first=1)
        with pytest.raises(OutcomeUnknown):
            hook.clone(draft)
        assert len(sandbox.callaro_campaigns) == 2

    def test_a_clones_fields_can_be_seen_before(self, hook, draft):
        assert hook.clone_prefill(draft)["agent_id"] == 42

    def test_a_campaign_becomes_a_template(self, hook, draft):
        assert hook.save_as_template(draft)["name"] == FIELDS["name"]
        assert hook.save_as_template(draft, "Reactivation")["name"] == "Reactivation"


class TestInsight:
    def test_tasks_are_the_campaigns_calls(self, hook, draft):
        assert [task["phone_e164"] for task in hook.tasks(draft)] == NUMBERS

    def test_tasks_are_read_page_after_page(self, hook, sandbox):
        contacts = [{"phone_e164": f"+9198765{number:05d}"} for number in range(250)]
        campaign = hook.create_campaign(FIELDS | {"contacts": contacts})
        assert len({task["id"] for task in hook.tasks(campaign.id)}) == 250
        assert asked(sandbox, "/tasks") == 3

    def test_analytics_are_of_the_days_asked_for(self, hook, sandbox, draft):
        hook.launch(draft)
        sandbox.wait_for_rings(1)
        today = datetime.now(UTC).date()
        week = timedelta(days=7)
        assert hook.analytics(draft, today - week, today + week)["dialed"] >= 1
        assert hook.analytics(draft, date(2026, 4, 1), date(2026, 4, 30))["dialed"] == 0
        assert hook.analytics(draft)["total"] == 3

    def test_health_capacity_and_zones_are_told(self, hook, sandbox, draft):
        sandbox.callaro_health(draft, failure_rate=0.4)
        assert hook.dispatch_health(draft)["failure_rate"] == 0.4
        assert hook.capacity_preview(draft)["contacts"] == 3
        assert hook.audience_timezone_analysis(draft)["by_timezone"] == {"Asia/Kolkata": 2, "Europe/London": 1}

    def test_results_and_campaigns_are_exported(self, hook, draft):
        with hook.results_export(draft) as download:
            rows = list(csv.DictReader(io.StringIO(b"".join(download.chunks()).decode())))
        assert [row["phone_e164"] for row in rows] == NUMBERS
        with hook.export_campaigns() as download:
            rows = list(csv.DictReader(io.StringIO(b"".join(download.chunks()).decode())))
        assert [row["id"] for row in rows] == [str(draft)]

    def test_an_export_that_is_refused_is_said(self, hook):
        with pytest.raises(Rejected, match="404"), hook.results_export(999):
            pass

    def test_contacts_are_imported_once(self, hook, sandbox, tmp_path):
        path = tmp_path / "people.csv"
        path.write_bytes("phone,name\n+919876500001,Àsha\n+919876500002,Ravi\n".encode())
        with path.open("rb") as file:
            told = hook.import_contacts(file, {"phone": "phone_e164"}, {"skip_duplicates": True})
        ((imported),) = sandbox.callaro_imports
        assert told["import_id"] == imported.import_id
        assert imported.rows == 2
        assert imported.column_mapping == {"phone": "phone_e164"}
        assert imported.options == {"skip_duplicates": True}
        assert "Àsha" in imported.file

    def test_an_import_whose_answer_is_lost_is_not_repeated(self, hook, sandbox):
        sandbox.fault("drop_answer_after_accepting", path="/api/v1/contacts/import", first=1)
        with pytest.raises(OutcomeUnknown):
            hook.import_contacts(io.BytesIO(b"phone\n+919876500001\n"), {"phone": "phone_e164"})
        assert len(sandbox.callaro_imports) == 1

    def test_a_read_whose_answer_is_lost_is_asked_for_again(self, hook, sandbox, draft):
        sandbox.fault("drop_answer_after_accepting", path=f"{CAMPAIGNS}/{{id}}/dispatch_health", first=1)
        assert hook.dispatch_health(draft)["status"] == "healthy"


class TestStatus:
    def test_a_triggerer_asks_once_for_the_state(self, hook, sandbox, draft):
        before = len(sandbox.requests)
        assert asyncio.run(hook.read_status(str(draft))) == "draft"
        assert len(sandbox.requests) == before + 1
        hook.launch(draft)
        assert asyncio.run(CallaroHook().read_status(str(draft))) == "running"

    @pytest.mark.parametrize(
        ("fault", "kind"),
        [
            ("key_refused", Unauthorized),
            ("rejected", Rejected),
            ("throttled", Throttled),
            ("truncated_answer", OutcomeUnknown),
        ],
    )
    def test_a_triggerer_is_told_what_a_later_question_may_change(self, hook, sandbox, draft, fault, kind):
        sandbox.fault(fault, path=f"GET {CAMPAIGNS}/{{id}}", first=1)
        with pytest.raises(kind):
            asyncio.run(hook.read_status(str(draft)))
        assert asked(sandbox, f"GET {CAMPAIGNS}/") == 1


class TestConnection:
    def test_testing_it_proves_the_key_and_changes_nothing(self, hook, sandbox):
        works, message = hook.test_connection()
        assert works
        assert "takes the API key" in message
        assert [request.endpoint for request in sandbox.requests] == [f"GET {CAMPAIGNS}"]
        assert (sandbox.callaro_campaigns, sandbox.rings) == ([], [])

    def test_a_wrong_key_is_said_with_the_way_out(self, connect, sandbox):
        connection = json.loads(sandbox.airflow_connections["callaro_default"]) | {"password": "another-key-entirely"}
        connect(json.dumps(connection), conn_id="callaro_default")
        works, message = CallaroHook().test_connection()
        assert not works
        assert "correct the password of the connection" in message
        assert "another-key-entirely" not in message
        with pytest.raises(Unauthorized):
            CallaroHook().launch(123)

    def test_testing_a_connection_to_nobody_says_so(self, connect):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            host = f"http://127.0.0.1:{taken.getsockname()[1]}"
            connect(json.dumps({"conn_type": "callaro", "password": "k", "host": host}), conn_id="nobody")
            works, message = CallaroHook("nobody").test_connection()
        assert (works, "Callaro could not be reached" in message) == (False, True)
