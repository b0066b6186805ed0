"""The MrAssistant operators: what a DAG imports."""

from __future__ import annotations

from airflow_provider_callkaro.operators.mrassistant.call_control import (
    MrAssistantEndCallOperator,
    MrAssistantTransferCallOperator,
)
from airflow_provider_callkaro.operators.mrassistant.campaign import MrAssistantCreateCampaignOperator
from airflow_provider_callkaro.operators.mrassistant.outbound import MrAssistantConfigureOutboundOperator
from airflow_provider_callkaro.operators.mrassistant.preflight import MrAssistantPreflightOperator
from airflow_provider_callkaro.operators.mrassistant.single_call import MrAssistantOutboundCallOperator

__all__ = [
    "MrAssistantConfigureOutboundOperator",
    "MrAssistantCreateCampaignOperator",
    "MrAssistantEndCallOperator",
    "MrAssistantOutboundCallOperator",
    "MrAssistantPreflightOperator",
    "MrAssistantTransferCallOperator",
]
