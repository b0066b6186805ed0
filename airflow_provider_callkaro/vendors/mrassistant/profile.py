"""MrAssistant's names and connection form."""

from __future__ import annotations

from airflow_provider_callkaro.vendors.profile import BUDGET, VendorProfile, text_field

MRASSISTANT = VendorProfile(
    name="MrAssistant",
    connection_type="mrassistant",
    domain="mrassistant.ai",  # of its documentation: it documents no address of its API
    documentation="https://docs.mrassistant.ai",
    hidden_fields=("schema", "port"),
    form={
        "relabeling": {"host": "Base URL", "password": "Password or token"},
        "placeholders": {
            "host": "https://… (MrAssistant documents no address: the one of your account)",
            "login": "with a login, tokens are renewed",
            "password": "the login's password; or, without a login, a bearer token, which lives about a day",
        },
    },
    own_fields={
        "schedule_timezone": text_field(
            "Schedule time zone",
            "IANA name of the zone in which a schedule_at without an offset is meant, such as Asia/Kolkata. "
            "MrAssistant itself is told every time in UTC.",
        ),
        "budget": BUDGET,
        "agent_id": text_field("Agent id", "The agent for calls that name none."),
        "campaign_page": text_field(
            "Campaign page",
            "The address of a campaign's page in your dashboard, with {campaign_id} in it, for the link on tasks.",
        ),
        "webhook_url": text_field(
            "Webhook URL",
            "Where MrAssistant reports the progress of campaigns that name no address, by https.",
            is_secret=True,
        ),
        "webhook_secret": text_field(
            "Webhook secret",
            "With which MrAssistant signs the reports of campaigns that name no secret.",
            is_secret=True,
        ),
        "day_numbers": text_field(
            "Day numbers",
            "What the numbers in days_of_week of an outbound configuration mean, which MrAssistant does not document: "
            "mon=0, mon=1, sun=0 or sun=1. Only for reading its hours.",
        ),
    },
    sensors=("mrassistant",),
    triggers=("schedule_window", "status"),
    decorators=("mrassistant_calls",),
    signature_header="X-Webhook-Signature",  # by custom: it documents none
)
