"""The CallKaro operators: create a campaign, place calls, delete scheduled ones, rehearse, combine, write back."""

from __future__ import annotations

from airflow_provider_callkaro.operators.callkaro.campaign import (
    CallKaroCreateCampaignOperator,
    CallKaroDeleteScheduledCallOperator,
)
from airflow_provider_callkaro.operators.callkaro.combine_summaries import CallKaroCombineSummariesOperator
from airflow_provider_callkaro.operators.callkaro.fan_out import CallKaroFanOutCallsOperator
from airflow_provider_callkaro.operators.callkaro.preflight import CallKaroPreflightOperator
from airflow_provider_callkaro.operators.callkaro.report_to_sql import CallKaroReportToSqlOperator
from airflow_provider_callkaro.operators.callkaro.single_call import CallKaroOutboundCallOperator

__all__ = [
    "CallKaroCombineSummariesOperator",
    "CallKaroCreateCampaignOperator",
    "CallKaroDeleteScheduledCallOperator",
    "CallKaroFanOutCallsOperator",
    "CallKaroOutboundCallOperator",
    "CallKaroPreflightOperator",
    "CallKaroReportToSqlOperator",
]
