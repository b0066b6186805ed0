"""What a fan-out would do, for the person who says if it may: the same list, the same rules, and nobody is rung."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_callkaro.dispatch.preflight_report import Price
from airflow_provider_callkaro.dispatch.tally import Summary
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.files.checking import check_writable
from airflow_provider_callkaro.ledger.contract import CallLedger
from airflow_provider_callkaro.ledger.memory import MemoryLedger
from airflow_provider_callkaro.operators.fan_out import FanOutCallsOperator
from airflow_provider_callkaro.operators.preflight_page import write_page
from airflow_provider_callkaro.operators.task_run import run_name

if TYPE_CHECKING:
    from airflow_provider_callkaro.dispatch.preflight import Preflight


class PreflightOperator(FanOutCallsOperator):
    """Rehearse a fan-out: read and check the whole list, ring nobody, and report what would become of it.

    Takes the arguments of `FanOutCallsOperator` and wants the same as the fan-out that follows; those that only matter
    while calls go out (``max_concurrency``, ``on_unknown``, ``max_rejected``, ``soft_fail``) change nothing. Who has
    been rung before is known where both tasks name the same ``ledger_conn_id`` and the same ``ledger_scope``.

    Returns a summary of bounded size: ``{"total", "would_ring", "rejected", "skipped", "held", "settled", "duplicates",
    "suppressed", "capped", "reasons": {reason: rows}, "zones": {zone: calls}, "hours": {hour in UTC: calls}, "later",
    "never", "ends_at", "cost", "currency", "page", "text"}``, where ``text`` is the table of the log.

    :param price_per_minute: what a minute costs, 0 or more; None tells no cost.
    :param minutes_per_call: how long a call lasts on average. Default 1.
    :param currency: shown behind the cost, such as ``INR``.
    :param page_path: where an HTML page with the report shall stand, local or in object storage; None writes none.
        Templated.
    """

    template_fields: Sequence[str] = (*FanOutCallsOperator.template_fields, "page_path")
    ui_color = "#e8e6f5"

    def __init__(
        self,
        *,
        price_per_minute: float | None = None,
        minutes_per_call: float = 1.0,
        currency: str = "",
        page_path: str | None = None,
        **kwargs: Any,
    ) -> None:
        if kwargs.pop("dry_run", True) is not True:
            raise ConfigurationError("a preflight is always a dry run: leave dry_run out, or use the fan-out operator")
        super().__init__(dry_run=True, **kwargs)
        self.price_per_minute = price_per_minute
        self.minutes_per_call = minutes_per_call
        self.currency = currency
        self.page_path = page_path
        self._price()

    def _price(self) -> Price | None:
        if self.price_per_minute is None:
            return None
        return Price(per_minute=self.price_per_minute, minutes_per_call=self.minutes_per_call, currency=self.currency)

    def _ledger(self, context: Mapping[str, Any], scope: str) -> CallLedger:
        """The shared ledger, where there is one; a task that rings nobody needs none of its own."""
        if self.ledger_conn_id:
            return super()._ledger(context, scope)
        return MemoryLedger(scope=scope, run=run_name(context))

    def execute(self, context: Mapping[str, Any]) -> dict[str, Any]:
        """Rehearse the list, once the place of the page is known to take it."""
        if self.page_path:
            check_writable(self.page_path)
        return super().execute(context)

    def _rehearsed(self, context: Mapping[str, Any], preflight: Preflight, summary: Summary) -> dict[str, Any]:
        report = preflight.report(summary, price=self._price())
        self.log.info("Preflight, nobody was rung:\n%s", report)
        if self.page_path:
            write_page(self.page_path, report, title=f"{context['ti'].dag_id}, {context['ti'].run_id}")
            self.log.info("The report as a page: %s", self.page_path)
        return report.as_xcom(page=self.page_path)
