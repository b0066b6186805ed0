"""The list of the vendors: a new vendor is a line here. Whose host it is: two vendors' names differ by one letter.

The provider info, the check of hosts and the check of storage connections read it.
"""

from __future__ import annotations

from airflow_provider_callkaro.vendors.callaro.profile import CALLARO
from airflow_provider_callkaro.vendors.callkaro.profile import CALLKARO
from airflow_provider_callkaro.vendors.mrassistant.profile import MRASSISTANT
from airflow_provider_callkaro.vendors.profile import VendorProfile

VENDORS: tuple[VendorProfile, ...] = (
    CALLKARO,
    CALLARO,
    MRASSISTANT,
)


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
    import ipaddress

    if hostname == "localhost":
        return True
    try:
        return ipaddress.ip_address(hostname).is_loopback
    except ValueError:
        return False
