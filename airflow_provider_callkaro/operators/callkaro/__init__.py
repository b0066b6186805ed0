"""The CallKaro operators: create a campaign, place one call or many, rehearse, write back, delete scheduled calls."""

from __future__ import annotations

from airflow_provider_callkaro.operators.callkaro.campaign import (
    CallKaroCreateCampaignOperator,
    CallKaroDeleteScheduledCallOperator,
)
from airflow_provider_callkaro.operators.callkaro.fan_out import CallKaroFanOutCallsOperator
from airflow_provider_callkaro.operators.callkaro.preflight import CallKaroPreflightOperator
from airflow_provider_callkaro.operators.callkaro.report_to_sql import CallKaroReportToSqlOperator
from airflow_provider_callkaro.operators.callkaro.single_call import CallKaroOutboundCallOperator

__all__ = [
    "CallKaroCreateCampaignOperator",
    "CallKaroDeleteScheduledCallOperator",
    "CallKaroFanOutCallsOperator",
    "CallKaroOutboundCallOperator",
    "CallKaroPreflightOperator",
    "CallKaroReportToSqlOperator",
]
