"""A look at a Callaro campaign before its launch: is there capacity, and where does its audience live?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_callkaro.calls.masking import mask_text
from airflow_provider_callkaro.hooks.callaro import CallaroHook
from airflow_provider_callkaro.operators.callaro_lifecycle import CallaroCampaignOperator
from airflow_provider_callkaro.tasks.failing import fail_without_retry
from airflow_provider_callkaro.vendors.callaro_answers import CampaignId
from airflow_provider_callkaro.vendors.thresholds import Thresholds, numbers_in

MOST_NUMBERS = 200  # of one answer that are returned; an XCom is no report
LARGEST_COUNT = 100_000_000  # a larger number may be somebody's phone number


class CallaroPreflightOperator(CallaroCampaignOperator):
    """Ask for a campaign's capacity and the time zones of its audience, and fail before the launch where they are bad.

    What the two answers hold is not documented, so the limits name the fields: dotted, as the answer nests, such as
    ``{"estimated_minutes": 600}``. A name that the answer does not have fails the task too, naming those it has. Run it
    once without limits to see them: it returns the numbers of both answers,
    ``{"capacity": {…}, "timezones": {…}}``. It rings nobody and changes nothing.

    :param campaign_id: the campaign, as Callaro names it. Templated.
    :param capacity_maximum: the largest numbers of the capacity preview that are still well. Templated.
    :param capacity_minimum: the smallest ones. Templated.
    :param timezones_maximum: the largest numbers of the time zone analysis that are still well. Templated.
    :param timezones_minimum: the smallest ones. Templated.
    :param callaro_conn_id: the Callaro connection. Templated.
    """

    template_fields: Sequence[str] = (
        "capacity_maximum",
        "capacity_minimum",
        "timezones_maximum",
        "timezones_minimum",
        *CallaroCampaignOperator.template_fields,
    )
    ui_color = "#e8eef2"

    def __init__(
        self,
        *,
        capacity_maximum: Mapping[str, float] | None = None,
        capacity_minimum: Mapping[str, float] | None = None,
        timezones_maximum: Mapping[str, float] | None = None,
        timezones_minimum: Mapping[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.capacity_maximum = capacity_maximum
        self.capacity_minimum = capacity_minimum
        self.timezones_maximum = timezones_maximum
        self.timezones_minimum = timezones_minimum

    def execute(self, context: Mapping[str, Any]) -> dict[str, dict[str, float]]:  # noqa: ARG002 - Airflow's signature
        """Ask for both, and judge them."""
        return fail_without_retry(
            preflight,
            self.hook,
            self.campaign_id,
            capacity=Thresholds(maximum=self.capacity_maximum or {}, minimum=self.capacity_minimum or {}),
            timezones=Thresholds(maximum=self.timezones_maximum or {}, minimum=self.timezones_minimum or {}),
        )


def preflight(
    hook: CallaroHook, campaign_id: CampaignId, *, capacity: Thresholds, timezones: Thresholds
) -> dict[str, dict[str, float]]:
    """Ask for a campaign's capacity and time zones, and judge them.

    :return: the numbers of both answers, ``{"capacity": {…}, "timezones": {…}}``.
    :raises AirflowFailException: a number is beyond its limit; every breach is named.
    :raises ConfigurationError: a limit names what the answer does not have.
    """
    capacity_answer = hook.capacity_preview(campaign_id)
    timezones_answer = hook.audience_timezone_analysis(campaign_id)
    breaches = [
        *(f"capacity: {breach}" for breach in capacity.breaches(capacity_answer)),
        *(f"time zones: {breach}" for breach in timezones.breaches(timezones_answer)),
    ]
    if breaches:
        raise AirflowFailException(f"campaign {campaign_id} is not fit to be launched: {'; '.join(breaches)}")
    return {"capacity": _shown(capacity_answer), "timezones": _shown(timezones_answer)}


def _shown(answer: Mapping[str, Any]) -> dict[str, float]:
    """The numbers that may stand in an XCom: none that may be a phone number, nor one under such a name."""
    numbers = numbers_in(answer)
    fit = {
        name: number
        for name, number in sorted(numbers.items())
        if abs(number) <= LARGEST_COUNT and mask_text(name) == name
    }
    return dict(list(fit.items())[:MOST_NUMBERS])
