"""A run over a list that places no call, and its report for the person who decides whether to place them."""

from __future__ import annotations

from airflow_provider_callkaro.dispatch.preflight import Preflight
from airflow_provider_callkaro.dispatch.preflight_report import PreflightReport, Price
from airflow_provider_callkaro.dispatch.tally import Summary
from airflow_provider_callkaro.tasks.list_run import ListRun
from airflow_provider_callkaro.tasks.settings import ListSettings


def rehearse(run: ListRun, settings: ListSettings, *, price: Price | None = None) -> tuple[Summary, PreflightReport]:
    """What the run would do."""
    preflight = Preflight(policy=settings.policy, pace=settings.calls_per_second, waits=settings.when_closed != "stop")
    summary = run.rehearse(preflight.observe)
    return summary, preflight.report(summary, price=price)
