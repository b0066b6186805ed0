"""Callaro's names and connection form."""

from __future__ import annotations

from airflow_provider_callkaro.vendors.profile import VendorProfile, text_field

CALLARO = VendorProfile(
    name="Callaro",
    connection_type="callaro",
    domain="callaro.ai",
    documentation="https://developers.callaro.ai",
    form={
        "relabeling": {"password": "API key", "host": "Base URL"},
        "placeholders": {"host": "https://api.callaro.ai", "password": "sk_…"},
    },
    own_fields={
        "tenant_id": text_field(
            "Tenant id", "Which tenant is meant, for keys that reach several. Sent as X-Tenant-Id."
        ),
        "campaign_page": text_field(
            "Campaign page",
            "The address of a campaign's page in your dashboard, with {campaign_id} in it, for the link on tasks.",
        ),
    },
    unlisted_fields=("routes", "states"),
    sensors=("callaro",),
    triggers=("callaro_run", "status"),
    signature_header="X-Callaro-Signature",
)
