"""The time zones in which a phone may be: the zone that the user names, else all zones of its number.

A number only suggests a zone, and a wrong zone rings somebody at night. So the suggestion is wide: all zones of an area
code, whatever the exchange, because numbers move with their owners; all zones of a country for numbers without a place.
Where the library has a neighbour's zone for a country, the country's own is used. All zones must be open.
"""

from __future__ import annotations

from functools import lru_cache
from zoneinfo import ZoneInfo

from airflow_provider_callkaro.calls import numbering

_NOT_PLACES = frozenset({"localtime", "posixrules", "Factory"})  # other files in the folder of zones of some machines


@lru_cache(maxsize=1_024)
def named_zone(name: str) -> ZoneInfo | None:
    """The zone of an IANA name; None where there is none of this name."""
    if name in _NOT_PLACES or name.startswith(("posix/", "right/")):
        return None
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return None


def zones_of_number(number: str) -> tuple[ZoneInfo, ...]:
    """All zones in which the phone of an E.164 number may be; none where that is unknown.

    :raises ConfigurationError: the extra ``[phone]`` is not installed.
    """
    country = numbering.country_code(number)
    if country is None:
        return ()
    zones = _zones(numbering.zone_names(country))
    if len(zones) < 2:
        return zones  # wherever in the country it is
    if country == numbering.NORTH_AMERICA and numbering.has_area_code(number):
        area = _zones(numbering.zone_names(number[1:5]))
        if area:
            return area
    kind = numbering.kind_of(number, country)
    if kind is None:
        return ()
    if kind.has_place and country != numbering.NORTH_AMERICA:
        return _zones(numbering.zone_names_of_place(number[1:]))
    return zones


def may_have_moved(number: str) -> bool:
    """Whether the phone of this number may be in another zone than its number: a mobile, or a number that may be one,
    of a country with several offsets.

    :raises ConfigurationError: the extra ``[phone]`` is not installed.
    """
    country = numbering.country_code(number)
    if country is None or not numbering.has_many_offsets(country):
        return False
    kind = numbering.kind_of(number, country)
    return kind is not None and kind.can_move


@lru_cache(maxsize=2_048)
def _zones(names: frozenset[str]) -> tuple[ZoneInfo, ...]:
    zones = [named_zone(name) for name in sorted(names)]
    known = tuple(zone for zone in zones if zone is not None)
    return known if len(known) == len(zones) else ()
