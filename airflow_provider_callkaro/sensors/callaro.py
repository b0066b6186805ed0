"""Watching a Callaro campaign: until it reaches a state, and how it dials."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

from airflow.providers.common.compat.sdk import AirflowFailException, BaseSensorOperator, Context, PokeReturnValue, conf

from airflow_provider_callkaro.exceptions import TRANSIENT, ConfigurationError, NotAllowed, Rejected, Unauthorized
from airflow_provider_callkaro.hooks.callaro import CallaroHook
from airflow_provider_callkaro.sensors.status import StatusSensor
from airflow_provider_callkaro.tasks.callaro.preflight import Words, check_limits, limits_of
from airflow_provider_callkaro.tasks.rendering import RendersLiterals
from airflow_provider_callkaro.vendors.callaro.answers import CampaignId
from airflow_provider_callkaro.vendors.callaro.states import TERMINAL, CampaignState, plain_word

ON_DEGRADED = ("fail", "pause")
_NOT_DIALLING = frozenset({CampaignState.DRAFT, CampaignState.SCHEDULED, CampaignState.PAUSED})


class CallaroCampaignSensor(StatusSensor):
    """Waits until a campaign reaches a state, and returns the state.

    It never waits in vain: a final state (completed, cancelled, failed) that is not a target fails the task without a
    retry, or skips it with ``soft_fail``. So do a refused key and an unknown campaign. A lost answer is asked for again
    at the next poke. ``poke``, ``reschedule`` and ``deferrable`` give the same answer.

    :param campaign_id: the campaign, as Callaro names it. Templated.
    :param target_states: the states to wait for: draft, scheduled, running, paused, completed, cancelled, failed, or
        Callaro's own word where it says something else. Default: completed.
    :param failed_states: the states that fail the task, beside the final ones. Default: cancelled and failed.
    :param deferrable: wait in the triggerer, asking every ``poke_interval``; the worker asks the first question.
        Default: ``[operators] default_deferrable``.
    :param callaro_conn_id: the Callaro connection. Templated.
    :raises ConfigurationError: there is no state to wait for, or one is in both lists.
    """

    template_fields: Sequence[str] = ("campaign_id", "callaro_conn_id")
    ui_color = "#e1e9f5"
    what = "campaign"

    def __init__(
        self,
        *,
        campaign_id: CampaignId,
        target_states: Sequence[str] = (CampaignState.COMPLETED.value,),
        failed_states: Sequence[str] = (CampaignState.CANCELLED.value, CampaignState.FAILED.value),
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        callaro_conn_id: str = CallaroHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        targets = _states("target_states", target_states)
        failed = _states("failed_states", failed_states)
        super().__init__(
            target_statuses=targets,
            failed_statuses=[*failed, *sorted(TERMINAL.difference(targets, failed))],
            deferrable=deferrable,
            **kwargs,
        )
        self.campaign_id = campaign_id
        self.callaro_conn_id = callaro_conn_id
        self._check_literals()

    @cached_property
    def hook(self) -> CallaroHook:
        """The Callaro hook."""
        return CallaroHook(self.callaro_conn_id)

    @property
    def subject(self) -> CampaignId:
        """The campaign's id."""
        return self.campaign_id


class CallaroDispatchHealthSensor(RendersLiterals, BaseSensorOperator):
    """Watches how a campaign dials, until it ends; it returns the state in which it ended.

    Each poke reads the campaign's state and, unless it is a draft, scheduled or paused, its ``dispatch_health``. A
    number or a word beyond its limit fails the task without a retry, and the error names each; with
    ``on_degraded="pause"`` the sensor pauses the campaign first. The fields of that answer are not documented, so the
    limits name them: with dots, as the answer nests, and lists as in `CallaroPreflightOperator`. A lost answer is asked
    for again at the next poke. Modes ``poke`` and ``reschedule``.

    :param campaign_id: the campaign, as Callaro names it. Templated.
    :param maximum: by name, the largest numbers that are accepted, such as ``{"failure_rate": 0.2}``. Templated.
    :param minimum: by name, the smallest numbers, such as ``{"numbers_healthy": 1}``. Templated.
    :param allowed: by name, the words that are accepted, such as ``{"status": ["healthy", "ok"]}``. Templated.
    :param forbidden: by name, the words that are not, such as ``{"checks[].status": "failed"}``. Templated.
    :param on_degraded: ``fail`` (default), or ``pause``: pause the campaign, then fail.
    :param callaro_conn_id: the Callaro connection. Templated.
    :raises ConfigurationError: there is no limit, or ``on_degraded`` is something else.
    """

    template_fields: Sequence[str] = ("campaign_id", "maximum", "minimum", "allowed", "forbidden", "callaro_conn_id")
    ui_color = "#f3ecd9"

    def __init__(
        self,
        *,
        campaign_id: CampaignId,
        maximum: Mapping[str, float] | None = None,
        minimum: Mapping[str, float] | None = None,
        allowed: Words | None = None,
        forbidden: Words | None = None,
        on_degraded: str = "fail",
        callaro_conn_id: str = CallaroHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not maximum and not minimum and not allowed and not forbidden:
            raise ConfigurationError(
                "maximum and minimum are empty, and so are allowed and forbidden: name at least one number or word and "
                "its limit"
            )
        if on_degraded not in ON_DEGRADED:
            raise ConfigurationError(f"on_degraded must be one of: {', '.join(ON_DEGRADED)}")
        self.campaign_id = campaign_id
        self.maximum = maximum
        self.minimum = minimum
        self.allowed = allowed
        self.forbidden = forbidden
        self.on_degraded = on_degraded
        self.callaro_conn_id = callaro_conn_id
        self._check_literals()
        check_limits(self)

    @cached_property
    def hook(self) -> CallaroHook:
        """The Callaro hook."""
        return CallaroHook(self.callaro_conn_id)

    def poke(self, context: Context) -> PokeReturnValue:  # noqa: ARG002 - Airflow's signature
        """Look once."""
        limits = limits_of(self)
        try:
            state = self.hook.get_campaign(self.campaign_id).state
            dials = state not in TERMINAL and state not in _NOT_DIALLING
            health = self.hook.dispatch_health(self.campaign_id) if dials else None
        except TRANSIENT as error:
            self.log.warning("%s; looking again at the next poke", error)
            return PokeReturnValue(is_done=False)
        except (Unauthorized, Rejected) as error:
            raise AirflowFailException(str(error)) from error
        if health is not None and (breaches := limits.breaches(health)):
            self._degraded(breaches)
        self.log.info("Campaign %s is %s%s", self.campaign_id, state, "" if health is None else ", and dials well")
        return PokeReturnValue(is_done=state in TERMINAL, xcom_value=state.value)

    def _degraded(self, breaches: Sequence[str]) -> None:
        """Fail, after a pause if the author wants one; if the pause fails, a retry of the task sends it again."""
        outcome = "it was left running"
        if self.on_degraded == "pause":
            try:
                outcome = f"it is {self.hook.pause(self.campaign_id).state} now"
            except (NotAllowed, Unauthorized, Rejected) as error:
                outcome = f"it could not be paused ({error})"
        raise AirflowFailException(f"campaign {self.campaign_id} dials badly: {'; '.join(breaches)}; {outcome}")


def _states(name: str, words: Sequence[str]) -> list[str]:
    if (
        isinstance(words, str)
        or not isinstance(words, Iterable)
        or not all(isinstance(word, str) and word.strip() for word in words)
    ):
        raise ConfigurationError(f'{name} must be a list of states, such as ["completed"]')
    return [plain_word(word) for word in words]
