"""The Callaro operators: what a DAG imports."""

from airflow_provider_callkaro.operators.callaro_export import CallaroExportResultsOperator
from airflow_provider_callkaro.operators.callaro_lifecycle import (
    CallaroCancelCampaignOperator,
    CallaroCloneCampaignOperator,
    CallaroCreateCampaignOperator,
    CallaroLaunchCampaignOperator,
    CallaroPauseCampaignOperator,
    CallaroResumeCampaignOperator,
    CallaroUpdateCampaignOperator,
)
from airflow_provider_callkaro.operators.callaro_preflight import CallaroPreflightOperator
from airflow_provider_callkaro.operators.callaro_run import CallaroRunCampaignOperator

__all__ = [
    "CallaroCancelCampaignOperator",
    "CallaroCloneCampaignOperator",
    "CallaroCreateCampaignOperator",
    "CallaroExportResultsOperator",
    "CallaroLaunchCampaignOperator",
    "CallaroPauseCampaignOperator",
    "CallaroPreflightOperator",
    "CallaroResumeCampaignOperator",
    "CallaroRunCampaignOperator",
    "CallaroUpdateCampaignOperator",
]
