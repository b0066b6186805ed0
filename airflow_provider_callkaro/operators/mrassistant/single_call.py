"""One MrAssistant call as a task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from airflow_provider_callkaro.calls.call import InvalidCall
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.hooks.mrassistant.hook import MrAssistantHook, with_read_timeout
from airflow_provider_callkaro.tasks.account import Account
from airflow_provider_callkaro.tasks.arguments import is_template, unredacted
from airflow_provider_callkaro.tasks.redacted import Redacted
from airflow_provider_callkaro.tasks.rules import Suppression, read_policy
from airflow_provider_callkaro.tasks.single_call import SINGLE_CALL_FIELDS, SingleCallOperator
from airflow_provider_callkaro.vendors.mrassistant.fields import CALL_FIELDS, CALL_ROW_SCHEMA

if TYPE_CHECKING:
    from airflow_provider_callkaro.calls.policy import CallingPolicy


TEXT_FIELDS = frozenset({"from_number", "dtmf", "custom_headers", "display_name"})  # checked when the task runs


class MrAssistantOutboundCallOperator(SingleCallOperator):
    """Place one call, at once, and return its id.

    It uses the same ledger as a fan-out. A retry returns the call that the first try placed. A person who has been
    called in the scope is not called again: the task is skipped.

    :param to_number: the number to call, E.164. Templated, never shown.
    :param agent_id: the agent that speaks; default: the connection's. Templated.
    :param context: facts for the agent's prompts. Templated, never shown.
    :param from_number: the number that the called person sees, E.164. Templated, never shown.
    :param priority: ``low``, ``normal``, ``high`` or ``urgent``. Templated.
    :param krisp_enabled: whether to remove noise from the call. Templated.
    :param wait_until_answered: whether MrAssistant answers only once somebody has picked up, or nobody has. The read
        timeout is then ``ringing_timeout_seconds`` (80 if not set) and 30 seconds. Templated.
    :param display_name: the name that the called person sees. Templated.
    :param dtmf: tones to dial once the call is connected. Templated, never shown.
    :param play_dialtone: whether the caller's side hears a dial tone. Templated.
    :param media_encryption: ``DISABLE``, ``ALLOW`` or ``REQUIRE``. Templated.
    :param ringing_timeout_seconds: how long the phone rings, 1 to 80. Templated.
    :param max_call_duration_seconds: how long the call lasts at most, 60 to 86,400. Templated.
    :param hide_phone_number: whether to withhold the number. Templated.
    :param custom_headers: SIP headers whose names begin with ``X-``. Templated, never shown.
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
        the next opening; ``"stop"`` fails the task. MrAssistant cannot schedule a single call.
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
    :param call_reference: whether a call carries a reference in its context, by which its outcome finds it, where the
        ledger is a SQL one. Default True.
    :param mrassistant_conn_id: the MrAssistant connection. Templated.
    :raises ConfigurationError: an argument cannot work, naming it.
    """

    row_schema = CALL_ROW_SCHEMA
    template_fields: Sequence[str] = (
        *SINGLE_CALL_FIELDS,
        "context",
        *CALL_FIELDS,
        "mrassistant_conn_id",
    )
    never_shown = frozenset({"to_number", "context", "from_number", "dtmf", "custom_headers", "call_key"})
    ui_color = "#dfe6f5"

    def __init__(
        self,
        *,
        to_number: str,
        agent_id: str | None = None,
        context: Mapping[str, Any] | None = None,
        from_number: str | None = None,
        priority: str | None = None,
        krisp_enabled: bool | str | None = None,
        wait_until_answered: bool | str | None = None,
        display_name: str | None = None,
        dtmf: str | None = None,
        play_dialtone: bool | str | None = None,
        media_encryption: str | None = None,
        ringing_timeout_seconds: int | str | None = None,
        max_call_duration_seconds: int | str | None = None,
        hide_phone_number: bool | str | None = None,
        custom_headers: Mapping[str, str] | None = None,
        call_key: str | None = None,
        default_region: str | None = None,
        allowed_countries: Sequence[str] | None = None,
        allowed_number_types: Sequence[str] | None = None,
        policy: CallingPolicy | str | None = None,
        when_closed: Literal["wait", "stop"] = "wait",
        soft_fail: bool = False,
        expires_after: timedelta | None = None,
        stale_runs: str = "skip",
        stale_after: timedelta = timedelta(days=1),
        ledger_conn_id: str | None = None,
        ledger_scope: str | None = None,
        redial: str | list[str] | None = None,
        call_reference: bool = True,
        mrassistant_conn_id: str = MrAssistantHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.to_number = Redacted(to_number)
        self.agent_id = agent_id
        self.context = Redacted(context)
        self.from_number = Redacted(from_number)
        self.priority = priority
        self.krisp_enabled = krisp_enabled
        self.wait_until_answered = wait_until_answered
        self.display_name = display_name
        self.dtmf = Redacted(dtmf)
        self.play_dialtone = play_dialtone
        self.media_encryption = media_encryption
        self.ringing_timeout_seconds = ringing_timeout_seconds
        self.max_call_duration_seconds = max_call_duration_seconds
        self.hide_phone_number = hide_phone_number
        self.custom_headers = Redacted(custom_headers)
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
        self.mrassistant_conn_id = mrassistant_conn_id
        self._check_arguments()
        self._check_fields()

    def _check_fields(self) -> None:
        for name, value in self._options().items():
            if value is not None and name not in TEXT_FIELDS and not is_template(value):
                try:
                    CALL_FIELDS[name](value)
                except InvalidCall as error:
                    raise ConfigurationError(str(error)) from None

    @cached_property
    def hook(self) -> MrAssistantHook:
        """The MrAssistant hook."""
        return MrAssistantHook(self.mrassistant_conn_id)

    def _account(self) -> Account:
        connection = self.hook.connection
        return replace(
            Account.of_connection(self.mrassistant_conn_id, connection),
            target=with_read_timeout(connection.target, connection.vendor.answer_may_take(self._options())),
            row_schema=CALL_ROW_SCHEMA,
        )

    def _metadata(self) -> object:
        return self.context.value

    def _options(self) -> Mapping[str, Any]:
        return {name: unredacted(getattr(self, name)) for name in CALL_FIELDS}
