"""The settings of a sandbox, checked: what its vendors accept, and where it listens."""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from airflow_provider_callkaro.sandbox.webhooks.fates import DEFAULT_SHARES, Ending
from airflow_provider_callkaro.sandbox.webhooks.webhook import Webhook


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one sandbox; `Sandbox` says what each of them means. Raises ValueError if the host is not a
    loopback address, there is no such port, or no header can carry a key."""

    host: str
    port: int
    api_key: str = field(repr=False)
    control_key: str = field(repr=False)
    unknown_agents: Collection[str]
    do_not_disturb: Collection[str] = field(repr=False)
    allow_any_host: bool
    callaro_audience: Collection[str] = field(repr=False)
    callaro_dial_seconds: float
    mrassistant_call_seconds: float
    webhooks: Sequence[Webhook] = ()
    outcomes: Mapping[Ending, float] = field(default_factory=lambda: DEFAULT_SHARES)
    outcome_seed: int = 0

    def __post_init__(self) -> None:
        if not self.allow_any_host and not is_loopback(self.host):
            raise ValueError(
                f"host {self.host} is not a loopback address: other machines must be allowed (allow_any_host)"
            )
        for name, key in (("api_key", self.api_key), ("control_key", self.control_key)):
            if not (key and key.isascii() and key.isprintable()):
                raise ValueError(f"{name} must be printable ASCII, because it travels in a header")
        if not 0 <= self.port <= 65535:
            raise ValueError("port must be 0 to 65535")
        if not all(0 <= seconds < math.inf for seconds in (self.callaro_dial_seconds, self.mrassistant_call_seconds)):
            raise ValueError("callaro_dial_seconds and mrassistant_call_seconds must be 0 or more")
        for webhook in self.webhooks:
            self.check_webhook(webhook)

    def check_webhook(self, webhook: Webhook) -> None:
        """Raise ValueError if a webhook leads to another machine and may not: it carries the numbers that were sent."""
        if not self.allow_any_host and not is_loopback(webhook.host):
            raise ValueError("the url of a webhook must be on this machine: others must be allowed (allow_any_host)")


def is_loopback(host: str) -> bool:
    """Whether a host's name or address is this machine's own."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
