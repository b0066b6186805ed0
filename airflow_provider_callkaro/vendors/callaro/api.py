"""Callaro's HTTP API for bulk call campaigns: what to ask, and how to read the answer.

Source: the guide to bulk call campaigns and the page on contacts. `ROUTES` says which routes the guide only names, so
that their paths are inferred.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from hashlib import blake2b
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, urlencode

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.vendors.callaro.answers import (
    MAX_ID_LENGTH,
    CallaroCampaign,
    CampaignId,
    Page,
    read_campaign,
    read_change,
    read_object,
    read_page,
)
from airflow_provider_callkaro.vendors.callaro.refusals import NAME, raise_callaro_refusal
from airflow_provider_callkaro.vendors.callaro.routes import ID, routes_with
from airflow_provider_callkaro.vendors.callaro.states import Action, states_named
from airflow_provider_callkaro.vendors.http import Request, Response

DEFAULT_HOST = "https://api.callaro.ai"  # source: the guide's examples
_JSON = "application/json"
_SHOWN = frozenset({"agent_id", "batch_id", "name"})  # chosen by the author of a DAG; `name` is a campaign's
_SECRET = frozenset({"password", "refresh_token", "transfer_to", "webhook_secret"})  # an account may take any field
_NO_CHANGES: Mapping[str, str] = MappingProxyType({})


class Callaro:
    """What Callaro's API says.

    :param routes: by action, the method and path to use instead of those in `ROUTES`.
    :param states: which state each of the account's own words means: no word for a state is documented.
    :raises ConfigurationError: a route is no method and path, or a state is unknown.
    """

    name = NAME
    read_refusal = staticmethod(raise_callaro_refusal)
    read_object = staticmethod(read_object)

    def __init__(self, *, routes: Mapping[str, str] = _NO_CHANGES, states: Mapping[str, str] = _NO_CHANGES) -> None:
        self._routes = routes_with(routes)
        self._words = states_named(states)

    def read_campaign(self, response: Response, *, asked: CampaignId | None = None) -> CallaroCampaign:
        """The campaign in an answer; see `answers.read_campaign`."""
        return read_campaign(response, asked=asked, words=self._words)

    def read_change(self, response: Response, *, asked: CampaignId) -> CallaroCampaign | None:
        """The campaign after a change that Callaro accepted; see `answers.read_change`."""
        return read_change(response, asked=asked, words=self._words)

    def read_page(self, response: Response) -> Page:
        """One page of a list; see `answers.read_page`."""
        return read_page(response, words=self._words)

    @staticmethod
    def headers(api_key: str, *, tenant_id: str | None = None) -> dict[str, str]:
        """The headers of every request. ``tenant_id``: which tenant is meant, for keys that reach several."""
        tenant = {} if tenant_id is None else {"X-Tenant-Id": tenant_id}
        return {"X-Api-Key": api_key, **tenant, "Accept": "*/*"}

    def list_campaigns(self, *, page: int, per_page: int, filters: Mapping[str, object]) -> Request:
        """One page of the campaigns. ``page``: from 1. ``filters``: more query parameters; none is documented."""
        return self._request("list", query={"page": page, "per_page": per_page, **filters})

    def create_campaign(self, fields: Mapping[str, object]) -> Request:
        """A new campaign, in draft. It is not retry-safe: a field may start it, and a second draft would remain.
        ``fields``: ``name``, and whatever fields the account takes."""
        return self._request("create", body=fields, retry_safe=False)

    def get_campaign(self, campaign_id: CampaignId) -> Request:
        """One campaign."""
        return self._request("get", campaign_id)

    def update_campaign(self, campaign_id: CampaignId, fields: Mapping[str, object]) -> Request:
        """Other values for some fields of a campaign."""
        return self._request("update", campaign_id, body=fields)

    def act(self, action: Action, campaign_id: CampaignId) -> Request:
        """An action on a campaign's state. Launch and resume ring phones."""
        return self._request(action.value, campaign_id, retry_safe=action not in (Action.LAUNCH, Action.RESUME))

    def clone(self, campaign_id: CampaignId, fields: Mapping[str, object]) -> Request:
        """A new campaign like another one. It is not retry-safe, as `create_campaign`. ``fields``: the fields that
        differ; without any, no body is sent."""
        return self._request("clone", campaign_id, body=fields or None, retry_safe=False)

    def clone_prefill(self, campaign_id: CampaignId) -> Request:
        """The fields with which a clone of a campaign would begin."""
        return self._request("clone_prefill", campaign_id)

    def save_as_template(self, campaign_id: CampaignId, name: str | None) -> Request:
        """A template made from a campaign. It is not retry-safe: sent twice, it would make two."""
        body = None if name is None else {"name": name}
        return self._request("save_as_template", campaign_id, body=body, retry_safe=False)

    def tasks(self, campaign_id: CampaignId, *, page: int, per_page: int) -> Request:
        """One page of a campaign's calls."""
        return self._request("tasks", campaign_id, query={"page": page, "per_page": per_page})

    def analytics(self, campaign_id: CampaignId, *, start: date | None, end: date | None) -> Request:
        """A campaign's figures. ``start``: the first day; None leaves it to Callaro. ``end``: the last day; None leaves
        it to Callaro. Raises ConfigurationError if the last day is before the first."""
        days = {name: f"{day:%Y-%m-%d}" for name, day in (("from", start), ("to", end)) if day is not None}
        if days.get("from", "") > days.get("to", "~"):
            raise ConfigurationError(f"analytics from {days['from']} to {days['to']}: the last day is before the first")
        return self._request("analytics", campaign_id, query=days)

    def dispatch_health(self, campaign_id: CampaignId) -> Request:
        """Why a campaign is dialling, or is not."""
        return self._request("dispatch_health", campaign_id)

    def capacity_preview(
        self,
        campaign_id: CampaignId,
        *,
        query: Mapping[str, object] | None = None,
        body: Mapping[str, object] | None = None,
    ) -> Request:
        """How long a campaign's calls would take. ``query``: query parameters; none is documented. ``body``: a JSON
        body, for accounts whose ``routes`` in the connection name a method that takes one. Raises ConfigurationError if
        there is a body, and the route is a GET."""
        return self._forecast("capacity_preview", campaign_id, query=query, body=body)

    def audience_timezone_analysis(
        self,
        campaign_id: CampaignId,
        *,
        query: Mapping[str, object] | None = None,
        body: Mapping[str, object] | None = None,
    ) -> Request:
        """In which time zones a campaign's audience lives. The arguments are those of `capacity_preview`."""
        return self._forecast("audience_timezone_analysis", campaign_id, query=query, body=body)

    def results_export(self, campaign_id: CampaignId, *, page: int = 1) -> Request:
        """The results of a campaign's calls, as a file. ``page``: the page of an export that has several; the first is
        asked for without a number."""
        return self._request("results_export", campaign_id, query={"page": page} if page > 1 else None)

    def export_campaigns(self, *, page: int = 1) -> Request:
        """The campaigns, as a file. ``page``: as in `results_export`."""
        return self._request("export", query={"page": page} if page > 1 else None)

    def import_contacts(
        self, content: bytes, *, filename: str, column_mapping: Mapping[str, str], options: Mapping[str, object] | None
    ) -> Request:
        """Contacts from a file. It is not retry-safe: imported twice, a person may be in an audience twice.

        Source: page on contacts, import in bulk: multipart, ``file``, ``column_mapping`` and options in JSON.

        :param column_mapping: which field each column of the file is.
        """
        from urllib3.fields import RequestField

        boundary = blake2b(content, digest_size=16).hexdigest()  # a file does not hold its own digest
        head = RequestField.from_tuples("file", (filename, b"", "text/csv")).render_headers().encode()
        texts = {"column_mapping": column_mapping} | ({} if options is None else {"options": options})
        parts = [f"--{boundary}\r\n".encode(), head, content, b"\r\n"]  # joined once: the file may be long
        for name, value in texts.items():
            rest = RequestField.from_tuples(name, b"").render_headers().encode()
            parts += [f"--{boundary}\r\n".encode(), rest, _encoded(value), b"\r\n"]
        body = b"".join([*parts, f"--{boundary}--\r\n".encode()])
        route = self._routes["import_contacts"]
        return Request(
            route.method, route.path, body, retry_safe=False, content_type=f"multipart/form-data; boundary={boundary}"
        )

    def contact_imports(self, *, page: int, per_page: int) -> Request:
        """One page of the imports of contacts."""
        return self._request("contact_imports", query={"page": page, "per_page": per_page})

    def contact_import(self, import_id: CampaignId) -> Request:
        """The state of an import of contacts."""
        return self._request("contact_import", import_id, what="import_id")

    def contact_import_errors(self, import_id: CampaignId, *, page: int = 1) -> Request:
        """The lines of an import that were refused, as a file. ``page``: as in `results_export`."""
        query = {"page": page} if page > 1 else None
        return self._request("contact_import_errors", import_id, query=query, what="import_id")

    def _request(
        self,
        action: str,
        campaign_id: CampaignId | None = None,
        *,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        retry_safe: bool = True,
        what: str = "campaign_id",
    ) -> Request:
        route = self._routes[action]
        path = route.path.replace(ID, _quoted(campaign_id, what=what)) if route.about_one else route.path
        if body is None:
            return Request.json(route.method, path, query=query, retry_safe=retry_safe)
        if query:
            path = f"{path}?{urlencode(query)}"
        return Request(route.method, path, _encoded(body), retry_safe, _JSON, _SHOWN, _SECRET)

    def _forecast(
        self,
        action: str,
        campaign_id: CampaignId,
        *,
        query: Mapping[str, object] | None,
        body: Mapping[str, object] | None,
    ) -> Request:
        """A forecast for a campaign."""
        route = self._routes[action]
        if body is not None and route.method == "GET":
            raise ConfigurationError(
                f"{action} is asked for with GET, which carries no body: say in the extra of the connection how your "
                f'account takes it, such as "routes": {{"{action}": "POST {route.path}"}}'
            )
        return self._request(action, campaign_id, query=query or None, body=body)


def _quoted(campaign_id: CampaignId | None, *, what: str) -> str:
    """An id as one segment of a path."""
    text = str(campaign_id).strip() if isinstance(campaign_id, (int, str)) else ""
    is_none = isinstance(campaign_id, bool) or text in ("", ".", "..", "None")  # None: a template of a missing XCom
    if is_none or len(text) > MAX_ID_LENGTH or not text.isprintable():
        kind = "an import" if what == "import_id" else "a campaign"
        raise ConfigurationError(f"{what} must be the id of {kind} as Callaro gave it, such as 123")
    return quote(text, safe="")


def _encoded(body: Mapping[str, object]) -> bytes:
    try:
        return json.dumps(body, separators=(",", ":"), allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError):
        raise ConfigurationError(
            "the fields for Callaro are no JSON: use texts, numbers, true, false, None, lists and mappings"
        ) from None
