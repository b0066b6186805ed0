"""What Airflow asks a provider about itself. Read by every Airflow process at start, so it imports next to nothing.

What is said of each vendor comes from `vendors.known.VENDORS`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from airflow_provider_callkaro.vendors.known import VENDORS

_PACKAGE = "airflow_provider_callkaro"


def get_provider_info() -> dict[str, Any]:
    """The provider's metadata, in the form of Airflow's ``provider_info.schema.json``."""
    return {
        "package-name": "airflow-provider-callkaro",
        "name": "CallKaro",
        "description": "Outbound AI voice calls: nobody rung twice, nobody at a wrong hour, no row lost.",
        "integrations": [
            {"integration-name": vendor.name, "external-doc-url": vendor.documentation, "tags": ["service"]}
            for vendor in VENDORS
        ],
        "hooks": _modules("hooks", ((vendor.name, (vendor.connection_type,)) for vendor in VENDORS)),
        "operators": _modules(
            "operators", ((vendor.name, (vendor.connection_type, *vendor.operators)) for vendor in VENDORS)
        ),
        "sensors": _modules("sensors", ((vendor.name, vendor.sensors) for vendor in VENDORS)),
        "triggers": _modules("triggers", ((vendor.name, vendor.triggers) for vendor in VENDORS)),
        "connection-types": [
            {
                "connection-type": vendor.connection_type,
                "hook-class-name": f"{_PACKAGE}.hooks.{vendor.connection_type}.{vendor.name}Hook",
                "hook-name": vendor.name,
                "ui-field-behaviour": vendor.behaviour,
                "conn-fields": vendor.fields,
            }
            for vendor in VENDORS
        ],
        "task-decorators": [
            {"name": name, "class-name": f"{_PACKAGE}.decorators.{vendor.connection_type}.{name}_task"}
            for vendor in VENDORS
            for name in vendor.decorators
        ],
        "config": {
            "callkaro": {
                "description": "The board, a page of Airflow's UI that shows what became of the calls.",
                "options": {
                    "board_ledger_conn_ids": {
                        "description": "Connections to the ledgers that the board shows, separated by commas.",
                        "version_added": "0.3.0",
                        "type": "string",
                        "example": "call_ledger",
                        "default": "",
                    },
                    "board_unresolved_after_hours": {
                        "description": "Hours after which the board shows an accepted call without an outcome as "
                        "unresolved.",
                        "version_added": "0.3.0",
                        "type": "float",
                        "example": "6",
                        "default": "24",
                    },
                },
            }
        },
        # Airflow 3.2 and later adds these to its own command line.
        "cli": [f"{_PACKAGE}.commands.definition.get_callkaro_cli_commands"],
        "notifications": [f"{_PACKAGE}.notifications.callkaro.CallKaroNotifier"],
        "extra-links": [
            f"{_PACKAGE}.links.callkaro.CallKaroCampaignLink",
            f"{_PACKAGE}.links.campaigns.CallaroCampaignLink",
            f"{_PACKAGE}.links.campaigns.MrAssistantCampaignLink",
            f"{_PACKAGE}.links.files.CallReportLink",
            f"{_PACKAGE}.links.files.PreflightPageLink",
        ],
    }


def _modules(room: str, named: Iterable[tuple[str, tuple[str, ...]]]) -> list[dict[str, Any]]:
    """The modules of a room by vendor; a vendor without any is left out."""
    return [
        {"integration-name": vendor, "python-modules": [f"{_PACKAGE}.{room}.{name}" for name in names]}
        for vendor, names in named
        if names
    ]
