"""How the fields of an Airflow connection are read: checked once, in the same words for every vendor."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from airflow_provider_callkaro import __version__
from airflow_provider_callkaro.calls.coercion import read_boolean
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.transport.target import Credentials, Target, checked_base_url
from airflow_provider_callkaro.transport.tls import FILES, Trust
from airflow_provider_callkaro.vendors.known import is_loopback, owner_of

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import BaseHook

CONNECT_TIMEOUT = 10.0  # seconds
READ_TIMEOUT = 60.0  # seconds
LONGEST_TIMEOUT = 600  # seconds

log = logging.getLogger(__name__)


class AirflowConnection(Protocol):
    """The fields of an Airflow connection that are read here."""

    @property
    def conn_type(self) -> str | None: ...
    @property
    def host(self) -> str | None: ...
    @property
    def port(self) -> int | None: ...
    @property
    def login(self) -> str | None: ...
    @property
    def password(self) -> str | None: ...
    @property
    def extra_dejson(self) -> object: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedConnection:
    """The fields of an Airflow connection that was fetched from an event loop, where reading them later would block."""

    conn_type: str | None
    host: str | None
    port: int | None
    login: str | None
    password: str | None = field(repr=False)
    extra_dejson: object = field(repr=False)

    @classmethod
    async def fetch(cls, connection_id: str, *, hook: type[BaseHook]) -> FetchedConnection:
        """Fetch a connection without holding up the event loop.

        :param hook: the hook class that looks it up.
        """
        from airflow.providers.common.compat.connection import get_async_connection, get_async_extra_dejson

        conn = await get_async_connection(connection_id, hook=hook)
        return cls(
            conn_type=conn.conn_type,
            host=conn.host,
            port=conn.port,
            login=conn.login,
            password=conn.password,
            extra_dejson=await get_async_extra_dejson(conn),
        )


class ConnectionFields:
    """The fields of one connection. Every message names the connection and the field.

    :param conn: an Airflow connection.
    :param connection_id: its id.
    :raises ConfigurationError: the extra is no JSON object.
    """

    def __init__(self, conn: AirflowConnection, *, connection_id: str) -> None:
        self._conn = conn
        self._id = connection_id
        extra = conn.extra_dejson
        if not isinstance(extra, dict):
            raise ConfigurationError(f'the extra of connection "{connection_id}" must be a JSON object')
        self._extra: Mapping[str, Any] = extra  # JSON

    def secret(self, *, what: str) -> str:
        """The password, which travels in a header.

        :param what: what it is, such as ``API key``.
        :raises ConfigurationError: it is empty, or no header can carry it.
        """
        secret = (self._conn.password or "").strip()
        if not secret:
            raise ConfigurationError(f'connection "{self._id}" has no {what}: set it as the password')
        if not secret.isascii() or not secret.isprintable():
            raise ConfigurationError(f'the {what} of connection "{self._id}" has a character that no key has')
        return secret

    @property
    def login(self) -> str | None:
        """The login, None where there is none."""
        return (self._conn.login or "").strip() or None

    @property
    def password(self) -> str:
        """The password that goes with the login, which travels in a body.

        :raises ConfigurationError: there is none.
        """
        password = self._conn.password or ""
        if not password:
            raise ConfigurationError(f'connection "{self._id}" has a login and no password: set both')
        return password

    def text(self, name: str) -> str | None:
        """A short text of the extra, None where there is none.

        :raises ConfigurationError: it is too long for a name, or holds what no name holds.
        """
        value = str(self._extra.get(name) or "").strip()
        if len(value) > 200 or not value.isprintable():
            raise ConfigurationError(f'"{name}" in the extra of connection "{self._id}" must be at most 200 characters')
        return value or None

    def campaign_page(self) -> str | None:
        """The address of a campaign's page in the vendor's dashboard, with ``{campaign_id}`` in it; None where there is
        none.

        :raises ConfigurationError: it is no such address, or holds a login, which a link would show.
        """
        address = self.text("campaign_page")
        if address is None:
            return None
        try:
            parts = urlsplit(address)
        except ValueError:
            parts = urlsplit("")
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
            address = ""
        if address.count("{campaign_id}") != 1:
            raise ConfigurationError(
                f'"campaign_page" in the extra of connection "{self._id}" must be the address of a page, with '
                '"{campaign_id}" where the id of the campaign stands and without a login'
            )
        return address

    def json(self, name: str) -> Any:
        """A value of the extra as it is; None where there is none, or an empty one."""
        value = self._extra.get(name)
        return None if value in ("", [], {}) else value

    def mapping(self, name: str) -> Mapping[str, Any]:
        """A JSON object of the extra, empty where there is none.

        :raises ConfigurationError: it is something else.
        """
        value = self._extra.get(name) or {}
        if not isinstance(value, dict):
            raise ConfigurationError(f'"{name}" in the extra of connection "{self._id}" must be a JSON object')
        return value

    def zone(self, name: str) -> ZoneInfo | None:
        """A time zone of the extra, None where there is none.

        :raises ConfigurationError: there is no such zone.
        """
        value = self._extra.get(name)
        if value in (None, ""):
            return None
        try:
            return ZoneInfo(str(value).strip())
        except (KeyError, ValueError, OSError):
            raise ConfigurationError(
                f'"{name}" in the extra of connection "{self._id}" is no time zone: give an IANA name such as '
                '"Asia/Kolkata"'
            ) from None

    def target(
        self,
        *,
        vendor: str,
        default_host: str | None,
        headers: Mapping[str, str],
        credentials: Credentials | None = None,
    ) -> Target:
        """Where the vendor's requests go: host, headers, timeouts.

        A host that is not the vendor's own, such as a company's gateway, is taken and warned of: the key goes there.

        :param default_host: the vendor's host where the connection names none; None where none is documented.
        :raises ConfigurationError: there is no host, it looks like another vendor's, or a field cannot work.
        """
        host = self._conn.host or default_host
        if not host:
            raise ConfigurationError(
                f'connection "{self._id}" has no host: {vendor} documents no address, so set the one of your account'
            )
        base_url = checked_base_url(host, port=self._conn.port, connection=self._id)
        if host != default_host:
            self._check_owner(urlsplit(base_url).hostname or "", vendor=vendor)
        return Target(
            vendor=vendor,
            base_url=base_url,
            headers={**headers, "User-Agent": f"airflow-provider-callkaro/{__version__}"},
            connect_timeout=self._seconds("connect_timeout", CONNECT_TIMEOUT),
            read_timeout=self._seconds("read_timeout", READ_TIMEOUT),
            trust=self._trust(),
            credentials=credentials,
            vendor_messages=self._flag("vendor_messages", default=True),
        )

    def _trust(self) -> Trust:
        paths = {name: self._path(name) for name in FILES}
        if paths["client_key"] and not paths["client_certificate"]:
            raise ConfigurationError(
                f'"client_key" in the extra of connection "{self._id}" goes with a "client_certificate": set both'
            )
        trust = Trust(**paths)
        if any(paths.values()):
            try:
                trust.context()
            except ConfigurationError as error:
                raise ConfigurationError(f'the extra of connection "{self._id}": {error}') from None
        return trust

    def _path(self, name: str) -> str | None:
        value = self._extra.get(name)
        if value in (None, ""):
            return None
        if not isinstance(value, str) or not value.isprintable() or not os.path.isabs(value.strip()):
            raise ConfigurationError(
                f'"{name}" in the extra of connection "{self._id}" must be the absolute path of a file on the worker'
            )
        return value.strip()

    def _flag(self, name: str, *, default: bool) -> bool:
        value = self._extra.get(name)
        flag = default if value in (None, "") else read_boolean(value)
        if not isinstance(flag, bool):
            raise ConfigurationError(f'"{name}" in the extra of connection "{self._id}" must be true or false')
        return flag

    def _check_owner(self, host: str, *, vendor: str) -> None:
        owner = owner_of(host, vendor=vendor)
        if owner is None and not is_loopback(host):
            log.warning(
                'Connection "%s" sends its key to %s, which is none of %s\'s own hosts: see that it is meant so',
                self._id,
                host,
                vendor,
            )
        elif owner not in (None, vendor):
            raise ConfigurationError(
                f'the host of connection "{self._id}", {host}, looks like one of {owner}, which is not {vendor}: '
                f"correct the host, or use a connection for {owner}; its password was sent to nobody"
            )

    def _seconds(self, name: str, default: float) -> float:
        value = self._extra.get(name)
        try:
            seconds = default if value in (None, "") else float(str(value))
        except ValueError:
            seconds = 0.0
        if not 0 < seconds <= LONGEST_TIMEOUT:
            raise ConfigurationError(
                f'"{name}" in the extra of connection "{self._id}" must be seconds, above 0 and at most '
                f"{LONGEST_TIMEOUT}"
            )
        return seconds
