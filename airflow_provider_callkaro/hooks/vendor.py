"""What the vendors' hooks have in common: one connection, read once, and one way to ask the vendor something."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import Any, ClassVar, TypeAlias, TypeVar

from airflow.providers.common.compat.sdk import BaseHook

from airflow_provider_callkaro.exceptions import ConfigurationError, VendorError
from airflow_provider_callkaro.hooks.connection import FetchedConnection, check_type
from airflow_provider_callkaro.hooks.form import behaviour, widgets
from airflow_provider_callkaro.transport.retry import RetryPolicy
from airflow_provider_callkaro.transport.sync import SyncTransport
from airflow_provider_callkaro.transport.target import Target
from airflow_provider_callkaro.vendors.http import Request, Response
from airflow_provider_callkaro.vendors.profile import VendorProfile

TEST_TIMEOUT = 5  # seconds that the connection test waits for the host

T = TypeVar("T")

Ask: TypeAlias = Callable[[Request, Callable[[Response], Any]], Any]
"""Sends a request and reads its answer."""


class VendorHook(BaseHook):
    """The common part of the hooks; not to be used by itself.

    :param conn_id: the connection's id.
    """

    profile: ClassVar[VendorProfile]

    def __init__(self, conn_id: str) -> None:
        super().__init__()
        setattr(self, self.conn_name_attr, conn_id)
        self._sleep: Callable[[float], None] = time.sleep  # between two tries of a request

    def _read_connection(self, conn: Any, *, connection_id: str) -> Any:
        """What an Airflow connection of this type says."""
        raise NotImplementedError

    def _probe_target(self) -> Target:
        """Where the connection test asks."""
        target: Target = self.connection.target
        return target

    def _probe(self, ask: Ask) -> str:
        """Ask the vendor something that rings nobody and changes nothing, and say what is known then.

        :param ask: sends one request, once, with a short timeout.
        """
        raise NotImplementedError

    @cached_property
    def connection(self) -> Any:
        """The connection, read once.

        :raises ConfigurationError: it is of another vendor's type, or cannot work, naming the field.
        """
        return self._checked(self.get_connection(self._connection_id))

    async def async_connection(self) -> Any:
        """The connection, read once, in a way that does not hold up the event loop of a triggerer.

        :raises ConfigurationError: it is of another vendor's type, or cannot work, naming the field.
        """
        if "connection" not in vars(self):
            self.connection = self._checked(await FetchedConnection.fetch(self._connection_id, hook=type(self)))
        return self.connection

    @property
    def _connection_id(self) -> str:
        connection_id: str = getattr(self, self.conn_name_attr)
        return connection_id

    def _checked(self, conn: Any) -> Any:
        check_type(conn, connection_id=self._connection_id, hook=type(self))
        return self._read_connection(conn, connection_id=self._connection_id)

    def get_conn(self) -> Any:
        """What the connection says; see `connection`."""
        return self.connection

    @cached_property
    def _transport(self) -> SyncTransport:
        return SyncTransport(self.connection.target, policy=RetryPolicy(), sleep=self._sleep, random=random.random)

    def _ask(self, request: Request, read: Callable[[Response], T]) -> T:
        """Send a request and read its answer, trying again where that is safe."""
        return self._transport.call(request, read)

    async def _ask_once(self, request: Request, read: Callable[[Response], T]) -> T:
        """Send a request from an event loop and read its answer; trying again is left to whoever asks.

        :param request: one that rings nobody, because its sender may run twice.
        """
        from airflow_provider_callkaro.transport.asynchronous import AsyncTransport

        if not request.retry_safe:
            raise ConfigurationError("what may ring a phone is sent by an operator, never by a trigger")
        connection = await self.async_connection()
        async with AsyncTransport(connection.target, max_connections=1) as transport:
            return read(await transport.send(request))

    def test_connection(self) -> tuple[bool, str]:
        """Check what can be checked without ringing anybody."""
        try:
            target = replace(self._probe_target(), connect_timeout=TEST_TIMEOUT, read_timeout=TEST_TIMEOUT)
            transport = SyncTransport(target, policy=RetryPolicy(attempts=1), sleep=time.sleep, random=random.random)
            try:
                return True, self._probe(transport.call)
            finally:
                transport.close()
        except (ConfigurationError, VendorError) as error:
            return False, str(error)

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """The connection form before Airflow 3.2, which reads it from the provider info."""
        return behaviour(cls.profile.behaviour)

    @classmethod
    def get_connection_form_widgets(cls) -> dict[str, Any]:
        """The extra fields of the connection form before Airflow 3.2."""
        return widgets(cls.profile.fields)
