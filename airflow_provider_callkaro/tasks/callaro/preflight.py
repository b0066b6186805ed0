"""What is asked of a Callaro campaign before its launch: is there capacity, and where does its audience live?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_callkaro.calls.masking import mask_text
from airflow_provider_callkaro.hooks.callaro import CallaroHook
from airflow_provider_callkaro.tasks.argument_values import holds_template
from airflow_provider_callkaro.tasks.arguments import unredacted
from airflow_provider_callkaro.tasks.callaro.operator import read_mapping
from airflow_provider_callkaro.vendors.callaro.answers import CampaignId
from airflow_provider_callkaro.vendors.callaro.thresholds import Thresholds, numbers_in

MOST_NUMBERS = 200  # of one answer, in an XCom
LARGEST_COUNT = 100_000_000  # a larger number may be somebody's phone number
PLAN_FIELDS = tuple(
    f"{what}_{which}"
    for what in ("capacity", "timezones")
    for which in ("maximum", "minimum", "allowed", "forbidden", "query", "body")
)
KINDS = ("maximum", "minimum", "allowed", "forbidden")  # of limits
Words = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question about a campaign before its launch, and the limits of a good answer. ``limits``: on the numbers and
    words of the answer. ``body``: parameters in a body; None sends none."""

    limits: Thresholds = field(default_factory=Thresholds)
    query: Mapping[str, Any] = field(default_factory=dict, repr=False)
    body: Mapping[str, Any] | None = field(default=None, repr=False)

    @classmethod
    def of(cls, task: object, what: str) -> Question:
        """The question in a task's arguments. ``task``: an operator with the arguments ``{what}_maximum`` and so on.
        Raises ConfigurationError if a limit cannot be one, or the parameters are no mapping."""
        query, body = (unredacted(getattr(task, f"{what}_{which}")) for which in ("query", "body"))
        return cls(
            limits=limits_of(task, f"{what}_"),
            query=read_mapping(f"{what}_query", query),
            body=None if body is None else read_mapping(f"{what}_body", body),
        )


def limits_of(task: object, prefix: str = "") -> Thresholds:
    """The limits in the arguments ``maximum``, ``minimum``, ``allowed`` and ``forbidden`` of a task. ``prefix``: what
    comes before those names, such as ``capacity_``. Raises ConfigurationError if a limit cannot be one."""
    return Thresholds(**{kind: getattr(task, prefix + kind) or {} for kind in KINDS})


def check_limits(task: object, prefix: str = "") -> None:
    """When the DAG is parsed: check the limits of a task that are no templates. ``prefix``: what comes before their
    names, such as ``capacity_``. Raises ConfigurationError if a limit cannot be one."""
    for kind in KINDS:
        limits = getattr(task, prefix + kind)
        if limits is not None and not holds_template(limits):
            Thresholds(**{kind: limits})


def preflight(
    hook: CallaroHook, campaign_id: CampaignId, *, capacity: Question, timezones: Question
) -> dict[str, dict[str, float]]:
    """Ask for a campaign's capacity and time zones, and judge them. Returns the numbers of both answers, ``{"capacity":
    {…}, "timezones": {…}}``. Raises AirflowFailException if a number or a word is beyond its limit; every breach is
    named. Raises ConfigurationError if a limit names what the answer does not have."""
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
    """The numbers that may stand in an XCom: none that may be a phone number, in its value or in its name."""
    numbers = numbers_in(answer)
    fit = {
        name: number
        for name, number in sorted(numbers.items())
        if abs(number) <= LARGEST_COUNT and mask_text(name) == name
    }
    return dict(list(fit.items())[:MOST_NUMBERS])
