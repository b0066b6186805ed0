"""One call as a task, whoever the vendor: the same ledger as in a fan-out, and a list of one row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException, XComArg

from airflow_provider_callkaro.calls.masking import mask_number
from airflow_provider_callkaro.calls.outcome import Outcome
from airflow_provider_callkaro.calls.phone import NumberReader
from airflow_provider_callkaro.calls.row import RowReader
from airflow_provider_callkaro.dispatch.run import Limits
from airflow_provider_callkaro.dispatch.tally import RowOutcome
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.operators.calls import CallList, PlaceCallsOperator
from airflow_provider_callkaro.operators.fan_out import Account
from airflow_provider_callkaro.operators.private import Private


class OutboundCallOperator(PlaceCallsOperator):
    """Place one call, and return its id; the common part of the vendors' operators, not to be used by itself.

    A retry returns the call that the first try placed, and a person who has been rung in the scope is not rung again
    (the task is skipped).

    :param to_number: whom to ring, E.164. Templated, never shown.
    :param agent_id: which agent speaks; default: the connection's. Templated.
    :param call_key: under which the person may be rung once in the scope; default: the number. Templated.
    :param default_region: two-letter region for a number without ``+`` (extra ``[phone]``).
    :param ledger_conn_id: see `FanOutCallsOperator`.
    :param ledger_scope: see `FanOutCallsOperator`.
    :param redial: see `FanOutCallsOperator`.
    """

    template_fields: Sequence[str] = (
        "to_number",
        "agent_id",
        "call_key",
        "ledger_conn_id",
        "ledger_scope",
        "redial",
    )

    def __init__(
        self,
        *,
        to_number: str,
        agent_id: str | None = None,
        call_key: str | None = None,
        default_region: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.to_number = Private(to_number)
        self.agent_id = agent_id
        self.call_key = call_key
        self.default_region = default_region
        XComArg.apply_upstream_relationship(self, to_number)

    def _account(self) -> Account:
        """What the connection says."""
        raise NotImplementedError

    def _facts(self) -> Any:
        """What the agent may use in its prompts."""
        raise NotImplementedError

    def _options(self) -> Mapping[str, Any]:
        """The vendor's fields, as they were given; None where one was not."""
        raise NotImplementedError

    def _batch_id(self) -> str | None:
        """The campaign that the call belongs to, at a vendor that has such a thing."""
        return None

    def _announce(self, context: Mapping[str, Any]) -> None:
        """Show what is known before the call is placed."""

    def execute(self, context: Mapping[str, Any]) -> str:
        """Place the call, unless the ledger says that it has been placed."""
        account = self._account()
        reader = RowReader(
            numbers=NumberReader(default_region=self.default_region),
            agent_id=self.agent_id or account.agent_id,
            batch_id=self._batch_id(),
            options=self._options(),
            schedule_timezone=account.schedule_timezone,
            vocabulary=account.vocabulary,
        )
        row = {"to_number": self.to_number.value, "metadata": self._facts(), "call_key": self.call_key}
        self._announce(context)
        kept = _LastRow()
        calls = CallList(rows=[row], total=1, read=reader.read, vendor=account.vendor, target=account.target)
        limits = Limits(max_concurrency=1, stop_after_unknown=None)
        self._refuse_unfinished(self._place_calls(context, calls, limits=limits, report=kept))
        return self._call_id(kept.row, str(self.to_number.value))

    def _call_id(self, row: RowOutcome | None, number: str) -> str:
        if row is None:
            raise ConfigurationError("the call has no outcome, which must not happen: please report it")
        shown = mask_number(number)
        if row.outcome is Outcome.ACCEPTED:
            self.log.info("Call %s to %s was accepted", row.call_id, shown)
            return row.call_id or ""
        if row.outcome is Outcome.SKIPPED:
            raise AirflowSkipException(f"{shown} was not rung: {row.reason}")
        raise AirflowFailException(f"the call to {shown} ended {row.outcome}: {row.detail or row.reason}")


class _LastRow:
    """A report of one row, for the operator itself to read."""

    def __init__(self) -> None:
        self.row: RowOutcome | None = None

    def add(self, row: RowOutcome) -> None:
        self.row = row
