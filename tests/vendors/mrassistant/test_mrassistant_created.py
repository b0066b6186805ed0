"""What a run tells of the campaigns that it made: their ids and how they began, never more than an XCom bears."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from airflow_provider_callkaro.exceptions import OutcomeUnknown
from airflow_provider_callkaro.vendors.http import Response
from airflow_provider_callkaro.vendors.mrassistant.api import CampaignSettings, MrAssistant
from airflow_provider_callkaro.vendors.mrassistant.campaigns import MAX_CAMPAIGNS_SHOWN, MrAssistantCampaigns

DOCUMENTED = {
    "campaign_id": "3c90c3cc-0d44-4b50-8888-8dd25736052a",
    "agent_id": "agent",
    "name": "Renewals",
    "total_targets": 50,
    "status": "scheduled",
    "scheduled_at": "2027-01-05T04:30:00Z",
    "started_at": None,
    "calls_initiated": 3,
    "calls_completed": 2,
    "calls_failed": 1,
}


@pytest.fixture
def campaigns():
    return MrAssistantCampaigns(MrAssistant(), CampaignSettings(name="Renewals"), targets_per_campaign=50)


def took(campaigns, **fields):
    body = json.dumps({**DOCUMENTED, **fields}).encode()
    return campaigns.read_placed_calls(Response(201, body), calls=50)


def test_a_run_tells_every_count_of_a_campaign_that_it_made(campaigns):
    took(campaigns, unheard_of={"a": 1})
    told = {name: value for name, value in DOCUMENTED.items() if name not in ("agent_id", "name")}
    assert campaigns.created() == {"count": 1, "campaigns": [told]}
    assert json.loads(json.dumps(campaigns.created())) == campaigns.created()


def test_a_run_that_made_none_says_so(campaigns):
    assert campaigns.created() == {"count": 0, "campaigns": []}


def test_what_the_vendor_leaves_out_is_told_as_unknown(campaigns):
    campaigns.read_placed_calls(Response(200, b'{"campaign_id": "c-1"}'), calls=50)
    (told,) = campaigns.created()["campaigns"]
    assert told["campaign_id"] == "c-1"
    assert {value for name, value in told.items() if name != "campaign_id"} == {None}


def test_a_campaign_of_an_earlier_try_is_known_by_its_id_and_counted_once(campaigns):
    took(campaigns, campaign_id="made-now")
    for _ in range(50):
        campaigns.remember("made-before")
        campaigns.remember("made-now")
    told = campaigns.created()
    assert (told["count"], [each["campaign_id"] for each in told["campaigns"]]) == (2, ["made-now", "made-before"])
    assert [each["status"] for each in told["campaigns"]] == ["scheduled", None]


def test_a_campaign_that_took_a_part_of_its_targets_is_told_of_although_nobody_knows_which(campaigns):
    with pytest.raises(OutcomeUnknown):
        took(campaigns, total_targets=49)
    assert [each["total_targets"] for each in campaigns.created()["campaigns"]] == [49]


def test_twenty_thousand_campaigns_are_counted_and_the_first_hundred_told(campaigns):
    for number in range(20_000):
        campaigns.remember(f"campaign-{number}")
    told = campaigns.created()
    assert (told["count"], len(told["campaigns"])) == (20_000, MAX_CAMPAIGNS_SHOWN)
    assert told["campaigns"][0]["campaign_id"] == "campaign-0"


def test_an_answer_can_put_neither_a_number_nor_a_novel_into_an_xcom(campaigns):
    took(
        campaigns,
        status="waiting for +91 98765 43210 " + "x" * 10_000,
        scheduled_at="+919876543210",
        started_at="y" * 99,
    )
    text = json.dumps(campaigns.created())
    assert "98765" not in text.replace(" ", "")
    assert len(text) < 500


def test_it_may_be_asked_while_answers_are_read_in_other_threads(campaigns):
    def read(number):
        took(campaigns, campaign_id=f"campaign-{number}")
        campaigns.remember(f"before-{number}")
        return len(campaigns.created()["campaigns"])

    with ThreadPoolExecutor(8) as threads:
        sizes = list(threads.map(read, range(500)))
    assert campaigns.created()["count"] == 1_000
    assert max(sizes) == MAX_CAMPAIGNS_SHOWN
