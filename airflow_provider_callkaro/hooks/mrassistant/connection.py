"""What an Airflow connection of type ``mrassistant`` says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from functools import partial
from typing import TypeAlias

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.hooks.connection import AirflowConnection, ConnectionFields
from airflow_provider_callkaro.transport.target import Credentials, Target
from airflow_provider_callkaro.transport.tokens import StaticToken, TokenCredentials
from airflow_provider_callkaro.vendors.answers import Tokens
from airflow_provider_callkaro.vendors.http import Request, Response
from airflow_provider_callkaro.vendors.mrassistant.api import MrAssistant
from airflow_provider_callkaro.vendors.mrassistant.outbound import DayNumbers

AskForTokens: TypeAlias = Callable[[Target, Request, Callable[[Response], Tokens]], Tokens]
"""Sends a request that gets tokens, and reads them."""

WAY_OUT = (
    "a token lives about a day. Set a new one as the password of the connection, or set login and password: tokens got "
    "with a login are renewed by themselves"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MrAssistantConnection:
    """What a connection of type ``mrassistant`` says.

    :param target: the host, the credentials and the timeouts.
    :param vendor: MrAssistant's API as this account uses it.
    :param agent_id: the agent for calls that name none.
    :param log_in: the request that proves login and password; None where the password is a token.
    :param webhook_url: where MrAssistant reports campaigns that name no address; not shown.
    :param webhook_secret: with which it signs the reports of campaigns that name no secret; not shown.
    :param campaign_page: the address of a campaign's page in the dashboard, with ``{campaign_id}`` in it.
    """

    target: Target
    vendor: MrAssistant
    agent_id: str | None
    log_in: Request | None = field(default=None, repr=False)
    webhook_url: str | None = field(default=None, repr=False)
    webhook_secret: str | None = field(default=None, repr=False)
    campaign_page: str | None = None

    @property
    def schedule_timezone(self) -> tzinfo | None:
        """The zone in which a ``schedule_at`` without an offset is meant."""
        return self.vendor.schedule_timezone


def read_connection(conn: AirflowConnection, *, connection_id: str, ask: AskForTokens) -> MrAssistantConnection:
    """What an Airflow connection of type ``mrassistant`` says.

    :param ask: logs in and refreshes tokens, where the connection has a login.
    :raises ConfigurationError: it has no host, no password, or a field that cannot work.
    """
    fields = ConnectionFields(conn, connection_id=connection_id)
    vendor = MrAssistant(
        schedule_timezone=fields.zone("schedule_timezone"),
        day_numbers=_day_numbers(fields.text("day_numbers"), connection_id=connection_id),
    )
    log_in = None if fields.login is None else vendor.log_in(fields.login, fields.password)
    target = fields.target(vendor=vendor.name, default_host=None, headers=vendor.headers())
    credentials: Credentials
    if log_in is None:
        headers = vendor.headers(fields.secret(what="token"))
        credentials = StaticToken(headers, vendor=vendor.name, way_out=WAY_OUT)
    else:
        credentials = TokenCredentials(
            log_in=partial(ask, target, log_in, vendor.read_tokens),
            refresh=lambda token: ask(target, vendor.refresh(token), vendor.read_tokens),
        )
    return MrAssistantConnection(
        target=replace(target, credentials=credentials),
        vendor=vendor,
        agent_id=fields.text("agent_id"),
        log_in=log_in,
        webhook_url=fields.text("webhook_url"),
        webhook_secret=fields.text("webhook_secret"),
        campaign_page=fields.campaign_page(),
    )


def _day_numbers(text: str | None, *, connection_id: str) -> DayNumbers | None:
    """What the extra ``day_numbers`` of a connection says; None where it says nothing.

    :raises ConfigurationError: it is none of the four words.
    """
    if text is None:
        return None
    try:
        return DayNumbers(text.replace(" ", "").lower())
    except ValueError:
        raise ConfigurationError(
            f'"day_numbers" in the extra of connection "{connection_id}" must be one of {", ".join(DayNumbers)}'
        ) from None
