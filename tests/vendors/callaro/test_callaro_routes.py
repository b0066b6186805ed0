"""A wrong guess of a path costs a user a setting; a mistyped setting never sends the key, or a launch, elsewhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.vendors.callaro.api import Callaro
from airflow_provider_callkaro.vendors.callaro.routes import ROUTES, routes_with
from airflow_provider_callkaro.vendors.callaro.states import Action

SHOWN_BY_THE_GUIDE = {"list", "create", "launch", "pause", "resume", "dispatch_health", "analytics"}


def test_the_table_says_what_is_inferred():
    assert {name for name, route in ROUTES.items() if not route.inferred} == SHOWN_BY_THE_GUIDE | {
        *("import_contacts", "contact_imports", "contact_import_errors")
    }
    assert all(route.note for route in ROUTES.values())


def test_every_family_of_the_guide_has_a_route():
    assert set(ROUTES) == {
        *("list", "create", "get", "update"),
        *("launch", "pause", "resume", "cancel"),
        *("clone", "clone_prefill", "save_as_template"),
        *("tasks", "analytics", "dispatch_health"),
        *("results_export", "export"),
        *("capacity_preview", "audience_timezone_analysis"),
        *("import_contacts", "contact_imports", "contact_import", "contact_import_errors"),
    }


def test_a_route_of_the_connection_is_used_and_the_others_stay():
    callaro = Callaro(
        routes={
            "cancel": "POST /api/v1/bulk_call_campaigns/{id}/stop",
            "update": " put   /api/v2/campaigns/{id} ",
            "export": "GET /api/v1/exports/campaigns.csv",
        }
    )
    assert callaro.act(Action.CANCEL, "a/b").path == "/api/v1/bulk_call_campaigns/a%2Fb/stop"
    update = callaro.update_campaign(7, {"name": "x"})
    assert (update.method, update.path) == ("PUT", "/api/v2/campaigns/7")
    assert callaro.export_campaigns().path == "/api/v1/exports/campaigns.csv"
    assert callaro.act(Action.PAUSE, 7) == Callaro().act(Action.PAUSE, 7)


def test_what_rings_rings_by_whatever_path():
    assert not Callaro(routes={"launch": "PUT /go/{id}"}).act(Action.LAUNCH, 1).retry_safe


@pytest.mark.parametrize(
    ("action", "text"),
    [
        ("stop", "POST /api/v1/bulk_call_campaigns/{id}/stop"),
        ("cancel", "/api/v1/bulk_call_campaigns/{id}/stop"),
        ("cancel", "POST"),
        ("cancel", "SEND /api/{id}"),
        ("cancel", "POST api/{id}"),
        ("cancel", "POST https://elsewhere.example/{id}"),
        ("cancel", "POST //elsewhere.example/{id}"),
        ("cancel", "POST /@elsewhere.example\\{id}"),
        ("cancel", "POST /api/v1/stop"),
        ("cancel", "POST /{id}/{id}"),
        ("cancel", "POST /{id}/{name}"),
        ("cancel", "POST /api/../{id}"),
        ("cancel", "POST /api/./{id}"),
        ("cancel", "POST /{id}?now=1"),
        ("cancel", "POST /{id}#now"),
        ("cancel", "POST /{id}\r\nX-Other: header"),
        ("cancel", "POST /{id} HTTP/1.1"),
        ("cancel", "POST /é/{id}"),
        ("cancel", ""),
        ("cancel", None),
        ("cancel", ["POST", "/{id}"]),
        ("list", "GET /campaigns/{id}"),
        ("import_contacts", "POST /{id}/import"),
    ],
)
def test_what_is_no_route_on_the_same_host_is_refused(action, text):
    with pytest.raises(ConfigurationError) as error:
        routes_with({action: text})
    assert repr(action) in str(error.value)


@given(st.sampled_from(sorted(ROUTES)), st.text(max_size=30) | st.text("/{id}.%@:\\ ", max_size=12))
def test_no_text_makes_a_route_that_leaves_the_host_or_loses_the_id(action, path):
    try:
        route = routes_with({action: f"POST {path}"})[action]
    except ConfigurationError:
        return
    assert route.path.startswith("/")
    assert not route.path.startswith("//")
    assert route.path.isascii()
    assert route.path.isprintable()
    assert " " not in route.path
    assert route.about_one == ROUTES[action].about_one
