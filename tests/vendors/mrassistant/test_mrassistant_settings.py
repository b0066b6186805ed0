"""Campaign settings that come from templates, that is as text: read as what they say, or refused by their names."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_callkaro.calls import Call
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.vendors.mrassistant.api import CampaignSettings, MrAssistant
from airflow_provider_callkaro.vendors.mrassistant.campaigns import MrAssistantCampaigns
from airflow_provider_callkaro.vendors.mrassistant.settings import read_longest_call, read_targets_per_campaign

API = MrAssistant()


def test_settings_of_a_template_are_sent_as_numbers_and_flags():
    settings = CampaignSettings(
        name="Renewals",
        concurrent_calls="5",
        retry_failed="True",
        retry_attempts=" 3 ",
        notify_on_call_complete="false",
    )
    request = API.create_campaign(
        settings, name="Renewals", agent_id="agent", targets=[Call(to_number="+919876543210")], schedule_at=None
    )
    sent = json.loads(request.body or b"")
    assert (sent["concurrent_calls"], sent["retry_attempts"]) == (5, 3)
    assert (sent["retry_failed"], sent["notify_on_call_complete"]) == (True, False)
    assert settings == CampaignSettings(name="Renewals", concurrent_calls=5, retry_failed=True, retry_attempts=3)


@given(number=st.integers(min_value=1, max_value=1_000))
def test_a_number_of_targets_means_the_same_as_text(number):
    assert read_targets_per_campaign(f" {number} ") == read_targets_per_campaign(number) == number
    campaigns = MrAssistantCampaigns(API, CampaignSettings(name="Renewals"), targets_per_campaign=str(number))
    assert campaigns.calls_per_request == number


@given(seconds=st.integers(min_value=1, max_value=10 * 86_400))
def test_a_span_means_the_same_as_text_however_python_writes_it(seconds):
    span = timedelta(seconds=seconds)
    assert read_longest_call(str(span)) == read_longest_call(str(seconds)) == read_longest_call(span) == span


@pytest.mark.parametrize("text", ["", "  ", "None"])
@pytest.mark.parametrize(
    "name", ["concurrent_calls", "retry_failed", "retry_attempts", "notify_on_call_complete", "webhook_secret"]
)
def test_a_setting_whose_template_found_nothing_is_no_default(name, text):
    with pytest.raises(ConfigurationError, match=name):
        CampaignSettings(**{"name": "Renewals", name: text})


@pytest.mark.parametrize("text", ["", "None", "five", "5.5", "1e1", "0x5", "5 5", "1001", "0", "-1", "٥", "９９９９"])
def test_what_is_no_number_of_targets_is_refused_by_its_name(text):
    with pytest.raises(ConfigurationError, match="targets_per_campaign must be a whole number from 1 to 1000"):
        read_targets_per_campaign(text)


@pytest.mark.parametrize(
    "value", ["", "None", "soon", "5 minutes", "0", "0:00:00", "-5", "0:61:00", 300, None, timedelta(0)]
)
def test_what_is_no_span_is_refused_by_its_name(value):
    with pytest.raises(ConfigurationError, match="longest_call must be a positive timedelta"):
        read_longest_call(value)


@pytest.mark.parametrize("value", ["yes", "1", "wahr", 1, 0, "true false"])
def test_what_is_not_plainly_true_or_false_is_refused(value):
    with pytest.raises(ConfigurationError, match="retry_failed must be true or false"):
        CampaignSettings(name="Renewals", retry_failed=value)
