"""Answers that the sandbox does not give and Callaro may: nothing of them is documented, and none may cost a launch."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from airflow_provider_callkaro.exceptions import ConfigurationError, NotAllowed, OutcomeUnknown, VendorError
from airflow_provider_callkaro.hooks.callaro import CallaroHook
from airflow_provider_callkaro.hooks.callaro import hook as callaro
from airflow_provider_callkaro.vendors.callaro import routes as callaro_routes
from airflow_provider_callkaro.vendors.callaro.states import CampaignState

CAMPAIGNS = "/api/v1/bulk_call_campaigns"


class Vendor:
    """A server that answers as it is told to.

    :ivar says: by method and path, the status and the body of each answer in turn; the last one is given again.
    :ivar heard: the requests, method and path with query.
    :ivar bodies: their bodies.
    """

    def __init__(self):
        self.says = {}
        self.heard = []
        self.bodies = []

    def answer(self, method, target):
        self.heard.append(f"{method} {target}")
        answers = self.says[f"{method} {target.partition('?')[0]}"]
        status, body = answers.pop(0) if len(answers) > 1 else answers[0]
        return status, body if isinstance(body, bytes) else json.dumps(body).encode()

    def count(self, method, path):
        return sum(heard.partition("?")[0] == f"{method} {path}" for heard in self.heard)


@pytest.fixture
def vendor():
    return Vendor()


@pytest.fixture
def hook(connect, vendor):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            vendor.bodies.append(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
            status, body = vendor.answer(self.command, self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_PATCH = do_GET  # noqa: N815

        def log_message(self, *arguments):
            """Keep the test's output clean."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        host = f"http://127.0.0.1:{server.server_port}"
        connect(json.dumps({"conn_type": "callaro", "host": host, "password": "a-key"}), conn_id="callaro_default")
        yield CallaroHook(sleep=lambda seconds: None)
        server.shutdown()


def campaigns(*ids):
    return [{"id": each, "name": f"campaign {each}", "status": "draft"} for each in ids]


class TestLists:
    def test_a_list_without_pages_ends_where_it_begins_anew(self, hook, vendor):
        vendor.says[f"GET {CAMPAIGNS}"] = [(200, campaigns(1, 2))]
        assert [campaign["id"] for campaign in hook.list_campaigns()] == [1, 2]
        assert vendor.count("GET", CAMPAIGNS) == 2

    def test_a_list_ends_with_an_empty_page(self, hook, vendor):
        vendor.says[f"GET {CAMPAIGNS}"] = [
            (200, {"data": {"campaigns": campaigns(1, 2)}}),
            (200, {"data": {"campaigns": campaigns(3)}}),
            (200, {"data": {"campaigns": []}}),
        ]
        assert [campaign["id"] for campaign in hook.list_campaigns()] == [1, 2, 3]
        assert vendor.heard[-1] == f"GET {CAMPAIGNS}?page=3&per_page=20"

    def test_a_list_ends_with_its_last_page(self, hook, vendor):
        vendor.says[f"GET {CAMPAIGNS}"] = [(200, {"data": campaigns(1), "meta": {"pages": 1}})]
        assert len(list(hook.list_campaigns())) == 1
        assert vendor.count("GET", CAMPAIGNS) == 1

    def test_items_without_ids_are_told_apart_by_what_they_say(self, hook, vendor):
        vendor.says[f"GET {CAMPAIGNS}/1/tasks"] = [(200, [{"n": 1}]), (200, [{"n": 2}]), (200, [{"n": 1}])]
        assert list(hook.tasks(1)) == [{"n": 1}, {"n": 2}]

    def test_a_list_that_goes_on_in_an_unknown_way_is_not_taken_for_whole(self, hook, vendor):
        vendor.says[f"GET {CAMPAIGNS}"] = [(200, {"data": {"items": campaigns(1), "next_cursor": "abc"}})]
        with pytest.raises(OutcomeUnknown, match="goes on"):
            list(hook.list_campaigns())

    @pytest.mark.parametrize(
        "pages",
        [
            [{"data": campaigns(1), "has_more": True}, {"data": campaigns(2), "has_more": False}],
            [{"data": campaigns(1), "meta": {"has_more": True}}, {"data": campaigns(2), "meta": {"has_more": False}}],
            [{"data": campaigns(1), "next_page": 2}, {"data": campaigns(2), "next_page": None}],
            [
                {"data": {"campaigns": campaigns(1), "pagination": {"next_page": "2"}}},
                {"data": {"campaigns": campaigns(2), "pagination": {"next_page": ""}}},
            ],
            [
                {"status": "success", "data": campaigns(1), "pagination": {"page": 1, "total_pages": 2}},
                {"status": "success", "data": campaigns(2), "pagination": {"page": 2, "total_pages": 2}},
            ],
            [
                {"campaigns": campaigns(1), "pagination": {"next": "/api/v1/bulk_call_campaigns?page=2&per_page=1"}},
                {"campaigns": campaigns(2), "pagination": {"next": None}},
            ],
        ],
    )
    def test_a_list_is_read_to_its_end_and_not_beyond(self, hook, vendor, pages):
        vendor.says[f"GET {CAMPAIGNS}"] = [(200, page) for page in pages]
        assert [campaign["id"] for campaign in hook.list_campaigns()] == [1, 2]
        assert [heard.partition("page=")[2][0] for heard in vendor.heard] == ["1", "2"]

    @pytest.mark.parametrize(
        "pages",
        [
            [{"data": campaigns(1), "meta": {"pages": 3}}, {"data": []}],
            [{"data": campaigns(1), "meta": {"pages": 3}}, {"data": [], "meta": {"pages": 3}}],
            [{"data": campaigns(1), "meta": {"pages": 3}}],
            [{"data": campaigns(1), "has_more": True}],
            [{"data": campaigns(1), "has_more": True}, {"data": []}],
            [{"data": campaigns(1), "next_page": 1}],
            [{"data": campaigns(1), "next_page": "elsewhere"}],
            [{"data": campaigns(1), "meta": {"total": 3}}, {"data": []}],
            [{"data": [], "has_more": True}],
        ],
    )
    def test_half_a_list_is_never_taken_for_the_whole(self, hook, vendor, pages):
        vendor.says[f"GET {CAMPAIGNS}"] = [(200, page) for page in pages]
        with pytest.raises(OutcomeUnknown, match="goes on"):
            list(hook.list_campaigns())

    def test_a_list_that_grew_shorter_meanwhile_ends_where_it_says(self, hook, vendor):
        vendor.says[f"GET {CAMPAIGNS}"] = [
            (200, {"data": campaigns(1), "meta": {"pages": 2}}),
            (200, {"data": [], "meta": {"pages": 1}}),
        ]
        assert [campaign["id"] for campaign in hook.list_campaigns()] == [1]

    def test_items_whose_id_is_empty_are_told_apart_too(self, hook, vendor):
        vendor.says[f"GET {CAMPAIGNS}/1/tasks"] = [(200, [{"id": None, "n": n}]) for n in (1, 2, 3)] + [(200, [])]
        assert [task["n"] for task in hook.tasks(1)] == [1, 2, 3]

    def test_a_list_that_never_ends_is_given_up(self, hook, vendor, monkeypatch):
        monkeypatch.setattr(callaro, "MAX_PAGES", 3)
        vendor.says[f"GET {CAMPAIGNS}"] = [(200, campaigns(each)) for each in range(1, 9)]
        with pytest.raises(ConfigurationError, match="more than 3 pages"):
            list(hook.list_campaigns(per_page=1))


class TestLaunches:
    @pytest.mark.parametrize(
        ("status", "body"), [(204, b""), (200, b""), (202, {"message": "accepted"}), (200, {"data": {"id": 7}})]
    )
    def test_a_yes_is_not_repeated_while_the_campaign_is_still_called_a_draft(self, hook, vendor, status, body):
        vendor.says[f"GET {CAMPAIGNS}/7"] = [(200, {"id": 7, "status": "Draft"})]
        vendor.says[f"POST {CAMPAIGNS}/7/launch"] = [(status, body)]
        assert hook.launch(7).state is CampaignState.DRAFT
        assert vendor.count("POST", f"{CAMPAIGNS}/7/launch") == 1

    def test_a_lost_launch_is_done_where_the_campaign_has_gone_on_to_a_word_nobody_knows(self, hook, vendor):
        vendor.says[f"GET {CAMPAIGNS}/7"] = [
            (200, {"id": 7, "status": "draft"}),
            (200, {"id": 7, "status": "LAUNCHING"}),
        ]
        vendor.says[f"POST {CAMPAIGNS}/7/launch"] = [(502, b"Bad gateway")]
        assert hook.launch(7).status == "launching"
        assert vendor.count("POST", f"{CAMPAIGNS}/7/launch") == 1

    def test_a_lost_launch_that_was_slow_is_not_refused_the_second_time(self, hook, vendor):
        """Still a draft when it is looked at, launched and paused by the vendor when it is sent again."""
        vendor.says[f"GET {CAMPAIGNS}/7"] = [
            (200, {"id": 7, "status": "draft"}),
            (200, {"id": 7, "status": "draft"}),
            (200, {"id": 7, "status": "paused"}),
        ]
        vendor.says[f"POST {CAMPAIGNS}/7/launch"] = [(504, b""), (409, {"error": "no", "error_code": "INVALID_STATE"})]
        assert hook.launch(7).state is CampaignState.PAUSED
        assert vendor.count("POST", f"{CAMPAIGNS}/7/launch") == 2

    @pytest.mark.parametrize("action", ["launch", "resume"])
    def test_nothing_rings_from_a_state_that_nobody_knows(self, hook, vendor, action):
        vendor.says[f"GET {CAMPAIGNS}/7"] = [(200, {"id": 7, "status": "archived"})]
        with pytest.raises(NotAllowed, match="state is other"):
            getattr(hook, action)(7)
        assert len(vendor.heard) == 1

    def test_a_campaign_in_a_state_that_nobody_knows_can_be_stopped(self, hook, vendor):
        vendor.says[f"GET {CAMPAIGNS}/7"] = [(200, {"id": 7, "status": "ramping"})]
        vendor.says[f"POST {CAMPAIGNS}/7/pause"] = [(200, {"data": {"id": 7, "status": "paused"}})]
        assert hook.pause(7).state is CampaignState.PAUSED

    @pytest.mark.parametrize(
        "body", [{"error": "busy", "error_code": "INTERNAL_ERROR"}, {"success": False}, b"<html>Hello</html>", b"OK"]
    )
    @pytest.mark.parametrize(("action", "before"), [("launch", "draft"), ("resume", "paused")])
    def test_a_yes_that_cannot_be_read_as_one_is_never_answered_with_a_second_request(
        self, hook, vendor, action, before, body
    ):
        vendor.says[f"GET {CAMPAIGNS}/7"] = [(200, {"id": 7, "status": before})]
        vendor.says[f"POST {CAMPAIGNS}/7/{action}"] = [(200, body)]
        with pytest.raises(OutcomeUnknown):
            getattr(hook, action)(7)
        assert vendor.count("POST", f"{CAMPAIGNS}/7/{action}") == 1

    @pytest.mark.parametrize("status", [400, 404, 409, 422, 425, 499])
    @pytest.mark.parametrize(("action", "before"), [("launch", "draft"), ("resume", "paused")])
    def test_a_no_is_never_answered_with_a_second_request(self, hook, vendor, action, before, status):
        """Here a 409 is Callaro's word on the campaign's state, whatever it means of a request that rings a person."""
        vendor.says[f"GET {CAMPAIGNS}/7"] = [(200, {"id": 7, "status": before})]
        vendor.says[f"POST {CAMPAIGNS}/7/{action}"] = [(status, {"error": "no", "error_code": "INVALID_STATE"})]
        with pytest.raises(VendorError, match="INVALID_STATE"):
            getattr(hook, action)(7)
        assert vendor.count("POST", f"{CAMPAIGNS}/7/{action}") == 1

    @pytest.mark.parametrize("body", [{}, [], b"null", b"true", b"", {"data": {}}, {"status": "success"}])
    @pytest.mark.parametrize(("state", "status"), [("draft", "draft"), ("running", "running")])
    def test_a_yes_that_says_nothing_is_a_yes_and_the_state_is_read(self, hook, vendor, state, status, body):
        vendor.says[f"GET {CAMPAIGNS}/7"] = [(200, {"id": 7, "status": "draft"}), (200, {"id": 7, "status": state})]
        vendor.says[f"POST {CAMPAIGNS}/7/launch"] = [(200, body)]
        assert hook.launch(7).status == status
        assert vendor.count("POST", f"{CAMPAIGNS}/7/launch") == 1

    def test_the_campaigns_own_state_decides_and_not_what_the_launch_was_answered(self, hook, vendor):
        vendor.says[f"GET {CAMPAIGNS}/7"] = [(200, {"id": 7, "status": "draft"}), (200, {"id": 7, "status": "running"})]
        vendor.says[f"POST {CAMPAIGNS}/7/launch"] = [(200, {"status": "failed", "message": "mail could not be sent"})]
        assert hook.launch(7).state is CampaignState.RUNNING
        assert vendor.count("POST", f"{CAMPAIGNS}/7/launch") == 1


class TestEnvelopes:
    """``{"status": "success", "data": …}`` around whatever was asked for."""

    @pytest.mark.parametrize(
        "told",
        [
            {"status": "success", "data": {"id": 7, "status": "running"}},
            {"status": "success", "data": {"campaign": {"id": 7, "status": "running"}}},
            {"status": "success", "campaign": {"id": 7, "status": "running"}},
            {"status": "ok", "message": "fine", "bulk_call_campaign": {"id": 7, "state": "RUNNING"}},
        ],
    )
    def test_a_campaigns_state_is_its_own_and_not_that_of_the_answer(self, hook, vendor, told):
        vendor.says[f"GET {CAMPAIGNS}/7"] = [(200, told)]
        assert hook.get_campaign(7).state is CampaignState.RUNNING

    def test_a_list_and_an_object_are_read(self, hook, vendor):
        vendor.says[f"GET {CAMPAIGNS}"] = [(200, {"status": "success", "campaigns": campaigns(1), "errors": []})] * 2
        assert [campaign["id"] for campaign in hook.list_campaigns()] == [1]
        vendor.says[f"GET {CAMPAIGNS}/7/dispatch_health"] = [(200, {"status": "success", "data": {"failed": 1}})]
        assert hook.dispatch_health(7) == {"failed": 1}

    @pytest.mark.parametrize("told", [{"success": False, "message": "no"}, {"error_code": "X", "error": "no"}])
    def test_a_no_in_a_yes_is_no_health(self, hook, vendor, told):
        vendor.says[f"GET {CAMPAIGNS}/7/dispatch_health"] = [(200, told)]
        with pytest.raises(OutcomeUnknown, match="called it an error"):
            hook.dispatch_health(7)


class TestPlanning:
    def test_parameters_travel_in_the_path(self, hook, vendor):
        for name in ("capacity_preview", "audience_timezone_analysis"):
            vendor.says[f"GET {CAMPAIGNS}/7/{name}"] = [(200, {"data": {"contacts": 3}})]
            assert getattr(hook, name)(7, query={"concurrency_limit": 5, "q": "a b"}) == {"contacts": 3}
            assert vendor.heard[-1] == f"GET {CAMPAIGNS}/7/{name}?concurrency_limit=5&q=a+b"

    def test_parameters_travel_in_a_body_where_the_account_takes_one(self, hook, vendor, connect, monkeypatch):
        with pytest.raises(ConfigurationError, match=r'"routes": \{"capacity_preview": "POST /api'):
            hook.capacity_preview(7, body={"hours": 8})
        assert vendor.heard == []
        hook.connection.vendor._routes["capacity_preview"] = callaro_routes.routes_with(
            {"capacity_preview": f"POST {CAMPAIGNS}/{{id}}/capacity_preview"}
        )["capacity_preview"]
        vendor.says[f"POST {CAMPAIGNS}/7/capacity_preview"] = [(200, {"data": {"contacts": 3}})]
        assert hook.capacity_preview(7, query={"x": 1}, body={"hours": 8}) == {"contacts": 3}
        assert (vendor.heard, vendor.bodies) == ([f"POST {CAMPAIGNS}/7/capacity_preview?x=1"], [b'{"hours":8}'])

    def test_a_bare_list_of_checks_has_a_name(self, hook, vendor):
        vendor.says[f"GET {CAMPAIGNS}/7/dispatch_health"] = [(200, [{"status": "ok"}])]
        assert hook.dispatch_health(7) == {"data": [{"status": "ok"}]}
