"""In which time zones a phone may be: where the user says so, else where its number may belong.

A number is a guess, and a wrong guess rings somebody at night. So the guess is wide: all zones of an area code,
whatever the exchange, because numbers move with their owners; all zones of a country for numbers that belong to no
place. Where the library has a neighbour's zone for a country, the country's own is taken. All of them must be open.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from airflow_provider_callkaro.exceptions import ConfigurationError

NORTH_AMERICA = "1"  # the country code that 25 countries share
AREA_CODE = 4  # digits of that country code and an area code

# What phonenumbers 9.0.43 says, and what the tz database has for the same country. Source: zone.tab of tzdata 2026.
_CORRECTED: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("7", "Europe/Bucharest"): ("Europe/Kaliningrad",),
    ("91", "Asia/Calcutta"): ("Asia/Kolkata",),
    ("56", "America/Santiago"): ("America/Santiago", "America/Coyhaique", "America/Punta_Arenas", "Pacific/Easter"),
    ("61", "Australia/Adelaide"): ("Australia/Adelaide", "Australia/Darwin"),
    ("211", "Africa/Nairobi"): ("Africa/Juba",),
    ("212", "Atlantic/Canary"): ("Africa/Casablanca", "Africa/El_Aaiun"),
    ("213", "Europe/Paris"): ("Africa/Algiers",),
    ("218", "Europe/Bucharest"): ("Africa/Tripoli",),
    ("505", "America/Chicago"): ("America/Managua",),
    ("675", "Pacific/Port_Moresby"): ("Pacific/Port_Moresby", "Pacific/Bougainville"),
}
_SAMPLE_DAYS = tuple(datetime(2026, month, day) for month in range(1, 13) for day in (1, 15))
_NOT_PLACES = frozenset({"localtime", "posixrules", "Factory"})  # files that stand beside the zones on some machines


@lru_cache(maxsize=1_024)
def named_zone(name: str) -> ZoneInfo | None:
    """The zone of an IANA name, or None where there is none of this name."""
    if name in _NOT_PLACES or name.startswith(("posix/", "right/")):
        return None
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return None


@lru_cache(maxsize=8_192)
def zones_of_number(number: str) -> tuple[ZoneInfo, ...]:
    """All zones in which the phone of an E.164 number may be; none where that cannot be told.

    :raises ConfigurationError: the extra ``[phone]`` is not installed.
    """
    country = _country_code(number)
    if country is None or len(_zones_under(country)) < 2:
        return () if country is None else _zones_under(country)
    from phonenumbers import PhoneNumberType
    from phonenumbers.phonenumberutil import is_number_type_geographical

    kind = _kind_of(number)
    if kind == PhoneNumberType.UNKNOWN:
        return ()
    area = number[1 : AREA_CODE + 1]
    if country == NORTH_AMERICA:
        return _zones_under(area) or _zones_under(country)  # toll-free and the like have no zones of their own
    if is_number_type_geographical(kind, int(country)):
        return _zones_of_prefix(number[1:])
    return _zones_under(country)


@lru_cache(maxsize=8_192)
def may_have_moved(number: str) -> bool:
    """Whether the phone of this number may be far from where the number belongs: a mobile, or what cannot be told from
    one, of a country with more than one offset.

    :raises ConfigurationError: the extra ``[phone]`` is not installed.
    """
    country = _country_code(number)
    if country is None or len(_zones_under(country)) < 2:
        return False
    from phonenumbers import PhoneNumberType

    movable = _kind_of(number) in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)
    return movable and _has_many_offsets(country)


@lru_cache(maxsize=256)
def _has_many_offsets(country: str) -> bool:
    """Whether clocks differ within a country; four zones of the British Isles read the same."""
    zones = _zones_under(country)
    return any(len({zone.utcoffset(day) for zone in zones}) > 1 for day in _SAMPLE_DAYS)


@lru_cache(maxsize=8_192)
def _kind_of(number: str) -> int:
    from phonenumbers import NumberParseException, PhoneNumberType, number_type, parse

    try:
        return int(number_type(parse(number)))
    except NumberParseException:
        return int(PhoneNumberType.UNKNOWN)


def _country_code(number: str) -> str | None:
    digits = number[1:4]
    return next((digits[:length] for length in (1, 2, 3) if digits[:length] in _country_codes()), None)


@lru_cache(maxsize=1)
def _country_codes() -> frozenset[str]:
    return frozenset(map(str, _library().COUNTRY_CODE_TO_REGION_CODE))


@lru_cache(maxsize=2_048)
def _zones_under(prefix: str) -> tuple[ZoneInfo, ...]:
    """All zones of the numbers that begin with these digits (a country code, or more), in which the clocks differ."""
    names = {name for known, zones in _zone_data().items() if known.startswith(prefix) for name in zones}
    return _as_zones(names, prefix)


def _zones_of_prefix(digits: str) -> tuple[ZoneInfo, ...]:
    data = _zone_data()
    longest = next((digits[:length] for length in range(len(digits), 0, -1) if digits[:length] in data), None)
    return () if longest is None else _zones_at(longest)


@lru_cache(maxsize=4_096)
def _zones_at(prefix: str) -> tuple[ZoneInfo, ...]:
    return _as_zones(set(_zone_data()[prefix]), prefix)


def _as_zones(names: set[str], prefix: str) -> tuple[ZoneInfo, ...]:
    country = next((prefix[:length] for length in (1, 2, 3) if prefix[:length] in _country_codes()), prefix)
    right = {correct for name in names for correct in _CORRECTED.get((country, name), (name,))}
    zones = [named_zone(name) for name in sorted(right)]
    return () if None in zones else tuple(zone for zone in zones if zone is not None)


def _zone_data() -> Mapping[str, tuple[str, ...]]:
    from phonenumbers.tzdata import TIMEZONE_DATA

    data: Mapping[str, tuple[str, ...]] = TIMEZONE_DATA
    return data


def _library() -> Any:
    try:
        import phonenumbers
    except ImportError:
        raise ConfigurationError(
            "the zone of a number needs the phonenumbers library: install airflow-provider-callkaro[phone], or give "
            "each row a column timezone"
        ) from None
    return phonenumbers
