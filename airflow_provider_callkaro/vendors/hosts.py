"""Whose host it is. Two vendors' names differ by one letter, and a key that reaches the other vendor is lost to it."""

from __future__ import annotations

import ipaddress

from airflow_provider_callkaro.vendors.known import VENDORS


def owner_of(host: str, *, vendor: str) -> str | None:
    """The vendor that a host belongs to, or whose name it bears.

    :param host: a host's name in lower case.
    :param vendor: the vendor for which the host is meant: a host that bears its name among others, such as a
        gateway's, counts as no other vendor's.
    :return: the name of the vendor in whose domain the host lies, else of the one whose name it bears; None where it
        belongs to none, such as a company's own gateway.
    """
    plain = host.rstrip(".")
    for known in VENDORS:
        if plain == known.domain or plain.endswith(f".{known.domain}"):
            return known.name
    named = [known.name for known in VENDORS if known.name.lower() in plain]
    return None if not named or vendor in named else named[0]


def is_loopback(hostname: str) -> bool:
    """Whether what is sent to this host stays on this machine."""
    if hostname == "localhost":
        return True
    try:
        return ipaddress.ip_address(hostname).is_loopback
    except ValueError:
        return False
