"""Whose host it is. Two vendors' names differ by one letter, and a key that goes to the other one is lost to it."""

from __future__ import annotations

import ipaddress

DOMAINS = {"CallKaro": "callkaro.ai", "Callaro": "callaro.ai", "MrAssistant": "mrassistant.ai"}
"""Each vendor's own domain. MrAssistant documents no address of its API; its domain is that of its documentation."""


def owner_of(host: str, *, vendor: str) -> str | None:
    """Whose host it is, or looks as if it were.

    :param host: a host's name in lower case.
    :param vendor: to whom it is thought to belong: a host with several names in it, such as a gateway's, is not held
        against it.
    :return: a vendor's name: of the one in whose domain the host lies, else of the one whose name stands in it; None
        where it is nobody's, as with a company's own gateway.
    """
    plain = host.rstrip(".")
    for owner, domain in DOMAINS.items():
        if plain == domain or plain.endswith(f".{domain}"):
            return owner
    named = [owner for owner in DOMAINS if owner.lower() in plain]
    return None if not named or vendor in named else named[0]


def is_loopback(hostname: str) -> bool:
    """Whether what is sent to this host stays on this machine."""
    if hostname == "localhost":
        return True
    try:
        return ipaddress.ip_address(hostname).is_loopback
    except ValueError:
        return False
