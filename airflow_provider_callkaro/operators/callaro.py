"""The Callaro operators: what a DAG imports."""

from airflow_provider_callkaro.operators.callaro_contacts import (
    CallaroContactImportOperator,
    CallaroExportImportErrorsOperator,
    CallaroImportContactsOperator,
)
from airflow_provider_callkaro.operators.callaro_copies import (
    CallaroCloneCampaignOperator,
    CallaroClonePrefillOperator,
    CallaroSaveAsTemplateOperator,
)
from airflow_provider_callkaro.operators.callaro_export import CallaroExportResultsOperator
from airflow_provider_callkaro.operators.callaro_lifecycle import (
    CallaroCancelCampaignOperator,
    CallaroCreateCampaignOperator,
    CallaroPauseCampaignOperator,
    CallaroUpdateCampaignOperator,
)
from airflow_provider_callkaro.operators.callaro_preflight import CallaroPreflightOperator
from airflow_provider_callkaro.operators.callaro_ringing import (
    CallaroLaunchCampaignOperator,
    CallaroResumeCampaignOperator,
)
from airflow_provider_callkaro.operators.callaro_run import CallaroRunCampaignOperator

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
