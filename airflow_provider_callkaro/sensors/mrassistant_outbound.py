"""Waiting until a MrAssistant agent may call, by its hours and its limits, as MrAssistant itself sees them.

MrAssistant says when that will be, so the sensor sleeps once until then and asks again. Where MrAssistant names no
time, it asks every ``poke_interval``. All modes ask the same question, so they give the same answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, NoReturn

from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    BaseSensorOperator,
    Context,
    conf,
)

from airflow_provider_callkaro.exceptions import PERMANENT, TRANSIENT
from airflow_provider_callkaro.hooks.mrassistant import MrAssistantHook
from airflow_provider_callkaro.sensors.rescheduling import AirflowRescheduleException, first_reschedule
from airflow_provider_callkaro.tasks.arguments import refuse_empty_arguments
from airflow_provider_callkaro.tasks.instants import in_utc, to_iso
from airflow_provider_callkaro.tasks.rendering import RendersLiterals
from airflow_provider_callkaro.tasks.waiting import LATE_WAKING, LONGEST_TIMEOUT, SHORT_WAIT, sleep_until
from airflow_provider_callkaro.triggers.schedule_window import ScheduleWindowTrigger
from airflow_provider_callkaro.triggers.status import LONGEST_WAIT
from airflow_provider_callkaro.vendors.mrassistant.outbound_config import OutboundConfig


class MrAssistantOutboundOpenSensor(RendersLiterals, BaseSensorOperator):
    """Waits until MrAssistant says that an agent may call now, and returns how many calls remain today, if it says so.

    If MrAssistant names the next time at which the agent may call, the sensor sleeps until then and asks again:
    ``poke`` on the worker, ``reschedule`` and ``deferrable`` without a worker slot (a wait under a minute is always on
    the worker). If not, it asks every ``poke_interval``. If that time lies after ``timeout``, which counts from the
    first start of the wait, it fails at once, or is skipped with ``soft_fail``; it never sleeps in vain. A lost answer
    is asked for again at the next poke. A refused key, and an agent without a configuration, fail the task without a
    retry.

    That the configuration can be read is inferred: MrAssistant documents only how to write it.

    :param agent_id: the agent; default: the connection's. Templated.
    :param deferrable: wait in the triggerer. Default: ``[operators] default_deferrable``.
    :param mrassistant_conn_id: the MrAssistant connection. Templated.
    """

    template_fields: Sequence[str] = ("agent_id", "mrassistant_conn_id")
    ui_color = "#dfe6f5"

    def __init__(
        self,
        *,
        agent_id: str | None = None,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        mrassistant_conn_id: str = MrAssistantHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.agent_id = agent_id
        self._agent_is_set = agent_id is not None
        self.deferrable = deferrable
        self.mrassistant_conn_id = mrassistant_conn_id
        self._check_literals()

    @cached_property
    def hook(self) -> MrAssistantHook:
        """The MrAssistant hook."""
        return MrAssistantHook(self.mrassistant_conn_id)

    def execute(self, context: Context) -> int | None:
        """Wait until the agent may call, and return how many calls remain."""
        first = first_reschedule(context, retries=self.retries) if self.reschedule else None
        return self._wait(began=first or datetime.now(UTC))

    def execute_complete(
        self,
        context: Context,  # noqa: ARG002 - Airflow's signature
        event: Mapping[str, Any] | None = None,  # noqa: ARG002 - Airflow hands it over by this name
        *,
        began: str,
    ) -> int | None:
        """Go on after the triggerer: ask again, because it only slept.

        :param began: when the wait began, ISO 8601.
        """
        return self._wait(began=datetime.fromisoformat(began))

    def _wait(self, *, began: datetime) -> int | None:
        deadline = began + timedelta(seconds=min(self.timeout, LONGEST_TIMEOUT.total_seconds()))
        while True:
            config, pause = self._ask()
            if config is not None and config.can_call_now:
                self.log.info("The agent may call; calls that remain today: %s", config.calls_remaining_today)
                return config.calls_remaining_today
            now = datetime.now(UTC)
            moment = self._next_look(config, now=now, pause=pause)
            if moment > deadline:
                self._refuse(
                    f"the agent may not call before the sensor's timeout of {deadline - began} is over; the next look "
                    f"would be at {to_iso(moment)}. Give it a longer timeout, or other hours"
                )
            self.log.info("The agent may not call; waiting until %s", to_iso(moment))
            if moment - now >= SHORT_WAIT:
                self._give_back_the_slot(moment, left=deadline - now, began=began)
            sleep_until(moment)

    def _ask(self) -> tuple[OutboundConfig | None, float]:
        """What MrAssistant says, and for how many seconds it wants no further question."""
        try:
            refuse_empty_arguments(self, ["agent_id"] if self._agent_is_set else [])
            self.hook.connection  # noqa: B018 - read here, where Airflow may be asked without an event loop
            config = asyncio.run(self.hook.read_outbound_config(self.agent_id))
        except TRANSIENT as error:
            self.log.warning("%s; asking again at the next poke", error)
            return None, min(getattr(error, "retry_after", None) or 0.0, LONGEST_WAIT)
        except PERMANENT as error:
            self._refuse_for_good(str(error), cause=error)
        if config.can_call_now is None:
            self.log.warning("MrAssistant does not say whether the agent may call; asking again at the next poke")
        return config, 0.0

    def _next_look(self, config: OutboundConfig | None, *, now: datetime, pause: float) -> datetime:
        """The moment that MrAssistant names, where it lies ahead; else the next poke."""
        if config is not None and config.next_available_time is not None and config.next_available_time > now:
            return in_utc(config.next_available_time)
        return now + timedelta(seconds=max(self.poke_interval, pause))

    def _give_back_the_slot(self, moment: datetime, *, left: timedelta, began: datetime) -> None:
        if self.deferrable:
            self.defer(
                trigger=ScheduleWindowTrigger(moment),
                method_name="execute_complete",
                kwargs={"began": began.isoformat()},
                timeout=left + LATE_WAKING,
            )
        if self.reschedule:
            raise AirflowRescheduleException(moment)

    def _refuse(self, why: str) -> NoReturn:
        if self.soft_fail or self.never_fail:
            raise AirflowSkipException(why)
        raise AirflowSensorTimeout(why)

    def _refuse_for_good(self, why: str, *, cause: Exception | None = None) -> NoReturn:
        if self.soft_fail or self.never_fail:
            raise AirflowSkipException(why) from cause
        raise AirflowFailException(why) from cause
