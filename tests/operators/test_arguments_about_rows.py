"""What is asked of a list's rows is checked while the DAG is parsed, by every operator that takes a list."""

from __future__ import annotations

import pytest

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.operators.callkaro import CallKaroFanOutCallsOperator, CallKaroPreflightOperator
from airflow_provider_callkaro.operators.mrassistant import (
    MrAssistantCreateCampaignOperator,
    MrAssistantPreflightOperator,
)

LISTS = (
    (CallKaroFanOutCallsOperator, {}),
    (CallKaroPreflightOperator, {}),
    (MrAssistantCreateCampaignOperator, {"name": "Renewals"}),
    (MrAssistantPreflightOperator, {"name": "Renewals"}),
)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"row_fields": "agent_id"}, "row_fields must be a list of names"),
        ({"row_fields": [""]}, "row_fields holds what is no name"),
        ({"metadata_columns": "name"}, "metadata_columns must be a list of names"),
        ({"metadata_columns": [7]}, "metadata_columns holds what is no name"),
        ({"allowed_countries": "IN"}, "allowed_countries must be a list"),
        ({"allowed_countries": []}, "allowed_countries must be a list that is not empty"),
        ({"allowed_countries": ["India"]}, "allowed_countries has no country INDIA"),
        ({"allowed_number_types": ["landline"]}, "allowed_number_types has no type landline: it takes mobile"),
        ({"max_rows": 0}, "max_rows must be"),
        ({"max_rows": True}, "max_rows must be"),
        ({"max_rows": 5, "min_rows": 6}, "max_rows must be"),
    ],
)
def test_what_cannot_work_is_told_when_the_dag_is_parsed(arguments, words):
    for operator, named in LISTS:
        with pytest.raises(ConfigurationError, match=words):
            operator(task_id="calls", contacts=["+919876543210"], agent_id="a", **named, **arguments)
