"""MrAssistant's campaigns: many calls in one request, and still nobody rung twice and no row lost."""

from __future__ import annotations

import csv
import json
import logging
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from airflow_task_state import TaskStateInMemory
from task_context import task_context

from airflow_provider_callkaro.calls import CallingPolicy, ScheduleWindow
from airflow_provider_callkaro.exceptions import ConfigurationError, RunIncomplete
from airflow_provider_callkaro.operators.mrassistant import (
    MrAssistantCreateCampaignOperator,
    MrAssistantPreflightOperator,
)

AGENT = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
OTHER_AGENT = "4d91d4dd-1e55-4c61-9999-9ee36847163b"
CREATE = "/campaigns"
SECRET = "a-secret-that-signs"


@pytest.fixture
def sandbox(sandbox, monkeypatch):
    for conn_id, connection in sandbox.airflow_connections.items():
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", connection)
    return sandbox


def contacts(count: int, **columns: str) -> list[dict[str, str]]:
    return [{"to_number": f"+9198765{row:05d}", "name": "Asha", **columns} for row in range(count)]


def campaign(rows, **arguments):
    return MrAssistantCreateCampaignOperator(
        task_id="calls", contacts=rows, agent_id=AGENT, name="Renewals", **arguments
    )


def context(store=None, **arguments):
    return task_context(store=TaskStateInMemory() if store is None else store, **arguments)


def sizes(sandbox):
    return [created.total_targets for created in sandbox.mrassistant_campaigns]


def names(sandbox):
    return [created.name for created in sandbox.mrassistant_campaigns]


def most_rings(sandbox):
    return max(sandbox.rings_per_number().values(), default=0)


@pytest.mark.parametrize(
    ("per_campaign", "expected"),
    [(1000, [1000, 1000, 500]), (999, [999, 999, 502]), (625, [625] * 4), (50, [50] * 50)],
)
def test_a_list_of_2500_becomes_the_right_number_of_campaigns(sandbox, per_campaign, expected):
    summary = campaign(contacts(2500), targets_per_campaign=per_campaign).execute(context())
    assert sizes(sandbox) == expected
    assert names(sandbox) == [f"Renewals {number}" for number in range(1, len(expected) + 1)]
    assert (summary["accepted"], summary["total"], summary["campaigns"]) == (2500, 2500, len(expected))
    assert (len(sandbox.rings), most_rings(sandbox)) == (2500, 1)


def test_a_list_that_fits_into_one_campaign_keeps_its_name(sandbox):
    summary = campaign(contacts(50)).execute(context())
    assert (names(sandbox), summary["campaigns"]) == (["Renewals"], 1)


def test_bad_and_double_rows_do_not_leave_campaigns_half_empty(sandbox):
    rows = contacts(200)
    rows[10]["to_number"] = "nobody"
    rows[20]["to_number"] = rows[19]["to_number"]
    summary = campaign(rows, targets_per_campaign=99).execute(context())
    assert sizes(sandbox) == [99, 99]
    assert (summary["accepted"], summary["rejected"], summary["skipped"], summary["total"]) == (198, 1, 1, 200)


def test_a_campaign_has_one_agent_and_one_time(sandbox):
    morning, evening = "2030-01-07T04:30:00+00:00", "2030-01-07T15:00:00+05:30"
    rows = contacts(12)
    for place, row in enumerate(rows):
        row["agent_id"] = (AGENT, OTHER_AGENT)[place % 2]
        row["schedule_at"] = (morning, evening)[place // 6]
    summary = campaign(rows, row_fields=["agent_id", "schedule_at"]).execute(context())
    assert summary["accepted"] == 12
    found = Counter(
        (one.agent_id, one.fields["schedule_at"], one.total_targets) for one in sandbox.mrassistant_campaigns
    )
    assert found == Counter(
        (agent, moment, 3)
        for agent in (AGENT, OTHER_AGENT)
        for moment in ("2030-01-07T04:30:00Z", "2030-01-07T09:30:00Z")
    )


@pytest.mark.parametrize("given", [{}, {"webhook_secret": "another-secret-of-reports"}])
def test_where_and_how_is_reported_may_stand_in_the_connection(sandbox, monkeypatch, given):
    connection = json.loads(sandbox.airflow_connections["mrassistant_default"])
    told = {"webhook_url": "https://hooks.example/mrassistant", "webhook_secret": SECRET}
    monkeypatch.setenv("AIRFLOW_CONN_MRASSISTANT_DEFAULT", json.dumps({**connection, "extra": told}))
    campaign(["+919876500001"], **given).execute(context())
    (created,) = sandbox.mrassistant_campaigns
    assert {name: created.fields[name] for name in told} == {**told, **given}


def test_every_field_travels(sandbox, tmp_path):
    rows = [{"to_number": "+919876500001", "from_number": "+912240000000", "city": "Pune", "context": '{"plan": "A"}'}]
    operator = campaign(
        rows,
        row_fields=["from_number"],
        concurrent_calls=7,
        retry_failed=True,
        retry_attempts=2,
        context={"season": "winter"},
        webhook_url="https://hooks.example/mrassistant",
        webhook_secret=SECRET,
        notify_on_call_complete=True,
        extra_fields={"recording": {"keep_days": 30}},
        report_path=str(tmp_path / "report.csv"),
    )
    operator.execute(context())
    (created,) = sandbox.mrassistant_campaigns
    assert created.fields["context"] == {"season": "winter"}
    assert created.fields["webhook_secret"] == SECRET
    assert created.fields["recording"] == {"keep_days": 30}
    assert (created.fields["concurrent_calls"], created.fields["retry_failed"], created.fields["retry_attempts"]) == (
        7,
        True,
        2,
    )
    (ring,) = sandbox.rings
    assert (ring.metadata, ring.body["from_number"]) == ({"city": "Pune", "plan": "A"}, "+912240000000")
    with (tmp_path / "report.csv").open(newline="") as lines:
        assert [(line["state"], line["call_id"]) for line in csv.DictReader(lines)] == [
            ("accepted", created.campaign_id)
        ]


@pytest.mark.parametrize(
    "kind",
    ["drop_answer_after_accepting", "reset_after_accepting", "truncated_answer", "error_after_accepting",
     "unreadable_answer", "answer_without_id"],
)  # fmt: skip
def test_a_lost_answer_leaves_exactly_its_targets_unknown_and_a_retry_goes_on_with_the_others(sandbox, kind):
    sandbox.fault(kind, path=CREATE, after=1, first=1)
    store = TaskStateInMemory()
    rows = contacts(40)
    first = campaign(rows, targets_per_campaign=10).execute(context(store))
    assert (first["accepted"], first["unknown"], first["total"]) == (30, 10, 40)
    again = campaign(rows, targets_per_campaign=10).execute(context(store, try_number=2))
    known = {each["campaign_id"] for each in first.pop("created")}  # its status is known to the try that created it
    assert {each["campaign_id"] for each in again.pop("created")} == known
    assert again == first
    assert (len(sandbox.rings), most_rings(sandbox)) == (40, 1)
    third = campaign(contacts(55), targets_per_campaign=10).execute(context(store, try_number=3))
    assert (third["accepted"], third["unknown"], sizes(sandbox)[4:]) == (45, 10, [10, 5])
    assert most_rings(sandbox) == 1


def test_answers_that_are_lost_one_after_another_stop_the_run_and_a_retry_does_the_rest(sandbox):
    sandbox.fault("drop_answer_after_accepting", path=CREATE, first=2)
    store = TaskStateInMemory()
    with pytest.raises(RunIncomplete, match="20 of 40 rows are pending"):
        campaign(contacts(40), targets_per_campaign=10).execute(context(store))
    again = campaign(contacts(40), targets_per_campaign=10).execute(context(store, try_number=2))
    assert (again["accepted"], again["unknown"]) == (20, 20)
    assert names(sandbox) == [f"Renewals {number}" for number in (1, 2, 3, 4)]
    assert (len(sandbox.rings), most_rings(sandbox)) == (40, 1)


def test_what_was_not_sent_is_sent_again(sandbox):
    sandbox.fault("throttled", path=CREATE, first=2, retry_after=0)
    summary = campaign(contacts(30), targets_per_campaign=10).execute(context())
    assert (summary["accepted"], sizes(sandbox), most_rings(sandbox)) == (30, [10, 10, 10], 1)


def test_one_target_that_is_refused_does_not_cost_the_others_their_call(sandbox):
    sandbox.fault("rejected", path=CREATE, status=422, first=1)
    summary = campaign(contacts(30), targets_per_campaign=10).execute(context())
    assert (summary["accepted"], summary["rejected"], summary["total"]) == (29, 1, 30)
    assert summary["reasons"] == {"vendor_rejected": 1}
    assert sum(sizes(sandbox)) == 29


def test_a_refusal_that_blames_nobody_rejects_the_campaign(sandbox):
    sandbox.fault("rejected", path=CREATE, status=400, first=1)
    summary = campaign(contacts(30), targets_per_campaign=10).execute(context())
    assert (summary["accepted"], summary["rejected"]) == (20, 10)


class ANightInBetween:
    """A source whose last rows come when the token has grown old."""

    template_fields = ()

    def __init__(self, sandbox):
        self.sandbox = sandbox

    def total(self, context):
        return None

    def rows(self, context):
        for place, row in enumerate(contacts(1100)):
            if place == 1050:
                self.sandbox.wait_for_rings(300)
                self.sandbox.expire_tokens()
            yield row


def test_a_token_that_grows_old_in_the_middle_is_renewed_once_and_nobody_is_lost(sandbox):
    operator = campaign(ANightInBetween(sandbox), targets_per_campaign=300)
    summary = operator.execute(context())
    assert (summary["accepted"], most_rings(sandbox)) == (1100, 1)
    assert (sandbox.token_logins, sandbox.token_refreshes) == (1, 1)


def test_a_refused_login_ends_the_task_for_good_and_rings_nobody(sandbox, monkeypatch):
    connection = json.loads(sandbox.airflow_connections["mrassistant_default"]) | {"password": "wrong"}
    monkeypatch.setenv("AIRFLOW_CONN_MRASSISTANT_DEFAULT", json.dumps(connection))
    with pytest.raises(AirflowFailException, match="refused the key or token"):
        campaign(contacts(3)).execute(context())
    assert sandbox.rings == []


def window_around_now(minutes: float) -> CallingPolicy:
    """Opened five hours ago, and closes in so many minutes."""
    now = datetime.now(UTC)
    opened, closes = now - timedelta(hours=5), now + timedelta(minutes=minutes)
    return CallingPolicy(windows=[ScheduleWindow(f"{opened:%H:%M}", f"{closes:%H:%M}")], timezone="UTC")


def test_a_campaign_that_would_still_ring_after_closing_time_is_not_started(sandbox):
    rows = contacts(20)
    tight = campaign(rows, policy=window_around_now(30), when_closed="stop", targets_per_campaign=20)
    with pytest.raises(AirflowFailException, match="may not ring before"):
        tight.execute(context())
    assert sandbox.rings == []
    roomy = campaign(
        rows,
        policy=window_around_now(30),
        when_closed="stop",
        targets_per_campaign=20,
        concurrent_calls=10,
        longest_call=timedelta(minutes=5),
    )
    assert roomy.execute(context())["accepted"] == 20


def test_a_closed_window_becomes_the_time_of_the_campaign(sandbox):
    now = datetime.now(UTC)
    opens, closes = now + timedelta(hours=2), now + timedelta(hours=4)
    policy = CallingPolicy(windows=[ScheduleWindow(f"{opens:%H:%M}", f"{closes:%H:%M}")], timezone="UTC")
    operator = campaign(
        contacts(20), policy=policy, when_closed="schedule", targets_per_campaign=10, concurrent_calls=5
    )
    summary = operator.execute(context())
    assert (summary["accepted"], sizes(sandbox)) == (20, [10, 10])
    for created in sandbox.mrassistant_campaigns:
        starts = datetime.fromisoformat(created.fields["schedule_at"])
        assert timedelta(0) <= starts - opens.replace(second=0, microsecond=0) <= timedelta(minutes=1)


@pytest.fixture
def call_ledger(tmp_path, monkeypatch):
    ledger = json.dumps({"conn_type": "sqlite", "host": str(tmp_path / "ledger.db")})
    monkeypatch.setenv("AIRFLOW_CONN_CALL_LEDGER", ledger)
    return "call_ledger"


CAPPED = CallingPolicy(max_calls=1, per=timedelta(days=1), timezone="UTC")


@pytest.mark.parametrize(
    ("fault", "accepted", "rejected"),
    [({"kind": "rejected", "status": 422}, 29, 1), ({"kind": "throttled", "retry_after": 0}, 30, 0)],
)
def test_whoever_is_given_back_is_not_taken_for_called(sandbox, call_ledger, fault, accepted, rejected):
    sandbox.fault(**fault, path=CREATE, first=1)
    operator = campaign(contacts(30), targets_per_campaign=10, policy=CAPPED, ledger_conn_id=call_ledger)
    summary = operator.execute(context())
    assert (summary["accepted"], summary["rejected"], summary["unknown"]) == (accepted, rejected, 0)
    assert len(sandbox.rings) == accepted


@pytest.mark.parametrize("per_campaign", [1, 2, 50])
def test_one_number_under_many_keys_is_rung_as_often_as_the_policy_allows(sandbox, call_ledger, per_campaign):
    rows = [{"to_number": "+919876500001", "call_key": f"customer {row}"} for row in range(4)]
    summary = campaign(
        rows,
        row_fields=["call_key"],
        targets_per_campaign=per_campaign,
        policy=CAPPED,
        ledger_conn_id=call_ledger,
    ).execute(context())
    assert (summary["accepted"], summary["reasons"], len(sandbox.rings)) == (1, {"cap": 3}, 1)


def test_a_policy_that_never_closes_lets_long_campaigns_go(sandbox):
    open_all_day = CallingPolicy(timezone="Asia/Kolkata", suppress=["+919876500003"])
    summary = campaign(contacts(600), targets_per_campaign=500, policy=open_all_day).execute(context())
    assert (summary["accepted"], summary["reasons"]) == (599, {"suppressed": 1})


def test_windows_that_touch_are_one_and_others_are_not():
    touching = [ScheduleWindow("20:00", "24:00"), ScheduleWindow("00:00", "06:00")]
    apart = [ScheduleWindow("00:00", "08:00"), ScheduleWindow("10:00", "18:00")]
    nine_hours = {"targets_per_campaign": 108, "policy": CallingPolicy(windows=touching, timezone="UTC")}
    assert campaign(contacts(1), **nine_hours).policy is nine_hours["policy"]
    with pytest.raises(ConfigurationError, match="no window of the policy"):
        campaign(contacts(1), targets_per_campaign=108, policy=CallingPolicy(windows=apart, timezone="UTC"))


def test_a_campaign_that_is_told_to_wait_keeps_its_name(sandbox):
    sandbox.fault("throttled", path=CREATE, first=2, retry_after=0)
    campaign(contacts(5)).execute(context())
    assert names(sandbox) == ["Renewals"]


def test_the_parts_of_a_shared_list_have_names_of_their_own(sandbox):
    for index in (0, 1):
        campaign(contacts(40), targets_per_campaign=10, shard=(index, 2)).execute(context(task_id=f"part_{index}"))
    assert len(set(names(sandbox))) == len(names(sandbox)) >= 4
    assert {name.rpartition(" ")[0] for name in names(sandbox)} == {"Renewals part 1,", "Renewals part 2,"}
    assert (len(sandbox.rings), most_rings(sandbox)) == (40, 1)


def test_an_agent_that_cannot_be_one_condemns_nobody(sandbox):
    store = TaskStateInMemory()
    wrong = MrAssistantCreateCampaignOperator(task_id="calls", contacts=contacts(20), agent_id="asha", name="Renewals")
    with pytest.raises(ConfigurationError, match="UUID"):
        wrong.execute(context(store))
    assert campaign(contacts(20)).execute(context(store, try_number=2))["accepted"] == 20


def test_numbers_and_secrets_are_in_no_log_and_no_template(sandbox, caplog, capfd):
    sandbox.fault("rejected", path=CREATE, status=422, first=1)
    operator = campaign(
        contacts(5),
        webhook_url="https://hooks.example/a-plan-nobody-may-see",
        webhook_secret=SECRET,
        context={"plan": "a-plan-nobody-may-see"},
    )
    shown = {name: str(getattr(operator, name)) for name in operator.template_fields}
    with caplog.at_level(logging.DEBUG):
        summary = operator.execute(context())
    printed = capfd.readouterr()  # where Airflow 3 puts an operator's log outside of a task
    assert "vendor_rejected" in printed.out + printed.err + caplog.text
    for text in (*shown.values(), caplog.text, printed.out, printed.err, json.dumps(summary)):
        assert SECRET not in text
        assert "a-plan-nobody-may-see" not in text
        assert "98765" not in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"targets_per_campaign": 1001}, "targets_per_campaign"),
        ({"targets_per_campaign": 0}, "targets_per_campaign"),
        ({"concurrent_calls": 11}, "concurrent_calls"),
        ({"retry_attempts": 4}, "retry_attempts"),
        ({"longest_call": timedelta(0)}, "longest_call"),
        ({"policy": CallingPolicy.rules("in-promotional"), "retry_attempts": 1}, "no policy can be kept"),
        ({"policy": CallingPolicy.rules("in-promotional"), "targets_per_campaign": 500}, "no window of the policy"),
    ],
)
def test_what_cannot_work_is_refused_when_the_dag_is_parsed(arguments, words):
    with pytest.raises(ConfigurationError, match=words):
        campaign(contacts(1), **arguments)


def test_a_preflight_rings_nobody(sandbox):
    operator = MrAssistantPreflightOperator(task_id="preflight", contacts=contacts(30), agent_id=AGENT, name="Renewals")
    assert operator.execute(context())["would_ring"] == 30
    assert sandbox.rings == []


def test_without_memory_a_retry_refuses_and_says_what_to_set(sandbox):
    with pytest.raises(ConfigurationError, match="ledger_conn_id"):
        campaign(contacts(3)).execute(task_context(try_number=2))
    assert sandbox.rings == []
