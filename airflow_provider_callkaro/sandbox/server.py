"""The sandbox as an object: start it, look into it, make it fail."""

from __future__ import annotations

import math
import secrets
from collections.abc import Collection
from types import TracebackType
from typing import Any

from airflow_provider_callkaro.sandbox.active_faults import ActiveFaults
from airflow_provider_callkaro.sandbox.app import build_app
from airflow_provider_callkaro.sandbox.callaro.campaigns import CallaroCampaign
from airflow_provider_callkaro.sandbox.callaro.reading import CallaroImport
from airflow_provider_callkaro.sandbox.callaro.vendor import DEFAULT_AUDIENCE, Callaro
from airflow_provider_callkaro.sandbox.callkaro.vendor import Account, CallKaro
from airflow_provider_callkaro.sandbox.connections import airflow_connections
from airflow_provider_callkaro.sandbox.control import ControlDesk
from airflow_provider_callkaro.sandbox.doorkeeper import KEY_HEADER, is_loopback
from airflow_provider_callkaro.sandbox.endpoints import Endpoint
from airflow_provider_callkaro.sandbox.faults import Fault, FaultKind, RetryAfterForm
from airflow_provider_callkaro.sandbox.holds import Holds
from airflow_provider_callkaro.sandbox.mrassistant.vendor import MrAssistant, MrAssistantCampaign
from airflow_provider_callkaro.sandbox.request_log import Campaign, Request, RequestLog, Ring
from airflow_provider_callkaro.sandbox.serving import ServerThread, listen

DEFAULT_API_KEY = "sandbox"
DEFAULT_UNKNOWN_AGENTS = ("unknown*",)
PATIENCE = 10.0  # seconds that a wait_for_… takes unless told otherwise


class Sandbox:
    """The stand-in vendors on a loopback port. Every method may be called from any thread.

    ::

        with Sandbox() as sandbox:
            sandbox.fault("error_after_accepting", every=10)
            ...  # whatever is under test, pointed at sandbox.url
            assert max(sandbox.rings_per_number().values()) == 1

    :param host: the address to listen on; default ``127.0.0.1``.
    :param port: 0 (default) takes any free port.
    :param api_key: the one key that is right, printable ASCII; default ``sandbox``.
    :param control_key: what opens ``/_sandbox``, printable ASCII; default a new one: see `control_headers`.
    :param unknown_agents: patterns (``*``, ``?``) of agent ids that do not exist; default ``unknown*``.
    :param do_not_disturb: numbers, with ``+``, that are answered with 400 ``DND_NUMBER``.
    :param allow_any_host: whether other machines may reach it; default False.
    :param callaro_audience: the numbers that a Callaro campaign without ``contacts`` dials; default five of fiction.
    :param callaro_dial_seconds: the running time over which a Callaro campaign dials its audience, 0 or more;
        default 2.
    :param mrassistant_call_seconds: how long a call of MrAssistant takes until it has ended, 0 or more; default 1.
    :raises ValueError: the host is not a loopback address, there is no such port, or no header can carry a key.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        api_key: str = DEFAULT_API_KEY,
        control_key: str | None = None,
        unknown_agents: Collection[str] = DEFAULT_UNKNOWN_AGENTS,
        do_not_disturb: Collection[str] = (),
        allow_any_host: bool = False,
        callaro_audience: Collection[str] = DEFAULT_AUDIENCE,
        callaro_dial_seconds: float = 2.0,
        mrassistant_call_seconds: float = 1.0,
    ) -> None:
        control_key = secrets.token_urlsafe(16) if control_key is None else control_key
        if not allow_any_host and not is_loopback(host):
            raise ValueError(f"host {host} is not a loopback address: other machines must be allowed (allow_any_host)")
        for name, key in (("api_key", api_key), ("control_key", control_key)):
            if not (key and key.isascii() and key.isprintable()):
                raise ValueError(f"{name} must be printable ASCII, because it travels in a header")
        if not 0 <= port <= 65535:
            raise ValueError("port must be 0 to 65535")
        if not all(0 <= seconds < math.inf for seconds in (callaro_dial_seconds, mrassistant_call_seconds)):
            raise ValueError("callaro_dial_seconds and mrassistant_call_seconds must be 0 or more")
        self.api_key = api_key
        self.control_key = control_key
        self._allow_any_host = allow_any_host
        self._host = host
        self._port = port
        self._request_log = RequestLog()
        self._board = ActiveFaults()
        self._waiting = Holds()
        account = Account(api_key=api_key, unknown_agents=unknown_agents, do_not_disturb=frozenset(do_not_disturb))
        self._callaro = Callaro(
            api_key=api_key, audience=callaro_audience, dial_seconds=callaro_dial_seconds, request_log=self._request_log
        )
        self._mrassistant = MrAssistant(
            api_key=api_key, call_seconds=mrassistant_call_seconds, request_log=self._request_log
        )
        self._vendors = (CallKaro(account=account, request_log=self._request_log), self._callaro, self._mrassistant)
        self._server: ServerThread | None = None

    def __enter__(self) -> Sandbox:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Open the port and begin to answer. After a stop it is the same port, and nothing has been forgotten.

        :raises OSError: the port is taken, or the host is not of this machine.
        """
        if self._server is not None:
            return
        listener = listen(self._host, self._port)
        self._port = listener.getsockname()[1]
        self._waiting.open()
        desk = ControlDesk(
            request_log=self._request_log,
            callaro=self._callaro,
            mrassistant=self._mrassistant,
            board=self._board,
            waiting=self._waiting,
            forget=self.reset,
        )
        app = build_app(
            vendors=self._vendors,
            request_log=self._request_log,
            board=self._board,
            waiting=self._waiting,
            desk=desk,
            any_host=self._allow_any_host,
            control_key=self.control_key,
        )
        self._server = ServerThread(app, listener=listener)
        self._callaro.open()

    def stop(self) -> None:
        """Close the port: connections are refused from then on. Held requests are reset and never accepted."""
        if self._server is not None:
            self._callaro.close()
            self._waiting.close()
            self._server.stop()
            self._server = None

    @property
    def url(self) -> str:
        """The base URL, such as ``http://127.0.0.1:8900``. Known once it has been started."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    @property
    def control_headers(self) -> dict[str, str]:
        """The header that opens ``/_sandbox``."""
        return {KEY_HEADER: self.control_key}

    @property
    def airflow_connection(self) -> str:
        """The Airflow connection to this sandbox in JSON, for ``AIRFLOW_CONN_CALLKARO_DEFAULT``."""
        return self.airflow_connections["callkaro_default"]

    @property
    def airflow_connections(self) -> dict[str, str]:
        """The Airflow connections to this sandbox in JSON, one for each vendor, by their ids."""
        return airflow_connections(url=self.url, api_key=self.api_key)

    @property
    def rings(self) -> list[Ring]:
        """Every accepted call, in order; a call that was scheduled and then deleted too."""
        return self._request_log.rings

    @property
    def campaigns(self) -> list[Campaign]:
        """Every campaign of CallKaro, in order."""
        return self._request_log.campaigns

    @property
    def callaro_campaigns(self) -> list[CallaroCampaign]:
        """Every campaign of Callaro, in order."""
        return self._callaro.campaigns

    @property
    def callaro_imports(self) -> list[CallaroImport]:
        """Every import of contacts into Callaro, in order."""
        return self._callaro.imports

    @property
    def mrassistant_campaigns(self) -> list[MrAssistantCampaign]:
        """Every campaign of MrAssistant, in order."""
        return self._mrassistant.campaigns

    @property
    def token_logins(self) -> int:
        """How often MrAssistant gave tokens for a password."""
        return self._mrassistant.tokens.logins

    @property
    def token_refreshes(self) -> int:
        """How often MrAssistant gave tokens for a refresh token."""
        return self._mrassistant.tokens.refreshes

    @property
    def tokens(self) -> list[str]:
        """Every token that MrAssistant gave, to be looked for where none may be."""
        return self._mrassistant.tokens.given

    def expire_tokens(self, *, refresh: bool = False) -> None:
        """Let every access token of MrAssistant expire now. The API key, which is one too, does not.

        :param refresh: whether the refresh tokens expire too; default False.
        """
        self._mrassistant.tokens.expire()
        if refresh:
            self._mrassistant.tokens.expire_refresh_tokens()

    def callaro_health(self, campaign_id: int | str, **overrides: Any) -> None:
        """Let the ``dispatch_health`` of a Callaro campaign say something else, until a reset.

        :param overrides: fields of the answer and their values, such as ``status="degraded"``.
        """
        self._callaro.set_health(campaign_id, overrides)

    @property
    def requests(self) -> list[Request]:
        """Every request to an endpoint of a vendor, in order, whatever became of it."""
        return self._request_log.requests

    @property
    def most_in_flight(self) -> int:
        """The largest number of requests that waited for their answer at one moment."""
        return self._request_log.most_in_flight

    def rings_per_number(self) -> dict[str, int]:
        """Count how often each number rang, or will; a deleted call does not ring."""
        return self._request_log.rings_per_number()

    def fault(
        self,
        kind: FaultKind | str,
        *,
        path: Endpoint | str = Endpoint.OUTBOUND,
        every: int = 1,
        first: int | None = None,
        after: int = 0,
        seconds: float | None = None,
        status: int | None = None,
        retry_after: float | None = None,
        retry_after_as: RetryAfterForm | str | None = None,
        calls_per_second: int | None = None,
        location: str | None = None,
    ) -> Fault:
        """Switch a fault on, beside those that are on already. The parameters are those of `Fault`.

        :raises ValueError: an option is out of its range, or means nothing to this kind.
        """
        fault = Fault.from_json(
            {
                "kind": kind,
                "path": path,
                "every": every,
                "first": first,
                "after": after,
                "seconds": seconds,
                "status": status,
                "retry_after": retry_after,
                "retry_after_as": retry_after_as,
                "calls_per_second": calls_per_second,
                "location": location,
            }
        )
        self._board.add(fault)
        return fault

    def clear_faults(self) -> None:
        """Switch every fault off. Requests that are held stay held until the release."""
        self._board.clear()

    def release(self) -> int:
        """Let go on the requests that are held now, and return how many there were.

        While the fault that holds is on, later requests are held until the next release.
        """
        return self._waiting.release()

    def reset(self) -> None:
        """Make it as if freshly started: no faults, no rings, no campaigns, no requests; held requests are reset."""
        self._board.clear()
        self._waiting.send_away()
        self._callaro.forget()
        self._mrassistant.forget()
        self._request_log.clear()

    def wait_for_rings(self, count: int, *, timeout: float = PATIENCE) -> None:
        """Wait until as many calls have been accepted.

        :param timeout: seconds; default 10.
        :raises TimeoutError: there are fewer when the time is over.
        """
        self._request_log.wait_for_rings(count, timeout=timeout)

    def wait_for_requests(self, count: int, *, timeout: float = PATIENCE) -> None:
        """Wait until as many requests have come, whatever became of them.

        :param timeout: seconds; default 10.
        :raises TimeoutError: there are fewer when the time is over.
        """
        self._request_log.wait_for_requests(count, timeout=timeout)

    def wait_for_held(self, count: int, *, timeout: float = PATIENCE) -> None:
        """Wait until as many requests are held at the same time.

        :param timeout: seconds; default 10.
        :raises TimeoutError: there are fewer when the time is over.
        """
        self._waiting.wait_for_held(count, timeout=timeout)
