"""The MrAssistant operators: what a DAG imports."""

from __future__ import annotations

from airflow_provider_callkaro.operators.mrassistant_call_control import (
    MrAssistantEndCallOperator,
    MrAssistantTransferCallOperator,
)
from airflow_provider_callkaro.operators.mrassistant_campaign import MrAssistantCreateCampaignOperator
from airflow_provider_callkaro.operators.mrassistant_outbound import MrAssistantConfigureOutboundOperator
from airflow_provider_callkaro.operators.mrassistant_preflight import MrAssistantPreflightOperator
from airflow_provider_callkaro.operators.mrassistant_single_call import MrAssistantOutboundCallOperator

__all__ = [
    "MrAssistantConfigureOutboundOperator",
    "MrAssistantCreateCampaignOperator",
    "MrAssistantEndCallOperator",
    "MrAssistantOutboundCallOperator",
    "MrAssistantPreflightOperator",
    "MrAssistantTransferCallOperator",
]
