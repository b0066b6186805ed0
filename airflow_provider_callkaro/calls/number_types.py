"""The type of line of a phone number, by the numbering plans of `phonenumbers` (extra ``[phone]``).

The library's patterns are joined into one for each type and country code, as in `numbering`, because its own lookup
costs more than all the rest of reading a row.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from airflow_provider_callkaro.calls.numbering import any_of, country_code, plans_of

_SATELLITES = frozenset({"870", "881", "882", "883"})  # and networks of no country, which cost the same


class NumberType(StrEnum):
    """A type of line."""

    MOBILE = "mobile"
    FIXED_LINE = "fixed_line"
    VOIP = "voip"
    TOLL_FREE = "toll_free"
    SHARED_COST = "shared_cost"
    PREMIUM_RATE = "premium_rate"
    PERSONAL_NUMBER = "personal_number"
    PAGER = "pager"
    UAN = "uan"
    """A company's number, the same all over its country."""
    VOICEMAIL = "voicemail"
    SATELLITE = "satellite"
    """A satellite phone, or an international network without a country."""


_EXCLUSIVE = (  # in the order of the library; a number of one of these types is of no other
    NumberType.PREMIUM_RATE,
    NumberType.TOLL_FREE,
    NumberType.SHARED_COST,
    NumberType.VOIP,
    NumberType.PERSONAL_NUMBER,
    NumberType.PAGER,
    NumberType.UAN,
    NumberType.VOICEMAIL,
)


class _TypePatterns(NamedTuple):
    exclusive: tuple[tuple[frozenset[NumberType], re.Pattern[str]], ...]
    fixed: re.Pattern[str]
    mobile: re.Pattern[str]


def types_of(number: str) -> frozenset[NumberType]:
    """The types that an E.164 number may be of.

    They are two where a plan does not distinguish mobiles from fixed lines, as in North America, and none where no such
    number exists.

    :raises ConfigurationError: the extra ``[phone]`` is not installed.
    """
    country = country_code(number)
    if country is None:
        return frozenset()
    if country in _SATELLITES:
        return frozenset({NumberType.SATELLITE})
    patterns, national = _patterns(country), number[1 + len(country) :]
    for types, pattern in patterns.exclusive:
        if pattern.fullmatch(national):
            return types
    fixed, mobile = patterns.fixed.fullmatch(national), patterns.mobile.fullmatch(national)
    return frozenset(({NumberType.FIXED_LINE} if fixed else set()) | ({NumberType.MOBILE} if mobile else set()))


@lru_cache(maxsize=256)
def _patterns(country: str) -> _TypePatterns:
    plans = plans_of(country)
    return _TypePatterns(
        exclusive=tuple(
            (frozenset({each}), any_of([getattr(plan, each.value) for plan in plans])) for each in _EXCLUSIVE
        ),
        fixed=any_of([plan.fixed_line for plan in plans]),
        mobile=any_of([plan.mobile for plan in plans]),
    )
