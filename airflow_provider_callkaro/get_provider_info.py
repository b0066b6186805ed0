"""What Airflow asks a provider about itself. Read by every Airflow process at start, so it imports next to nothing."""

from __future__ import annotations

from typing import Any

from airflow_provider_callkaro.forms import (
    CALLARO_FIELDS,
    CALLARO_FORM,
    CALLKARO_FIELDS,
    CALLKARO_FORM,
    MRASSISTANT_FIELDS,
    MRASSISTANT_FORM,
)


def get_provider_info() -> dict[str, Any]:
    """The provider's metadata, in the form of Airflow's ``provider_info.schema.json``."""
    return {
        "package-name": "airflow-provider-callkaro",
        "name": "CallKaro",
        "description": "Outbound AI voice calls: nobody rung twice, nobody at a wrong hour, no row lost.",
        "integrations": [
            {
                "integration-name": "CallKaro",
                "external-doc-url": "https://docs.callkaro.ai",
                "tags": ["service"],
            },
            {
                "integration-name": "Callaro",
                "external-doc-url": "https://developers.callaro.ai",
                "tags": ["service"],
            },
            {
                "integration-name": "MrAssistant",
                "external-doc-url": "https://docs.mrassistant.ai",
                "tags": ["service"],
            },
        ],
        "hooks": [
            {"integration-name": "CallKaro", "python-modules": ["airflow_provider_callkaro.hooks.callkaro"]},
            {"integration-name": "Callaro", "python-modules": ["airflow_provider_callkaro.hooks.callaro"]},
            {"integration-name": "MrAssistant", "python-modules": ["airflow_provider_callkaro.hooks.mrassistant"]},
        ],
        "operators": [
            {"integration-name": "CallKaro", "python-modules": ["airflow_provider_callkaro.operators.callkaro"]},
            {"integration-name": "Callaro", "python-modules": ["airflow_provider_callkaro.operators.callaro"]},
            {"integration-name": "MrAssistant", "python-modules": ["airflow_provider_callkaro.operators.mrassistant"]},
        ],
        "sensors": [
            {"integration-name": "CallKaro", "python-modules": ["airflow_provider_callkaro.sensors.schedule_window"]},
            {"integration-name": "Callaro", "python-modules": ["airflow_provider_callkaro.sensors.callaro"]},
            {"integration-name": "MrAssistant", "python-modules": ["airflow_provider_callkaro.sensors.mrassistant"]},
        ],
        "triggers": [
            {"integration-name": "CallKaro", "python-modules": ["airflow_provider_callkaro.triggers.schedule_window"]},
            {
                "integration-name": "Callaro",
                "python-modules": [
                    "airflow_provider_callkaro.triggers.callaro_run",
                    "airflow_provider_callkaro.triggers.status",
                ],
            },
            {
                "integration-name": "MrAssistant",
                "python-modules": [
                    "airflow_provider_callkaro.triggers.schedule_window",
                    "airflow_provider_callkaro.triggers.status",
                ],
            },
        ],
        "connection-types": [
            {
                "connection-type": "callkaro",
                "hook-class-name": "airflow_provider_callkaro.hooks.callkaro.CallKaroHook",
                "hook-name": "CallKaro",
                "ui-field-behaviour": CALLKARO_FORM,
                "conn-fields": CALLKARO_FIELDS,
            },
            {
                "connection-type": "callaro",
                "hook-class-name": "airflow_provider_callkaro.hooks.callaro.CallaroHook",
                "hook-name": "Callaro",
                "ui-field-behaviour": CALLARO_FORM,
                "conn-fields": CALLARO_FIELDS,
            },
            {
                "connection-type": "mrassistant",
                "hook-class-name": "airflow_provider_callkaro.hooks.mrassistant.MrAssistantHook",
                "hook-name": "MrAssistant",
                "ui-field-behaviour": MRASSISTANT_FORM,
                "conn-fields": MRASSISTANT_FIELDS,
            },
        ],
        # Airflow 3.2 and later adds these to its own command line.
        "cli": ["airflow_provider_callkaro.commands.definition.get_callkaro_cli_commands"],
        "extra-links": ["airflow_provider_callkaro.links.callkaro.CallKaroCampaignLink"],
    }
