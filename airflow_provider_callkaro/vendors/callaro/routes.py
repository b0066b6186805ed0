"""The method and path of each of Callaro's actions, and whether it is documented or inferred.

The guide to bulk call campaigns shows some requests and only names the others. Where a guess is wrong, the extra of the
connection names the route, such as
``"routes": {"cancel": "POST /api/v1/bulk_call_campaigns/{id}/stop"}``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from airflow_provider_callkaro.exceptions import ConfigurationError

CAMPAIGNS = "/api/v1/bulk_call_campaigns"
ID = "{id}"
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
_PATH = re.compile(r"/(?!/)[A-Za-z0-9._~!$&'()*+,;=:@%/\-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method and path.

    :param path: from the root of the host; ``{id}`` stands for the id of the campaign, or of the import.
    :param inferred: whether it is a guess.
    :param note: its source.
    """

    method: str
    path: str
    inferred: bool
    note: str

    @property
    def about_one(self) -> bool:
        """Whether it is about one campaign, or one import."""
        return ID in self.path


def _shown(method: str, path: str) -> Route:
    return Route(method=method, path=f"{CAMPAIGNS}{path}", inferred=False, note="guide: an example shows it")


def _named(method: str, path: str, note: str) -> Route:
    return Route(method=method, path=f"{CAMPAIGNS}{path}", inferred=True, note=f"guide: named only; {note}")


IMPORTS = "/api/v1/contact-imports"
_READS = "it only reads, so GET"
_LIKE_LAUNCH = "by analogy with launch"

ROUTES: Mapping[str, Route] = {
    "list": _shown("GET", ""),
    "create": _shown("POST", ""),
    "get": _named("GET", "/{id}", "by convention"),
    "update": _named("PATCH", "/{id}", "PATCH or PUT; phone numbers are updated with PATCH"),
    "launch": _shown("POST", "/{id}/launch"),
    "pause": _shown("POST", "/{id}/pause"),
    "resume": _shown("POST", "/{id}/resume"),
    "cancel": _named("POST", "/{id}/cancel", _LIKE_LAUNCH),
    "clone": _named("POST", "/{id}/clone", _LIKE_LAUNCH),
    "clone_prefill": _named("GET", "/{id}/clone_prefill", _READS),
    "save_as_template": _named("POST", "/{id}/save_as_template", _LIKE_LAUNCH),
    "tasks": _named("GET", "/{id}/tasks", _READS),
    "analytics": _shown("GET", "/{id}/analytics"),
    "dispatch_health": _shown("GET", "/{id}/dispatch_health"),
    "results_export": _named("GET", "/{id}/results_export", _READS),
    "export": _named("GET", "/export", _READS),
    "capacity_preview": _named("GET", "/{id}/capacity_preview", _READS),
    "audience_timezone_analysis": _named("GET", "/{id}/audience_timezone_analysis", _READS),
    "import_contacts": Route(
        method="POST", path="/api/v1/contacts/import", inferred=False, note="page on contacts: import in bulk"
    ),
    "contact_imports": Route(method="GET", path=IMPORTS, inferred=False, note="page on contacts"),
    "contact_import": Route(
        method="GET", path=f"{IMPORTS}/{{id}}", inferred=True, note="by analogy with its error_report"
    ),
    "contact_import_errors": Route(
        method="GET", path=f"{IMPORTS}/{{id}}/error_report", inferred=False, note="page on contacts; " + _READS
    ),
}
"""By the name of the action, which is the key in the connection's ``routes``."""


def routes_with(changes: Mapping[str, object]) -> dict[str, Route]:
    """The table, with the routes of a connection in place of its own.

    :param changes: by action, a method and a path, such as ``"POST /api/v1/bulk_call_campaigns/{id}/stop"``.
    :raises ConfigurationError: there is no such action, or it is not a method and a path on the connection's host.
    """
    return {**ROUTES, **{action: _checked(action, text) for action, text in changes.items()}}


def _checked(action: str, text: object) -> Route:
    if action not in ROUTES:
        raise ConfigurationError(f"there is no action {action!r}: the actions are {', '.join(ROUTES)}")
    known = ROUTES[action]
    method, _, path = text.strip().partition(" ") if isinstance(text, str) else ("", "", "")
    path = path.strip()
    segments = path.split("/")
    wanted = 1 if known.about_one else 0
    plain = path.replace(ID, "id")
    if (
        method.upper() not in _METHODS
        or not _PATH.fullmatch(plain)
        or path.count(ID) != wanted
        or ".." in segments
        or "." in segments
    ):
        raise ConfigurationError(
            f'{action!r} must be a method and a path on the same host, {"with" if wanted else "without"} "{ID}", such '
            f'as "{known.method} {known.path}"'
        )
    return Route(method=method.upper(), path=path, inferred=False, note="the connection says so")
