"""The Callaro hook: one method for each thing that Callaro's API can do with a campaign."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_callkaro.exceptions import ConfigurationError, VendorError
from airflow_provider_callkaro.hooks.callaro.connection import CallaroConnection, read_connection
from airflow_provider_callkaro.hooks.callaro.files import CallaroFilesHook
from airflow_provider_callkaro.hooks.callaro.lists import every_item
from airflow_provider_callkaro.hooks.callaro.moves import CampaignMoves
from airflow_provider_callkaro.hooks.connection import AirflowConnection
from airflow_provider_callkaro.hooks.vendor import Ask
from airflow_provider_callkaro.transport.retry import RetryPolicy
from airflow_provider_callkaro.vendors.callaro.answers import CallaroCampaign, CampaignId, Page
from airflow_provider_callkaro.vendors.callaro.api import Callaro
from airflow_provider_callkaro.vendors.callaro.fields import checked_fields
from airflow_provider_callkaro.vendors.callaro.profile import CALLARO
from airflow_provider_callkaro.vendors.callaro.states import Action
from airflow_provider_callkaro.vendors.callaro.windows import policy_of
from airflow_provider_callkaro.vendors.http import Request

if TYPE_CHECKING:
    from airflow_provider_callkaro.calls.policy import CallingPolicy

PAGE_SIZE = 20  # campaigns asked for at once, as in the guide's example; the vendor's limit is not documented
TASKS_PAGE_SIZE = 100  # calls asked for at once
MAX_PAGES = 10_000  # of one list; ours, against a list that never ends

T = TypeVar("T")


class CallaroHook(CallaroFilesHook):
    """Talks to Callaro.

    The connection is read once per hook. Its fields: host (default ``https://api.callaro.ai``), password (the API
    key), and the extras ``tenant_id`` (which tenant is meant, for keys that reach several), ``routes`` (by action, the
    method and path to use instead of an inferred one; see `ROUTES`), ``states`` (which state each of the account's own
    words means), ``connect_timeout`` and ``read_timeout`` (seconds; 10 and 60).

    :param callaro_conn_id: the connection's id.
    :param sleep: waits for some seconds, between a lost answer and the look at what became of the request.
    """

    conn_name_attr = "callaro_conn_id"
    default_conn_name = "callaro_default"
    conn_type = "callaro"
    hook_name = "Callaro"
    profile = CALLARO

    def __init__(
        self, callaro_conn_id: str = default_conn_name, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        super().__init__(callaro_conn_id)
        self._sleep = sleep

    def list_campaigns(self, per_page: int = PAGE_SIZE, **filters: Any) -> Iterator[dict[str, Any]]:
        """Every campaign as the list shows it, page after page.

        :param per_page: how many to ask for at once.
        :param filters: more query parameters. Callaro documents none.
        :raises ConfigurationError: there are more than 10,000 pages.
        """
        return self._items(partial(self._vendor.list_campaigns, per_page=per_page, filters=filters))

    def find_campaign(self, name: str) -> dict[str, Any] | None:
        """The first campaign in the list that has this name, None where there is none."""
        return next((campaign for campaign in self.list_campaigns() if campaign.get("name") == name), None)

    def create_campaign(self, fields: Mapping[str, Any]) -> CallaroCampaign:
        """Create a campaign, in draft. No phone rings, unless a field starts it.

        :param fields: ``name``, and whatever the account takes: ``agent_id``, ``timezone``,
            ``campaign_phone_number_ids``, ``concurrency_limit``, …
        :raises ConfigurationError: it has no name, or one of these fields cannot be what it should; nothing was sent.
        :raises OutcomeUnknown: it may have been created. It is not created again: look for it with `find_campaign`.
        """
        request = self._vendor.create_campaign(checked_fields({"name": None, **fields}))
        return self._ask(request, self._vendor.read_campaign)

    def get_campaign(self, campaign_id: CampaignId) -> CallaroCampaign:
        """Read a campaign and its state."""
        return self._ask(self._vendor.get_campaign(campaign_id), partial(self._vendor.read_campaign, asked=campaign_id))

    def update_campaign(self, campaign_id: CampaignId, fields: Mapping[str, Any]) -> CallaroCampaign:
        """Change some fields of a campaign.

        :return: the campaign since.
        """
        if not fields:
            raise ConfigurationError("there is nothing to change: fields is empty")
        checked_fields({name: value for name, value in fields.items() if value is not None})
        request = self._vendor.update_campaign(campaign_id, fields)
        return self._ask(request, partial(self._vendor.read_change, asked=campaign_id)) or self.get_campaign(
            campaign_id
        )

    def launch(self, campaign_id: CampaignId) -> CallaroCampaign:
        """Launch a campaign: it rings phones from then on. One that was launched before is left as it is.

        After a lost answer the campaign's state decides: the launch is sent again only to what is still a draft, and at
        most 5 times in all.

        :return: the campaign afterwards. Callaro may call it a draft for a while after it took the launch.
        :raises NotAllowed: its state does not allow it, naming what it does allow.
        :raises OutcomeUnknown: it may have been launched.
        """
        return self._act(Action.LAUNCH, campaign_id)

    def pause(self, campaign_id: CampaignId) -> CallaroCampaign:
        """Pause a running campaign. One that is paused is left as it is.

        :raises NotAllowed: its state does not allow it, naming what it does allow.
        """
        return self._act(Action.PAUSE, campaign_id)

    def resume(self, campaign_id: CampaignId) -> CallaroCampaign:
        """Resume a paused campaign: it rings phones from then on. One that is running is left as it is.

        A lost answer is resolved as in `launch`: the action is sent again only to what is still paused.

        :raises NotAllowed: its state does not allow it, naming what it does allow.
        :raises OutcomeUnknown: it may have been resumed.
        """
        return self._act(Action.RESUME, campaign_id)

    def cancel(self, campaign_id: CampaignId) -> CallaroCampaign:
        """End a running or paused campaign for good. One that was cancelled before is left as it is.

        :raises NotAllowed: its state does not allow it, naming what it does allow.
        """
        return self._act(Action.CANCEL, campaign_id)

    def clone(self, campaign_id: CampaignId, fields: Mapping[str, Any] | None = None) -> CallaroCampaign:
        """Create a campaign like another one.

        :param fields: what is to be different, such as ``name``.
        :raises OutcomeUnknown: it may have been created; it is not created again.
        """
        return self._ask(self._vendor.clone(campaign_id, checked_fields(fields or {})), self._vendor.read_campaign)

    def clone_prefill(self, campaign_id: CampaignId) -> dict[str, Any]:
        """The fields with which a clone of a campaign would begin."""
        return self._ask(self._vendor.clone_prefill(campaign_id), self._vendor.read_object)

    def save_as_template(self, campaign_id: CampaignId, name: str | None = None) -> dict[str, Any]:
        """Make a template of a campaign. No phone rings.

        :param name: what the template is called; None leaves it to Callaro.
        :return: the template as Callaro describes it.
        :raises OutcomeUnknown: it may have been made; it is not made again.
        """
        return self._ask(self._vendor.save_as_template(campaign_id, name), self._vendor.read_object)

    def tasks(self, campaign_id: CampaignId) -> Iterator[dict[str, Any]]:
        """Every call of a campaign, page after page. They hold phone numbers."""
        return self._items(partial(self._vendor.tasks, campaign_id, per_page=TASKS_PAGE_SIZE))

    def analytics(self, campaign_id: CampaignId, start: date | None = None, end: date | None = None) -> dict[str, Any]:
        """A campaign's figures.

        :param start: the first day; None leaves it to Callaro.
        :param end: the last day; None leaves it to Callaro.
        """
        return self._ask(self._vendor.analytics(campaign_id, start=start, end=end), self._vendor.read_object)

    def dispatch_health(self, campaign_id: CampaignId) -> dict[str, Any]:
        """Why a campaign is dialling, or is not."""
        return self._ask(self._vendor.dispatch_health(campaign_id), self._vendor.read_object)

    def capacity_preview(
        self,
        campaign_id: CampaignId,
        *,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """How long a campaign's calls would take.

        :param query: parameters in the path, as your account takes them; none is documented.
        :param body: parameters in a body, where the connection's ``routes`` say that it is asked for with POST.
        :raises ConfigurationError: there is a body, and the route is a GET.
        """
        return self._ask(self._vendor.capacity_preview(campaign_id, query=query, body=body), self._vendor.read_object)

    def audience_timezone_analysis(
        self,
        campaign_id: CampaignId,
        *,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """In which time zones a campaign's audience lives.

        :param query: as in `capacity_preview`.
        :param body: as in `capacity_preview`.
        """
        request = self._vendor.audience_timezone_analysis(campaign_id, query=query, body=body)
        return self._ask(request, self._vendor.read_object)

    def calling_policy(
        self, *, campaign_id: CampaignId | None = None, agent_id: CampaignId | None = None
    ) -> CallingPolicy:
        """When a campaign may call, as Callaro says: its time zone and its call windows.

        The names of the windows' fields are not documented: the likely ones are read, and what cannot be read is
        refused. Windows count in the campaign's own time zone. Whether Callaro keeps to each contact's zone instead is
        not documented.

        :param campaign_id: the campaign.
        :param agent_id: no document gives an agent of Callaro's windows of its own: give the campaign.
        :raises ConfigurationError: no campaign is named, or its zone or windows cannot be read.
        """
        if campaign_id is None or agent_id is not None:
            raise ConfigurationError("Callaro keeps call windows with a campaign: give campaign_id, and no agent_id")
        return policy_of(self.get_campaign(campaign_id).raw, what=f"campaign {campaign_id}")

    def contact_imports(self) -> Iterator[dict[str, Any]]:
        """Every import of contacts as the list shows it, page after page."""
        return self._items(partial(self._vendor.contact_imports, per_page=TASKS_PAGE_SIZE))

    def contact_import(self, import_id: CampaignId) -> dict[str, Any]:
        """Read the state of an import of contacts. Its path is inferred; the connection's ``routes`` may replace it."""
        return self._ask(self._vendor.contact_import(import_id), self._vendor.read_object)

    async def read_status(self, campaign_id: str) -> str:
        """The state of a campaign, in one word, asked once, from an event loop.

        :return: a `CampaignState`, or, where it is none of those, Callaro's own word in lower case.
        """
        vendor: Callaro = (await self.async_connection()).vendor
        campaign = await self._ask_once(
            vendor.get_campaign(campaign_id), partial(vendor.read_campaign, asked=campaign_id)
        )
        return campaign.status

    def wait_after(self, error: VendorError, *, attempt: int) -> None:
        """Wait, as long as the retry policy says, before a look at what became of a request whose answer was lost.

        :param attempt: the number of this look, from 1.
        """
        self._sleep(RetryPolicy().wait(error, attempt=attempt, random=random.random))

    def _act(self, action: Action, campaign_id: CampaignId) -> CallaroCampaign:
        return CampaignMoves(self._vendor, ask=self._ask, look=self.get_campaign, wait=self.wait_after).act(
            action, campaign_id
        )

    def _items(self, request_of: Callable[..., Request]) -> Iterator[dict[str, Any]]:
        """The items of a list, page after page, to its end."""

        def ask_for(number: int) -> Page:
            return self._ask(request_of(page=number), self._vendor.read_page)

        return every_item(ask_for, most_pages=MAX_PAGES)

    def _read_connection(self, conn: AirflowConnection, *, connection_id: str) -> CallaroConnection:
        return read_connection(conn, connection_id=connection_id)

    def _probe(self, ask: Ask) -> str:
        vendor = self._vendor
        ask(vendor.list_campaigns(page=1, per_page=1, filters={}), vendor.read_page)
        return "The host answers, and takes the API key for reading campaigns. Nobody was rung and nothing was changed."
