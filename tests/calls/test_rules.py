"""Rule packs are data that a person can read, compare and replace; a file that hides its source is refused."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from airflow_provider_callkaro.calls import CallingPolicy, ScheduleWindow, rules
from airflow_provider_callkaro.exceptions import ConfigurationError

OWN = """
title = "Our own hours"
source = "Handbook, page 12"
as_of = 2026-11-21
timezone = "Asia/Kolkata"
[[windows]]
days = "mon-fri"
start = "11:00"
end = "17:00"
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "own.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_the_packs_that_the_documentation_promises_are_there():
    assert rules.names() == [
        "fr",
        "in-debt-recovery",
        "in-promotional",
        "in-service",
        "uk",
        "us-alabama",
        "us-connecticut",
        "us-federal",
        "us-florida",
        "us-kentucky",
        "us-louisiana",
        "us-maine",
        "us-mississippi",
        "us-oklahoma",
        "us-pennsylvania",
        "us-rhode-island",
        "us-texas",
    ]


@pytest.mark.parametrize("name", rules.names())
def test_every_pack_says_where_it_comes_from_and_that_it_is_no_advice(name):
    pack = rules.describe(name)
    assert pack.name == name
    assert pack.title
    assert pack.source
    assert date(2026, 1, 1) < pack.as_of <= date(2026, 11, 21)
    assert "no legal advice" in pack.notice
    assert pack.notes
    assert pack.purpose in {"promotional", "service", "recovery"}
    policy = CallingPolicy.rules(name)
    assert (policy.windows, policy.timezone, policy.holidays) == (pack.windows, pack.timezone, pack.holidays)


@pytest.mark.parametrize(
    ("name", "max_calls", "per"),
    [
        ("us-florida", 3, timedelta(hours=24)),
        ("us-oklahoma", 3, timedelta(hours=24)),
        ("us-maine", 1, timedelta(hours=8)),
        ("fr", 4, timedelta(days=30)),
        ("us-federal", None, None),
    ],
)
def test_a_pack_brings_its_cap(name, max_calls, per):
    policy = CallingPolicy.rules(name)
    assert (policy.max_calls, policy.per) == (max_calls, per)


def test_a_field_can_be_other_than_in_the_pack():
    policy = CallingPolicy.rules(
        "in-promotional", windows=ScheduleWindow("11:00", "12:00"), closed_dates=["2026-11-23"]
    )
    at = datetime(2026, 11, 23, 6, tzinfo=UTC)
    assert policy.next_open(at) == datetime(2026, 11, 24, 5, 30, tzinfo=UTC)
    assert policy.purpose == "promotional"
    with pytest.raises(ConfigurationError, match="calling rules us-florida: max_calls"):
        CallingPolicy.rules("us-florida", max_calls=0)
    with pytest.raises(ConfigurationError, match="a calling policy has no field window"):
        CallingPolicy.rules("us-florida", window=ScheduleWindow("11:00", "12:00"))


def test_a_file_of_ones_own_is_read_by_its_path(tmp_path):
    file = written(tmp_path, OWN + "[caps]\nmax_calls = 2\nper_hours = 24\nmin_gap_hours = 1.5\n")
    for path in (file, str(file)):
        policy = CallingPolicy.rules(path)
        assert policy.windows == (ScheduleWindow("11:00", "17:00", "mon-fri"),)
        assert (policy.max_calls, policy.per, policy.min_gap) == (2, timedelta(days=1), timedelta(minutes=90))
    pack = rules.describe(file)
    assert (pack.name, pack.source) == ("own", "Handbook, page 12")
    assert "no legal advice" in pack.notice


def test_a_file_says_the_dates_and_the_margin_too(tmp_path):
    more = 'closed_dates = [2026-12-25, "2026-12-26"]\nmobile_margin_minutes = 60\nnotes = ["checked by counsel"]\n'
    text = OWN.replace('timezone = "Asia/Kolkata"\n', f'timezone = "recipient"\n{more}')
    policy = CallingPolicy.rules(written(tmp_path, text))
    assert policy.closed_dates == (date(2026, 12, 25), date(2026, 12, 26))
    assert policy.mobile_margin == timedelta(hours=1)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (('source = "Handbook, page 12"\n', ""), "own.toml: the file has no source"),
        (('source = "Handbook, page 12"\n', 'source = " "\n'), "source must be a text"),
        (("as_of = 2026-11-21\n", ""), "has no as_of"),
        (("as_of = 2026-11-21\n", 'as_of = "2026"\n'), "as_of must be a date"),
        (("as_of = 2026-11-21\n", "as_of = 2026-11-21T10:00:00\n"), "as_of must be a date"),
        (('title = "Our own hours"\n', ""), "has no title"),
        (('timezone = "Asia/Kolkata"\n', ""), "has no timezone"),
        (('timezone = "Asia/Kolkata"\n', 'timezone = "IST"\n'), "own: timezone 'IST'"),
        (('timezone = "Asia/Kolkata"\n', 'timezone = "Asia/Kolkata"\nhours = 3\n'), "the file has hours"),
        (('timezone = "Asia/Kolkata"\n', 'timezone = "Asia/Kolkata"\ncaps = 3\n'), "caps must be a table"),
        (('timezone = "Asia/Kolkata"\n', 'timezone = "Asia/Kolkata"\nnotes = "x"\n'), "notes must be a list"),
        (
            ('timezone = "Asia/Kolkata"\n', 'timezone = "Asia/Kolkata"\nclosed_dates = ["x"]\n'),
            "closed_dates holds 'x'",
        ),
        (('timezone = "Asia/Kolkata"\n', 'timezone = "Asia/Kolkata"\nclosed_dates = 7\n'), "closed_dates holds 7"),
        (("[[windows]]", "[windows]"), "windows must be tables"),
        (('end = "17:00"\n', ""), "has no end"),
        (('end = "17:00"\n', 'end = "11:00"\n'), "start and end"),
        (('end = "17:00"\n', 'end = "17:00"\nuntil = "x"\n'), "has until"),
        (('days = "mon-fri"\n', 'days = "workdays"\n'), "workdays"),
        (('end = "17:00"\n', 'end = "17:00"\n[caps]\nmax_calls = 3\n'), "max_calls has no per"),
        (('end = "17:00"\n', 'end = "17:00"\n[caps]\nper_hours = 3\n'), "per has no max_calls"),
        (('end = "17:00"\n', 'end = "17:00"\n[caps]\nmax_calls = 3\nper_hours = 0\n'), "per_hours must be"),
        (('end = "17:00"\n', 'end = "17:00"\n[caps]\nmax_calls = 3\nper_days = 1\n'), "per_days"),
        (("title", "= ="), "it is no TOML"),
    ],
)
def test_a_file_that_leaves_a_doubt_is_refused(tmp_path, change, named):
    file = written(tmp_path, OWN.replace(*change))
    with pytest.raises(ConfigurationError, match=f"(?s)calling rules.*{named}"):
        CallingPolicy.rules(file)


def test_a_pack_that_is_not_there_is_refused_with_those_that_are(tmp_path):
    with pytest.raises(ConfigurationError, match="no calling rules 'us-utah': use fr, in-debt-recovery"):
        CallingPolicy.rules("us-utah")
    with pytest.raises(ConfigurationError, match=r"calling rules none\.toml: the file cannot be read"):
        CallingPolicy.rules(tmp_path / "none.toml")


@pytest.mark.parametrize("name", rules.names())
def test_the_page_for_compliance_says_what_the_pack_says(name):
    page = Path(__file__).parents[2].joinpath("docs", "calling-hours.md").read_text(encoding="utf-8")
    row = next(line for line in page.splitlines() if line.startswith(f"| `{name}` |"))
    pack = rules.describe(name)
    assert all(f"{window.start}-{window.end}" in row for window in pack.windows)
    assert pack.source.split(";")[0].split(" (")[0] in row or "two tables" in row
    assert (f"| {pack.max_calls} in " in row) is (pack.max_calls is not None)
    assert f"read on {pack.as_of}" in page
