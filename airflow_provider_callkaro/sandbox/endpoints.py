"""The vendors' paths: what a request asks for, and what a fault names."""

from __future__ import annotations

from enum import StrEnum

_CAMPAIGNS = "/api/v1/bulk_call_campaigns"


class VendorPath(StrEnum):
    """A path of a vendor; each vendor's paths are the members of a subclass.

    A path with two methods has the method before it. ``{id}`` and the like mean any id: a fault on such a path
    hits the requests about all of them.
    """

    @property
    def method(self) -> str:
        """The HTTP method, in capitals: the one before the path, else POST, or GET for the reading paths below."""
        method, space, _ = self.partition(" ")
        if space:
            return method
        return "GET" if self in _READ else "POST"

    @property
    def template(self) -> str:
        """The path alone, with the names of its ids in braces."""
        return self.rpartition(" ")[2]


class Endpoint(VendorPath):
    """The paths of CallKaro, Callaro and MrAssistant."""

    OUTBOUND = "/call/outbound"
    CAMPAIGN = "/call/campaign"
    CAMPAIGN_V2 = "/v2/call/campaign"
    DELETE_SCHEDULED = "/call/delete-schedule-call"

    CALLARO_LIST = f"GET {_CAMPAIGNS}"
    CALLARO_CREATE = f"POST {_CAMPAIGNS}"
    CALLARO_EXPORT = f"{_CAMPAIGNS}/export"
    CALLARO_GET = f"GET {_CAMPAIGNS}/{{id}}"
    CALLARO_UPDATE = f"PATCH {_CAMPAIGNS}/{{id}}"
    CALLARO_LAUNCH = f"{_CAMPAIGNS}/{{id}}/launch"
    CALLARO_PAUSE = f"{_CAMPAIGNS}/{{id}}/pause"
    CALLARO_RESUME = f"{_CAMPAIGNS}/{{id}}/resume"
    CALLARO_CANCEL = f"{_CAMPAIGNS}/{{id}}/cancel"
    CALLARO_TASKS = f"{_CAMPAIGNS}/{{id}}/tasks"
    CALLARO_ANALYTICS = f"{_CAMPAIGNS}/{{id}}/analytics"
    CALLARO_DISPATCH_HEALTH = f"{_CAMPAIGNS}/{{id}}/dispatch_health"
    CALLARO_RESULTS_EXPORT = f"{_CAMPAIGNS}/{{id}}/results_export"
    CALLARO_CLONE = f"{_CAMPAIGNS}/{{id}}/clone"
    CALLARO_CLONE_PREFILL = f"{_CAMPAIGNS}/{{id}}/clone_prefill"
    CALLARO_SAVE_AS_TEMPLATE = f"{_CAMPAIGNS}/{{id}}/save_as_template"
    CALLARO_CAPACITY_PREVIEW = f"{_CAMPAIGNS}/{{id}}/capacity_preview"
    CALLARO_AUDIENCE_TIMEZONE_ANALYSIS = f"{_CAMPAIGNS}/{{id}}/audience_timezone_analysis"
    CALLARO_CONTACTS_IMPORT = "/api/v1/contacts/import"
    CALLARO_CONTACT_IMPORTS = "/api/v1/contact-imports"
    CALLARO_CONTACT_IMPORT = "/api/v1/contact-imports/{id}"
    CALLARO_CONTACT_IMPORT_ERRORS = "/api/v1/contact-imports/{id}/error_report"

    MRASSISTANT_TOKEN = "/auth/token"  # noqa: S105  # a path
    MRASSISTANT_REFRESH = "/auth/refresh"
    MRASSISTANT_CAMPAIGNS = "/campaigns"
    MRASSISTANT_OUTBOUND = "/calls/outbound"
    MRASSISTANT_AGENT_CALLS = "/calls/agent/{agent_id}/calls"
    MRASSISTANT_CALL = "/calls/{call_id}"
    MRASSISTANT_TRANSFER = "/calls/{call_id}/transfer"
    MRASSISTANT_END = "/calls/{call_id}/end"
    MRASSISTANT_CONFIGURE = "POST /outbound/agents/{agent_id}/outbound-config"
    MRASSISTANT_CONFIGURATION = "GET /outbound/agents/{agent_id}/outbound-config"


_READ = frozenset(
    {
        Endpoint.CALLARO_EXPORT,
        Endpoint.CALLARO_TASKS,
        Endpoint.CALLARO_ANALYTICS,
        Endpoint.CALLARO_DISPATCH_HEALTH,
        Endpoint.CALLARO_RESULTS_EXPORT,
        Endpoint.CALLARO_CLONE_PREFILL,
        Endpoint.CALLARO_CAPACITY_PREVIEW,
        Endpoint.CALLARO_AUDIENCE_TIMEZONE_ANALYSIS,
        Endpoint.CALLARO_CONTACT_IMPORTS,
        Endpoint.CALLARO_CONTACT_IMPORT,
        Endpoint.CALLARO_CONTACT_IMPORT_ERRORS,
        Endpoint.MRASSISTANT_AGENT_CALLS,
        Endpoint.MRASSISTANT_CALL,
    }
)
