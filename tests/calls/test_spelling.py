"""One person, one number: whoever is written in two ways is not called twice, nor in spite of having refused."""

from __future__ import annotations

import random
import re

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneMetadata, PhoneNumberFormat

from airflow_provider_callkaro.calls.phone import LEGACY_PREFIXES, NumberReader, legacy_spellings
from airflow_provider_callkaro.calls.spelling import canonical

KINDS = (
    "fixed_line mobile premium_rate toll_free shared_cost voip personal_number pager uan voicemail".split()  # noqa: SIM905
)
READER = NumberReader()
PLANS = [
    (country, metadata)
    for country, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items()
    for region in regions
    if (metadata := PhoneMetadata.metadata_for_region_or_calling_code(country, region)) is not None
]
PATTERNS = sorted(
    {
        (country, metadata.national_prefix or "", description.national_number_pattern)
        for country, metadata in PLANS
        for kind in KINDS
        if (description := getattr(metadata, kind)) is not None and description.national_number_pattern
    }
)


def is_valid(country: int, national: str) -> bool:
    """Whether there is such a number, as its digits stand."""
    return any(re.fullmatch(pattern, national) for code, _, pattern in PATTERNS if code == country)


def check(country: int, prefix: str, national: str) -> None:
    number = f"+{country}{national}"
    if len(number) > 16:
        return
    assert READER.read(number) == number
    for legacy in legacy_spellings(number):
        assert legacy != number
        assert READER.read(legacy) == number
        assert legacy[1:].startswith(LEGACY_PREFIXES)
    written = f"+{country}{prefix}{national}"
    if not prefix or len(written) > 16 or len(national) < 4 or is_valid(country, prefix + national):
        return
    if national.startswith("00"):  # some toll-free numbers of Japan and Korea, before which nobody dials a zero
        return
    assert READER.read(written) == number
    assert written in legacy_spellings(number)


@given(data=st.data())
def test_a_number_with_the_prefix_of_its_country_is_the_number(data: st.DataObject) -> None:
    country, prefix, pattern = data.draw(st.sampled_from(PATTERNS))
    check(country, prefix, data.draw(st.from_regex(pattern, fullmatch=True, alphabet="0123456789")))


@pytest.mark.slow
def test_the_same_for_every_kind_of_number_of_every_region() -> None:
    rng = random.Random(20261121)
    checked = 0
    for country, metadata in PLANS:
        for kind in range(11):
            example = phonenumbers.example_number_for_type(metadata.id, kind)
            if example is None or example.country_code != country:
                continue
            national = phonenumbers.national_significant_number(example)
            for kept in [len(national), *rng.choices(range(1, len(national)), k=12)]:
                other = national[:kept] + "".join(rng.choices("0123456789", k=len(national) - kept))
                if is_valid(country, other):
                    checked += 1
                    check(country, metadata.national_prefix or "", other)
    assert checked > 5_000


def test_no_valid_number_is_taken_for_another() -> None:
    """What the library holds for valid as it stands is somebody's number."""
    rng = random.Random(7)
    for prefix in LEGACY_PREFIXES:
        for length in (8, 9, 10, 11, 12, 13):
            for _ in range(20):
                number = f"+{prefix}" + "".join(rng.choices("0123456789", k=length - len(prefix)))
                country = next((int(number[1:end]) for end in (2, 3, 4) if _is_country(number[1:end])), None)
                if country is not None and is_valid(country, number[1 + len(str(country)) :]):
                    assert canonical(number) == number


def _is_country(digits: str) -> bool:
    return int(digits) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("+4402079460958", "+442079460958"),
        ("+44 020 7946 0958", "+442079460958"),
        ("+9109876543210", "+919876543210"),
        ("+114155550100", "+14155550100"),
        ("+7 8 916 123 45 67", "+79161234567"),
        ("+36 06 1 234 5678", "+3612345678"),
        ("+375 8 029 123 45 67", "+375291234567"),
        ("+52 1 55 1234 5678", "+525512345678"),
        ("+54 11 15 4321-1234", "+5491143211234"),
        ("+54 011 15 4321-1234", "+5491143211234"),
        ("+54 2202 15 41-2345", "+5492202412345"),
        ("+55 0 11 91234 5678", "+5511912345678"),
    ],
)
def test_spellings_that_people_use(written: str, read: str) -> None:
    assert READER.read(written) == read


@pytest.mark.parametrize(
    "number",
    [
        "+390669812345",  # Rome: the zero belongs to the number
        "+3780549886377",  # San Marino
        "+2250701234567",  # Ivory Coast
        "+24101234567",
        "+541143211234",  # a fixed line of Buenos Aires, not the mobile 9 11 4321 1234
        "+550151131234567",  # Brazil, by a carrier
        "+78001234567",
        "+813012345678",
        "+440020794609",  # nobody's
        "+250061234567",
    ],
)
def test_what_is_no_trunk_prefix_stays(number: str) -> None:
    assert READER.read(number) == number


def test_mobiles_of_argentina_are_read_as_the_library_reads_them() -> None:
    rng = random.Random(54)
    plan = PhoneMetadata.metadata_for_region("AR")
    assert plan is not None
    for _ in range(20_000):
        national = f"{rng.choice((11, rng.randrange(200, 400), rng.randrange(2000, 4000)))}15"
        number = f"+54{national}{''.join(rng.choices('0123456789', k=12 - len(national)))}"
        library = phonenumbers.format_number(phonenumbers.parse(number), PhoneNumberFormat.E164)
        assert canonical(number) == library, number


def test_a_country_of_one_spelling_has_no_others() -> None:
    assert legacy_spellings("+390669812345") == ()
    assert legacy_spellings("+6591234567") == ()
    assert legacy_spellings("+919876543210") == ("+9109876543210",)
    assert legacy_spellings("+525512345678") == ("+5215512345678",)
    assert set(legacy_spellings("+5491143211234")) >= {"+54111543211234", "+540111543211234"}
