"""What Callaro decides: is the key right, may the campaign be launched, what do the reports show.

The page on campaigns shows requests and a table of states, but no answer. The paths that it only names, the statuses
and the fields of the answers are the sandbox's own. The envelopes are those of the vendor's overview.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any
from uuid import uuid4

from airflow_provider_callkaro.sandbox.callaro import reports
from airflow_provider_callkaro.sandbox.callaro.campaigns import Action, CallaroCampaign, Campaign, State
from airflow_provider_callkaro.sandbox.callaro.dialling import Campaigns
from airflow_provider_callkaro.sandbox.callaro.reading import (
    CallaroImport,
    Page,
    invalid,
    read_changes,
    read_days,
    read_fields,
    read_import,
)
from airflow_provider_callkaro.sandbox.callaro.webhook import call_completed
from airflow_provider_callkaro.sandbox.endpoints import Endpoint, VendorPath
from airflow_provider_callkaro.sandbox.request_log import RequestLog
from airflow_provider_callkaro.sandbox.settings import Settings
from airflow_provider_callkaro.sandbox.vendor import Answer, Asked, Handler, Refused, Vendor
from airflow_provider_callkaro.sandbox.webhooks.fates import EndedTry
from airflow_provider_callkaro.sandbox.webhooks.webhook import hmac_of

DEFAULT_AUDIENCE = ("+12025550101", "+12025550102", "+12025550103", "+12025550104", "+12025550105")  # of fiction
_CODES = {
    400: "BAD_REQUEST",
    401: "UNAUTHORIZED",
    403: "FORBIDDEN",
    404: "CAMPAIGN_NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    409: "INVALID_STATE",
    422: "VALIDATION_ERROR",
    429: "RATE_LIMITED",
    503: "SERVICE_UNAVAILABLE",
}
Audience = Sequence[Mapping[str, Any]]


class Callaro(Vendor):
    """Callaro's decisions."""

    name = "Callaro"
    connection_type = "callaro"
    prefixes = ("/api/",)
    campaigns_name = "callaro_campaigns"

    def __init__(self, *, settings: Settings, request_log: RequestLog) -> None:
        super().__init__(settings=settings, request_log=request_log)
        self._audience = [{"phone_e164": number} for number in settings.callaro_audience]
        self._campaigns = Campaigns(request_log=request_log, dial_seconds=settings.callaro_dial_seconds)
        self.forget()

    def handlers(self) -> Mapping[VendorPath, Handler]:
        """What answers at each path."""
        return {
            Endpoint.CALLARO_LIST: self._list,
            Endpoint.CALLARO_CREATE: self._create,
            Endpoint.CALLARO_EXPORT: self._export,
            Endpoint.CALLARO_GET: partial(self._report, lambda campaign, _audience: campaign.as_json()),
            Endpoint.CALLARO_UPDATE: self._update,
            Endpoint.CALLARO_LAUNCH: partial(self._act, Action.LAUNCH),
            Endpoint.CALLARO_PAUSE: partial(self._act, Action.PAUSE),
            Endpoint.CALLARO_RESUME: partial(self._act, Action.RESUME),
            Endpoint.CALLARO_CANCEL: partial(self._act, Action.CANCEL),
            Endpoint.CALLARO_TASKS: self._tasks,
            Endpoint.CALLARO_ANALYTICS: self._analytics,
            Endpoint.CALLARO_DISPATCH_HEALTH: self._dispatch_health,
            Endpoint.CALLARO_RESULTS_EXPORT: self._results_export,
            Endpoint.CALLARO_CLONE: self._clone,
            Endpoint.CALLARO_CLONE_PREFILL: partial(self._report, lambda campaign, _audience: _prefill(campaign)),
            Endpoint.CALLARO_SAVE_AS_TEMPLATE: self._save_as_template,
            Endpoint.CALLARO_CAPACITY_PREVIEW: self._capacity_preview,
            Endpoint.CALLARO_AUDIENCE_TIMEZONE_ANALYSIS: partial(self._report, reports.audience_timezone_analysis),
            Endpoint.CALLARO_CONTACTS_IMPORT: self._import,
            Endpoint.CALLARO_CONTACT_IMPORTS: self._list_imports,
            Endpoint.CALLARO_CONTACT_IMPORT: self._get_import,
            Endpoint.CALLARO_CONTACT_IMPORT_ERRORS: self._import_errors,
        }

    @property
    def campaigns(self) -> list[CallaroCampaign]:
        """Every campaign, in order."""
        return self._campaigns.seen()

    @property
    def imports(self) -> list[CallaroImport]:
        """Every import of contacts, in order."""
        return list(self._imports)

    def campaigns_by_id(self) -> Mapping[str, CallaroCampaign]:
        """Every campaign, in order, by its id."""
        return {str(campaign.id): campaign for campaign in self.campaigns}

    def set_health(self, campaign_id: int | str, values: Mapping[str, object]) -> None:
        """Set values in the health of a campaign."""
        self._health.setdefault(str(campaign_id), {}).update(values)

    def open(self) -> None:
        """Dial from now on."""
        self._campaigns.open()

    def close(self) -> None:
        """Stop dialling until it is opened again."""
        self._campaigns.close()

    def forget(self) -> None:
        """Forget campaigns, imports, templates and the health that was set."""
        self._campaigns.forget()
        self._health: dict[str, dict[str, object]] = {}
        self._imports: list[CallaroImport] = []
        self._templates = 0

    def check_key(self, asked: Asked) -> Answer | None:
        """Return the refusal if the key is missing or wrong: 401 to both."""
        key = asked.headers.get("x-api-key", "")
        if not hmac.compare_digest(key.encode(), self._settings.api_key.encode()):
            return self.error(self.key_refused(401))
        return None

    def key_refused(self, status: int) -> Refused:
        """Refuse the key."""
        return Refused(
            status, "The API key is missing or invalid" if status == 401 else "The API key has no such scope"
        )

    def rejected(self, status: int, body: bytes) -> Refused:
        """Refuse a number and repeat it: that of the first contact in the body, else of the audience."""
        try:
            contacts = json.loads(body)["contacts"]
            number = str(contacts[0]["phone_e164"])
        except (ValueError, TypeError, KeyError, IndexError, RecursionError):
            number = self._audience[0]["phone_e164"] if self._audience else "unknown"
        message = f"Number {number} ({number.removeprefix('+')}) cannot be dialled"
        return Refused(status, message, details={"contacts": [message]})

    def error(self, refusal: Refused) -> Answer:
        """Put a refusal in the vendor's one error shape."""
        body = {
            "error": refusal.message,
            "error_code": _CODES.get(refusal.status, "INTERNAL_ERROR"),
            "details": {},
            "errors": refusal.details or {},
            "request_id": str(uuid4()),
        }
        return Answer(status=refusal.status, body=body)

    def webhook(self, ended: EndedTry) -> Mapping[str, object]:
        """What it tells of a call that has ended."""
        return call_completed(ended)

    def signature(self, body: bytes, *, secret: str) -> Mapping[str, str]:
        """The header that signs a webhook. The pages name it, and "HMAC v1"; how that is spelt is the sandbox's own."""
        return {"X-Callaro-Signature": f"v1={hmac_of(body, secret=secret)}"}

    def _list(self, asked: Asked) -> Answer:
        with self._campaigns.now() as campaigns:
            return _page(asked, [campaign.as_json() for campaign in campaigns.values()])

    def _create(self, asked: Asked) -> Answer:
        return _enveloped(self._campaigns.create(read_fields(asked.body)).as_json(), status=201)

    def _export(self, _asked: Asked) -> Answer:
        with self._campaigns.now() as campaigns:
            return Answer(
                csv=reports.csv_lines(reports.CAMPAIGN_COLUMNS, [each.as_json() for each in campaigns.values()])
            )

    def _update(self, asked: Asked) -> Answer:
        changes = read_changes(asked.body)
        with self._campaigns.now() as campaigns:
            campaign = _found(asked, campaigns)
            if campaign.state not in (State.DRAFT, State.PAUSED):
                raise Refused(409, f"A {campaign.state} campaign cannot be changed")
            campaign.fields.update(changes)
            return _enveloped(campaign.as_json())

    def _act(self, action: Action, asked: Asked) -> Answer:
        with self._campaigns.now() as campaigns:
            campaign = _found(asked, campaigns)
            if not campaign.allows(action):
                raise Refused(409, f"A {campaign.state} campaign does not allow {action}")
            audience = self._audience_of(campaign)
            if action is Action.LAUNCH and not audience:
                raise Refused(422, "no contacts", details={"contacts": ["no contacts"]})
            self._campaigns.act(campaign, action, audience=audience)
            return _enveloped(campaign.as_json())

    def _tasks(self, asked: Asked) -> Answer:
        with self._campaigns.now() as campaigns:
            campaign = _found(asked, campaigns)
            return _page(asked, reports.tasks(campaign, self._audience_of(campaign)))

    def _analytics(self, asked: Asked) -> Answer:
        start, end = read_days(asked.query)
        return self._report(partial(reports.analytics, start=start, end=end), asked)

    def _dispatch_health(self, asked: Asked) -> Answer:
        overrides = self._health.get(asked.id, {})
        return self._report(lambda campaign, audience: reports.dispatch_health(campaign, audience) | overrides, asked)

    def _results_export(self, asked: Asked) -> Answer:
        with self._campaigns.now() as campaigns:
            campaign = _found(asked, campaigns)
            rows = reports.results(campaign, self._audience_of(campaign))
        match asked.query.get("format", "csv"):
            case "csv":
                return Answer(csv=reports.csv_lines(reports.RESULT_COLUMNS, rows))
            case "json":
                return _page(asked, rows)
        raise invalid({"format": ["must be csv or json"]})

    def _clone(self, asked: Asked) -> Answer:
        changes = read_changes(asked.body)
        with self._campaigns.now() as campaigns:
            fields = _prefill(_found(asked, campaigns)) | changes
        return _enveloped(self._campaigns.create(fields).as_json(), status=201)

    def _save_as_template(self, asked: Asked) -> Answer:
        changes = read_changes(asked.body)
        with self._campaigns.now() as campaigns:
            name = changes.get("name") or _found(asked, campaigns).fields["name"]
        self._templates += 1
        return _enveloped({"id": self._templates, "name": name}, status=201)

    def _capacity_preview(self, asked: Asked) -> Answer:
        limit = asked.query.get("concurrency_limit", "")
        number = int(limit) if limit.isascii() and limit.isdigit() and len(limit) < 4 else None
        return self._report(partial(reports.capacity_preview, concurrency_limit=number), asked)

    def _import(self, asked: Asked) -> Answer:
        accepted = read_import(asked, import_id=len(self._imports) + 1)
        self._imports.append(accepted)
        return _enveloped({"import_id": accepted.import_id, "rows": accepted.rows}, status=202)

    def _list_imports(self, asked: Asked) -> Answer:
        return _page(asked, [each.as_json() for each in self._imports])

    def _get_import(self, asked: Asked) -> Answer:
        return _enveloped(self._found_import(asked).as_json())

    def _import_errors(self, asked: Asked) -> Answer:
        return Answer(csv=reports.csv_lines(reports.REFUSED_COLUMNS, self._found_import(asked).refused))

    def _found_import(self, asked: Asked) -> CallaroImport:
        found = next((each for each in self._imports if str(each.import_id) == asked.id), None)
        if found is None:
            raise Refused(404, "Import not found")
        return found

    def _report(self, report: Callable[[Campaign, Audience], Mapping[str, object]], asked: Asked) -> Answer:
        """Answer with a report on the campaign in the path."""
        with self._campaigns.now() as campaigns:
            campaign = _found(asked, campaigns)
            return _enveloped(report(campaign, self._audience_of(campaign)))

    def _audience_of(self, campaign: Campaign) -> Audience:
        """The contacts of a campaign: fixed by its launch; until then its ``contacts``, or those of the account."""
        if campaign.launches:
            return campaign.audience
        contacts: Audience | None = campaign.fields.get("contacts")
        return self._audience if contacts is None else contacts


def _found(asked: Asked, campaigns: Mapping[int, Campaign]) -> Campaign:
    is_number = asked.id.isascii() and asked.id.isdigit() and len(asked.id) < 20
    campaign = campaigns.get(int(asked.id)) if is_number else None
    if campaign is None:
        raise Refused(404, "Campaign not found")
    return campaign


def _prefill(campaign: Campaign) -> dict[str, Any]:
    return campaign.fields | {"name": f"{campaign.fields['name'][:248]} (copy)"}


def _page(asked: Asked, entries: Sequence[object]) -> Answer:
    data, meta = Page.read(asked.query).envelope(entries)
    return _enveloped(data, meta=meta)


def _enveloped(data: object, *, meta: Mapping[str, int] | None = None, status: int = 200) -> Answer:
    body = {"data": data, "message": None} | ({} if meta is None else {"meta": meta}) | {"request_id": str(uuid4())}
    return Answer(status=status, body=body)
