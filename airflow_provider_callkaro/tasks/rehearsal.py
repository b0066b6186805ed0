"""A list gone through without ringing anybody, and the report for the person who says if it may ring."""

from __future__ import annotations

from airflow_provider_callkaro.dispatch.preflight import Preflight
from airflow_provider_callkaro.dispatch.preflight_report import PreflightReport, Price
from airflow_provider_callkaro.dispatch.tally import Summary
from airflow_provider_callkaro.tasks.list_run import ListRun
from airflow_provider_callkaro.tasks.settings import ListSettings


def rehearse(run: ListRun, settings: ListSettings, *, price: Price | None = None) -> tuple[Summary, PreflightReport]:
    """What the run would do.

    :param price: what a minute costs; None tells no cost.
    """
    preflight = Preflight(policy=settings.policy, pace=settings.calls_per_second, waits=settings.when_closed != "stop")
    summary = run.rehearse(preflight.observe)
    return summary, preflight.report(summary, price=price)
