"""CallKaro's names and connection form."""

from __future__ import annotations

from airflow_provider_callkaro.vendors.profile import BUDGET, VendorProfile, text_field

CALLKARO = VendorProfile(
    name="CallKaro",
    connection_type="callkaro",
    domain="callkaro.ai",
    documentation="https://docs.callkaro.ai",
    form={
        "relabeling": {"password": "API key", "host": "Base URL"},
        "placeholders": {"host": "https://api.callkaro.ai", "password": "from callkaro.ai/dashboard/api-key"},
    },
    own_fields={
        "schedule_timezone": text_field(
            "Schedule time zone",
            "IANA name of the zone in which CallKaro reads times of day, such as Asia/Kolkata. CallKaro does not "
            "document it. Every calling policy needs it, and so does every call with a schedule.",
        ),
        "calling_windows": text_field(
            "Calling windows",
            "When calls may ring, in the schedule time zone, as JSON, for sensors that wait for it: "
            '[{"start": "10:00", "end": "19:00", "days": "mon-sat"}].',
        ),
        "budget": BUDGET,
        "agent_id": text_field("Agent id", "The agent for calls that name none."),
        "on_call_number": text_field(
            "On-call number", "Whom CallKaroNotifier calls when a task fails, E.164, unless the DAG names somebody."
        ),
    },
    operators=("call_outcomes", "queued_webhooks"),
    sensors=("schedule_window", "call_outcomes"),
    triggers=("schedule_window", "call_outcomes", "new_outcomes"),
    decorators=("callkaro_calls",),
)
