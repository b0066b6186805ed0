"""The base of the sensors that wait for a vendor's call or campaign to reach a state.

On the worker, rescheduled or in the triggerer, they ask the same question, `read_status` of the hook, and compare the
answer with the same two lists.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar

from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowSkipException,
    BaseSensorOperator,
    Context,
    PokeReturnValue,
)

from airflow_provider_callkaro.calls.masking import mask_text
from airflow_provider_callkaro.exceptions import PERMANENT, TRANSIENT, ConfigurationError
from airflow_provider_callkaro.hooks.vendor import VendorHook
from airflow_provider_callkaro.tasks.rendering import RendersLiterals
from airflow_provider_callkaro.tasks.waiting import LONGEST_TIMEOUT
from airflow_provider_callkaro.triggers.status import StatusTrigger

SHORTEST_POLL = 1.0  # seconds between two questions in the triggerer


class StatusSensor(RendersLiterals, BaseSensorOperator):
    """The common part of the sensors that wait for a state; not to be used by itself.

    It returns the state that ended the wait. A state in ``failed_statuses``, a refused key and an unknown subject fail
    the task without a retry (or skip it, with ``soft_fail``); a lost answer is asked for again at the next poke.

    :param target_statuses: the states to wait for.
    :param failed_statuses: the states after which none of those will come.
    :param deferrable: wait in the triggerer, asking every ``poke_interval``; the worker asks the first question.
    :raises ConfigurationError: there is no state to wait for, or one is in both lists.
    """

    what: ClassVar[str]
    """What the sensor waits for, in messages: ``call``."""

    def __init__(
        self,
        *,
        target_statuses: Sequence[str],
        failed_statuses: Sequence[str],
        deferrable: bool,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.target_statuses = _words("target_statuses", target_statuses)
        self.failed_statuses = _words("failed_statuses", failed_statuses)
        if not self.target_statuses:
            raise ConfigurationError("target_statuses must name at least one state to wait for")
        if both := sorted(set(self.target_statuses) & set(self.failed_statuses)):
            raise ConfigurationError(f"{', '.join(both)} stands in target_statuses and in failed_statuses: choose one")
        self.deferrable = deferrable

    @property
    def hook(self) -> VendorHook[Any]:
        """The vendor's hook; it has ``read_status``."""
        raise NotImplementedError

    @property
    def subject(self) -> int | str:
        """The vendor's id of what the sensor waits for."""
        raise NotImplementedError

    def execute(self, context: Context) -> str | None:
        """Wait, in the way that ``mode`` and ``deferrable`` say, and return the state."""
        if not self.deferrable:
            status: str | None = super().execute(context)
            return status
        try:
            first = self.poke(context)
        except AirflowFailException as error:
            if self.soft_fail or self.never_fail:
                raise AirflowSkipException(str(error)) from error
            raise
        if first.is_done:
            return str(first.xcom_value)
        hook = self.hook
        self.defer(
            trigger=StatusTrigger(
                hook=f"{type(hook).__module__}.{type(hook).__qualname__}",
                conn_id=getattr(hook, hook.conn_name_attr),
                subject=str(self.subject),
                statuses=[*self.target_statuses, *self.failed_statuses],
                poll_interval=max(self.poke_interval, SHORTEST_POLL),
            ),
            method_name="execute_complete",
            timeout=timedelta(seconds=min(self.timeout, LONGEST_TIMEOUT.total_seconds())),
        )
        return None

    def execute_complete(self, context: Context, event: Mapping[str, Any]) -> str:  # noqa: ARG002
        """Go on after the triggerer, with what it found.

        :param event: ``{"status": …}``, or ``{"error": …}`` where no further question would help.
        """
        if "error" in event:
            raise AirflowFailException(str(event["error"]))
        status = str(event["status"])
        self._refuse_failure(status)
        self.log.info("%s %s is %s", self.what, self.subject, mask_text(status))
        return status

    def poke(self, context: Context) -> PokeReturnValue:  # noqa: ARG002 - Airflow's signature
        """Ask once."""
        if not self.subject:
            raise AirflowFailException(f"there is no {self.what} to wait for: its id is empty")
        try:
            self.hook.connection  # noqa: B018 - read here, where Airflow may be asked without an event loop
            status = asyncio.run(self.hook.read_status(str(self.subject)))
        except TRANSIENT as error:
            self.log.warning("%s; asking again at the next poke", error)
            return PokeReturnValue(is_done=False)
        except PERMANENT as error:
            raise AirflowFailException(str(error)) from error
        self._refuse_failure(status)
        self.log.info("%s %s is %s", self.what, self.subject, mask_text(status))
        return PokeReturnValue(is_done=status in self.target_statuses, xcom_value=status)

    def _refuse_failure(self, status: str) -> None:
        if status in self.failed_statuses:
            raise AirflowFailException(
                f"{self.what} {self.subject} is {mask_text(status)}: {', '.join(self.target_statuses)} will not come"
            )


def _words(name: str, words: Sequence[str]) -> tuple[str, ...]:
    if (
        isinstance(words, str)
        or not isinstance(words, Iterable)
        or not all(isinstance(word, str) and word for word in words)
    ):
        raise ConfigurationError(f'{name} must be a list of words, such as ["ended"]')
    return tuple(words)
