"""The connection forms, written once: Airflow 3.2 reads them from the provider info, earlier versions ask the hook."""

from __future__ import annotations

from typing import Any

_TLS_FIELDS: dict[str, dict[str, Any]] = {
    "ca_bundle": {
        "label": "CA bundle",
        "description": "Absolute path, on the workers, of the authorities (PEM) that may vouch for the host, in place "
        "of the machine's own.",
        "schema": {"type": ["string", "null"]},
    },
    "client_certificate": {
        "label": "Client certificate",
        "description": "Absolute path, on the workers, of a certificate (PEM) with its chain that the host is shown.",
        "schema": {"type": ["string", "null"]},
    },
    "client_key": {
        "label": "Client key",
        "description": "Absolute path, on the workers, of its key (PEM, no passphrase); empty where the same file has "
        "it.",
        "schema": {"type": ["string", "null"]},
    },
}

_VENDOR_MESSAGES: dict[str, Any] = {
    "label": "Vendor messages",
    "description": "Whether the vendor's own words are kept in reports, ledgers and logs, without what was sent: true "
    "or false. With false there are reason codes alone. Default: true.",
    "schema": {"type": ["string", "boolean", "null"]},
}

CALLKARO_FIELDS: dict[str, dict[str, Any]] = {
    "schedule_timezone": {
        "label": "Schedule time zone",
        "description": "IANA name of the zone in which CallKaro reads times of day, such as Asia/Kolkata. CallKaro "
        "does not document it; without it, calls with a schedule are refused.",
        "schema": {"type": ["string", "null"]},
    },
    "calling_windows": {
        "label": "Calling windows",
        "description": "When calls may ring, in the schedule time zone, as JSON, for sensors that wait for it: "
        '[{"start": "10:00", "end": "19:00", "days": "mon-sat"}].',
        "schema": {"type": ["string", "null"]},
    },
    "agent_id": {
        "label": "Agent id",
        "description": "The agent for calls that name none.",
        "schema": {"type": ["string", "null"]},
    },
    **_TLS_FIELDS,
    "vendor_messages": _VENDOR_MESSAGES,
}

CALLKARO_FORM: dict[str, Any] = {
    "hidden-fields": ["schema", "login", "port"],
    "relabeling": {"password": "API key", "host": "Base URL"},
    "placeholders": {"host": "https://api.callkaro.ai", "password": "from callkaro.ai/dashboard/api-key"},
}


CALLARO_FIELDS: dict[str, dict[str, Any]] = {
    "tenant_id": {
        "label": "Tenant id",
        "description": "Which tenant is meant, for keys that reach several. Sent as X-Tenant-Id.",
        "schema": {"type": ["string", "null"]},
    },
    **_TLS_FIELDS,
    "vendor_messages": _VENDOR_MESSAGES,
}

CALLARO_FORM: dict[str, Any] = {
    "hidden-fields": ["schema", "login", "port"],
    "relabeling": {"password": "API key", "host": "Base URL"},
    "placeholders": {"host": "https://api.callaro.ai", "password": "sk_…"},
}

MRASSISTANT_FIELDS: dict[str, dict[str, Any]] = {
    "schedule_timezone": {
        "label": "Schedule time zone",
        "description": "IANA name of the zone in which a schedule_at without an offset is meant, such as Asia/Kolkata. "
        "MrAssistant itself is told every time in UTC.",
        "schema": {"type": ["string", "null"]},
    },
    "agent_id": {
        "label": "Agent id",
        "description": "The agent for calls that name none.",
        "schema": {"type": ["string", "null"]},
    },
    "webhook_url": {
        "label": "Webhook URL",
        "description": "Where MrAssistant reports the progress of campaigns that name no address, by https.",
        "schema": {"type": ["string", "null"], "format": "password"},
    },
    "webhook_secret": {
        "label": "Webhook secret",
        "description": "With which MrAssistant signs the reports of campaigns that name no secret.",
        "schema": {"type": ["string", "null"], "format": "password"},
    },
    "day_numbers": {
        "label": "Day numbers",
        "description": "What the numbers in days_of_week of an outbound configuration mean, which MrAssistant does not "
        "document: mon=0, mon=1, sun=0 or sun=1. Only for reading its hours.",
        "schema": {"type": ["string", "null"]},
    },
    **_TLS_FIELDS,
    "vendor_messages": _VENDOR_MESSAGES,
}

MRASSISTANT_FORM: dict[str, Any] = {
    "hidden-fields": ["schema", "port"],
    "relabeling": {"host": "Base URL", "password": "Password or token"},
    "placeholders": {
        "host": "https://… (MrAssistant documents no address: the one of your account)",
        "login": "with a login, tokens are renewed",
        "password": "the login's password; or, without a login, a bearer token, which lives about a day",
    },
}


def widgets(fields: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The fields as form widgets, for the hook's ``get_connection_form_widgets``."""
    from flask_appbuilder.fieldwidgets import BS3PasswordFieldWidget, BS3TextFieldWidget
    from wtforms import PasswordField, StringField
    from wtforms.validators import Optional

    def widget(field: dict[str, Any]) -> Any:
        is_secret = field["schema"].get("format") == "password"
        kind, look = (PasswordField, BS3PasswordFieldWidget) if is_secret else (StringField, BS3TextFieldWidget)
        return kind(field["label"], widget=look(), validators=[Optional()], description=field["description"])

    return {name: widget(field) for name, field in fields.items()}


def behaviour(form: dict[str, Any]) -> dict[str, Any]:
    """The form in the spelling of the hook's ``get_ui_field_behaviour``."""
    return {name.replace("-", "_"): value for name, value in form.items()}
