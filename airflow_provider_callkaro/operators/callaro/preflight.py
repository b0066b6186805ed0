"""A look at a Callaro campaign before its launch: is there capacity, and where does its audience live?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_callkaro.calls.masking import mask_text
from airflow_provider_callkaro.hooks.callaro import CallaroHook
from airflow_provider_callkaro.tasks.arguments import unredacted
from airflow_provider_callkaro.tasks.callaro.operator import CallaroOperator, mapping
from airflow_provider_callkaro.tasks.failures import fail_without_retry
from airflow_provider_callkaro.tasks.redacted import Redacted
from airflow_provider_callkaro.vendors.callaro.answers import CampaignId
from airflow_provider_callkaro.vendors.callaro.thresholds import Thresholds, numbers_in

MOST_NUMBERS = 200  # of one answer that are returned; an XCom is no report
LARGEST_COUNT = 100_000_000  # a larger number may be somebody's phone number
PLAN_FIELDS = tuple(
    f"{what}_{which}"
    for what in ("capacity", "timezones")
    for which in ("maximum", "minimum", "allowed", "forbidden", "query", "body")
)
Words = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked of a campaign's plan, and what answer is well.

    :param limits: on the numbers and words of the answer.
    :param query: parameters in the path.
    :param body: parameters in a body; None sends none.
    """

    limits: Thresholds = field(default_factory=Thresholds)
    query: Mapping[str, Any] = field(default_factory=dict, repr=False)
    body: Mapping[str, Any] | None = field(default=None, repr=False)

    @classmethod
    def of(cls, task: Any, what: str) -> Question:
        """The question that a task's arguments spell out.

        :param task: an operator with the arguments ``{what}_maximum`` and so on.
        :raises ConfigurationError: a limit is none, or the parameters are no mapping.
        """
        given = {which: getattr(task, f"{what}_{which}") for which in ("maximum", "minimum", "allowed", "forbidden")}
        query, body = (unredacted(getattr(task, f"{what}_{which}")) for which in ("query", "body"))
        return cls(
            limits=Thresholds(**{which: limits or {} for which, limits in given.items()}),
            query=mapping(f"{what}_query", query),
            body=None if body is None else mapping(f"{what}_body", body),
        )


class CallaroPreflightOperator(CallaroOperator):
    """Ask for a campaign's capacity and the time zones of its audience, and fail before the launch where they are bad.

    What the two answers hold is not documented, so the limits name the fields: dotted, as the answer nests, such as
    ``{"estimated_minutes": 600}``. Of a list, ``checks.length`` is how many elements it has, ``checks[].status`` is
    judged for each, and ``checks[].status=failed`` is how many say so. A name that the answer does not have fails the
    task too, naming those it has. Run it once without limits to see them: it returns the numbers of both answers,
    ``{"capacity": {…}, "timezones": {…}}``. It rings nobody and changes nothing.

    :param campaign_id: the campaign, as Callaro names it. Templated.
    :param capacity_maximum: the largest numbers of the capacity preview that are still well. Templated.
    :param capacity_minimum: the smallest ones. Templated.
    :param capacity_allowed: by name, the words that are well, such as ``{"status": ["ok", "ready"]}``. Templated.
    :param capacity_forbidden: by name, the words that are not well. Templated.
    :param capacity_query: parameters of the question, in its path, as your account takes them. Templated,
        never shown.
    :param capacity_body: parameters in a body, where the connection's ``routes`` ask with POST. Templated,
        never shown.
    :param timezones_maximum: the largest numbers of the time zone analysis that are still well. Templated.
    :param timezones_minimum: the smallest ones. Templated.
    :param timezones_allowed: by name, the words that are well. Templated.
    :param timezones_forbidden: by name, the words that are not well. Templated.
    :param timezones_query: as ``capacity_query``. Templated, never shown.
    :param timezones_body: as ``capacity_body``. Templated, never shown.
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

    def execute(self, context: Mapping[str, Any]) -> dict[str, dict[str, float]]:  # noqa: ARG002 - Airflow's signature
        """Ask for both, and judge them."""
        capacity, timezones = Question.of(self, "capacity"), Question.of(self, "timezones")
        return fail_without_retry(preflight, self.hook, self.campaign_id, capacity=capacity, timezones=timezones)


def preflight(
    hook: CallaroHook, campaign_id: CampaignId, *, capacity: Question, timezones: Question
) -> dict[str, dict[str, float]]:
    """Ask for a campaign's capacity and time zones, and judge them.

    :return: the numbers of both answers, ``{"capacity": {…}, "timezones": {…}}``.
    :raises AirflowFailException: a number or a word is beyond its limit; every breach is named.
    :raises ConfigurationError: a limit names what the answer does not have.
    """
    capacity_answer = hook.capacity_preview(campaign_id, query=capacity.query, body=capacity.body)
    timezones_answer = hook.audience_timezone_analysis(campaign_id, query=timezones.query, body=timezones.body)
    breaches = [
        *(f"capacity: {breach}" for breach in capacity.limits.breaches(capacity_answer)),
        *(f"time zones: {breach}" for breach in timezones.limits.breaches(timezones_answer)),
    ]
    if breaches:
        raise AirflowFailException(f"campaign {campaign_id} is not fit to be launched: {'; '.join(breaches)}")
    return {"capacity": numbers_shown(capacity_answer), "timezones": numbers_shown(timezones_answer)}


def numbers_shown(answer: Mapping[str, Any]) -> dict[str, float]:
    """The numbers that may stand in an XCom: none that may be a phone number, nor one under such a name."""
    numbers = numbers_in(answer)
    fit = {
        name: number
        for name, number in sorted(numbers.items())
        if abs(number) <= LARGEST_COUNT and mask_text(name) == name
    }
    return dict(list(fit.items())[:MOST_NUMBERS])
