"""Waiting until it is known what became of calls: one sensor for every vendor.

It reads what the receiver of webhooks has written beside the ledger, and asks no vendor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    BaseSensorOperator,
    Context,
    conf,
)

from airflow_provider_callkaro.exceptions import ConfigurationError, LedgerError
from airflow_provider_callkaro.sensors.rescheduling import AirflowRescheduleException, first_reschedule
from airflow_provider_callkaro.tasks.argument_values import check_span
from airflow_provider_callkaro.tasks.arguments import provided_arguments, refuse_empty_arguments
from airflow_provider_callkaro.tasks.asset_events import CallEventKind, tell_outlets
from airflow_provider_callkaro.tasks.outcome_calls import (
    OUTCOME_FIELDS,
    UNRESOLVED_AFTER,
    OutcomeCalls,
    check_calls,
    find_calls,
)
from airflow_provider_callkaro.tasks.rendering import RendersLiterals
from airflow_provider_callkaro.tasks.waiting import LATE_WAKING, LONGEST_TIMEOUT, sleep_until
from airflow_provider_callkaro.triggers.call_outcomes import CallOutcomesTrigger
from airflow_provider_callkaro.vendors.known import VENDORS

if TYPE_CHECKING:
    from airflow_provider_callkaro.outcomes.counting import OutcomeCounts

SHORTEST_POLL = 1.0  # seconds between two questions
_ENDINGS = ("fail", "skip", "succeed")


class CallOutcomesSensor(RendersLiterals, BaseSensorOperator):
    """Waits until a share of the accepted calls has an outcome, and returns the counts. It serves every vendor.

    The wait ends before that where no outcome is expected any more (each call that lacks one is unresolved), and when
    ``timeout`` has passed since it first started. ``on_timeout`` says what then. In each case the counts are in XCom:
    ``{"complete", "accepted", "with_outcome", "awaiting", "unresolved", "converted", "unknown", "outcomes": {word:
    calls}}``, where ``accepted`` is the sum of the next three. Outlets get an asset event with them.

    Deferred, all sensors that wait for one database in a triggerer ask by one statement every ``poke_interval``.

    :param ledger_conn_id: the SQL connection of the ledger under which the calls were placed. Templated.
    :param task_ids: the tasks of this DAG run that placed the calls: an id or a list of ids; default: the tasks right
        before the sensor. Templated.
    :param ledger_scope: the scope of the calls, where they were placed by another run or DAG. Templated.
    :param campaign_id: only calls of this campaign, as the vendor names it. Alone, it means them in every scope.
        Templated.
    :param share: of the accepted calls that must have an outcome, from 0 to 1. Default 1.0, all.
    :param unresolved_after: how long after a call no outcome is expected for it any more. Default one day.
    :param on_timeout: what the sensor does if the wait ends without enough outcomes: ``"fail"`` (default, without a
        retry), ``"skip"``, or ``"succeed"`` with ``complete`` false.
    :param vendor: whose campaign ``campaign_id`` is, for the asset of an outlet that is an alias: ``"callkaro"``
        (default), ``"callaro"`` or ``"mrassistant"``.
    :param deferrable: wait in the triggerer. Default: ``[operators] default_deferrable``.
    :raises ConfigurationError: an argument cannot work, naming it.
    """

    template_fields: Sequence[str] = OUTCOME_FIELDS
    ui_color = "#e3ecf1"

    def __init__(
        self,
        *,
        ledger_conn_id: str,
        task_ids: str | Sequence[str] | None = None,
        ledger_scope: str | None = None,
        campaign_id: str | None = None,
        share: float = 1.0,
        unresolved_after: timedelta = UNRESOLVED_AFTER,
        on_timeout: Literal["fail", "skip", "succeed"] = "fail",
        vendor: str = "callkaro",
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.ledger_conn_id = ledger_conn_id
        self.task_ids = task_ids
        self.ledger_scope = ledger_scope
        self.campaign_id = campaign_id
        self.share = share
        self.unresolved_after = unresolved_after
        self.on_timeout = on_timeout
        self.vendor = vendor
        self.deferrable = deferrable
        self._check_literals()
        self._provided = provided_arguments(self, self.template_fields)
        check_calls(self)
        self._check()

    def execute(self, context: Context) -> dict[str, Any]:
        """Wait until enough calls have an outcome, and return the counts."""
        first = first_reschedule(context, retries=self.retries) if self.reschedule else None
        return self._wait(context, began=first or datetime.now(UTC))

    def execute_complete(self, context: Context, event: Mapping[str, Any]) -> dict[str, Any]:
        """Go on after the triggerer, with the counts that it found.

        :param event: ``{"counts": …}``, or ``{"error": …}`` where no further question would help.
        """
        if "error" in event:
            raise AirflowFailException(str(event["error"]))
        counts = event.get("counts")
        if counts is None:  # the database has not answered the triggerer
            found = self._ask(self._calls(context))
            if found is None:
                self._refuse("the ledger's database did not answer until the sensor's timeout")
            counts = self._plain(found)
        return self._end(context, counts)

    def _wait(self, context: Context, *, began: datetime) -> dict[str, Any]:
        from airflow_provider_callkaro.outcomes.waiting import expects_more

        until = began + timedelta(seconds=min(self.timeout, LONGEST_TIMEOUT.total_seconds()))
        calls = self._calls(context)
        while True:
            counts, now = self._ask(calls), datetime.now(UTC)
            if counts is not None:
                plain = self._plain(counts)
                if plain["complete"] or not expects_more(counts) or now >= until:
                    return self._end(context, plain)
            elif now >= until:
                self._refuse("the ledger's database did not answer until the sensor's timeout")
            self._pause(min(now + timedelta(seconds=max(self.poke_interval, SHORTEST_POLL)), until), until, calls)

    def _pause(self, moment: datetime, until: datetime, calls: OutcomeCalls) -> None:
        if self.deferrable:
            self.defer(
                trigger=CallOutcomesTrigger(
                    ledger_conn_id=calls.ledger_conn_id,
                    scopes=calls.scopes,
                    campaign_id=calls.campaign_id,
                    share=self.share,
                    unresolved_after=self.unresolved_after.total_seconds(),
                    until=until,
                    poll_interval=max(self.poke_interval, SHORTEST_POLL),
                ),
                method_name="execute_complete",
                timeout=until - datetime.now(UTC) + LATE_WAKING,
            )
        if self.reschedule:
            raise AirflowRescheduleException(moment)
        sleep_until(moment)

    def _calls(self, context: Context) -> OutcomeCalls:
        refuse_empty_arguments(self, self._provided)
        return find_calls(self, context)

    def _ask(self, calls: OutcomeCalls) -> OutcomeCounts | None:
        """The counts; None where the database did not answer, and may at the next poke."""
        from airflow_provider_callkaro.hooks.ledger import ledger_keys, sql_engine
        from airflow_provider_callkaro.outcomes.store import OutcomeStore
        from airflow_provider_callkaro.outcomes.waiting import total_of

        engine = sql_engine(calls.ledger_conn_id)
        try:
            with OutcomeStore(engine, keys=ledger_keys(calls.ledger_conn_id)) as store:
                return total_of(store.answer(calls.questions(self.unresolved_after)))
        except ConfigurationError:  # a LedgerRefused too: the next poke would meet the same
            raise
        except LedgerError as error:
            self.log.warning("%s; asking again at the next poke", error)
            return None
        finally:
            engine.dispose()

    def _plain(self, counts: OutcomeCounts) -> dict[str, Any]:
        from airflow_provider_callkaro.outcomes.waiting import as_plain, has_enough

        return as_plain(counts, is_complete=has_enough(counts, share=self.share))

    def _end(self, context: Context, counts: dict[str, Any]) -> dict[str, Any]:
        told = (
            f"{counts['with_outcome']} of {counts['accepted']} calls have an outcome, "
            f"{counts['awaiting']} wait for one, {counts['unresolved']} are unresolved"
        )
        self.log.info("%s: %s", told, ", ".join(f"{word} {calls}" for word, calls in counts["outcomes"].items()))
        if not counts["complete"]:
            if self.on_timeout != "succeed":
                context["ti"].xcom_push(key="return_value", value=counts)  # what comes after may still read them
                self._refuse(f"{told}: that is less than a share of {self.share:g}, and the wait is over")
            self.log.warning("That is less than a share of %g, and the wait is over", self.share)
        tell_outlets(
            context,
            self.outlets,
            CallEventKind.OUTCOMES_COMPLETE if counts["complete"] else CallEventKind.OUTCOMES_INCOMPLETE,
            counts=counts,
            campaigns=[] if self.campaign_id is None else [self.campaign_id],
            connection_type=self.vendor,
        )
        return counts

    def _refuse(self, why: str) -> NoReturn:
        if self.on_timeout == "skip" or self.soft_fail or self.never_fail:
            raise AirflowSkipException(why)
        raise AirflowSensorTimeout(why)

    def _check(self) -> None:
        check_span("unresolved_after", self.unresolved_after)
        is_number = isinstance(self.share, (int, float)) and not isinstance(self.share, bool)
        if not is_number or not 0 <= self.share <= 1:
            raise ConfigurationError("share must be a number from 0 to 1, such as 0.9")
        if self.on_timeout not in _ENDINGS:
            raise ConfigurationError(f"on_timeout must be one of {', '.join(_ENDINGS)}")
        known = [each.connection_type for each in VENDORS]
        if self.vendor not in known:
            raise ConfigurationError(f"vendor must be one of {', '.join(known)}")
