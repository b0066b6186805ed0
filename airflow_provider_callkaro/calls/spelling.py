"""One person, one number: which spellings of an international number mean the same phone.

People write the digits that are dialled before a number within their country (the trunk prefix, mostly a zero) after
the country code too. Read literally, ``+44 020…`` and ``+44 20…`` are two people: one person is called twice, or in
spite of a suppression. The prefix is removed wherever no number of the country begins with it, so that it cannot be
part of one; where numbers do begin with it, as in Italy, nothing changes.

The tests check the tables against `phonenumbers`. They are kept here because the library needs 200 µs per number, and
because a person's key must not depend on what is installed.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Countries whose numbers never begin with a 0 and another digit, and in which a 0 is dialled before them.
_TRUNK_ZERO = _words(
    "20 27 31 32 33 40 41 43 44 46 49 51 53 54 55 57 58 60 61 62 63 64 66 81 82 84 86 90 91 92 93 94 95 98 211 "
    "212 213 218 231 232 233 234 243 249 250 251 252 254 255 256 260 261 262 263 264 265 291 353 355 358 359 370 "
    "373 374 375 377 380 381 382 383 385 386 387 389 421 423 508 590 591 593 594 595 596 598 686 850 855 856 880 "
    "886 961 962 963 964 966 967 970 971 972 976 977 994 995 996"
)
# Other prefixes: the prefix, how many digits a number has with it (None: any), and which digits may follow.
_OTHER_TRUNKS: dict[str, tuple[tuple[str, int | None, str], ...]] = {
    "1": (("1", None, "23456789"),),
    "7": (("8", 11, "3456789"),),
    "36": (("06", None, "123456789"),),
    "52": (("1", 11, "23456789"),),  # was written before mobiles until 2019
    "375": (("80", 11, "1234"), ("8", 10, "1234"), ("8", None, "89")),
    "692": (("1", 8, "23456789"),),
    "993": (("8", 9, "1234567"),),
}
_ZERO = dict.fromkeys(_TRUNK_ZERO, (("0", None, "123456789"),))
_LONGEST_BARE = {"55": 11}  # a longer number begins with the code of a carrier, and is left as it is
_OWN = {"250": ("06",), "375": ("08", "810")}  # beginnings that are no prefix although they look like one
_SHORTEST_BARE = 4  # digits; nothing shorter is a number

# Argentina's mobiles are 9, area code, number; within the country they are written area code, 15, number. These are the
# area codes of three digits, and those of four: three digits, and each digit that may follow.
_ARGENTINA, _BUENOS_AIRES = "54", "11"
_AREAS_OF_3 = _words(
    "220 221 223 230 236 237 249 260 261 263 264 266 280 291 294 297 298 299 336 341 342 343 345 348 351 353 358 "
    "362 364 370 376 379 380 381 383 385 387 388"
)
_AREAS_OF_4_BY_3 = _words(
    "2202 2221345679 224123456 2252457 2261245678 2271234 22813456 2291267 2302 231467 23203456 2331345678 "
    "23423456 2352345678 23923456 24734578 2622456 264678 26515678 290123 2920123456789 293123456 29402568 295234 "
    "2962346 2972 29823 33279 3382578 340012456789 3435678 34424567 3454568 346023456789 347126 3482379 349123678 "
    "3521245 353237 35412346789 356234 357123456 3582345 3711568 37215 373145 37413 375145678 37723457 378126 "
    "3821567 3832578 38413456 38545678 3861235789 3873678 3885678 389124"
)
_AREAS_OF_4 = frozenset(areas[:3] + last for areas in _AREAS_OF_4_BY_3 for last in areas[3:])
_DIGITS_OF_A_NUMBER = 10  # of Argentina, without 9 and 15

LEGACY_PREFIXES: tuple[str, ...] = tuple(
    sorted(
        {
            *(f"{country}0" for country in _TRUNK_ZERO),
            *(f"{country}{prefix}" for country, trunks in _OTHER_TRUNKS.items() for prefix, _, _ in trunks),
            *(f"{_ARGENTINA}{begin}" for begin in (f"{_BUENOS_AIRES}15", "2", "3")),
        }
    )
)
"""Prefixes, without ``+``: every spelling that is not the canonical one begins with one of them."""

_HEADS = frozenset(
    prefix[:4] if len(prefix) > 2 else prefix + digit for prefix in LEGACY_PREFIXES for digit in "0123456789"
)  # of three or four digits


def may_have_another(number: str) -> bool:
    """Whether an E.164 number may need another spelling, by its first digits; most do not."""
    return number[1:4] in _HEADS or number[1:5] in _HEADS


def canonical(number: str) -> str:
    """The canonical spelling of an E.164 number; the number itself where it has no other spelling. ``number``: ``+``
    and 2 to 15 digits."""
    country = _country(number)
    if country is None:
        return number
    national = number[1 + len(country) :]
    return f"+{country}{_bare(country, national)}"


def legacy_spellings(number: str) -> tuple[str, ...]:
    """The other spellings, E.164 in form, that earlier versions of this package took for other people. ``number``: a
    number as `NumberReader` reads it now."""
    country = _country(number)
    if country is None:
        return ()
    national = number[1 + len(country) :]
    spellings = [national, *_mobiles_as_dialled(country, national)]
    prefixes = [prefix for prefix, _, _ in _OTHER_TRUNKS.get(country, ())]
    if country in _TRUNK_ZERO:
        prefixes.append("0")
    spellings += [prefix + spelling for prefix in prefixes for spelling in spellings]
    written = (f"+{country}{spelling}" for spelling in spellings if len(country) + len(spelling) <= 15)
    return tuple(each for each in written if each != number and canonical(each) == number)


def _country(number: str) -> str | None:
    """The country code; None where its numbers have one spelling only."""
    for end in (2, 3, 4):
        country = number[1:end]
        if country in _TRUNK_ZERO or country in _OTHER_TRUNKS:
            return country
    return None


def _bare(country: str, national: str) -> str:
    """A national number without its trunk prefix."""
    bare = national
    if not national.startswith(_OWN.get(country, ())):
        for prefix, digits, following in (*_OTHER_TRUNKS.get(country, ()), *_ZERO.get(country, ())):
            rest = national[len(prefix) :]
            if (
                national.startswith(prefix)
                and rest[:1]
                and rest[0] in following
                and (digits is None or len(national) == digits)
            ):
                bare = rest
                break
    if len(bare) > _LONGEST_BARE.get(country, 15):
        return national
    if country == _ARGENTINA:
        bare = _argentine(bare)
    return bare if len(bare) >= _SHORTEST_BARE else national


def _argentine(national: str) -> str:
    """A mobile as it is dialled from abroad, where it is written as Argentina dials it."""
    if len(national) != _DIGITS_OF_A_NUMBER + 2:
        return national
    for area in _areas(national):
        if national.startswith("15", len(area)):
            return f"9{area}{national[len(area) + 2 :]}"
    return national


def _mobiles_as_dialled(country: str, national: str) -> list[str]:
    if country != _ARGENTINA or len(national) != _DIGITS_OF_A_NUMBER + 1 or national[0] != "9":
        return []
    return [f"{area}15{national[1 + len(area) :]}" for area in _areas(national[1:])]


def _areas(national: str) -> list[str]:
    """The area codes with which a number of Argentina may begin."""
    known = ((_BUENOS_AIRES,), _AREAS_OF_3, _AREAS_OF_4)
    return [national[:length] for length, areas in zip((2, 3, 4), known, strict=True) if national[:length] in areas]
