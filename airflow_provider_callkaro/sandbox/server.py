"""The sandbox as an object: start it, make it fail, and (by `Records`) look into it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Mapping, Sequence
from types import TracebackType

from airflow_provider_callkaro.sandbox.active_faults import ActiveFaults
from airflow_provider_callkaro.sandbox.app import build_app
from airflow_provider_callkaro.sandbox.callaro.vendor import DEFAULT_AUDIENCE, Callaro
from airflow_provider_callkaro.sandbox.control import Control
from airflow_provider_callkaro.sandbox.doorkeeper import KEY_HEADER
from airflow_provider_callkaro.sandbox.endpoints import Endpoint, VendorPath
from airflow_provider_callkaro.sandbox.faults import Fault, FaultKind, RetryAfterForm
from airflow_provider_callkaro.sandbox.mrassistant.vendor import MrAssistant
from airflow_provider_callkaro.sandbox.records import Records
from airflow_provider_callkaro.sandbox.serving import ServerThread, listen
from airflow_provider_callkaro.sandbox.settings import Settings
from airflow_provider_callkaro.sandbox.webhooks.fates import DEFAULT_SHARES, Ending, read_shares
from airflow_provider_callkaro.sandbox.webhooks.webhook import Webhook

DEFAULT_API_KEY = "sandbox"
DEFAULT_UNKNOWN_AGENTS = ("unknown*",)


class Sandbox(Records):
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
    :param webhooks: who is told what became of the calls, from the start and after each reset; default nobody.
    :param outcomes: how often a call ends in each way, by the names of `Ending`; default a plausible mixture.
    :param outcome_seed: the same seed lets the same numbers end in the same way; default 0.
    :raises ValueError: the host or a webhook is not on this machine, there is no such port, no header can carry a key,
        or the outcomes cannot be.
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
        webhooks: Sequence[Webhook] = (),
        outcomes: Mapping[Ending | str, float] | None = None,
        outcome_seed: int = 0,
    ) -> None:
        settings = Settings(
            host=host,
            port=port,
            api_key=api_key,
            control_key=secrets.token_urlsafe(16) if control_key is None else control_key,
            unknown_agents=unknown_agents,
            do_not_disturb=frozenset(do_not_disturb),
            allow_any_host=allow_any_host,
            callaro_audience=callaro_audience,
            callaro_dial_seconds=callaro_dial_seconds,
            mrassistant_call_seconds=mrassistant_call_seconds,
            webhooks=webhooks,
            outcomes=DEFAULT_SHARES if outcomes is None else read_shares(outcomes),
            outcome_seed=outcome_seed,
        )
        super().__init__(settings)
        self.api_key = settings.api_key
        self.control_key = settings.control_key
        self._settings = settings
        self._port = port
        self._active_faults = ActiveFaults()
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
        listener = listen(self._settings.host, self._port)
        self._port = listener.getsockname()[1]
        self._holds.open()
        control = Control(
            request_log=self._request_log,
            vendors=self._vendors,
            active_faults=self._active_faults,
            holds=self._holds,
            webhooks=self._webhooks,
            reset=self.reset,
        )
        app = build_app(
            vendors=self._vendors,
            request_log=self._request_log,
            active_faults=self._active_faults,
            holds=self._holds,
            control=control,
            any_host=self._settings.allow_any_host,
            control_key=self.control_key,
        )
        self._webhooks.open()
        self._server = ServerThread(app, listener=listener)
        for vendor in self._vendors:
            vendor.open()

    def stop(self) -> None:
        """Close the port: connections are refused from then on. Held requests are reset and never accepted."""
        if self._server is not None:
            for vendor in self._vendors:
                vendor.close()
            self._holds.close()
            self._server.stop()
            self._webhooks.close()
            self._server = None

    @property
    def url(self) -> str:
        """The base URL, such as ``http://127.0.0.1:8900``. Known once it has been started."""
        host = self._settings.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self._port}"

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
        return {
            f"{vendor.connection_type}_default": json.dumps(
                vendor.airflow_connection(url=self.url), separators=(",", ":")
            )
            for vendor in self._vendors
        }

    def expire_tokens(self, *, refresh: bool = False) -> None:
        """Let every access token of MrAssistant expire now. The API key, which is one too, does not.

        :param refresh: whether the refresh tokens expire too; default False.
        """
        tokens = self._vendor(MrAssistant).tokens
        tokens.expire()
        if refresh:
            tokens.expire_refresh_tokens()

    def callaro_health(self, campaign_id: int | str, **overrides: object) -> None:
        """Let the ``dispatch_health`` of a Callaro campaign say something else, until a reset.

        :param overrides: fields of the answer and their values, such as ``status="degraded"``.
        """
        self._vendor(Callaro).set_health(campaign_id, overrides)

    def fault(
        self,
        kind: FaultKind | str,
        *,
        path: VendorPath | str = Endpoint.OUTBOUND,
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
        self._active_faults.add(fault)
        return fault

    def clear_faults(self) -> None:
        """Switch every fault off. Requests that are held stay held until the release."""
        self._active_faults.clear()

    def webhook(
        self,
        url: str,
        *,
        vendor: str | None = None,
        headers: Mapping[str, str] | None = None,
        signing_secret: str | None = None,
        delay_seconds: float = 0.0,
        disorder_seconds: float = 0.0,
        duplicates: float = 0.0,
        losses: float = 0.0,
    ) -> Webhook:
        """Tell one more URL what becomes of the calls from now on. The parameters are those of `Webhook`.

        :raises ValueError: an option is out of its range, or the URL is not on this machine.
        """
        webhook = Webhook(
            url=url,
            vendor=vendor,
            headers=headers or {},
            signing_secret=signing_secret,
            delay_seconds=delay_seconds,
            disorder_seconds=disorder_seconds,
            duplicates=duplicates,
            losses=losses,
        )
        self._webhooks.add(webhook)
        return webhook

    def clear_webhooks(self) -> None:
        """Tell nobody of later calls."""
        self._webhooks.clear()

    def let_calls_end(self, outcomes: Mapping[Ending | str, float]) -> None:
        """Set how often later calls end in each way, by the names of `Ending`.

        :raises ValueError: an ending is unknown, or the shares are all 0.
        """
        self._webhooks.set_shares(outcomes)

    def send_webhooks_again(self, *, lost: bool = False) -> int:
        """Deliver everything that was delivered once more, at once and in another order; returns how many there are.

        :param lost: whether what was lost comes too; default False.
        """
        return self._webhooks.send_again(lost=lost)

    def release(self) -> int:
        """Release the requests that are held now, and return how many there were.

        While the fault that holds is on, later requests are held until the next release.
        """
        return self._holds.release()

    def reset(self) -> None:
        """Make it as if freshly started: no faults, no rings, no campaigns, no requests; held requests are reset, and
        what waits to be told is dropped."""
        self._active_faults.clear()
        self._holds.send_away()
        for vendor in self._vendors:
            vendor.forget()
        self._request_log.clear()
        self._webhooks.forget()
