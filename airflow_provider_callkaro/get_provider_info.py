"""What Airflow asks a provider about itself. Read by every Airflow process at start, so it imports next to nothing."""

from __future__ import annotations

from typing import Any

from airflow_provider_callkaro.forms import CALLKARO_FIELDS, CALLKARO_FORM


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
            }
        ],
        "hooks": [
            {"integration-name": "CallKaro", "python-modules": ["airflow_provider_callkaro.hooks.callkaro"]},
        ],
        "operators": [
            {"integration-name": "CallKaro", "python-modules": ["airflow_provider_callkaro.operators.callkaro"]},
        ],
        "sensors": [
            {"integration-name": "CallKaro", "python-modules": ["airflow_provider_callkaro.sensors.schedule_window"]},
        ],
        "triggers": [
            {"integration-name": "CallKaro", "python-modules": ["airflow_provider_callkaro.triggers.schedule_window"]},
        ],
        "connection-types": [
            {
                "connection-type": "callkaro",
                "hook-class-name": "airflow_provider_callkaro.hooks.callkaro.CallKaroHook",
                "hook-name": "CallKaro",
                "ui-field-behaviour": CALLKARO_FORM,
                "conn-fields": CALLKARO_FIELDS,
            }
        ],
        "extra-links": ["airflow_provider_callkaro.links.callkaro.CallKaroCampaignLink"],
    }
