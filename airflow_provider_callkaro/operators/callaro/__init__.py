"""The Callaro operators: what a DAG imports."""

from airflow_provider_callkaro.operators.callaro.contacts import (
    CallaroContactImportOperator,
    CallaroExportImportErrorsOperator,
    CallaroImportContactsOperator,
)
from airflow_provider_callkaro.operators.callaro.copies import (
    CallaroCloneCampaignOperator,
    CallaroClonePrefillOperator,
    CallaroSaveAsTemplateOperator,
)
from airflow_provider_callkaro.operators.callaro.export import CallaroExportResultsOperator
from airflow_provider_callkaro.operators.callaro.launch import (
    CallaroLaunchCampaignOperator,
    CallaroResumeCampaignOperator,
)
from airflow_provider_callkaro.operators.callaro.lifecycle import (
    CallaroCancelCampaignOperator,
    CallaroCreateCampaignOperator,
    CallaroPauseCampaignOperator,
    CallaroUpdateCampaignOperator,
)
from airflow_provider_callkaro.operators.callaro.preflight import CallaroPreflightOperator
from airflow_provider_callkaro.operators.callaro.run import CallaroRunCampaignOperator

__all__ = [
    "CallaroCancelCampaignOperator",
    "CallaroCloneCampaignOperator",
    "CallaroClonePrefillOperator",
    "CallaroContactImportOperator",
    "CallaroCreateCampaignOperator",
    "CallaroExportImportErrorsOperator",
    "CallaroExportResultsOperator",
    "CallaroImportContactsOperator",
    "CallaroLaunchCampaignOperator",
    "CallaroPauseCampaignOperator",
    "CallaroPreflightOperator",
    "CallaroResumeCampaignOperator",
    "CallaroRunCampaignOperator",
    "CallaroSaveAsTemplateOperator",
    "CallaroUpdateCampaignOperator",
]
