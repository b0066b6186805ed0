"""What the run of a Callaro campaign tells a StatsD: each launch and each end once over all tries, and no person."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from airflow_task_state import TaskStateInMemory
from running_campaign import NUMBERS, context_of, run_operator
from statsd_listener import StatsdListener, stats_as_configured

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.hooks.callaro import CallaroHook
from airflow_provider_callkaro.sandbox import Sandbox
from airflow_provider_callkaro.vendors.callaro.states import CampaignState

pytest.importorskip("statsd")

MOVES = ("launched", "completed", "failed")


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    with Sandbox(callaro_dial_seconds=0) as vendor:
        monkeypatch.setenv("AIRFLOW_CONN_CALLARO_DEFAULT", vendor.airflow_connections["callaro_default"])
        yield vendor


@pytest.fixture
def statsd(sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[StatsdListener]:
    """A StatsD that Airflow's own `Stats` sends to."""
    with StatsdListener() as listener:
        for name, value in listener.environment.items():
            monkeypatch.setenv(name, value)
        with stats_as_configured():
            yield listener


def moves(statsd: StatsdListener) -> dict[str, float]:
    names = [f"campaigns_{name}" for name in MOVES]
    assert {name: statsd.total(f"airflow.voice_calls.{name}") for name in names} == {
        name: statsd.total(f"airflow.voice_calls.callaro_default.{name}") for name in names
    }
    return {name: total for name in MOVES if (total := statsd.total(f"airflow.voice_calls.campaigns_{name}"))}


def test_a_campaign_is_counted_when_it_is_launched_and_when_it_has_ended(statsd, sandbox):
    run_operator().execute(context_of(store=TaskStateInMemory()))
    assert moves(statsd) == {"launched": 1, "completed": 1}
    assert "airflow.voice_calls.callaro_default.duration" in statsd.names()
    told = "\n".join(statsd.lines())
    for private in (*(number[1:] for number in NUMBERS), "Renewals", sandbox.api_key):
        assert private not in told


def test_a_try_that_goes_on_counts_no_launch_again(statsd, sandbox, tmp_path):
    store = TaskStateInMemory()
    place = tmp_path / "results.csv"
    sandbox.fault("rejected", path="/api/v1/bulk_call_campaigns/{id}/results_export", first=1)
    with pytest.raises(AirflowFailException):
        run_operator(export_path=str(place)).execute(context_of(store=store))
    assert moves(statsd) == {"launched": 1}
    run_operator(export_path=str(place)).execute(context_of(store=store, attempt=2))
    assert moves(statsd) == {"launched": 1, "completed": 1}


def test_a_campaign_that_somebody_cancels_is_counted_as_failed(statsd, monkeypatch):
    with Sandbox(callaro_dial_seconds=3_600) as endless:
        monkeypatch.setenv("AIRFLOW_CONN_CALLARO_DEFAULT", endless.airflow_connections["callaro_default"])
        operator = run_operator()
        look = operator.hook.get_campaign

        def cancelled_by_somebody(campaign_id):
            campaign = look(campaign_id)
            return CallaroHook().cancel(campaign_id) if campaign.state is CampaignState.RUNNING else campaign

        monkeypatch.setattr(operator.hook, "get_campaign", cancelled_by_somebody)
        with pytest.raises(AirflowFailException, match="cancelled"):
            operator.execute(context_of(store=TaskStateInMemory()))
    assert moves(statsd) == {"launched": 1, "failed": 1}


def test_what_cannot_begin_is_no_launch(statsd):
    with pytest.raises((ConfigurationError, AirflowFailException)):
        run_operator(export_path="nosuch://results/x.csv").execute(context_of(store=TaskStateInMemory()))
    assert moves(statsd) == {}
