"""The check of a Callaro campaign before its launch: is there capacity, and where does its audience live?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_callkaro.hooks.callaro import CallaroHook
from airflow_provider_callkaro.tasks.callaro.operator import CallaroOperator
from airflow_provider_callkaro.tasks.callaro.preflight import PLAN_FIELDS, Question, Words, check_limits, preflight
from airflow_provider_callkaro.tasks.failures import fail_without_retry
from airflow_provider_callkaro.tasks.redacted import Redacted
from airflow_provider_callkaro.vendors.callaro.answers import CampaignId

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


class CallaroPreflightOperator(CallaroOperator):
    """Check a campaign's capacity and the time zones of its audience, and fail if they are beyond a limit.

    The fields of the two answers are not documented, so the limits name them: with dots, as the answer nests, such as
    ``{"estimated_minutes": 600}``. In a list, ``checks.length`` is the number of elements, ``checks[].status`` is each
    element's word, and ``checks[].status=failed`` is the number of elements with that word. A name that the answer does
    not have fails the task, and the error lists the names it has. Run it once without limits to see them: it returns
    the numbers of both answers, ``{"capacity": {…}, "timezones": {…}}``. It changes nothing and places no call.

    :param campaign_id: the campaign, as Callaro names it. Templated.
    :param capacity_maximum: by name, the largest numbers of the capacity preview that are accepted. Templated.
    :param capacity_minimum: by name, its smallest numbers. Templated.
    :param capacity_allowed: by name, the words that are accepted, such as ``{"status": ["ok", "ready"]}``. Templated.
    :param capacity_forbidden: by name, the words that are not. Templated.
    :param capacity_query: parameters of the question, in its path, as your account takes them. Templated,
        never shown.
    :param capacity_body: parameters in a body, where the connection's ``routes`` ask with POST. Templated,
        never shown.
    :param timezones_maximum: by name, the largest numbers of the time zone analysis that are accepted. Templated.
    :param timezones_minimum: by name, its smallest numbers. Templated.
    :param timezones_allowed: by name, the words that are accepted. Templated.
    :param timezones_forbidden: by name, the words that are not. Templated.
    :param timezones_query: parameters of that question, in its path. Templated, never shown.
    :param timezones_body: parameters in its body, where the connection's ``routes`` ask with POST. Templated,
        never shown.
    :param callaro_conn_id: the Callaro connection. Templated.
    """

    template_fields: Sequence[str] = (*PLAN_FIELDS, "campaign_id", "callaro_conn_id")
    never_shown = frozenset({"capacity_query", "capacity_body", "timezones_query", "timezones_body"})
    ui_color = "#e8eef2"

    def __init__(
        self,
        *,
        campaign_id: CampaignId,
        capacity_maximum: Mapping[str, float] | None = None,
        capacity_minimum: Mapping[str, float] | None = None,
        capacity_allowed: Words | None = None,
        capacity_forbidden: Words | None = None,
        capacity_query: Mapping[str, Any] | None = None,
        capacity_body: Mapping[str, Any] | None = None,
        timezones_maximum: Mapping[str, float] | None = None,
        timezones_minimum: Mapping[str, float] | None = None,
        timezones_allowed: Words | None = None,
        timezones_forbidden: Words | None = None,
        timezones_query: Mapping[str, Any] | None = None,
        timezones_body: Mapping[str, Any] | None = None,
        callaro_conn_id: str = CallaroHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(callaro_conn_id=callaro_conn_id, **kwargs)
        self.campaign_id = campaign_id
        self.capacity_maximum = capacity_maximum
        self.capacity_minimum = capacity_minimum
        self.capacity_allowed = capacity_allowed
        self.capacity_forbidden = capacity_forbidden
        self.capacity_query = Redacted(capacity_query)
        self.capacity_body = Redacted(capacity_body)
        self.timezones_maximum = timezones_maximum
        self.timezones_minimum = timezones_minimum
        self.timezones_allowed = timezones_allowed
        self.timezones_forbidden = timezones_forbidden
        self.timezones_query = Redacted(timezones_query)
        self.timezones_body = Redacted(timezones_body)
        self._check_literals()
        for what in ("capacity_", "timezones_"):
            check_limits(self, what)

    def execute(self, context: Context) -> dict[str, dict[str, float]]:  # noqa: ARG002 - Airflow's signature
        """Ask for both, and check them against their limits."""
        capacity, timezones = Question.of(self, "capacity"), Question.of(self, "timezones")
        return fail_without_retry(preflight, self.hook, self.campaign_id, capacity=capacity, timezones=timezones)
