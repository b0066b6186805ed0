"""Outreach whenever a new list arrives: the calls follow the asset, not the clock.

The first DAG represents whatever exports the list; its asset event says where the file is. The event starts the second
DAG, which calls everybody in the file, if the file is in the folder for such lists. Connections:
``callkaro_default``. Variable ``outreach_lists``: a folder, local or in object storage.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from airflow.providers.common.compat.sdk import DAG, Asset, ObjectStoragePath, task

from airflow_provider_callkaro.operators.callkaro import CallKaroFanOutCallsOperator
from airflow_provider_callkaro.sources import AssetContacts

CONTACTS = Asset("callback_requests")

with DAG("export_callback_requests", schedule=None, start_date=datetime(2026, 1, 1), tags=["callkaro"]) as export:

    @task(outlets=[CONTACTS])
    def export_list(folder: str, run: str, outlet_events: Any = None) -> None:
        """Write a list of people who asked to be called back, and say in the asset's event where it is."""
        path = ObjectStoragePath(folder) / f"{run}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("to_number,name\n+919876543210,Customer 1\n+919876543211,Customer 2\n")
        outlet_events[CONTACTS].extra = {"path": str(path)}

    export_list("{{ var.value.outreach_lists }}", "{{ run_id | replace(':', '') }}")

with DAG("asset_outreach", schedule=[CONTACTS], start_date=datetime(2026, 1, 1), tags=["callkaro"]) as outreach:
    CallKaroFanOutCallsOperator(
        task_id="calls",
        contacts=AssetContacts(CONTACTS, base_path="{{ var.value.outreach_lists }}"),
        agent_id="agent_support_id",
        max_rejected=0.1,
    )
