"""What the vendors' hooks have in common: one connection, read once, and one session that asks the vendor."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar

from airflow.providers.common.compat.sdk import BaseHook

from airflow_provider_callkaro.exceptions import ConfigurationError, VendorError
from airflow_provider_callkaro.hooks.form import behaviour, widgets
from airflow_provider_callkaro.vendors.profile import VendorProfile

if TYPE_CHECKING:
    from airflow_provider_callkaro.budgets.limits import CallBudget
    from airflow_provider_callkaro.hooks.connection import AirflowConnection
    from airflow_provider_callkaro.transport.retry import RetryPolicy
    from airflow_provider_callkaro.transport.session import VendorSession
    from airflow_provider_callkaro.transport.sync import SyncTransport
    from airflow_provider_callkaro.transport.target import Target
    from airflow_provider_callkaro.vendors.http import Request, Response

TEST_TIMEOUT = 5  # seconds that the connection test waits for the host

T = TypeVar("T")


class VendorConnection(Protocol):
    """What each vendor's connection says, in a class of its own."""

    @property
    def target(self) -> Target:
        """The host, the key and the timeouts."""


ConnectionT = TypeVar("ConnectionT", bound=VendorConnection)


class Ask(Protocol):
    """Sends a request and reads its answer."""

    def __call__(self, request: Request, read: Callable[[Response], T], /) -> T: ...


class VendorHook(BaseHook, Generic[ConnectionT]):
    """The common part of the hooks; use the hook of a vendor.

    One thread uses a hook at a time, with one exception: its session, and with it the requests that get a token, may be
    used from several.

    :param conn_id: the connection's id.
    """

    profile: ClassVar[VendorProfile]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Give a vendor's hook the form as an attribute of its own: before 3.2 Airflow sees no inherited one."""
        super().__init_subclass__(**kwargs)
        if "profile" in vars(cls):
            for name in ("get_connection_form_widgets", "get_ui_field_behaviour"):
                if name not in vars(cls):
                    setattr(cls, name, vars(VendorHook)[name])

    def __init__(self, conn_id: str) -> None:
        super().__init__()
        setattr(self, self.conn_name_attr, conn_id)
        self._sleep: Callable[[float], None] = time.sleep  # between two tries of a request

    def _read_connection(self, conn: AirflowConnection, *, connection_id: str) -> ConnectionT:
        """What an Airflow connection of this type says."""
        raise NotImplementedError

    def _probe_target(self) -> Target:
        """Where the connection test asks."""
        return self.connection.target

    def _probe(self, ask: Ask) -> str:
        """Ask the vendor something that rings no phone and changes nothing, and say what is known then.

        :param ask: sends one request, once, with a short timeout.
        """
        raise NotImplementedError

    @cached_property
    def connection(self) -> ConnectionT:
        """The connection, read once.

        :raises ConfigurationError: it is of another vendor's type, or cannot work, naming the field.
        """
        from airflow_provider_callkaro.files.connections import find_connection

        return self._checked(find_connection(self._connection_id, argument=self.conn_name_attr))

    async def async_connection(self) -> ConnectionT:
        """As `connection`, without holding up the event loop of a triggerer.

        :raises ConfigurationError: it is of another vendor's type, or cannot work, naming the field.
        """
        if "connection" not in vars(self):
            from airflow_provider_callkaro.hooks.connection import FetchedConnection

            self.connection = self._checked(await FetchedConnection.fetch(self._connection_id, hook=type(self)))
        return self.connection

    @property
    def _connection_id(self) -> str:
        connection_id: str = getattr(self, self.conn_name_attr)
        return connection_id

    def _checked(self, conn: AirflowConnection) -> ConnectionT:
        from airflow_provider_callkaro.hooks.budget import FIELD, read_budget
        from airflow_provider_callkaro.hooks.connection_checks import check_extra, check_type

        check_type(conn, connection_id=self._connection_id, hook=type(self))
        check_extra(conn, connection_id=self._connection_id, known=self.profile.extra_names)
        if FIELD in self.profile.extra_names:
            read_budget(conn, connection_id=self._connection_id)  # refuses what cannot be one
        return self._read_connection(conn, connection_id=self._connection_id)

    def call_budget(self) -> CallBudget | None:
        """The budget that all tasks of the connection share, read anew each time; None where it sets none.

        :raises ConfigurationError: it cannot be a budget, or the connection is not there any more.
        """
        from airflow_provider_callkaro.files.connections import find_connection
        from airflow_provider_callkaro.hooks.budget import read_budget

        conn = find_connection(self._connection_id, argument=self.conn_name_attr)
        return read_budget(conn, connection_id=self._connection_id)

    def get_conn(self) -> VendorSession:
        """The `requests.Session` with which the hook asks the vendor; one per hook, the same each time.

        Use it to ask what the hook has no method for: ``hook.get_conn().get("/some/path").json()``. It carries the
        connection's key, to the connection's host only; see `VendorSession`. What is set on it (adapters, ``proxies``,
        ``verify``, ``cert``, ``headers``) holds for the hook's own requests too, and those keep their retry policy.
        The fan-out and the triggers, which run in an event loop, do not use it. What the connection says is in
        `connection`.

        :raises ConfigurationError: the connection cannot work, naming the field.
        """
        return self._session

    @cached_property
    def _session(self) -> VendorSession:
        from airflow_provider_callkaro.transport.session import VendorSession

        return VendorSession(self.connection.target)

    @cached_property
    def _transport(self) -> SyncTransport:
        from airflow_provider_callkaro.transport.retry import RetryPolicy

        return self._transport_to(self.connection.target, RetryPolicy())

    def _transport_to(self, target: Target, policy: RetryPolicy) -> SyncTransport:
        from airflow_provider_callkaro.transport.sync import SyncTransport

        return SyncTransport(target, policy=policy, sleep=self._sleep, random=random.random, session=self.get_conn())

    def _ask(self, request: Request, read: Callable[[Response], T], *, read_timeout: float | None = None) -> T:
        """Send a request and read its answer, trying again where that is safe.

        :param read_timeout: seconds to wait for the answer; default: the connection's.
        """
        return self._transport.call(request, read, read_timeout=read_timeout)

    async def _ask_once(self, request: Request, read: Callable[[Response], T]) -> T:
        """Send a request from an event loop and read its answer; trying again is left to whoever asks.

        :param request: a retry-safe one, because its sender may run twice.
        """
        from airflow_provider_callkaro.transport.asynchronous import AsyncTransport

        if not request.retry_safe:
            raise ConfigurationError("what may ring a phone is sent by an operator, never by a trigger")
        connection = await self.async_connection()
        async with AsyncTransport(connection.target, max_connections=1) as transport:
            return read(await transport.send(request))

    def test_connection(self) -> tuple[bool, str]:
        """Check what can be checked without ringing anybody."""
        from airflow_provider_callkaro.transport.retry import RetryPolicy

        try:
            target = replace(self._probe_target(), connect_timeout=TEST_TIMEOUT, read_timeout=TEST_TIMEOUT)
            webhooks = self._webhooks()
            transport = self._transport_to(target, RetryPolicy(attempts=1))
            try:
                return True, f"{self._probe(transport.call)}{webhooks}"
            finally:
                transport.close()
        except (ConfigurationError, VendorError) as error:
            return False, str(error)

    def _webhooks(self) -> str:
        """What the connection test says of webhooks; nothing where the connection has none.

        :raises ConfigurationError: they cannot work.
        """
        from airflow_provider_callkaro.files.connections import find_connection
        from airflow_provider_callkaro.hooks.webhooks import read_webhooks

        conn = find_connection(self._connection_id, argument=self.conn_name_attr)
        settings = read_webhooks(conn, connection_id=self._connection_id, profile=self.profile)
        if settings is None:
            return ""
        signed = f"with a signature in {settings.signature_header}" if settings.signature_header else "unsigned"
        return (
            f" Webhooks are taken {signed}; whether they come, and whether connection "
            f'"{settings.ledger_conn_id}" keeps a ledger, was not checked.'
        )

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """The connection form before Airflow 3.2, which reads it from the provider info."""
        return behaviour(cls.profile.behaviour)

    @classmethod
    def get_connection_form_widgets(cls) -> dict[str, Any]:
        """The extra fields of the connection form before Airflow 3.2."""
        return widgets(cls.profile.fields)
