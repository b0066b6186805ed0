"""One CallKaro call as a task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from airflow_provider_callkaro.calls.row_schema import CALLKARO
from airflow_provider_callkaro.hooks.callkaro import CallKaroHook
from airflow_provider_callkaro.links.callkaro import CallKaroCampaignLink
from airflow_provider_callkaro.tasks.account import Account
from airflow_provider_callkaro.tasks.redacted import Redacted
from airflow_provider_callkaro.tasks.rules import Suppression, read_policy
from airflow_provider_callkaro.tasks.single_call import SINGLE_CALL_FIELDS, SingleCallOperator

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_callkaro.calls.policy import CallingPolicy

CALL_ARGUMENTS = (
    "min_trigger_time",
    "max_trigger_time",
    "carry_over",
    "number_of_retries",
    "gap_between_retries",
    "priority",
    "language",
)


class CallKaroOutboundCallOperator(SingleCallOperator):
    """Place one call, and return its id.

    It uses the same ledger as a fan-out. A retry returns the call that the first try placed. A person who has been
    called in the scope is not called again: the task is skipped.

    :param to_number: the number to call, E.164. Templated, never shown.
    :param agent_id: the agent that speaks; default: the connection's. Templated.
    :param batch_id: the campaign that the call belongs to. Templated.
    :param metadata: facts for the agent's prompts. Templated, never shown.
    :param schedule_at: when to ring, ISO form or datetime; naive values are meant in the connection's
        ``schedule_timezone``; ``"next_window"`` is the policy's next opening. Templated.
    :param min_trigger_time: the earliest time of day to ring, ``HH:MM`` in that zone. Templated.
    :param max_trigger_time: the latest time of day to ring, ``HH:MM`` in that zone. Templated.
    :param carry_over: whether a call that reached ``max_trigger_time`` moves to the next day. Templated.
    :param number_of_retries: how often CallKaro redials somebody who does not pick up, 0 to 10. Templated.
    :param gap_between_retries: minutes between its redials, one number or one per redial. Templated.
    :param priority: place in CallKaro's queue, -100 (last) to 100 (first). Templated.
    :param language: ``hi``, ``en``, ``kn``, ``mr``, ``ta``, ``te``, ``bn``, ``gu`` or ``ml``. Templated.
    :param call_key: the idempotency key: a person is called once in the scope under it; default: the number.
        Templated, never shown.
    :param default_region: two-letter region for a number without ``+`` (extra ``[phone]``).
    :param allowed_countries: two-letter codes (ISO 3166-1) of the countries that may be called, such as ``["IN"]``;
        None allows all. A number of no country (satellite, ``+1 800``) is in none of them.
    :param allowed_number_types: which types of number may be called, such as ``["mobile", "fixed_line"]`` (extra
        ``[phone]``); others, and impossible numbers, are rejected. None allows all.
    :param policy: when the phone may ring, how often, and whether it may at all: a `CallingPolicy` or
        the name of a rule pack, such as ``"in-promotional"``; None lets it ring at any time.
    :param when_closed: what happens if the call may not ring now: ``"wait"`` (default) waits without a worker slot for
        the next opening; ``"schedule"`` sends it to the vendor with the next opening as its ``schedule_at``;
        ``"stop"`` fails the task.
    :param soft_fail: with ``when_closed="stop"``, skip the task rather than fail it.
    :param expires_after: skip the call if it could ring only later than this after it was due.
    :param stale_runs: what a run does that is stale when it first starts: ``"skip"`` (default), ``"fail"``, or
        ``"dial"`` all the same. Templated.
    :param stale_after: how long after the end of its data interval a run is stale. Default one day.
    :param ledger_conn_id: a SQL connection whose ledger remembers who has been called, over runs and DAGs; None uses
        the task's own state (Airflow 3.3 and later). Templated.
    :param ledger_scope: the idempotency scope: a person is called once under this name. Default: DAG, task and data
        interval. A run without an interval (started by hand, or by an asset) needs it with a SQL ledger. Templated.
    :param redial: ``"unknown"`` or ``"rejected"``: places a call that ended so once more, on purpose. Templated.
    :param call_reference: whether a call carries a reference in its metadata, by which its outcome finds it, where the
        ledger is a SQL one. Default True.
    :param callkaro_conn_id: the CallKaro connection. Templated.
    :raises ConfigurationError: an argument cannot work, naming it.
    """

    row_schema = CALLKARO
    template_fields: Sequence[str] = (
        *SINGLE_CALL_FIELDS,
        "batch_id",
        "metadata",
        "schedule_at",
        *CALL_ARGUMENTS,
        "callkaro_conn_id",
    )
    operator_extra_links = (CallKaroCampaignLink(),)
    never_shown = frozenset({"to_number", "metadata", "call_key"})
    ui_color = "#e3f1ec"

    def __init__(
        self,
        *,
        to_number: str,
        agent_id: str | None = None,
        batch_id: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        schedule_at: datetime | str | None = None,
        min_trigger_time: str | None = None,
        max_trigger_time: str | None = None,
        carry_over: bool | str | None = None,
        number_of_retries: int | str | None = None,
        gap_between_retries: int | str | list[int] | None = None,
        priority: int | str | None = None,
        language: str | None = None,
        call_key: str | None = None,
        default_region: str | None = None,
        allowed_countries: Sequence[str] | None = None,
        allowed_number_types: Sequence[str] | None = None,
        policy: CallingPolicy | str | None = None,
        when_closed: Literal["wait", "schedule", "stop"] = "wait",
        soft_fail: bool = False,
        expires_after: timedelta | None = None,
        stale_runs: str = "skip",
        stale_after: timedelta = timedelta(days=1),
        ledger_conn_id: str | None = None,
        ledger_scope: str | None = None,
        redial: str | list[str] | None = None,
        call_reference: bool = True,
        callkaro_conn_id: str = CallKaroHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.to_number = Redacted(to_number)
        self.agent_id = agent_id
        self.batch_id = batch_id
        self.metadata = Redacted(metadata)
        self.schedule_at = schedule_at
        self.min_trigger_time = min_trigger_time
        self.max_trigger_time = max_trigger_time
        self.carry_over = carry_over
        self.number_of_retries = number_of_retries
        self.gap_between_retries = gap_between_retries
        self.priority = priority
        self.language = language
        self.call_key = Redacted(call_key)
        self.default_region = default_region
        self.allowed_countries = allowed_countries
        self.allowed_number_types = allowed_number_types
        self.policy = read_policy(policy)
        self.suppression = Suppression.of(self.policy)
        self.when_closed = when_closed
        self.soft_fail = soft_fail
        self.expires_after = expires_after
        self.stale_runs = stale_runs
        self.stale_after = stale_after
        self.ledger_conn_id = ledger_conn_id
        self.ledger_scope = ledger_scope
        self.redial = redial
        self.call_reference = call_reference
        self.callkaro_conn_id = callkaro_conn_id
        self._check_arguments()

    @cached_property
    def hook(self) -> CallKaroHook:
        """The CallKaro hook."""
        return CallKaroHook(self.callkaro_conn_id)

    def _account(self) -> Account:
        return Account.of_connection(self.callkaro_conn_id, self.hook.connection)

    def _announce(self, context: Context) -> None:
        CallKaroCampaignLink.show(context, self.batch_id)

    def _metadata(self) -> object:
        return self.metadata.value

    def _options(self) -> Mapping[str, Any]:
        return {name: getattr(self, name) for name in ("schedule_at", *CALL_ARGUMENTS)}
