"""Where a number may be: never a narrower guess than the library's own, and wider where the library is known to err."""

import random
import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import phonenumbers
import pytest
from phonenumbers import PhoneNumberFormat, PhoneNumberType
from phonenumbers.timezone import time_zones_for_number

from airflow_provider_callkaro.calls import Call, CallingPolicy, InvalidCall
from airflow_provider_callkaro.calls.row import RowReader
from airflow_provider_callkaro.exceptions import ConfigurationError

POLICY = CallingPolicy(timezone="recipient")
MARGIN = CallingPolicy(timezone="recipient", mobile_margin=timedelta(hours=1))
NO_COUNTRY = {800, 808, 870, 878, 881, 882, 883, 888, 979}  # of the world, not of a place
WITH_AREA_CODE = re.compile(r"\+1[2-9][0-9]{2}[2-9][0-9]{6}")
E164 = re.compile(r"\+[1-9][0-9]{1,14}")


def zones(number):
    return {zone.key for zone in POLICY.zones_of(Call(to_number=number))}


def offsets(names):
    """What clocks read, the year round: names of zones come and go."""
    days = [datetime(2026, month, day) for month in range(1, 13) for day in (1, 15)]
    return {tuple(ZoneInfo(name).utcoffset(day) for day in days) for name in names}


def some_numbers(country, *, spread):
    """The library's examples of each kind of number of a country code, and others that differ in their last digits."""
    rng = random.Random(country)
    for region in phonenumbers.COUNTRY_CODE_TO_REGION_CODE[country]:
        for kind in range(11):
            example = phonenumbers.example_number_for_type(region, kind)
            if example is None:
                continue
            text = phonenumbers.format_number(example, PhoneNumberFormat.E164)
            yield text
            for _ in range(spread):
                kept = rng.randrange(1 + len(str(country)), len(text))
                yield text[:kept] + "".join(rng.choice("0123456789") for _ in text[kept:])


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("+919876543210", {"Asia/Kolkata"}),
        ("+14155550123", {"America/Los_Angeles"}),
        ("+18505550123", {"America/Chicago", "America/New_York"}),  # the panhandle of Florida
        ("+14485550123", {"America/Chicago", "America/New_York"}),  # laid over it
        ("+16065550123", {"America/Chicago", "America/New_York"}),
        ("+12195550123", {"America/Chicago", "America/New_York"}),
        ("+13645550123", {"America/Chicago", "America/New_York"}),
        ("+19155550123", {"America/Chicago", "America/Denver"}),
        ("+17785550123", {"America/Vancouver", "America/Edmonton"}),
        ("+18765550123", {"America/Jamaica"}),
        ("+213551234567", {"Africa/Algiers"}),  # the library says Paris, an hour ahead of it in summer
        ("+218912345678", {"Africa/Tripoli"}),
        ("+50581234567", {"America/Managua"}),
        ("+12345", set()),
        ("+10005550123", set()),
        ("+99912345678", set()),
        ("+870773111632", set()),  # a ship, a plane
    ],
)
def test_the_zones_of_a_number_are_all_that_it_may_be_in(number, expected):
    assert zones(number) == expected


def test_a_number_of_no_place_may_be_anywhere_in_its_country():
    assert {"America/New_York", "Pacific/Honolulu", "Pacific/Guam"} < zones("+18005550123")
    assert {"Australia/Perth", "Australia/Sydney", "Australia/Darwin"} < zones("+61412345678")
    assert {"Europe/Moscow", "Asia/Kamchatka", "Europe/Kaliningrad"} < zones("+79161234567")


def test_no_guess_is_narrower_than_the_librarys():
    known_better = {"Europe/Paris", "Europe/Bucharest", "America/Chicago", "Atlantic/Canary", "Africa/Nairobi"}
    checked = 0
    for country in set(phonenumbers.COUNTRY_CODE_TO_REGION_CODE) - NO_COUNTRY:
        for number in some_numbers(country, spread=2):
            parsed = phonenumbers.parse(number)
            theirs = set(time_zones_for_number(parsed)) - {"Etc/Unknown"}
            if not E164.fullmatch(number) or phonenumbers.format_number(parsed, PhoneNumberFormat.E164) != number:
                continue
            if country == 1 and len(theirs) > 20:
                continue  # an island's mobiles: the library says all of North America, the area code says the island
            if country in (7, 211, 212, 213, 218, 505):
                theirs -= known_better
            assert offsets(theirs) <= offsets(zones(number)), number[:-4]
            checked += 1
    assert checked > 3_000


def test_a_number_written_wrongly_is_called_only_where_the_library_can_read_it():
    """With what is dialled before it at home, with a digit too many, with one too few."""
    countries = set(phonenumbers.COUNTRY_CODE_TO_REGION_CODE) - NO_COUNTRY
    with_clocks_that_differ = [country for country in countries if not zones(f"+{country}00")]
    assert {1, 7, 52, 55, 61} <= set(with_clocks_that_differ)
    checked = 0
    for country in with_clocks_that_differ:
        for number in some_numbers(country, spread=4):
            national = number.removeprefix(f"+{country}")
            for written in (national, f"0{national}", f"1{national}", f"015{national}", f"{national}0", national[:-1]):
                if not E164.fullmatch(wrong := f"+{country}{written}"):
                    continue
                try:
                    readable = phonenumbers.number_type(phonenumbers.parse(wrong)) != PhoneNumberType.UNKNOWN
                except phonenumbers.NumberParseException:
                    readable = False
                if not readable and WITH_AREA_CODE.fullmatch(wrong):
                    continue  # an area code gives its place away, whether the rest is in use or not
                assert bool(zones(wrong)) is readable, wrong[:-4]
                checked += 1
    assert checked > 3_000


def test_only_what_moves_with_its_owner_takes_the_margin():
    for country in (1, 7, 52, 55, 61, 62):
        for number in some_numbers(country, spread=3):
            kind = phonenumbers.number_type(phonenumbers.parse(number))
            if kind == PhoneNumberType.UNKNOWN or not E164.fullmatch(number):
                continue
            moves = kind in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)
            call = Call(to_number=number)
            assert (
                MARGIN.closes_at(MARGIN.next_open(datetime(2026, 6, 1, tzinfo=UTC), call), call) is not None
            ) is moves


def test_every_zone_of_a_country_with_a_code_of_its_own_is_thought_of():
    """A new release of the library or of the zones must not lose a part of a country unseen."""
    import importlib.resources

    left_out = {"Asia/Urumqi", "Europe/Simferopol", "America/Danmarkshavn"}
    # China reads one clock by law; for the other two no numbers of their own are known
    table = importlib.resources.files("tzdata").joinpath("zoneinfo/zone.tab").read_text(encoding="utf-8")
    places: dict[str, set[str]] = {}
    for line in table.splitlines():
        if not line.startswith("#"):
            region, _, zone, *_ = line.split("\t")
            places.setdefault(region, set()).add(zone)
    for country, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items():
        mobile = next((number for number in some_numbers(country, spread=0) if zones(number)), None)
        if country == 1 or mobile is None:
            continue
        everywhere = set().union(*(zones(number) for number in some_numbers(country, spread=0)))
        missing = set().union(*(places.get(region, set()) for region in regions)) - left_out
        lost = {zone for zone in missing if not offsets([zone]) <= offsets(everywhere)}
        assert not lost, country


def test_a_row_says_its_zone_in_a_column():
    reader = RowReader(agent_id="agent", row_fields=["timezone"])
    call = reader.read({"to_number": "+14155550123", "timezone": " America/New_York ", "name": "A"})
    assert call.timezone == "America/New_York"
    assert call.metadata == {"name": "A"}
    assert reader.read({"to_number": "+14155550123", "timezone": None, "name": "A"}).timezone is None
    for wrong in ("EST5", "Kolkata", "+05:30", 5.5):
        with pytest.raises(InvalidCall) as refused:
            reader.read({"to_number": "+14155550123", "timezone": wrong, "name": "A"})
        assert refused.value.reason == "bad_timezone"


def test_a_zone_for_all_rows_is_checked_before_the_first():
    with pytest.raises(ConfigurationError, match="timezone must be an IANA name"):
        RowReader(agent_id="agent", options={"timezone": "Kolkata"})
    reader = RowReader(agent_id="agent", options={"timezone": "Asia/Kolkata"})
    assert reader.read("+14155550123").timezone == "Asia/Kolkata"
