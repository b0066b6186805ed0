"""The base of the fan-out operators: one call per contact row, each at most once, every row accounted for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_callkaro.tasks.placing import PlacingOperator

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

FAN_OUT_FIELDS = (
    "contacts",
    "agent_id",
    "call_options",
    "suppression",
    "schedule_at",
    "stale_runs",
    "ledger_conn_id",
    "ledger_scope",
    "redial",
    "report_path",
)
"""The templated arguments that the fan-outs of all vendors have."""
NEVER_SHOWN_OF_A_LIST = frozenset({"contacts", "call_options"})
"""The ones among them that Airflow shows and stores nowhere."""


class FanOutOperator(PlacingOperator):
    """The common part of the fan-out operators; not to be used by itself.

    A vendor's fan-out spells out its arguments. Its attributes that are fields of `ListSettings` become the settings.
    """

    never_shown = NEVER_SHOWN_OF_A_LIST

    def execute(self, context: Context) -> dict[str, Any]:
        """Place the calls, publish the report, and return the summary."""
        return self._place_calls(context, resumed=False)

    def go_on(self, context: Context, event: object = None) -> dict[str, Any]:  # noqa: ARG002
        """Go on once the hours are open; the ledger knows which calls were placed before."""
        return self._place_calls(context, resumed=True)

    def _place_calls(self, context: Context, *, resumed: bool) -> dict[str, Any]:
        settings = self._settings()
        run = self._list_run(context, settings)
        if settings.dry_run:
            from airflow_provider_callkaro.tasks.list_run import rehearse

            summary, report = rehearse(run, settings)
            self.log.info("Dry run, nobody was rung:\n%s", report)
            return summary.as_xcom(campaign=self._campaign(), report=None, shard=settings.shard)
        from airflow_provider_callkaro.tasks.failures import why_none_accepted

        summary, result = run.run(resumed=resumed)
        self._result = result
        why = why_none_accepted(summary)
        if why is not None:  # and on_none_accepted lets it be
            self.log.warning("%s", why)
        if self.outlets:
            from airflow_provider_callkaro.tasks.asset_events import CallEventKind, campaigns_of, tell_outlets

            tell_outlets(
                context,
                self.outlets,
                CallEventKind.FAN_OUT_ENDED,
                counts={key: value for key, value in result.items() if key != "reasons"},
                campaigns=campaigns_of(result),
                connection_type=self.hook.conn_type,
            )
        return result
