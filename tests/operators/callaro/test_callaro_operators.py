"""The Callaro operators against the sandbox: one campaign and one launch per task, however often the task is tried."""

from __future__ import annotations

import inspect
import json
from types import SimpleNamespace

import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowFailException, BaseOperator
from airflow_task_state import TaskStateInMemory
from running_campaign import run_operator

from airflow_provider_callkaro.exceptions import ConfigurationError, OutcomeUnknown
from airflow_provider_callkaro.operators import callaro as callaro_operators
from airflow_provider_callkaro.operators.callaro import (
    CallaroCancelCampaignOperator,
    CallaroCloneCampaignOperator,
    CallaroCreateCampaignOperator,
    CallaroLaunchCampaignOperator,
    CallaroPauseCampaignOperator,
    CallaroPreflightOperator,
    CallaroResumeCampaignOperator,
    CallaroUpdateCampaignOperator,
)
from airflow_provider_callkaro.sandbox import Sandbox
from airflow_provider_callkaro.tasks.callaro.operator import CallaroOperator

CAMPAIGNS = "/api/v1/bulk_call_campaigns"
CONTACTS = [{"phone_e164": "+919876500001"}, {"phone_e164": "+919876500002"}, {"phone_e164": "+447911123456"}]
LOST = ["reset_after_accepting", "drop_answer_after_accepting", "error_after_accepting", "answer_without_id"]


@pytest.fixture(scope="module")
def slow_sandbox():
    """A vendor whose campaigns do not end while a test looks at them."""
    with Sandbox(callaro_dial_seconds=3_600) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(slow_sandbox, monkeypatch):
    slow_sandbox.reset()
    monkeypatch.setenv("AIRFLOW_CONN_CALLARO_DEFAULT", slow_sandbox.airflow_connections["callaro_default"])
    return slow_sandbox


@pytest.fixture(params=["Airflow 3.3", "an earlier Airflow"])
def run(request):
    """What one task instance keeps between its tries, where it keeps anything."""
    return TaskRun(store=TaskStateInMemory() if request.param == "Airflow 3.3" else None)


class TaskRun:
    """One run of one task: `attempt` is the context of its next try."""

    def __init__(self, *, run_id="nightly 1", store=None):
        self.run_id = run_id
        self.store = store
        self.tries = 0

    def attempt(self):
        self.tries += 1
        ti = SimpleNamespace(
            dag_id="outreach", run_id=self.run_id, task_id="campaign", map_index=-1, try_number=self.tries
        )
        return {"ti": ti} | ({} if self.store is None else {"task_state_store": self.store})


def create(**arguments):
    defaults = {
        "name": "Q2 Pipeline",
        "agent_id": 42,
        "timezone": "Asia/Kolkata",
        "campaign_phone_number_ids": [101, 102],
        "concurrency_limit": 3,
        "extra_fields": {"contacts": CONTACTS},
    }
    return CallaroCreateCampaignOperator(task_id="campaign", **{**defaults, **arguments})


def asked(sandbox, word):
    return sum(word in request.endpoint for request in sandbox.requests)


@pytest.fixture
def campaign_id(sandbox):
    return create().execute(TaskRun(run_id="of the fixture").attempt())


class TestCreating:
    def test_a_draft_is_made_of_what_was_given_and_its_id_is_returned(self, sandbox, run):
        assert create().execute(run.attempt()) == 123
        ((campaign,),) = [sandbox.callaro_campaigns]
        assert campaign.name.startswith("Q2 Pipeline [")
        assert campaign.status == "draft"
        assert {name: value for name, value in campaign.fields.items() if name != "name"} == {
            "agent_id": 42,
            "timezone": "Asia/Kolkata",
            "campaign_phone_number_ids": [101, 102],
            "concurrency_limit": 3,
            "contacts": CONTACTS,
        }
        assert sandbox.rings == []

    def test_numbers_that_a_template_made_texts_are_numbers(self, sandbox, run):
        create(agent_id="42", campaign_phone_number_ids=["101", 102], concurrency_limit=" 3 ").execute(run.attempt())
        fields = sandbox.callaro_campaigns[0].fields
        assert (fields["agent_id"], fields["concurrency_limit"]) == (42, 3)
        assert fields["campaign_phone_number_ids"] == [101, 102]

    def test_what_was_not_given_is_not_sent(self, sandbox, run):
        given = {"extra_fields": None, "timezone": None, "campaign_phone_number_ids": None, "concurrency_limit": None}
        create(**given).execute(run.attempt())
        assert set(sandbox.callaro_campaigns[0].fields) == {"name", "agent_id"}

    def test_a_second_try_finds_the_campaign_of_the_first(self, sandbox, run):
        first = create(name="Q2 at 10:00").execute(run.attempt())
        assert create(name="Q2 at 10:05").execute(run.attempt()) == first
        assert len(sandbox.callaro_campaigns) == 1

    def test_another_run_has_a_campaign_of_its_own(self, sandbox):
        first = create().execute(TaskRun(run_id="nightly 1").attempt())
        assert create().execute(TaskRun(run_id="nightly 2").attempt()) != first
        assert len(sandbox.callaro_campaigns) == 2

    @pytest.mark.parametrize("fault", LOST)
    def test_a_campaign_whose_answer_is_lost_is_found_and_not_made_again(self, sandbox, run, fault):
        sandbox.fault(fault, path=f"POST {CAMPAIGNS}", first=1)
        assert create().execute(run.attempt()) == 123
        assert create().execute(run.attempt()) == 123
        assert asked(sandbox, f"POST {CAMPAIGNS}") == 1

    def test_a_campaign_that_was_not_made_is_made_by_the_next_try(self, sandbox, run):
        sandbox.fault("error_before_accepting", path=f"POST {CAMPAIGNS}", first=1)
        with pytest.raises(OutcomeUnknown):
            create().execute(run.attempt())
        assert asked(sandbox, f"POST {CAMPAIGNS}") == 1
        assert create().execute(run.attempt()) == 123
        assert len(sandbox.callaro_campaigns) == 1

    def test_a_worker_that_dies_before_it_can_remember_leaves_a_campaign_that_is_found(self, sandbox, run):
        class Dying(TaskStateInMemory):
            def set(self, key, value, *, retention=None):
                raise KeyboardInterrupt

        if run.store is not None:
            with pytest.raises(KeyboardInterrupt):
                create().execute(run.attempt() | {"task_state_store": Dying()})
        else:
            create().execute(run.attempt())
        assert create().execute(run.attempt()) == 123
        assert len(sandbox.callaro_campaigns) == 1

    def test_what_is_remembered_costs_no_look_at_the_list(self, sandbox):
        run = TaskRun(store=TaskStateInMemory())
        create().execute(run.attempt())
        listed = asked(sandbox, f"GET {CAMPAIGNS}")
        create().execute(run.attempt())
        assert asked(sandbox, f"GET {CAMPAIGNS}") == listed + 1  # the campaign itself
        assert run.store.get("callaro_campaign") == {"campaign_id": 123}

    def test_a_campaign_that_somebody_deleted_is_not_made_again(self, sandbox):
        run = TaskRun(store=TaskStateInMemory())
        create().execute(run.attempt())
        sandbox.reset()
        with pytest.raises(AirflowFailException, match="404"):
            create().execute(run.attempt())
        assert sandbox.callaro_campaigns == []

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            ({"name": "  "}, "name is empty"),
            ({"extra_fields": {"name": "other"}}, "extra_fields holds a name"),
            ({"extra_fields": {"agent_id": 7}}, "agent_id stands in extra_fields and beside it"),
            ({"extra_fields": ["contacts"]}, "extra_fields must be a mapping"),
            ({"campaign_phone_number_ids": "101,102"}, "campaign_phone_number_ids must be a list"),
        ],
    )
    def test_what_cannot_work_is_said_and_nothing_is_created(self, sandbox, run, arguments, words):
        with pytest.raises(ConfigurationError, match=words):
            create(**arguments).execute(run.attempt())
        assert sandbox.callaro_campaigns == []

    def test_a_refusal_fails_without_a_retry_and_shows_no_number(self, sandbox, run):
        with pytest.raises(AirflowFailException, match="VALIDATION_ERROR") as error:
            create(extra_fields={"contacts": [{"phone_e164": "00919876500001"}]}).execute(run.attempt())
        assert "9876500001" not in str(error.value)

    def test_a_wrong_key_fails_without_a_retry(self, sandbox, run, monkeypatch):
        connection = json.loads(sandbox.airflow_connections["callaro_default"]) | {"password": "another-key"}
        monkeypatch.setenv("AIRFLOW_CONN_CALLARO_DEFAULT", json.dumps(connection))
        with pytest.raises(AirflowFailException, match="correct the password"):
            create().execute(run.attempt())


class TestCloning:
    def test_a_clone_is_made_once(self, sandbox, run, campaign_id):
        def clone():
            return CallaroCloneCampaignOperator(
                task_id="campaign", campaign_id=campaign_id, name="Q3", extra_fields={"concurrency_limit": 5}
            ).execute(run.attempt())

        assert clone() == clone() == 124
        assert len(sandbox.callaro_campaigns) == 2
        cloned = sandbox.callaro_campaigns[1]
        assert cloned.name.startswith("Q3 [")
        assert cloned.fields["concurrency_limit"] == 5
        assert cloned.fields["agent_id"] == 42

    def test_a_clone_without_a_name_is_called_as_the_campaign_with_its_own_mark(self, sandbox, run, campaign_id):
        CallaroCloneCampaignOperator(task_id="campaign", campaign_id=campaign_id).execute(run.attempt())
        source, clone = sandbox.callaro_campaigns
        assert clone.name.startswith("Q2 Pipeline [")
        assert clone.name != source.name
        assert len(clone.name) == len(source.name)

    def test_a_clone_whose_answer_is_lost_is_found(self, sandbox, run, campaign_id):
        sandbox.fault("drop_answer_after_accepting", path=f"{CAMPAIGNS}/{{id}}/clone", first=1)
        clone = CallaroCloneCampaignOperator(task_id="campaign", campaign_id=campaign_id)
        assert clone.execute(run.attempt()) == 124
        assert len(sandbox.callaro_campaigns) == 2


class TestLifecycle:
    def test_each_operator_does_its_step_and_returns_the_id(self, sandbox, campaign_id):
        steps = [
            (CallaroUpdateCampaignOperator(task_id="a", campaign_id="123", fields={"concurrency_limit": 7}), "draft"),
            (CallaroLaunchCampaignOperator(task_id="b", campaign_id="123"), "running"),
            (CallaroPauseCampaignOperator(task_id="c", campaign_id="123"), "paused"),
            (CallaroResumeCampaignOperator(task_id="d", campaign_id="123"), "running"),
            (CallaroCancelCampaignOperator(task_id="e", campaign_id="123"), "cancelled"),
        ]
        for operator, status in steps:
            for _ in range(2 if status != "draft" else 1):  # a retry changes nothing
                assert operator.execute({}) == 123
            assert sandbox.callaro_campaigns[0].status == status
        campaign = sandbox.callaro_campaigns[0]
        assert (campaign.launches, campaign.resumes, campaign.fields["concurrency_limit"]) == (1, 1, 7)

    def test_a_launch_that_was_paused_since_is_not_asked_for_again(self, sandbox, campaign_id):
        run = TaskRun(store=TaskStateInMemory())
        launch = CallaroLaunchCampaignOperator(task_id="launch", campaign_id=campaign_id)
        assert launch.execute(run.attempt()) == campaign_id
        CallaroPauseCampaignOperator(task_id="pause", campaign_id=campaign_id).execute(run.attempt())
        assert launch.execute(run.attempt()) == campaign_id
        (campaign,) = sandbox.callaro_campaigns
        assert (campaign.status, campaign.launches, campaign.resumes) == ("paused", 1, 0)

    @pytest.mark.parametrize("fault", [*LOST, "error_before_accepting"])
    def test_a_launch_task_launches_once(self, sandbox, campaign_id, fault):
        sandbox.fault(fault, path=f"{CAMPAIGNS}/{{id}}/launch", first=1)
        for _ in range(2):
            CallaroLaunchCampaignOperator(task_id="launch", campaign_id=campaign_id).execute({})
        assert sandbox.callaro_campaigns[0].launches == 1

    def test_what_the_state_forbids_fails_without_a_retry(self, sandbox, campaign_id):
        with pytest.raises(AirflowFailException, match=r"campaign 123: pause is not allowed .* which allows launch"):
            CallaroPauseCampaignOperator(task_id="pause", campaign_id=campaign_id).execute({})

    def test_a_campaign_that_is_not_there_fails_without_a_retry(self, sandbox):
        with pytest.raises(AirflowFailException, match="404"):
            CallaroLaunchCampaignOperator(task_id="launch", campaign_id="999").execute({})

    def test_fields_that_are_no_mapping_are_said(self, sandbox, campaign_id):
        with pytest.raises(ConfigurationError, match="fields must be a mapping"):
            CallaroUpdateCampaignOperator(task_id="update", campaign_id=campaign_id, fields="limit=3").execute({})


class TestCampaignsThatCannotWork:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("name", ""),
            ("agent_id", 0),
            ("agent_id", "None"),
            ("timezone", "Asia/Kolkatta"),
            ("timezone", ""),
            ("campaign_phone_number_ids", []),
            ("campaign_phone_number_ids", [101, None]),
            ("concurrency_limit", 0),
            ("concurrency_limit", "many"),
        ],
    )
    def test_a_plain_value_is_refused_when_the_dag_is_read(self, name, value):
        for make in (create, run_operator):
            with pytest.raises(ConfigurationError, match=rf"^{name}"):
                make(**{name: value})

    @pytest.mark.parametrize(
        ("name", "value"),
        [("timezone", "Mars"), ("agent_id", "-3"), ("concurrency_limit", "0"), ("campaign_phone_number_ids", "101")],
    )
    def test_a_templated_one_is_refused_before_the_first_request(self, sandbox, name, value):
        operator = create(**{name: "{{ value }}"})
        operator.render_template_fields({"value": value})
        with pytest.raises(ConfigurationError, match=rf"^{name}"):
            operator.execute(TaskRun().attempt())
        assert sandbox.requests == []

    def test_what_stands_in_extra_fields_is_looked_at_too(self, sandbox):
        with pytest.raises(ConfigurationError, match=r"^timezone"):
            create(timezone=None, extra_fields={"timezone": "Asia/Kolkatta"}).execute(TaskRun().attempt())
        assert sandbox.requests == []


class TestPreflight:
    def test_words_lists_and_parameters(self, sandbox, campaign_id):
        numbers = CallaroPreflightOperator(
            task_id="preflight",
            campaign_id=campaign_id,
            capacity_query={"concurrency_limit": 6},
            capacity_maximum={"estimated_minutes": 1},
        ).execute({})
        assert numbers["capacity"]["concurrency_limit"] == 6
        with pytest.raises(ConfigurationError, match=r"'status' is no word"):
            CallaroPreflightOperator(task_id="p", campaign_id=campaign_id, capacity_allowed={"status": "ok"}).execute(
                {}
            )

    def test_the_numbers_of_both_answers_are_returned(self, sandbox, campaign_id):
        numbers = CallaroPreflightOperator(
            task_id="preflight",
            campaign_id=campaign_id,
            capacity_maximum={"estimated_minutes": 2},
            capacity_minimum={"numbers": "2"},
            timezones_maximum={"unknown": 0, "by_timezone.Asia/Kolkata": 2},
            timezones_minimum={"total": 3},
        ).execute({})
        assert numbers["capacity"]["contacts"] == 3
        assert numbers["timezones"]["by_timezone.Europe/London"] == 1
        assert sandbox.callaro_campaigns[0].status == "draft"

    def test_every_breach_is_named_and_fails_without_a_retry(self, sandbox, campaign_id):
        with pytest.raises(AirflowFailException) as error:
            CallaroPreflightOperator(
                task_id="preflight",
                campaign_id=campaign_id,
                capacity_maximum={"estimated_minutes": 1},
                capacity_minimum={"numbers": 3},
                timezones_maximum={"by_timezone.Asia/Kolkata": 1},
                timezones_minimum={"total": 4},
            ).execute({})
        for words in (
            "campaign 123 is not fit to be launched",
            "capacity: estimated_minutes is 2, above 1",
            "capacity: numbers is 2, below 3",
            "time zones: by_timezone.Asia/Kolkata is 2, above 1",
            "time zones: total is 3, below 4",
        ):
            assert words in str(error.value)

    def test_a_limit_on_what_is_not_there_is_no_pass(self, sandbox, campaign_id):
        preflight = CallaroPreflightOperator(task_id="p", campaign_id=campaign_id, capacity_maximum={"minutes": 1})
        with pytest.raises(ConfigurationError, match=r"'minutes' is no number .* estimated_minutes"):
            preflight.execute({})

    def test_what_may_be_a_phone_number_is_not_returned(self, sandbox, monkeypatch):
        connection = json.loads(sandbox.airflow_connections["callaro_default"])
        connection["extra"] = {"routes": {"capacity_preview": f"GET {CAMPAIGNS}/{{id}}/clone_prefill"}}
        monkeypatch.setenv("AIRFLOW_CONN_CALLARO_DEFAULT", json.dumps(connection))
        private = {"owner": {"phone": 919876500001}, "rung": {"+919876500001": 1}}
        campaign_id = create(extra_fields={"contacts": CONTACTS, **private}).execute(TaskRun().attempt())
        numbers = CallaroPreflightOperator(task_id="preflight", campaign_id=campaign_id).execute({})
        assert numbers["capacity"] == {"agent_id": 42, "concurrency_limit": 3}


OPERATORS = [getattr(callaro_operators, name) for name in callaro_operators.__all__]


@pytest.mark.parametrize("operator", OPERATORS)
def test_every_operator_spells_its_arguments_and_has_one_parent(operator):
    assert operator.__bases__ == (CallaroOperator,)
    spelt = inspect.signature(vars(operator)["__init__"]).parameters
    assert set(operator.template_fields) <= set(spelt)
    for name, parameter in spelt.items():
        if name not in ("self", "kwargs"):
            assert parameter.kind is inspect.Parameter.KEYWORD_ONLY
            assert f":param {name}:" in operator.__doc__


@pytest.mark.parametrize("operator", OPERATORS)
def test_every_name_that_is_offered_is_an_operator_whose_connection_is_templated(operator):
    assert issubclass(operator, BaseOperator)
    assert "callaro_conn_id" in operator.template_fields
    assert operator.__doc__


def test_templates_are_rendered_and_private_fields_are_not_shown(sandbox):
    with DAG("outreach", schedule=None):
        first = create(
            name="Q2 of {{ day }}",
            agent_id="{{ agent }}",
            extra_fields={"contacts": [{"phone_e164": "{{ number }}"}]},
            callaro_conn_id="{{ conn }}",
        )
        update = CallaroUpdateCampaignOperator(
            task_id="update", campaign_id=first.output, fields={"contacts": [{"phone_e164": "{{ number }}"}]}
        )
    assert update.upstream_task_ids == {"campaign"}
    first.render_template_fields({"day": "Monday", "agent": 42, "number": "+919876500009", "conn": "callaro_default"})
    assert (first.name, first.agent_id) == ("Q2 of Monday", "42")
    assert first.extra_fields.value == {"contacts": [{"phone_e164": "+919876500009"}]}
    shown = [str(getattr(first, name)) for name in first.template_fields]
    assert "(not shown)" in shown
    assert not any("9876500009" in text for text in shown)
    assert str(update.fields) == "(not shown)"


def test_a_task_that_is_rendered_leaves_the_dags_own_task_as_it_was(sandbox):
    update = CallaroUpdateCampaignOperator(task_id="update", campaign_id="1", fields={"a": "{{ a }}"})
    before = update.fields
    update.render_template_fields({"a": "x"})
    assert before.value == {"a": "{{ a }}"}
