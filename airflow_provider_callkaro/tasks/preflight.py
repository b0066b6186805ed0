"""The base of the preflight operators: the list and the rules of a fan-out, a report, and no call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_callkaro.dispatch.preflight_report import Price
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.links.files import PreflightPageLink
from airflow_provider_callkaro.tasks.argument_values import check_text
from airflow_provider_callkaro.tasks.fan_out import FAN_OUT_FIELDS, NEVER_SHOWN_OF_A_LIST
from airflow_provider_callkaro.tasks.placing import PlacingOperator
from airflow_provider_callkaro.tasks.redacted import RedactedPath

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


PREFLIGHT_FIELDS = tuple(name for name in FAN_OUT_FIELDS if name != "report_path")


class PreflightOperator(PlacingOperator):
    """The common part of the preflight operators; not to be used by itself."""

    places_calls = False
    never_shown = NEVER_SHOWN_OF_A_LIST
    ui_color = "#e8e6f5"

    price_per_minute: float | None
    minutes_per_call: float
    currency: str
    page_path: RedactedPath
    report_path: RedactedPath
    report_columns: object
    dry_run: bool

    def _check_preflight(self) -> None:
        """When the DAG is parsed: refuse a preflight that would place calls or write their report, and a price that
        is none."""
        if self.dry_run is not True:
            raise ConfigurationError("a preflight is always a dry run: leave dry_run out, or use the fan-out operator")
        if self.report_path.value is not None or self.report_columns is not None:
            raise ConfigurationError(
                "a preflight places no call, so it writes no report: give report_path and report_columns to the "
                "fan-out alone, and page_path to the preflight"
            )
        self._price()
        if self.page_path.value is not None:
            check_text("page_path", self.page_path.value)

    def _price(self) -> Price | None:
        if self.price_per_minute is None:
            return None
        return Price(per_minute=self.price_per_minute, minutes_per_call=self.minutes_per_call, currency=self.currency)

    def execute(self, context: Context) -> dict[str, Any]:
        """Rehearse the fan-out, and return the report."""
        from airflow_provider_callkaro.files.addresses import browser_address
        from airflow_provider_callkaro.files.writing.write_check import check_writable
        from airflow_provider_callkaro.tasks.list_run import rehearse
        from airflow_provider_callkaro.tasks.preflight_page import write_page

        settings = self._settings()
        run = self._list_run(context, settings)
        page = self.page_path.value
        if page is not None:
            check_writable(page)
        _, report = rehearse(run, settings, price=self._price())
        self.log.info("Preflight, nobody was rung:\n%s", report)
        if page is None:
            return report.as_xcom()
        write_page(page, report, title=f"{context['ti'].dag_id}, {context['ti'].run_id}")
        self.log.info("The report as a page: %s", self.page_path)
        PreflightPageLink.show(context, page)
        return report.as_xcom(page=page, page_link=browser_address(page))
