"""The numbering plans of the world, as `phonenumbers` has them: what a phone number tells about its place.

The library's own lookup of a number's zones costs as much as all the rest of judging a call, because it tries the
patterns of every region of a country one by one. Here its patterns are joined into one for each country code, and its
zones are looked up by prefix. The tests compare the results with the library's.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from airflow_provider_callkaro.exceptions import ConfigurationError

NORTH_AMERICA = "1"  # the country code that 25 countries share

# The zones of phonenumbers 9.0.43, and those of the tz database for the same country. Source: zone.tab of tzdata 2026.
_CORRECTED: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("7", "Europe/Bucharest"): ("Europe/Kaliningrad",),
    ("56", "America/Santiago"): ("America/Santiago", "America/Coyhaique", "America/Punta_Arenas", "Pacific/Easter"),
    ("61", "Australia/Adelaide"): ("Australia/Adelaide", "Australia/Darwin"),
    ("91", "Asia/Calcutta"): ("Asia/Kolkata",),
    ("211", "Africa/Nairobi"): ("Africa/Juba",),
    ("212", "Atlantic/Canary"): ("Africa/Casablanca", "Africa/El_Aaiun"),
    ("213", "Europe/Paris"): ("Africa/Algiers",),
    ("218", "Europe/Bucharest"): ("Africa/Tripoli",),
    ("505", "America/Chicago"): ("America/Managua",),
    ("675", "Pacific/Port_Moresby"): ("Pacific/Port_Moresby", "Pacific/Bougainville"),
}
# Area codes that overlay another, whose exchanges the library does not list. Source: lincmad.com, overlays.
_OVERLAYS: Mapping[str, str] = {
    "1236": "1250",
    "1257": "1250",
    "1364": "1270",
    "1367": "1418",
    "1448": "1850",
    "1458": "1541",
    "1474": "1306",
    "1581": "1418",
    "1639": "1306",
    "1672": "1250",
    "1778": "1250",
    "1930": "1812",
}
# Area codes with a second zone that the library lacks: Lloydminster; west Texas, where El Paso and Midland have
# different clocks. Source: area code list of the Amazon Connect samples.
_ALSO: Mapping[str, tuple[str, ...]] = {
    "1306": ("America/Edmonton",),
    "1432": ("America/Denver",),
    "1915": ("America/Chicago",),
}
_NATIONAL_NORTH_AMERICA = re.compile(r"\+1[2-9][0-9]{2}[2-9][0-9]{6}")
_OTHER_KINDS = ("premium_rate", "toll_free", "shared_cost", "voip", "personal_number", "pager", "uan", "voicemail")
_NEVER = r"(?!)"
_AFTER_DIGITS = ":"  # the character after 9: a prefix with it sorts after all longer prefixes
_SAMPLE_DAYS = tuple(datetime(2026, month, day) for month in range(1, 13) for day in (1, 15))


class Kind(NamedTuple):
    """How a number relates to places. ``has_place``: it belongs to a place within its country. ``can_move``: it is a
    mobile, or may be one."""

    has_place: bool
    can_move: bool


class _Plan(NamedTuple):
    """The patterns of a country code: of fixed lines, of mobiles, and of numbers that are neither.

    :param mobiles_have_place: whether mobiles belong to places too.
    :param trunk: digits that are dialled before a number within the country, and written here by mistake.
    :param without_trunk: their replacement, as of `re.sub`, where ``trunk`` has captured something; None for none.
    :param lengths: how many digits a number may have.
    """

    fixed: re.Pattern[str]
    mobile: re.Pattern[str]
    other: re.Pattern[str]
    mobiles_have_place: bool
    trunk: re.Pattern[str]
    without_trunk: str | None
    lengths: frozenset[int]

    def is_number(self, national: str) -> bool:
        """Whether such a number can exist, of whatever kind."""
        return any(pattern.fullmatch(national) for pattern in (self.fixed, self.mobile, self.other))

    def stripped(self, national: str) -> str | None:
        """The number without its trunk digits; None where it has none, or where that leaves no number."""
        match = self.trunk.match(national)
        if match is None:
            return None
        kept = match.expand(self.without_trunk) if self.without_trunk and match[self.trunk.groups] is not None else ""
        stripped = kept + national[match.end() :]
        return stripped if len(stripped) in self.lengths else None


def country_code(number: str) -> str | None:
    """The country code of an E.164 number, without ``+``; None where no country has it."""
    codes = _country_codes()
    for end in (2, 3, 4):
        if number[1:end] in codes:
            return number[1:end]
    return None


def has_area_code(number: str) -> bool:
    """Whether a number of North America has the right shape."""
    return _NATIONAL_NORTH_AMERICA.fullmatch(number) is not None


def kind_of(number: str, country: str) -> Kind | None:
    """The kind of an E.164 number; None where no such number can exist."""
    plan = _plan(country)
    national = number[1 + len(country) :]
    fixed, mobile = plan.fixed.fullmatch(national), plan.mobile.fullmatch(national)
    if fixed or mobile:
        return Kind(has_place=fixed is not None or plan.mobiles_have_place, can_move=mobile is not None)
    if plan.other.fullmatch(national):
        return _KIND_WITHOUT_PLACE
    stripped = plan.stripped(national)
    return _KIND_WITHOUT_PLACE if stripped is not None and plan.is_number(stripped) else None


@lru_cache(maxsize=2_048)
def zone_names(prefix: str) -> frozenset[str]:
    """The zones of all numbers that begin with these digits: a country code, or more."""
    data, known = _zone_data(), _known_prefixes()
    names: set[str] = set()
    for base in {prefix, _OVERLAYS.get(prefix, prefix)}:
        for longer in known[bisect_left(known, base) : bisect_left(known, f"{base}{_AFTER_DIGITS}")]:
            names.update(data[longer])
        names.update(_ALSO.get(base, ()))
    return _corrected(names, prefix)


def zone_names_of_place(digits: str) -> frozenset[str]:
    """The zones of the longest prefix of these digits that the library has."""
    data = _zone_data()
    for length in range(min(len(digits), _longest_prefix()), 0, -1):
        if digits[:length] in data:
            return _zone_names_at(digits[:length])
    return frozenset()


@lru_cache(maxsize=256)
def has_many_offsets(country: str) -> bool:
    """Whether clocks differ within a country; the four zones of the British Isles read the same."""
    from zoneinfo import ZoneInfo

    zones = [ZoneInfo(name) for name in zone_names(country)]
    return any(len({zone.utcoffset(day) for zone in zones}) > 1 for day in _SAMPLE_DAYS)


_KIND_WITHOUT_PLACE = Kind(has_place=False, can_move=False)


@lru_cache(maxsize=4_096)
def _zone_names_at(prefix: str) -> frozenset[str]:
    return _corrected(set(_zone_data()[prefix]), prefix)


def _corrected(names: set[str], prefix: str) -> frozenset[str]:
    country = country_code(f"+{prefix}") or prefix
    return frozenset(right for name in names for right in _CORRECTED.get((country, name), (name,)))


@lru_cache(maxsize=256)
def _plan(country: str) -> _Plan:
    from phonenumbers import PhoneNumberType
    from phonenumbers.phonenumberutil import is_number_type_geographical

    plans = plans_of(country)
    main = plans[0]
    return _Plan(
        fixed=any_of([plan.fixed_line for plan in plans]),
        mobile=any_of([plan.mobile for plan in plans]),
        other=any_of([getattr(plan, kind) for plan in plans for kind in _OTHER_KINDS]),
        mobiles_have_place=is_number_type_geographical(PhoneNumberType.MOBILE, int(country)),
        trunk=re.compile(main.national_prefix_for_parsing or _NEVER),
        without_trunk=main.national_prefix_transform_rule,
        lengths=frozenset(main.general_desc.possible_length) if main.general_desc else frozenset(),
    )


def plans_of(country: str) -> list[Any]:
    """The numbering plans that `phonenumbers` has for a country code: one for each region that shares it."""
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata

    code = int(country)
    regions = COUNTRY_CODE_TO_REGION_CODE[code]
    found = (PhoneMetadata.metadata_for_region_or_calling_code(code, region) for region in regions)
    return [plan for plan in found if plan is not None]


def any_of(kinds: list[Any]) -> re.Pattern[str]:
    """One pattern for the numbers of any of these kinds of `phonenumbers`; of no kind, it matches nothing."""
    patterns = [kind.national_number_pattern for kind in kinds if kind is not None and kind.national_number_pattern]
    return re.compile("|".join(f"(?:{pattern})" for pattern in dict.fromkeys(patterns)) or _NEVER)


@lru_cache(maxsize=1)
def _country_codes() -> frozenset[str]:
    try:
        from phonenumbers import COUNTRY_CODE_TO_REGION_CODE
    except ImportError:
        raise ConfigurationError(
            "the zone of a number needs the phonenumbers library: install airflow-provider-callkaro[phone], or give "
            "each row a column timezone"
        ) from None
    return frozenset(map(str, COUNTRY_CODE_TO_REGION_CODE))


@lru_cache(maxsize=1)
def _zone_data() -> Mapping[str, tuple[str, ...]]:
    from phonenumbers.tzdata import TIMEZONE_DATA

    data: Mapping[str, tuple[str, ...]] = TIMEZONE_DATA
    return data


@lru_cache(maxsize=1)
def _known_prefixes() -> list[str]:
    return sorted(_zone_data())


@lru_cache(maxsize=1)
def _longest_prefix() -> int:
    from phonenumbers.tzdata import TIMEZONE_LONGEST_PREFIX

    return int(TIMEZONE_LONGEST_PREFIX)
