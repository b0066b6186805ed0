"""Wrong arguments that are told when the DAG is parsed: each in one sentence that names the argument.

Nothing here reads a connection or sends a request. What a template may still make right is left to the run.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest

from airflow_provider_callkaro.calls.policy import CallingPolicy
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.operators import callaro, callkaro, mrassistant
from airflow_provider_callkaro.sensors.callaro import CallaroCampaignSensor, CallaroDispatchHealthSensor
from airflow_provider_callkaro.sensors.mrassistant import MrAssistantCallSensor
from airflow_provider_callkaro.sensors.schedule_window import ScheduleWindowSensor

NAN = float("nan")
NUMBER = "+919876543210"
AGENT = "7f1a3c52-9d0e-4b68-8a41-3f5f5b8f2a10"
LISTS = (
    (callkaro.CallKaroFanOutCallsOperator, {"contacts": [NUMBER], "agent_id": AGENT}),
    (callkaro.CallKaroPreflightOperator, {"contacts": [NUMBER], "agent_id": AGENT}),
    (mrassistant.MrAssistantCreateCampaignOperator, {"contacts": [NUMBER], "agent_id": AGENT, "name": "Renewals"}),
    (mrassistant.MrAssistantPreflightOperator, {"contacts": [NUMBER], "agent_id": AGENT, "name": "Renewals"}),
)
SINGLE_CALLS = (
    (callkaro.CallKaroOutboundCallOperator, {"to_number": NUMBER, "agent_id": AGENT}),
    (mrassistant.MrAssistantOutboundCallOperator, {"to_number": NUMBER, "agent_id": AGENT}),
)
CALLKARO_CALL = SINGLE_CALLS[:1]
CAMPAIGNS = LISTS[2:]
PREFLIGHTS = LISTS[1::2]
REPORTING = LISTS[::2]
RUN = (
    (
        callaro.CallaroRunCampaignOperator,
        {"name": "Renewals", "agent_id": 7, "timezone": "Asia/Kolkata", "campaign_phone_number_ids": [3]},
    ),
)
WINDOW = ((ScheduleWindowSensor, {"start": "10:00", "end": "19:00", "timezone": "Asia/Kolkata"}),)
HOURS = ((ScheduleWindowSensor, {}),)
EXPORT = ((callaro.CallaroExportResultsOperator, {"path": "/results/calls.csv", "campaign_id": 7}),)
IMPORT = ((callaro.CallaroImportContactsOperator, {"path": "/c.csv", "column_mapping": {"phone": "phone_e164"}}),)
LAUNCH = ((callaro.CallaroLaunchCampaignOperator, {"campaign_id": 7}),)
UPDATE = ((callaro.CallaroUpdateCampaignOperator, {"campaign_id": 7, "fields": {"name": "x"}}),)
END = ((mrassistant.MrAssistantEndCallOperator, {"call_id": "c1"}),)
STATE = ((CallaroCampaignSensor, {"campaign_id": 7}),)
HEALTH = ((CallaroDispatchHealthSensor, {"campaign_id": 7, "maximum": {"failure_rate": 0.2}}),)
CALL_STATE = ((MrAssistantCallSensor, {"call_id": "c1"}),)
CREATE = ((callkaro.CallKaroCreateCampaignOperator, {"name": "Renewals"}),)
TASKS = (*LISTS, *SINGLE_CALLS)

TABLE = [
    (TASKS, {"policy": "in-promo"}, "there are no calling rules 'in-promo': use fr, "),
    (TASKS, {"policy": ""}, "there are no calling rules ''"),
    (TASKS, {"policy": "{{ params.policy }}"}, "policy must be a CallingPolicy or the name .* it takes no template"),
    (TASKS, {"policy": 0}, "policy must be a CallingPolicy or the name of a rule pack"),
    (TASKS, {"policy": CallingPolicy}, "policy must be a CallingPolicy or the name of a rule pack"),
    (TASKS, {"stale_after": "1d"}, "stale_after must be a positive timedelta, such as"),
    (TASKS, {"stale_after": 86_400}, "stale_after must be a positive timedelta"),
    (TASKS, {"stale_after": None}, "stale_after must be a positive timedelta"),
    (TASKS, {"stale_after": timedelta.max}, "stale_after must be .* at most 3652 days"),
    (TASKS, {"stale_runs": "{{ x }}", "stale_after": timedelta(0)}, "stale_after must be a positive timedelta"),
    (TASKS, {"stale_runs": "dail"}, 'stale_runs must be "skip", "dial" or "fail"'),
    (TASKS, {"stale_runs": None}, "stale_runs is None: give it a value"),
    (TASKS, {"stale_runs": True}, 'stale_runs must be "skip", "dial" or "fail"'),
    (TASKS, {"redial": "unkown"}, "redial cannot be unkown: it takes unknown and rejected"),
    (TASKS, {"redial": "unknown,rejected"}, "redial cannot be unknown,rejected"),
    (TASKS, {"redial": True}, "redial must be unknown or rejected, or a list of both"),
    (TASKS, {"redial": [1]}, "redial must be unknown or rejected, or a list of both"),
    (TASKS, {"redial": {"unknown": 1}}, "redial must be unknown or rejected, or a list of both"),
    (TASKS, {"redial": ""}, "redial is empty: give it a value, or leave it out"),
    (TASKS, {"soft_fail": "false"}, "soft_fail must be True or False, without quotes"),
    (TASKS, {"soft_fail": None}, "soft_fail must be True or False"),
    (TASKS, {"default_region": "india"}, "default_region must be two letters of a country"),
    (TASKS, {"default_region": "XX"}, "default_region must be two letters of a country"),
    (TASKS, {"default_region": ""}, "default_region must be two letters of a country"),
    (TASKS, {"default_region": ["IN"]}, "default_region must be two letters of a country"),
    (TASKS, {"default_region": "{{ params.region }}"}, "default_region must be .* it takes no template"),
    (TASKS, {"allowed_countries": "IN"}, "allowed_countries must be a list"),
    (TASKS, {"allowed_countries": ["XX"]}, "allowed_countries has no country XX"),
    (TASKS, {"allowed_number_types": ["landline"]}, "allowed_number_types has no type landline"),
    (TASKS, {"when_closed": "later"}, "when_closed must be"),
    (TASKS, {"when_closed": None}, "when_closed must be"),
    (TASKS, {"expires_after": 3_600, "policy": "in-promotional"}, "expires_after must be a positive timedelta"),
    (TASKS, {"expires_after": timedelta.max, "policy": "in-promotional"}, "expires_after must be .* at most 3652"),
    (TASKS, {"expires_after": timedelta(1)}, "expires_after needs a policy"),
    (TASKS, {"ledger_conn_id": ""}, "ledger_conn_id is empty"),
    (TASKS, {"ledger_conn_id": True}, "ledger_conn_id must be a text that is not empty, or a template"),
    (TASKS, {"ledger_scope": ["renewals"]}, "ledger_scope must be a text that is not empty"),
    (TASKS, {"agent_id": ""}, "agent_id is empty"),
    (TASKS, {"agent_id": []}, "agent_id must be the vendor's id"),
    (TASKS, {"agent_id": True}, "agent_id must be the vendor's id"),
    (
        PREFLIGHTS,
        {"report_path": "/r.csv"},
        "writes no report: give report_path and report_columns to the fan-out alone",
    ),
    (PREFLIGHTS, {"report_path": "{{ var.value.r }}"}, "writes no report: .* and page_path to the preflight"),
    (PREFLIGHTS, {"report_columns": ["customer_id"]}, "a preflight places no call, so it writes no report"),
    (LISTS, {"calls_per_second": "10"}, "calls_per_second must be a number above 0 without quotes"),
    (LISTS, {"calls_per_second": "{{ params.rate }}"}, "calls_per_second must be a number above 0"),
    (LISTS, {"calls_per_second": True}, "calls_per_second must be a number above 0"),
    (LISTS, {"calls_per_second": NAN}, "calls_per_second must be a number above 0"),
    (LISTS, {"calls_per_second": -1}, "calls_per_second must be a number above 0"),
    (LISTS, {"calls_per_second": timedelta(seconds=1)}, "calls_per_second must be a number above 0"),
    (LISTS, {"max_concurrency": "64"}, "max_concurrency must be from 1 to 1000, a whole number without quotes"),
    (LISTS, {"max_concurrency": None}, "max_concurrency must be from 1 to 1000"),
    (LISTS, {"max_concurrency": 1.5}, "max_concurrency must be from 1 to 1000"),
    (LISTS, {"max_concurrency": True}, "max_concurrency must be from 1 to 1000"),
    (LISTS, {"stop_after_unknown": "20"}, "stop_after_unknown must be 1 or more"),
    (LISTS, {"stop_after_unknown": NAN}, "stop_after_unknown must be 1 or more"),
    (LISTS, {"priority": 1_001}, "priority must be from -1000 to 1000"),
    (LISTS, {"priority": "high"}, "priority must be from -1000 to 1000, a whole number without quotes"),
    (LISTS, {"priority": True}, "priority must be from -1000 to 1000"),
    (LISTS, {"weight": 0}, "weight must be a number above 0 without quotes, at most 1000"),
    (LISTS, {"weight": NAN}, "weight must be a number above 0"),
    (LISTS, {"weight": "2"}, "weight must be a number above 0 without quotes"),
    (LISTS, {"max_rejected": 1.5}, "max_rejected must be a count, or a fraction from 0.0 to 1.0"),
    (LISTS, {"max_rejected": NAN}, "max_rejected must be a count, or a fraction"),
    (LISTS, {"max_rejected": "5%"}, "max_rejected must be a count, or a fraction"),
    (LISTS, {"min_rows": "10"}, "min_rows must be a whole number from 0 on, without quotes"),
    (LISTS, {"max_rows": 0}, "max_rows must be a whole number from 1 on"),
    (LISTS, {"on_unknown": "ignore"}, 'on_unknown must be "warn" or "fail"'),
    (LISTS, {"on_none_accepted": None}, 'on_none_accepted must be "warn" or "fail"'),
    (LISTS[::2], {"dry_run": "no"}, "dry_run must be True or False"),
    (LISTS, {"shard": (0.5, 2)}, "shard must be two whole numbers"),
    (LISTS, {"shard": (True, 2)}, "shard must be two whole numbers"),
    (LISTS, {"shard": (0, float("inf"))}, "shard must be two whole numbers"),
    (LISTS, {"shard": "01"}, "shard must be two whole numbers"),
    (LISTS, {"shard": "{{ params.shard }}"}, "shard must be two whole numbers.*it takes no template"),
    (LISTS, {"shard": (2, 2)}, "shard must be .* with index from 0 to count - 1"),
    (
        LISTS,
        {"column_map": {"phone": "to_nmber"}},
        "column_map maps 'phone' to 'to_nmber', which is no field",
    ),
    (LISTS, {"column_map": {"phone": ["to_number"]}}, "column_map maps 'phone' to .*, which is no field of a call"),
    (LISTS, {"column_map": "phone"}, "column_map must be a mapping of columns to fields"),
    (LISTS, {"column_map": ["phone"]}, "column_map must be a mapping of columns to fields"),
    (LISTS, {"column_map": {"A": "to_number", "a": None}}, "column_map names 'a' twice, in upper and lower case"),
    (LISTS, {"row_fields": ["langauge"]}, "row_fields names langauge, which is no field of a call"),
    (LISTS, {"row_fields": "language"}, "row_fields must be a list of names"),
    (LISTS, {"metadata_columns": [None]}, "metadata_columns holds what is no name"),
    (LISTS, {"call_options": "priority=5"}, "call_options must be a mapping"),
    (LISTS, {"call_options": {"prio": 5}}, "call_options has no field prio: it takes "),
    (LISTS[:2], {"call_options": {"priority": 101}}, "priority must be a whole number from -100 to 100"),
    (LISTS[:2], {"call_options": {"priority": NAN}}, "priority is NaN"),
    (LISTS[:2], {"call_options": {"language": "xx"}}, "language must be one of bn, en"),
    (LISTS[:2], {"call_options": {"min_trigger_time": "25:00"}}, "min_trigger_time must be a time of day, HH:MM"),
    (LISTS, {"call_options": {"timezone": "Mars"}}, "timezone must be an IANA name"),
    (LISTS, {"call_options": {"metadata": 5}}, "metadata must be an object"),
    (LISTS, {"contacts": NUMBER}, "contacts is a text and no template"),
    (LISTS, {"contacts": None}, "contacts is None: give a list"),
    (LISTS, {"contacts": {"to_number": NUMBER}}, "contacts is one mapping: put the row into a list"),
    (LISTS, {"contacts": {NUMBER}}, "contacts is a set"),
    (LISTS, {"contacts": iter([NUMBER])}, "contacts is .* empty when it is read again"),
    (LISTS, {"schedule_at": "tomorrow"}, "schedule_at must be an aware datetime"),
    (LISTS, {"schedule_at": "2026-13-01T10:00"}, "schedule_at must be an aware datetime"),
    (LISTS, {"schedule_at": date(2026, 12, 1)}, "schedule_at must be an aware datetime"),
    (LISTS, {"schedule_at": time(10)}, "schedule_at must be an aware datetime"),
    (LISTS, {"schedule_at": datetime(1, 1, 1)}, "schedule_at must be an aware datetime of the years 2000 to 2999"),
    (LISTS, {"schedule_at": "next_window"}, 'schedule_at="next_window" needs a policy'),
    (REPORTING, {"report_path": "/reports/calls.xls"}, "report_path must end in .csv, .jsonl, .ndjson"),
    (REPORTING, {"report_path": ["/reports/calls.csv"]}, "report_path must be a text"),
    (REPORTING, {"report_path": ""}, "report_path is empty"),
    (LISTS[:2], {"callkaro_conn_id": None}, "callkaro_conn_id is None: give it a value"),
    (LISTS[2:], {"mrassistant_conn_id": ""}, "mrassistant_conn_id is empty"),
    (CALLKARO_CALL, {"priority": "high"}, "priority must be a whole number from -100 to 100"),
    (CALLKARO_CALL, {"number_of_retries": 11}, "number_of_retries must be a whole number from 0 to 10"),
    (CALLKARO_CALL, {"gap_between_retries": -1}, "gap_between_retries must be minutes from 0"),
    (CALLKARO_CALL, {"carry_over": "maybe"}, "carry_over must be true or false"),
    (CALLKARO_CALL, {"schedule_at": "10:00"}, "schedule_at must be an aware datetime"),
    (SINGLE_CALLS[1:], {"ringing_timeout_seconds": 0}, "ringing_timeout_seconds must be"),
    (CAMPAIGNS, {"name": None}, "the campaign's name must have 1 to 255 characters"),
    (CAMPAIGNS, {"name": "x" * 300}, "the campaign's name must have 1 to 255 characters"),
    (CAMPAIGNS, {"targets_per_campaign": 0}, "targets_per_campaign must be a whole number from 1 to 1000"),
    (CAMPAIGNS, {"targets_per_campaign": "{{ n }}", "retry_attempts": 4}, "retry_attempts must be a whole number"),
    (CAMPAIGNS, {"concurrent_calls": True}, "concurrent_calls must be a whole number from 1 to 10"),
    (CAMPAIGNS, {"longest_call": 300}, "longest_call must be a positive timedelta"),
    (CAMPAIGNS, {"webhook_url": "ftp://hooks.example"}, "webhook_url must be an address, https"),
    (CAMPAIGNS, {"webhook_url": "http://hooks.example"}, "webhook_url is plain http"),
    (CAMPAIGNS, {"context": "x"}, "context must be an object"),
    (CAMPAIGNS, {"extra_fields": {"name": "x"}}, "extra_fields holds name: that has an argument of its own"),
    (PREFLIGHTS, {"price_per_minute": "1"}, "price_per_minute must be a number from 0 on without quotes"),
    (PREFLIGHTS, {"price_per_minute": NAN}, "price_per_minute must be a number from 0 on"),
    (PREFLIGHTS, {"price_per_minute": 1, "minutes_per_call": 0}, "minutes_per_call must be a number above 0"),
    (PREFLIGHTS, {"price_per_minute": 1, "currency": 5}, "currency must be a text"),
    (PREFLIGHTS, {"dry_run": False}, "a preflight is always a dry run"),
    (CREATE, {"name": 5}, "name must be a text that is not empty"),
    (CREATE, {"callkaro_conn_id": 5}, "callkaro_conn_id must be a text that is not empty"),
    (RUN, {"name": ""}, "name is empty"),
    (RUN, {"agent_id": 0}, "agent_id must be an id as Callaro shows it"),
    (RUN, {"timezone": "Mars"}, "timezone is no time zone"),
    (RUN, {"concurrency_limit": "many"}, "concurrency_limit must be a whole number"),
    (RUN, {"poll_interval": "60"}, "poll_interval must be seconds above 0, a number without quotes"),
    (RUN, {"poll_interval": timedelta(minutes=1)}, "poll_interval must be seconds above 0"),
    (RUN, {"wait_timeout": 3_600}, "wait_timeout must be a positive timedelta"),
    (RUN, {"wait_timeout": "1d"}, "wait_timeout must be a positive timedelta"),
    (RUN, {"deferrable": "false"}, "deferrable must be True or False"),
    (RUN, {"on_kill": "stop"}, 'on_kill must be "pause", "cancel" or "leave"'),
    (RUN, {"capacity_maximum": 5}, "capacity_maximum must be a mapping"),
    (RUN, {"capacity_maximum": {"minutes": "many"}}, "maximum"),
    (RUN, {"extra_fields": "audience"}, "extra_fields must be a mapping"),
    (RUN, {"export_path": "/results.xls"}, "export_path must end in .csv"),
    (EXPORT, {"what": "everything"}, "what must be one of"),
    (EXPORT, {"from_date": "tomorrow"}, "from_date must be a date, such as 2026-04-01"),
    (EXPORT, {"format": "xls"}, "format 'xls' is unknown"),
    (EXPORT, {"path": None}, "path is None: give it a value"),
    (IMPORT, {"column_mapping": "phone"}, "column_mapping must be a mapping"),
    (IMPORT, {"delimiter": "semicolon"}, "delimiter must be one character, such as a comma"),
    (IMPORT, {"delimiter": ""}, "delimiter must be one character"),
    (IMPORT, {"encoding": "latin-99"}, "encoding is none that a text file can have"),
    (IMPORT, {"encoding": 8}, "encoding is none that a text file can have"),
    (IMPORT, {"repeat_unknown": "yes"}, "repeat_unknown must be True or False"),
    (LAUNCH, {"campaign_id": None}, "campaign_id is None: give it a value"),
    (LAUNCH, {"campaign_id": -1}, "campaign_id must be the vendor's id"),
    (LAUNCH, {"callaro_conn_id": ""}, "callaro_conn_id is empty"),
    (UPDATE, {"fields": []}, "fields must be a mapping"),
    (END, {"call_id": ""}, "call_id is empty"),
    (STATE, {"target_states": None}, "target_states must be a list of states"),
    (STATE, {"target_states": "completed"}, "target_states must be a list of states"),
    (STATE, {"failed_states": ["completed"]}, "completed stands in target_statuses and in failed_statuses"),
    (STATE, {"deferrable": "yes"}, "deferrable must be True or False"),
    (HEALTH, {"maximum": {"failure_rate": NAN}}, "maximum"),
    (HEALTH, {"on_degraded": "stop"}, "on_degraded must be one of"),
    (CALL_STATE, {"target_statuses": 5}, "target_statuses must be a list of words"),
    (WINDOW, {"start": "25:00"}, "window start must be a local time of day"),
    (WINDOW, {"days": "mon-fry"}, "window days"),
    (WINDOW, {"timezone": "Mars"}, "timezone 'Mars' is no time zone"),
    (WINDOW, {"timezone": "recipient"}, 'timezone "recipient" has no meaning for a sensor'),
    (WINDOW, {"timezone": ""}, "timezone is empty"),
    (WINDOW, {"min_remaining": 5}, "min_remaining must be a timedelta of 0 or more"),
    (HOURS, {"policy": "in-promo"}, "there are no calling rules 'in-promo'"),
    (HOURS, {"policy": 5}, "policy must be a CallingPolicy or the name of a rule pack"),
    (HOURS, {"policy": "us-federal"}, "policy is in the recipient's time zone"),
    (HOURS, {}, "missing start, end, timezone: give a policy"),
]


def shown(part) -> str:
    """The name of a test, which has no address of an object: each process has another one."""
    if isinstance(part, tuple):
        return "+".join(operator.__name__ for operator, *_ in part)[:60]
    return re.sub(r" at 0x[0-9a-f]+", "", str(part))[:60]


@pytest.mark.parametrize(("operators", "arguments", "sentence"), TABLE, ids=shown)
def test_it_is_told_when_the_dag_is_parsed(operators: Any, arguments: dict[str, Any], sentence: str) -> None:
    for operator, others in operators:
        with pytest.raises(ConfigurationError, match=sentence) as told:
            operator(task_id="calls", **{**others, **arguments})
        assert "\n" not in str(told.value)
        assert NUMBER not in str(told.value)


@pytest.mark.parametrize(("operator", "arguments"), TASKS, ids=lambda part: getattr(part, "__name__", ""))
def test_a_rule_pack_is_named_as_one_would_write_it(operator: Any, arguments: dict[str, Any]) -> None:
    task = operator(task_id="calls", policy="in-promotional", **arguments)
    assert task.policy == CallingPolicy.rules("in-promotional")


def test_a_sensor_takes_a_rule_pack_by_its_name() -> None:
    assert ScheduleWindowSensor(task_id="open", policy="in-promotional").policy.timezone == "Asia/Kolkata"


@pytest.mark.parametrize(
    "arguments",
    [
        {"call_options": {"priority": "{{ params.priority }}", "metadata": {"city": "{{ params.city }}"}}},
        {"call_options": "{{ params.options }}"},
        {"schedule_at": "{{ data_interval_end }}"},
        {"schedule_at": datetime(2026, 12, 1, 10)},  # in the zone of the connection, which no DAG file reads
        {"report_path": "{{ var.value.reports }}/calls"},
        {"redial": ["unknown", "{{ params.also }}"]},
        {"agent_id": "{{ params.agent }}", "ledger_conn_id": "{{ params.ledger }}"},
        {"shard": ["0", "2"]},
        {"max_rejected": 1.0},
    ],
    ids=str,
)
def test_what_a_template_may_make_right_is_left_to_the_run(arguments: dict[str, Any]) -> None:
    callkaro.CallKaroFanOutCallsOperator(task_id="calls", contacts=[NUMBER], **arguments)
