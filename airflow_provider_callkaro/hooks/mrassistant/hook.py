"""The MrAssistant hook: one method for each thing that MrAssistant's API can do with calls and campaigns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import mask_secret

from airflow_provider_callkaro.calls.outcome import Reason
from airflow_provider_callkaro.exceptions import OutcomeUnknown
from airflow_provider_callkaro.hooks.connection import AirflowConnection
from airflow_provider_callkaro.hooks.mrassistant.connection import MrAssistantConnection, read_connection
from airflow_provider_callkaro.hooks.mrassistant.outbound import MrAssistantOutboundHook
from airflow_provider_callkaro.hooks.vendor import Ask
from airflow_provider_callkaro.transport.retry import RetryPolicy
from airflow_provider_callkaro.transport.target import Target
from airflow_provider_callkaro.vendors.answers import Tokens
from airflow_provider_callkaro.vendors.http import Request, Response
from airflow_provider_callkaro.vendors.mrassistant.api import CampaignSettings, CreatedCampaign, MrAssistant
from airflow_provider_callkaro.vendors.mrassistant.profile import MRASSISTANT

if TYPE_CHECKING:
    from airflow_provider_callkaro.calls.call import Call
    from airflow_provider_callkaro.vendors.answers import PlacedCall
    from airflow_provider_callkaro.vendors.mrassistant.calls import CallDetails

LOG_IN_RETRIES = RetryPolicy(attempts=3, throttled_attempts=3)  # whoever needs the token tries again by themselves


class MrAssistantHook(MrAssistantOutboundHook):
    """Talks to MrAssistant.

    The connection is read once per hook. Its fields: host (required: no address is documented), login and password, or
    a bearer token as password alone, and the extras ``agent_id`` (for calls that name none), ``schedule_timezone``
    (IANA name of the zone of times without an offset), ``webhook_url`` and ``webhook_secret`` (for campaigns that name
    none), ``day_numbers`` (what the days of an outbound configuration mean), ``connect_timeout`` and ``read_timeout``
    (seconds; 10 and 60).
    With a login the hook gets a token at its first request, and another one when that has grown old.

    :param mrassistant_conn_id: the connection's id.
    """

    conn_name_attr = "mrassistant_conn_id"
    default_conn_name = "mrassistant_default"
    conn_type = "mrassistant"
    hook_name = "MrAssistant"
    profile = MRASSISTANT

    def __init__(self, mrassistant_conn_id: str = default_conn_name) -> None:
        super().__init__(mrassistant_conn_id)

    def create_campaign(
        self,
        settings: CampaignSettings,
        targets: Sequence[Call],
        *,
        name: str | None = None,
        agent_id: str | None = None,
        schedule_at: datetime | None = None,
    ) -> CreatedCampaign:
        """Create a campaign, which starts by itself.

        The hook has no ledger: use an operator where a person must not be rung twice.

        :param settings: all of it but its targets.
        :param targets: 1 to 1,000 calls; their agent and their time are those of the campaign.
        :param name: what it is called; default: the name in ``settings``.
        :param agent_id: who speaks; default: the connection's.
        :param schedule_at: when it starts; default: at once.
        :raises OutcomeUnknown: it may have been accepted; it is not sent again.
        :raises VendorError: MrAssistant did not take it.
        """
        connection = self.connection
        request = connection.vendor.create_campaign(
            settings,
            name=settings.name if name is None else name,
            agent_id=agent_id or connection.agent_id or "",
            targets=targets,
            schedule_at=schedule_at,
        )
        return self._ask(request, partial(connection.vendor.read_campaign, targets=len(targets)))

    def place_call(self, call: Call) -> PlacedCall:
        """Place one call, now. The hook has no ledger: use an operator where a person must not be rung twice.

        :param call: its ``extra`` holds MrAssistant's own fields. With ``wait_until_answered`` the answer is waited for
            as long as the phone may ring.
        :return: the call as MrAssistant took it, with its ``call_id``.
        :raises OutcomeUnknown: the call may have been accepted; it is not sent again.
        :raises VendorError: MrAssistant did not take it.
        """
        connection = self.connection
        if call.agent_id is None and connection.agent_id is not None:
            call = replace(call, agent_id=connection.agent_id)
        request = connection.vendor.place_call(call)
        target = with_read_timeout(connection.target, connection.vendor.answer_may_take(call.extra))
        return self._ask(request, connection.vendor.read_placed_call, read_timeout=target.read_timeout)

    def get_call(self, call_id: str) -> CallDetails:
        """Read a call and its state.

        :raises VendorError: MrAssistant does not say.
        """
        vendor = self.connection.vendor
        return self._ask(vendor.get_call(call_id), vendor.read_call)

    def list_agent_calls(
        self,
        agent_id: str | None = None,
        *,
        limit: int = 100,
        offset: int = 0,
        direction: str | None = None,
        status_filter: str | None = None,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
    ) -> list[CallDetails]:
        """One page of an agent's calls.

        :param agent_id: whose; default: the connection's.
        :param limit: how many, 1 to 500.
        :param offset: how many to pass over.
        :param direction: ``inbound`` or ``outbound``.
        :param status_filter: ``initiated``, ``ringing``, ``answered``, ``ended`` or ``failed``.
        :param start_date: from when on, aware.
        :param end_date: until when, aware.
        :raises VendorError: MrAssistant does not say.
        """
        vendor = self.connection.vendor
        request = vendor.list_agent_calls(
            agent_id or self.connection.agent_id or "",
            limit=limit,
            offset=offset,
            direction=direction,
            status_filter=status_filter,
            start_date=start_date,
            end_date=end_date,
        )
        return self._ask(request, vendor.read_agent_calls)

    def transfer_call(
        self, call_id: str, transfer_to: str, *, transfer_type: str = "cold", play_dialtone: bool | None = None
    ) -> dict[str, Any]:
        """Transfer a call; rings whoever it is transferred to.

        :param transfer_to: ``tel:`` and a number, or ``sip:`` and an address.
        :param transfer_type: ``cold`` or ``warm``.
        :return: what MrAssistant says; it is not documented.
        :raises OutcomeUnknown: it may have been accepted; it is not sent again.
        :raises VendorError: MrAssistant did not take it.
        """
        vendor = self.connection.vendor
        request = vendor.transfer_call(call_id, transfer_to, transfer_type=transfer_type, play_dialtone=play_dialtone)
        return self._ask(request, vendor.read_done)

    def end_call(self, call_id: str) -> dict[str, Any]:
        """End a call. The path of this request is inferred: no page shows it.

        :return: what MrAssistant says; it is not documented.
        :raises VendorError: MrAssistant refused.
        """
        vendor = self.connection.vendor
        return self._ask(vendor.end_call(call_id), vendor.read_done)

    async def read_status(self, call_id: str) -> str:
        """The state of a call, in one word, asked once, from an event loop.

        :raises OutcomeUnknown: the answer has no such word.
        """
        vendor: MrAssistant = (await self.async_connection()).vendor
        details = await self._ask_once(vendor.get_call(call_id), vendor.read_call)
        if details.status is None:
            raise OutcomeUnknown(
                f"{vendor.name} said nothing of the call's status", vendor=vendor.name, reason=Reason.UNREADABLE_ANSWER
            )
        return details.status

    def _read_connection(self, conn: AirflowConnection, *, connection_id: str) -> MrAssistantConnection:
        return read_connection(conn, connection_id=connection_id, ask=self._ask_for_tokens)

    def _ask_for_tokens(self, target: Target, request: Request, read: Callable[[Response], Tokens]) -> Tokens:
        """Ask for tokens, over the session that the hook's other requests take.

        :param target: without credentials, because these requests get them.
        """
        return _mask(self._transport_to(target, LOG_IN_RETRIES).call(request, read))

    def _probe_target(self) -> Target:
        connection = self.connection
        keeps_token = connection.log_in is None and connection.agent_id is not None
        return connection.target if keeps_token else replace(connection.target, credentials=None)

    def _probe(self, ask: Ask) -> str:
        connection = self.connection
        vendor = connection.vendor
        if connection.log_in is not None:
            _mask(ask(connection.log_in, vendor.read_tokens))
            return "MrAssistant took login and password. Nobody was rung."
        if connection.agent_id is not None:
            ask(vendor.list_agent_calls(connection.agent_id, limit=1), vendor.read_agent_calls)
            return "MrAssistant took the token; it lives about a day. Nobody was rung."
        ask(Request("HEAD", "/"), lambda response: response.status)
        return (
            "The host answers and a token is set. Whether the token is right was not checked: that takes an agent to "
            'ask about, so set "agent_id" in the extra, or a login, which proves itself.'
        )


def with_read_timeout(target: Target, seconds: float) -> Target:
    """The target, with at least so many seconds to wait for an answer."""
    return replace(target, read_timeout=max(target.read_timeout, seconds))


def _mask(tokens: Tokens) -> Tokens:
    """Hand the tokens to Airflow, so that no log shows them."""
    for token in (tokens.access, tokens.refresh):
        if token is not None:
            mask_secret(token)
    return tokens
