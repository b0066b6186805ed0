"""Which numbers may be rung at all: of which countries, and of which types of line.

A number in a list is data from outside, and a call to a premium-rate or satellite number costs the caller money.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from airflow_provider_callkaro.calls.call import InvalidCall
from airflow_provider_callkaro.calls.countries import COUNTRIES, counted_as, country_of
from airflow_provider_callkaro.calls.numbering import any_of, country_code, plans_of
from airflow_provider_callkaro.calls.outcome import Reason
from airflow_provider_callkaro.exceptions import ConfigurationError

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
    """One pattern for each type: the library's own look-up costs more than all the rest of reading a row."""
    plans = plans_of(country)
    return _TypePatterns(
        exclusive=tuple(
            (frozenset({each}), any_of([getattr(plan, each.value) for plan in plans])) for each in _EXCLUSIVE
        ),
        fixed=any_of([plan.fixed_line for plan in plans]),
        mobile=any_of([plan.mobile for plan in plans]),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberRules:
    """Which numbers may be rung.

    :param countries: two-letter codes (ISO 3166-1); None allows all.
    :param types: the words of `NumberType`; None allows all. They need the extra ``[phone]``.
    :raises ConfigurationError: a word is no country or no type.
    """

    countries: Collection[str] | None = None
    types: Collection[str] | None = None

    def __post_init__(self) -> None:
        if self.countries is not None:
            named = frozenset(word.upper() for word in _words("allowed_countries", self.countries, 'such as ["IN"]'))
            unknown = sorted(named - COUNTRIES)
            if unknown:
                raise ConfigurationError(
                    f"allowed_countries has no country {', '.join(unknown)}: give two letters each (ISO 3166-1), such "
                    'as ["IN", "US"]'
                )
            object.__setattr__(self, "countries", counted_as(named))
        if self.types is not None:
            sorts = frozenset(word.lower() for word in _words("allowed_number_types", self.types, 'such as ["mobile"]'))
            unknown = sorted(sorts.difference(NumberType))
            if unknown:
                raise ConfigurationError(
                    f"allowed_number_types has no type {', '.join(unknown)}: it takes {', '.join(NumberType)}"
                )
            object.__setattr__(self, "types", sorts)

    def require_library(self) -> None:
        """Refuse, before a list is read, types that cannot be determined here. Raises ConfigurationError if the extra
        ``[phone]`` is not installed."""
        if self.types is None:
            return
        try:
            import phonenumbers  # noqa: F401 - looked for
        except ImportError:
            raise ConfigurationError(
                "allowed_number_types needs the phonenumbers library: install airflow-provider-callkaro[phone]"
            ) from None

    def check(self, number: str) -> None:
        """Check that an E.164 number may be rung. Raises InvalidCall if it may not be rung."""
        if self.countries is not None and country_of(number) not in self.countries:
            raise InvalidCall(
                Reason.COUNTRY_NOT_ALLOWED, "the number belongs to no country that allowed_countries names"
            )
        if self.types is not None:
            self._check_type(number, self.types)

    def _check_type(self, number: str, allowed: Collection[str]) -> None:
        may_be = types_of(number)
        if not may_be:
            raise InvalidCall(Reason.IMPOSSIBLE_NUMBER, "no numbering plan knows such a number")
        if may_be.isdisjoint(allowed):
            raise InvalidCall(
                Reason.NUMBER_TYPE_NOT_ALLOWED,
                f"it is a number of type {' or '.join(sorted(may_be))}, which allowed_number_types does not name",
            )


def _words(argument: str, words: object, example: str) -> list[str]:
    if isinstance(words, (str, bytes, Mapping)) or not isinstance(words, Collection) or not words:
        raise ConfigurationError(f"{argument} must be a list that is not empty, {example}, or None to allow all")
    if not all(isinstance(word, str) for word in words):
        raise ConfigurationError(f"{argument} must hold texts, {example}")
    return [word.strip() for word in words]
