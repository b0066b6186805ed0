"""The base of the operators that place one call: a list of one row, under the ledger and the rules of a fan-out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException, Context

from airflow_provider_callkaro.calls.masking import mask_number
from airflow_provider_callkaro.calls.outcome import Outcome, Reason
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.sources.inline import RowContacts
from airflow_provider_callkaro.tasks.placing import PlacingOperator
from airflow_provider_callkaro.tasks.redacted import Redacted
from airflow_provider_callkaro.tasks.settings import ListSettings

if TYPE_CHECKING:
    from airflow_provider_callkaro.dispatch.report import RowSink
    from airflow_provider_callkaro.dispatch.tally import RowOutcome

SINGLE_CALL_FIELDS = (
    "to_number",
    "agent_id",
    "call_key",
    "suppression",
    "stale_runs",
    "ledger_conn_id",
    "ledger_scope",
    "redial",
)
"""The templated arguments that the single calls of all vendors have."""


_ONCE_MENDED = '; once that is mended, redial="rejected" sends it again'
_AT_A_RISK = '; redial="unknown" sends it once more, and it may ring a second time'
_WAYS_ON: dict[str | None, str] = {
    Reason.ALREADY_REJECTED: _ONCE_MENDED,
    Reason.ALREADY_UNKNOWN: _AT_A_RISK,
    Outcome.REJECTED: _ONCE_MENDED,
    Outcome.UNKNOWN: _AT_A_RISK,
}


class SingleCallOperator(PlacingOperator):
    """The common part of the operators that place one call; not to be used by itself."""

    to_number: Redacted
    call_key: Redacted

    def _metadata(self) -> object:
        """What the agent may use in its prompts."""
        raise NotImplementedError

    def _options(self) -> Mapping[str, Any]:
        """The vendor's fields by name; None for one that is not set."""
        raise NotImplementedError

    def _settings(self) -> ListSettings:
        """The settings of a list of one row, with the vendor's fields as its options."""
        return self._settings_for(RowContacts([]))

    def _settings_for(self, contacts: RowContacts) -> ListSettings:
        return ListSettings.of(
            self,
            contacts=contacts,
            call_options=dict(self._options()),
            row_fields=("call_key",),  # the operator's own arguments make the row,
            metadata_columns=("metadata",),  # so nothing in it is news for the log
            max_concurrency=1,
            stop_after_unknown=None,
            priority=0,  # the operator's own priority is the vendor's
            on_none_accepted="warn",
        )

    def _watcher(self) -> RowSink:
        self._kept = _LastRow()
        return self._kept

    def execute(self, context: Context) -> str:
        """Place the call, unless the ledger says that an earlier try has."""
        return self._place_call(context, resumed=False)

    def go_on(self, context: Context, event: object = None) -> str:  # noqa: ARG002
        """Go on once the hours are open."""
        return self._place_call(context, resumed=True)

    def _place_call(self, context: Context, *, resumed: bool) -> str:
        run = self._list_run(context, self._settings_for(self._row()), result_key="summary")
        summary, _ = run.run(resumed=resumed)
        return self._call_id(self._kept.row, earlier=summary.resumed > 0)

    def _row(self) -> RowContacts:
        row = {"to_number": self.to_number.value, "metadata": self._metadata(), "call_key": self.call_key.value}
        return RowContacts([row])

    def _call_id(self, row: RowOutcome | None, *, earlier: bool) -> str:
        if row is None:
            raise ConfigurationError("the call has no outcome, which must not happen: please report it")
        shown = mask_number(str(self.to_number.value))
        if row.outcome is Outcome.ACCEPTED:
            self.log.info("Call %s to %s was accepted%s", row.call_id, shown, " in an earlier try" if earlier else "")
            return row.call_id or ""
        if row.outcome is Outcome.SKIPPED:
            raise AirflowSkipException(f"{shown} was not rung: {row.reason}{_WAYS_ON.get(row.reason, '')}")
        when = " in an earlier try, and nothing was sent now" if earlier else ""
        way_on = _WAYS_ON.get(row.outcome, "") if earlier else ""
        raise AirflowFailException(f"the call to {shown} ended {row.outcome}{when}: {row.detail or row.reason}{way_on}")


class _LastRow:
    """Keeps the outcome of the one row, for the operator to read."""

    def __init__(self) -> None:
        self.row: RowOutcome | None = None

    def add(self, row: RowOutcome) -> None:
        self.row = row
