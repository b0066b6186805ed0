"""What sort of line a phone number is, by the numbering plans that `phonenumbers` has (extra ``[phone]``).

Its patterns are joined into one for each sort and country code, as in `numbering`, because the library's own way costs
more than all the rest of reading a row.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from airflow_provider_callkaro.calls.numbering import any_of, country_code

_SATELLITES = frozenset({"870", "881", "882", "883"})  # and networks that belong to no country, at the same prices


class NumberType(StrEnum):
    """What sort of line it is."""

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


_OF_THEIR_OWN = (  # in the order in which the library asks; what is one of these is nothing else
    NumberType.PREMIUM_RATE,
    NumberType.TOLL_FREE,
    NumberType.SHARED_COST,
    NumberType.VOIP,
    NumberType.PERSONAL_NUMBER,
    NumberType.PAGER,
    NumberType.UAN,
    NumberType.VOICEMAIL,
)


class _Sorts(NamedTuple):
    of_their_own: tuple[tuple[frozenset[NumberType], re.Pattern[str]], ...]
    fixed: re.Pattern[str]
    mobile: re.Pattern[str]


def types_of(number: str) -> frozenset[NumberType]:
    """What an E.164 number may be: two sorts where a plan does not tell mobiles from fixed lines, as in North America;
    none where there can be no such number.

    :raises ConfigurationError: the extra ``[phone]`` is not installed.
    """
    country = country_code(number)
    if country is None:
        return frozenset()
    if country in _SATELLITES:
        return frozenset({NumberType.SATELLITE})
    sorts, national = _sorts(country), number[1 + len(country) :]
    for sort, pattern in sorts.of_their_own:
        if pattern.fullmatch(national):
            return sort
    fixed, mobile = sorts.fixed.fullmatch(national), sorts.mobile.fullmatch(national)
    return frozenset(
        ({NumberType.FIXED_LINE} if fixed else set()) | ({NumberType.MOBILE} if mobile else set()),
    )


@lru_cache(maxsize=256)
def _sorts(country: str) -> _Sorts:
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata

    code = int(country)
    found = [
        PhoneMetadata.metadata_for_region_or_calling_code(code, region) for region in COUNTRY_CODE_TO_REGION_CODE[code]
    ]
    plans = [plan for plan in found if plan is not None]
    return _Sorts(
        of_their_own=tuple(
            (frozenset({sort}), any_of([getattr(plan, sort.value) for plan in plans])) for sort in _OF_THEIR_OWN
        ),
        fixed=any_of([plan.fixed_line for plan in plans]),
        mobile=any_of([plan.mobile for plan in plans]),
    )
