"""Every way on which a number, a name, a fact or a key comes into a task, and vendors that repeat all of it.

Nothing private stands in this file: Airflow keeps it. What is planted comes from a database, files, a Variable, from
connections and from an upstream task.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from airflow.providers.common.compat.sdk import DAG, BaseOperator, Variable, task

from airflow_provider_callkaro.operators.callaro import (
    CallaroCreateCampaignOperator,
    CallaroImportContactsOperator,
    CallaroRunCampaignOperator,
)
from airflow_provider_callkaro.operators.callkaro import (
    CallKaroCreateCampaignOperator,
    CallKaroDeleteScheduledCallOperator,
    CallKaroFanOutCallsOperator,
    CallKaroOutboundCallOperator,
    CallKaroPreflightOperator,
)
from airflow_provider_callkaro.operators.mrassistant import (
    MrAssistantConfigureOutboundOperator,
    MrAssistantCreateCampaignOperator,
    MrAssistantOutboundCallOperator,
    MrAssistantTransferCallOperator,
)
from airflow_provider_callkaro.sources import FileContacts, SqlContacts

AGENT = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
FOLDER = "{{ var.value.planted_folder }}"
KEYED = {"ledger_conn_id": "ledger_keyed"}
SHARED = "number as to_number, name, fact, case when amount % 2 then call_key end as call_key"
CLEAR = {"ledger_conn_id": "ledger_clear"}


def planted(name: str) -> str:
    """A template for one of the planted values."""
    return f"{{{{ var.json.planted.{name} }}}}"


def customers(group: str, *, columns: str = "number as to_number, name, fact, amount") -> SqlContacts:
    """The customers of one group, from the warehouse."""
    return SqlContacts(
        f"select {columns} from customers where grouped = ? order by number",
        conn_id="warehouse",
        parameters=[group],
    )


def as_callkaro(row: dict[str, str]) -> dict[str, Any]:
    """Keywords of a fan-out."""
    contacts = [{"to_number": row["number"], "name": row["name"], "fact": row["fact"]}]
    return {"contacts": contacts, "call_options": {"metadata": {"note": row["note"]}}}


def as_mrassistant(row: dict[str, str]) -> dict[str, Any]:
    """Keywords of a single call."""
    return {"to_number": row["number"], "context": {"name": row["name"], "fact": row["fact"], "note": row["note"]}}


def as_callaro(row: dict[str, str]) -> dict[str, Any]:
    """Keywords of a campaign."""
    return {"extra_fields": {"contacts": [{"phone_e164": row["number"], "first_name": row["name"]}]}}


class Canary(BaseOperator):
    """Leaks one canary in every place, so that the search is known to see there."""

    template_fields = ("rendered",)

    def __init__(self, *, rendered: str, serialized: str, **kwargs: Any) -> None:
        super().__init__(params={"serialized": serialized}, **kwargs)
        self.rendered = rendered

    def execute(self, context: Any) -> str:
        """Leak the rest."""
        canaries = Variable.get("planted", deserialize_json=True)["canaries"]
        self.log.debug("In passing: %s", canaries["log"])
        context["task_state_store"].set("seen", canaries["task state"])
        return canaries["XCom"]


with DAG("planted", schedule=None, start_date=datetime(2026, 1, 1)) as dag:

    @task(show_return_value_in_logs=False)
    def people() -> list[dict[str, str]]:
        """Somebody, as an upstream task gives them: that XCom is the user's own, and no part of the search."""
        return Variable.get("planted", deserialize_json=True)["people"]

    upstream = people()
    Canary(task_id="canary", rendered=planted("canaries.rendered"), serialized="canary 7205169384")

    CallKaroFanOutCallsOperator(
        task_id="callkaro_list",
        contacts=customers("callkaro_list"),
        agent_id=AGENT,
        call_options={"metadata": {"source": planted("callkaro_options")}},
        ledger_scope="callkaro list",
        report_path=f"{FOLDER}/reports/callkaro_list.csv",
        callkaro_conn_id="callkaro_mixed",
        **KEYED,
    )
    CallKaroFanOutCallsOperator.partial(
        task_id="callkaro_shards",
        contacts=customers("callkaro_shards", columns=SHARED),
        row_fields=["call_key"],
        agent_id=AGENT,
        on_none_accepted="warn",
        report_path=f"{FOLDER}/reports/callkaro_shard_{{{{ ti.map_index }}}}.jsonl",
        callkaro_conn_id="callkaro_mixed",
    ).expand(shard=[(0, 2), (1, 2)])
    CallKaroFanOutCallsOperator.partial(
        task_id="callkaro_upstream",
        agent_id=AGENT,
        ledger_scope="callkaro upstream",
        callkaro_conn_id="callkaro_refusing",
        **CLEAR,
    ).expand_kwargs(upstream.map(as_callkaro))
    CallKaroFanOutCallsOperator(
        task_id="callkaro_failing",
        contacts=FileContacts(f"{FOLDER}/callkaro_failing.csv"),
        agent_id=AGENT,
        stop_after_unknown=3,
        report_path=f"{FOLDER}/reports/callkaro_failing.jsonl",
        callkaro_conn_id="callkaro_failing",
    )
    CallKaroOutboundCallOperator(
        task_id="callkaro_call",
        to_number=planted("callkaro_call.number"),
        metadata={"name": planted("callkaro_call.name"), "fact": planted("callkaro_call.fact")},
        call_key=planted("callkaro_call.call_key"),
        agent_id=AGENT,
        ledger_scope="callkaro call",
        callkaro_conn_id="callkaro_failing",
        **KEYED,
    )
    CallKaroOutboundCallOperator.partial(
        task_id="callkaro_call_mapped",
        metadata={"name": planted("callkaro_call_mapped.name"), "fact": planted("callkaro_call_mapped.fact")},
        call_key=planted("callkaro_call_mapped.call_key"),
        agent_id=AGENT,
        ledger_scope="callkaro call mapped",
        callkaro_conn_id="callkaro_echoing",
        **CLEAR,
    ).expand(to_number=[planted("callkaro_call_mapped.number")])
    CallKaroCreateCampaignOperator(
        task_id="callkaro_campaign", name="Planted", agent_id=AGENT, callkaro_conn_id="callkaro_refusing"
    )
    CallKaroDeleteScheduledCallOperator(
        task_id="callkaro_deletion",
        to_number=planted("callkaro_deletion.number"),
        agent_id=AGENT,
        callkaro_conn_id="callkaro_refusing",
    )
    CallKaroPreflightOperator(
        task_id="callkaro_preflight",
        contacts=customers("callkaro_list"),
        agent_id=AGENT,
        ledger_scope="callkaro preflight",
        page_path=f"{FOLDER}/reports/callkaro_preflight.html",
        callkaro_conn_id="callkaro_mixed",
        **KEYED,
    )
    CallKaroFanOutCallsOperator(
        task_id="source_without_header",
        contacts=FileContacts(f"{FOLDER}/source_without_header.csv"),
        agent_id=AGENT,
        callkaro_conn_id="callkaro_mixed",
    )
    CallKaroFanOutCallsOperator(
        task_id="source_that_breaks",
        contacts=customers("source_that_breaks"),
        agent_id=AGENT,
        callkaro_conn_id="callkaro_mixed",
    )

    MrAssistantCreateCampaignOperator(
        task_id="mrassistant_list",
        contacts=customers("mrassistant_list"),
        name="Planted",
        agent_id=AGENT,
        targets_per_campaign=2,
        context={"fact": planted("mrassistant_options")},
        webhook_url="https://example.com/hook",
        webhook_secret=planted("webhook_secret"),
        stop_after_unknown=None,
        ledger_scope="mrassistant list",
        report_path=f"{FOLDER}/reports/mrassistant_list.csv",
        mrassistant_conn_id="mrassistant_mixed",
        **KEYED,
    )
    MrAssistantOutboundCallOperator.partial(
        task_id="mrassistant_upstream",
        agent_id=AGENT,
        ledger_scope="mrassistant upstream",
        mrassistant_conn_id="mrassistant_echoing",
        **CLEAR,
    ).expand_kwargs(upstream.map(as_mrassistant))
    MrAssistantOutboundCallOperator(
        task_id="mrassistant_call",
        to_number=planted("mrassistant_call.number"),
        context={"name": planted("mrassistant_call.name"), "fact": planted("mrassistant_call.fact")},
        call_key=planted("mrassistant_call.call_key"),
        agent_id=AGENT,
        mrassistant_conn_id="mrassistant_failing",
    )
    MrAssistantTransferCallOperator(
        task_id="mrassistant_transfer",
        call_id="any",
        transfer_to=f"tel:{planted('mrassistant_transfer.number')}",
        mrassistant_conn_id="mrassistant_refusing",
    )
    MrAssistantConfigureOutboundOperator(
        task_id="mrassistant_configure",
        agent_id=AGENT,
        phone_numbers=[
            {
                "phone_number": planted("mrassistant_configure.number"),
                "display_name": planted("mrassistant_configure.name"),
            }
        ],
        mrassistant_conn_id="mrassistant_refusing",
    )

    CallaroCreateCampaignOperator(
        task_id="callaro_create",
        name="Planted",
        agent_id=42,
        extra_fields={
            "contacts": [{"phone_e164": planted("callaro_create.number"), "first_name": planted("callaro_create.name")}]
        },
        callaro_conn_id="callaro_echoing",
    )
    CallaroCreateCampaignOperator.partial(
        task_id="callaro_upstream", name="Planted", agent_id=42, callaro_conn_id="callaro_refusing"
    ).expand_kwargs(upstream.map(as_callaro))
    CallaroImportContactsOperator(
        task_id="callaro_import",
        path=f"{FOLDER}/callaro_import.csv",
        column_mapping={"number": "phone_e164", "name": "first_name"},
        callaro_conn_id="callaro_refusing",
    )
    CallaroRunCampaignOperator(
        task_id="callaro_run",
        name="Planted",
        agent_id=42,
        extra_fields={
            "contacts": [{"phone_e164": planted("callaro_run.number"), "first_name": planted("callaro_run.name")}]
        },
        poll_interval=1,
        callaro_conn_id="callaro_mixed",
    )
