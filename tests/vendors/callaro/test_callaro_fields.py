"""What a campaign is made of is looked at before anything is sent: a wrong zone or pool is no draft at the vendor's."""

from __future__ import annotations

import pytest

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.vendors.callaro.fields import checked_fields

GOOD = {
    "name": "Winback",
    "agent_id": 42,
    "timezone": "Asia/Kolkata",
    "campaign_phone_number_ids": [101, "pn_102"],
    "concurrency_limit": 3,
    "segment_id": 17,
    "anything": {"else": [None, "None", ""]},
}


def test_what_is_right_stays_and_further_fields_are_not_judged():
    assert checked_fields(GOOD) == GOOD
    assert checked_fields({"segment_id": 17}) == {"segment_id": 17}


def test_texts_that_a_template_left_are_numbers_where_they_are_whole_ones():
    told = checked_fields(
        {"agent_id": " 42 ", "campaign_phone_number_ids": ["101", "007", "pn_1"], "concurrency_limit": "3"}
    )
    assert told == {"agent_id": 42, "campaign_phone_number_ids": [101, "007", "pn_1"], "concurrency_limit": 3}
    assert checked_fields({"agent_id": "agt_42"}) == {"agent_id": "agt_42"}
    assert checked_fields({"campaign_phone_number_ids": "[101, 102]"}) == {"campaign_phone_number_ids": [101, 102]}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("name", value) for value in ("", "  ", None, 7, "None", "{{ ds }}")),
        *(("agent_id", value) for value in (0, -1, True, 1.5, "", " ", "None", "{{ params.agent }}", [42], None, "-3")),
        *(("timezone", value) for value in ("", "Asia/Kolkatta", "IST+5", "None", "localtime", "{{ tz }}", 5, "../x")),
        *(
            ("campaign_phone_number_ids", value)
            for value in (
                [],
                (),
                "101,102",
                101,
                [None],
                ["None"],
                [0],
                [True],
                [""],
                ["{{ x }}"],
                {"a": 1},
                "[1",
                ["+919876543210"],
            )
        ),
        ("campaign_phone_number_ids", ["+919876543210"]),
        *(("concurrency_limit", value) for value in (0, -1, True, 1.5, "0", "many", "", "None", "{{ n }}", [3])),
    ],
)
def test_what_cannot_be_is_refused_by_the_name_of_its_field_and_not_repeated(name, value):
    with pytest.raises(ConfigurationError) as error:
        checked_fields({**GOOD, name: value})
    assert str(error.value).startswith(f"{name} ")
    assert "{{" not in str(error.value)
