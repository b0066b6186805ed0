"""A phone call to whoever is on call, from a callback of a task, of a DAG or of a missed deadline."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Generator, Mapping, Sequence
from copy import copy
from datetime import timedelta
from typing import Any

from airflow.providers.common.compat.sdk import BaseNotifier, Context

from airflow_provider_callkaro.calls.masking import mask_number
from airflow_provider_callkaro.exceptions import (
    ConfigurationError,
    NotSent,
    OutcomeUnknown,
    Throttled,
    VoiceCallError,
)
from airflow_provider_callkaro.hooks.callkaro import CallKaroHook
from airflow_provider_callkaro.notifications.incident import Incident, OncePer
from airflow_provider_callkaro.notifications.quiet import QuietPeriods, quiet_periods
from airflow_provider_callkaro.tasks.arguments import is_empty, is_template

LONGEST_QUIET = timedelta(days=7)

log = logging.getLogger(__name__)


class CallKaroNotifier(BaseNotifier):
    """Phone somebody when a task or a run fails, or when a deadline is missed.

    The agent gets ``dag_id``, ``task_id``, ``run_id``, ``try_number`` and ``error`` (the class of the exception, not
    its message) as metadata, as far as Airflow says them. A callback never fails because of this notifier: what keeps
    it from calling is an error in the log. If CallKaro's answer is lost the call may ring, so it is not sent again.

    :param to_number: whom to call, E.164; default: ``on_call_number`` in the extra of the connection, which no DAG
        and no page shows. Templated.
    :param agent_id: the agent that speaks; default: the connection's. Templated.
    :param batch_id: the campaign that the call belongs to; None belongs to none. Templated.
    :param metadata: further facts for the agent, such as ``{"runbook": "billing"}``. Templated.
    :param once_per: what counts as one incident: ``"task_instance"`` (default; all that one task maps to are one),
        ``"dag_run"`` or ``"dag"``.
    :param quiet_period: for how long nobody is called for the same incident again; one second to seven days. Default
        15 minutes.
    :param ledger_conn_id: a SQL connection that remembers who was called, for every process; None remembers within
        one process only, and each task has its own. With one, nobody is called while its database does not answer.
        Templated.
    :param callkaro_conn_id: the CallKaro connection. Templated.
    :raises ConfigurationError: an argument cannot work, naming it.
    """

    template_fields: Sequence[str] = (
        "to_number",
        "agent_id",
        "batch_id",
        "metadata",
        "ledger_conn_id",
        "callkaro_conn_id",
    )

    def __init__(
        self,
        *,
        to_number: str | None = None,
        agent_id: str | None = None,
        batch_id: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        once_per: str = OncePer.TASK_INSTANCE.value,
        quiet_period: timedelta | float = timedelta(minutes=15),
        ledger_conn_id: str | None = None,
        callkaro_conn_id: str = CallKaroHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.to_number = to_number
        self.agent_id = agent_id
        self.batch_id = batch_id
        self.metadata = metadata
        self.once_per = once_per
        self.quiet_period = quiet_period
        self.ledger_conn_id = ledger_conn_id
        self.callkaro_conn_id = callkaro_conn_id
        if kwargs.get("context") is None:  # in a triggerer an error here would be logged with every argument
            self._check()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(not shown)"  # it holds a number, and Airflow shows callbacks

    def __call__(self, *args: Any) -> None:
        """Call from a callback. It never raises."""
        context = args[0] if len(args) == 1 else {"dag": args[0]}
        own = self._rendered(context)
        if own is not None:
            own.notify(context)

    def __await__(self) -> Generator[Any, Any, None]:
        """Call from a triggerer, for a missed deadline. It never raises."""
        return self._await().__await__()

    async def _await(self) -> None:
        context = getattr(self, "context", None) or {}
        own = self._rendered(context)
        if own is not None:
            await own.async_notify(context)

    def notify(self, context: Context) -> None:
        """Call, unless somebody was called for the same within the quiet period.

        :param context: of the callback.
        """
        self._shielded(CallKaroHook(self.callkaro_conn_id), context)

    async def async_notify(self, context: Context) -> None:
        """As `notify`, without holding up the event loop.

        :param context: of the callback; before Airflow 3.2 a deadline has none.
        """
        from asgiref.sync import sync_to_async

        hook = CallKaroHook(self.callkaro_conn_id)
        try:
            await hook.async_connection()
        except Exception as error:
            self._say_failure(Incident.of(context), error)
            return
        await sync_to_async(self._shielded)(hook, context)

    def _rendered(self, context: Context) -> CallKaroNotifier | None:
        """A copy with its templates rendered: the DAG's own notifier serves many tasks. None where that fails."""
        own = copy(self)
        try:
            own.render_template_fields(context)
        except Exception as error:  # its message may quote a value
            log.error(
                "Nobody was called for %s: a template of CallKaroNotifier cannot be rendered (%s)",
                Incident.of(context),
                type(error).__name__,
            )
            return None
        return own

    def _shielded(self, hook: CallKaroHook, context: Context) -> None:
        """Call, and say in the log what became of it; whatever goes wrong stays here."""
        incident = Incident.of(context)
        try:
            self._check()
            self._alert(hook, incident)
        except Exception as error:
            self._say_failure(incident, error)

    def _alert(self, hook: CallKaroHook, incident: Incident) -> None:
        from airflow_provider_callkaro.calls.call import Call

        number = self._number(hook)
        call = Call(
            to_number=number,
            agent_id=self.agent_id or hook.connection.agent_id,
            batch_id=self.batch_id,
            metadata={**(self.metadata or {}), **incident.facts()},
        )
        what, owner = incident.name(OncePer(self.once_per)), secrets.token_hex(16)
        with quiet_periods(self.ledger_conn_id) as quiet:
            if not quiet.begin(what, number=number, period=self._period(), owner=owner):
                log.info("%s was called for %s already, and is not called again yet", mask_number(number), incident)
                return
            self._place(hook, call, incident, quiet, what=what, owner=owner)

    def _place(
        self, hook: CallKaroHook, call: Any, incident: Incident, quiet: QuietPeriods, *, what: str, owner: str
    ) -> None:
        from airflow_provider_callkaro.transport.retry import RetryPolicy

        try:
            placed = hook.place_call(call, patience=RetryPolicy(attempts=4, throttled_attempts=4, max_retry_after=30.0))
        except OutcomeUnknown:
            raise  # it may ring: the quiet period stays
        except VoiceCallError:
            quiet.withdraw(what, number=call.to_number, owner=owner)
            raise
        log.info("Called %s for %s: call %s", mask_number(call.to_number), incident, placed.call_id)

    def _number(self, hook: CallKaroHook) -> str:
        from airflow_provider_callkaro.calls.phone import NumberReader

        number = NumberReader().read(self.to_number or hook.connection.on_call_number)
        if number is None:
            raise ConfigurationError(
                f"CallKaroNotifier has no number that can be called: give it to_number, or connection "
                f'"{self.callkaro_conn_id}" an "on_call_number" in its extra, as E.164'
            )
        return number

    def _period(self) -> timedelta:
        return self.quiet_period if isinstance(self.quiet_period, timedelta) else timedelta(seconds=self.quiet_period)

    def _check(self) -> None:
        """Refuse what cannot work; what is still a template is left to the callback."""
        from airflow_provider_callkaro.calls.phone import NumberReader

        if self.once_per not in list(OncePer):
            raise ConfigurationError(f"once_per must be one of {', '.join(OncePer)}")
        is_span = isinstance(self.quiet_period, (timedelta, int, float)) and not isinstance(self.quiet_period, bool)
        if not is_span or not timedelta(seconds=1) <= self._period() <= LONGEST_QUIET:
            raise ConfigurationError("quiet_period must be a timedelta, or seconds, from one second to seven days")
        if self.metadata is not None and not isinstance(self.metadata, Mapping):
            raise ConfigurationError('metadata must be a mapping, such as {"runbook": "billing"}')
        for name in ("to_number", "agent_id", "batch_id", "ledger_conn_id", "callkaro_conn_id"):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, str) or is_empty(value)):
                raise ConfigurationError(
                    f"{name} of CallKaroNotifier is empty, or no text: give it one, or leave it out"
                )
        if (
            self.to_number is not None
            and not is_template(self.to_number)
            and NumberReader().read(self.to_number) is None
        ):
            raise ConfigurationError(
                "to_number of CallKaroNotifier must be a phone number, E.164: + and 2 to 15 digits"
            )

    def _say_failure(self, incident: Incident, error: Exception) -> None:
        if isinstance(error, OutcomeUnknown):
            log.warning("The call for %s may ring, and is not sent again: %s", incident, error)
        elif isinstance(error, (NotSent, Throttled)):
            log.error("Nobody was called for %s, the next failure tries again: %s", incident, error)
        elif isinstance(error, VoiceCallError):
            log.error("Nobody was called for %s: %s", incident, error)
        else:
            log.error("Nobody was called for %s: %s in CallKaroNotifier", incident, type(error).__name__)
