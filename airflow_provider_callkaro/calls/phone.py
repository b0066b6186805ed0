"""How a phone number in a row is read.

A number is E.164: ``+`` and 2 to 15 digits, the first not 0 (source: the pattern of CallKaro's outbound call page).
The usual punctuation is removed first. Without a leading ``+`` a number is ambiguous and is refused, unless the user
names the region of such numbers (``default_region``, extra ``[phone]``). A text that may be two numbers is refused:
another person's phone could ring. All spellings of one number are read as one (`calls.spelling`).
"""

from __future__ import annotations

import math
import re
from decimal import Decimal

from airflow_provider_callkaro.calls.spelling import LEGACY_PREFIXES, canonical, legacy_spellings, may_have_another
from airflow_provider_callkaro.exceptions import ConfigurationError

__all__ = ["E164", "LEGACY_PREFIXES", "NumberReader", "is_rounded", "legacy_spellings"]

E164 = re.compile(r"\+[1-9][0-9]{1,14}")
_SPACES = "\t\n\r\x0b\x0c \xa0\u1680\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
_INVISIBLE = "\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\ufeff"
_PUNCTUATION = ".-()[]\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u00b7"
_WITHOUT_SPACES = str.maketrans("", "", _SPACES + _INVISIBLE)
_WITHOUT_PUNCTUATION = str.maketrans("", "", _PUNCTUATION)
_LONGEST = 10**15  # E.164 has 15 digits at most
_ROUNDED = re.compile(r"\+?[0-9]+(?:[.,][0-9]+)?[eE]\+?[0-9]{1,2}")  # a spreadsheet's 9.19877E+11
_WHOLE_FRACTION = re.compile(r"([1-9][0-9]{8,14})\.0")  # a data frame's 919876543210.0, which has all its digits
_SHORTEST_FLOAT = 10**8
_MAY_BE_ROUNDED = "000"  # how a rounded number ends once it is written out; a few whole ones do too
_READ_AS_FRACTION = re.compile(r"\+?[0-9]+\.0+")  # a spreadsheet's 919876543210.0: the dot is no separator
_ZERO_APART = re.compile(r"\+.*[(\[]0[)\]]")  # +44 (0)20…: most countries drop the zero, some keep it
_ZERO_AFTER_COUNTRY = re.compile(r"[(\[]?\+[1-9][0-9]{0,2}[)\]]?[(\[]0[)\]].*")


class NumberReader:
    """Reads phone numbers as E.164.

    :param default_region: two-letter region (ISO 3166-1, such as ``IN``) for numbers without ``+``; None refuses them.
    :raises ConfigurationError: the region does not exist, or the extra ``[phone]`` is not installed.
    """

    __slots__ = ("_region",)

    def __init__(self, *, default_region: str | None = None) -> None:
        self._region = None if default_region is None else _known_region(default_region)

    def read(self, value: object) -> str | None:
        """The number in E.164; None where ``value`` cannot be read as one."""
        if value.__class__ is str and E164.fullmatch(value):
            return canonical(value) if may_have_another(value) else str(value)
        if isinstance(value, int) and not isinstance(value, bool) and 0 < value < _LONGEST:
            value = str(int(value))
        elif isinstance(value, (float, Decimal)):
            value = _whole(value)
        if not isinstance(value, str):
            return None
        text = value.translate(_WITHOUT_SPACES)
        if (whole := _WHOLE_FRACTION.fullmatch(text)) and not whole[1].endswith(_MAY_BE_ROUNDED):
            text = whole[1]
        if _READ_AS_FRACTION.fullmatch(text):
            return None
        bare = text.translate(_WITHOUT_PUNCTUATION)
        if _ZERO_APART.search(text):
            return _without_zero(text, bare)
        if E164.fullmatch(bare):
            return canonical(bare)
        if self._region is None or not bare.isascii() or not bare.isdigit():
            return None
        return _national_number(bare, self._region)


def is_rounded(value: object) -> bool:
    """Whether a spreadsheet has rounded a number: its last digits are lost, or may be."""
    if isinstance(value, float):
        return _SHORTEST_FLOAT <= value < _LONGEST and _whole(value) is None
    text = value.translate(_WITHOUT_SPACES) if isinstance(value, str) else ""
    whole = _WHOLE_FRACTION.fullmatch(text)
    return bool(_ROUNDED.fullmatch(text) or (whole and whole[1].endswith(_MAY_BE_ROUNDED)))


def _whole(value: float | Decimal) -> str | None:
    """A number of another kind by its digits; None where it has a fraction, or where a float may have been rounded."""
    is_finite = value.is_finite() if isinstance(value, Decimal) else math.isfinite(value)
    if not is_finite or not _SHORTEST_FLOAT <= value < _LONGEST or value != int(value):
        return None
    digits = str(int(value))
    return None if isinstance(value, float) and digits.endswith(_MAY_BE_ROUNDED) else digits


def _without_zero(text: str, bare: str) -> str | None:
    """A number with a zero in brackets; None where the zero may be part of it."""
    if not _ZERO_AFTER_COUNTRY.fullmatch(text) or not E164.fullmatch(bare):
        return None
    read = canonical(bare)
    return read if read != bare else None


def _known_region(region: str) -> str:
    try:
        from phonenumbers import SUPPORTED_REGIONS
    except ImportError:
        raise ConfigurationError(
            "default_region needs the phonenumbers library: install airflow-provider-callkaro[phone]"
        ) from None
    wanted = str(region).strip().upper()
    if wanted not in SUPPORTED_REGIONS:
        raise ConfigurationError(f"default_region {region!r} is no region: give two letters such as IN, US or GB")
    return wanted


def _national_number(text: str, region: str) -> str | None:
    from phonenumbers import NumberParseException, PhoneNumberFormat, format_number, is_valid_number, parse

    try:
        number = parse(text, region)
    except NumberParseException:
        return None
    read = str(format_number(number, PhoneNumberFormat.E164)) if is_valid_number(number) else ""
    return canonical(read) if E164.fullmatch(read) else None  # the library knows numbers of 16 digits
