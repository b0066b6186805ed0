"""Transferring and ending MrAssistant calls from a DAG: once, never blindly again, and nothing private shown."""

from __future__ import annotations

import json
import threading

import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowFailException
from airflow_task_state import TaskStateInMemory
from task_context import task_context

from airflow_provider_callkaro.calls import Call
from airflow_provider_callkaro.exceptions import ConfigurationError, NotSent, OutcomeUnknown, Throttled
from airflow_provider_callkaro.hooks.mrassistant import MrAssistantHook
from airflow_provider_callkaro.operators.mrassistant import (
    MrAssistantConfigureOutboundOperator,
    MrAssistantEndCallOperator,
    MrAssistantTransferCallOperator,
)
from airflow_provider_callkaro.sandbox import Sandbox

AGENT = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
COLLEAGUE = "tel:+12025550199"
TRANSFER = "/calls/{call_id}/transfer"
END = "/calls/{call_id}/end"
NUMBERS = [{"phone_number": "+12025550190", "daily_limit": 7}]
SCHEDULES = [{"name": "Day", "time_windows": [{"start_time": "00:00", "end_time": "24:00"}]}]


@pytest.fixture
def sandbox(monkeypatch):
    """A vendor whose calls last longer than any test."""
    with Sandbox(api_key="the-key-of-the-sandbox", mrassistant_call_seconds=600) as sandbox:
        connect(sandbox, monkeypatch)
        yield sandbox


@pytest.fixture
def call_id(sandbox):
    return MrAssistantHook().place_call(Call(to_number="+919876543210", agent_id=AGENT)).call_id


def connect(sandbox, monkeypatch, **fields):
    given = json.loads(sandbox.airflow_connections["mrassistant_default"])
    monkeypatch.setenv("AIRFLOW_CONN_MRASSISTANT_DEFAULT", json.dumps({**given, **fields}))


def transfer(call_id, **arguments):
    given = {"task_id": "transfer", "call_id": call_id, "transfer_to": COLLEAGUE, **arguments}
    operator = MrAssistantTransferCallOperator(**given)
    operator.hook._sleep = lambda seconds: None
    return operator


def end(call_id):
    operator = MrAssistantEndCallOperator(task_id="end", call_id=call_id)
    operator.hook._sleep = lambda seconds: None
    return operator


def context(store=None, **arguments):
    return task_context(task_id="transfer", store=TaskStateInMemory() if store is None else store, **arguments)


def asked(sandbox, endpoint):
    return [request.endpoint for request in sandbox.requests].count(endpoint)


def rendered(operator, **values):
    with DAG("d", schedule=None):
        operator.render_template_fields({"params": values, "task": operator})
    return operator


class TestTransfer:
    def test_a_call_is_transferred_once_and_its_id_handed_on(self, sandbox, call_id):
        assert transfer(call_id, transfer_type="warm", play_dialtone=True).execute(context()) == call_id
        assert asked(sandbox, TRANSFER) == 1

    @pytest.mark.parametrize(
        "fault",
        [
            "drop_answer_after_accepting",
            "reset_after_accepting",
            "error_after_accepting",
            "truncated_answer",
        ],
    )
    @pytest.mark.parametrize("has_state", [True, False], ids=["with a task state", "without one"])
    def test_one_whose_answer_got_lost_fails_for_good_and_is_not_sent_again(self, sandbox, call_id, fault, has_state):
        sandbox.fault(fault, path=TRANSFER)
        with pytest.raises(AirflowFailException, match="is not sent again"):
            transfer(call_id).execute(context() if has_state else task_context())
        assert asked(sandbox, TRANSFER) == 1

    def test_a_retry_does_not_repeat_a_transfer_that_may_have_come_about(self, sandbox, call_id):
        store = TaskStateInMemory()
        sandbox.fault("drop_answer_after_accepting", path=TRANSFER, first=1)
        with pytest.raises(AirflowFailException):
            transfer(call_id).execute(context(store))
        for destination in (COLLEAGUE, "tel:+12025550188"):
            with pytest.raises(AirflowFailException, match="an earlier try may have transferred call"):
                transfer(call_id, transfer_to=destination).execute(context(store, try_number=2))
        assert asked(sandbox, TRANSFER) == 1

    def test_the_retry_of_a_worker_that_was_killed_while_it_waited_for_the_answer_sends_nothing(self, sandbox, call_id):
        store = TaskStateInMemory()
        sandbox.fault("hold_after_accepting", path=TRANSFER, first=1)
        worker = threading.Thread(target=transfer(call_id).execute, args=(context(store),))
        worker.start()
        sandbox.wait_for_held(1)
        left_behind = store.copy()
        sandbox.release()
        worker.join()
        with pytest.raises(AirflowFailException, match="an earlier try may have transferred call"):
            transfer(call_id).execute(context(left_behind, try_number=2))
        assert asked(sandbox, TRANSFER) == 1

    def test_a_retry_returns_the_call_that_the_first_try_transferred(self, sandbox, call_id):
        store = TaskStateInMemory()
        transfer(call_id).execute(context(store))
        assert transfer(call_id).execute(context(store, try_number=2)) == call_id
        assert asked(sandbox, TRANSFER) == 1
        assert "2025550199" not in json.dumps(store.texts)

    def test_under_a_key_the_destination_is_kept_as_an_hmac_and_found_after_a_change_of_key(
        self, sandbox, call_id, monkeypatch
    ):
        """An unkeyed digest, however short, and the mask of the number give the number."""
        store = TaskStateInMemory()
        first, second = (f"{name}:{name * 20}" for name in ("k1", "k2"))
        connect(sandbox, monkeypatch, extra={"ledger_secret": first})
        transfer(call_id).execute(context(store))
        assert store.get("mrassistant_transfer")["digest"].startswith("k1:")
        connect(sandbox, monkeypatch, extra={"ledger_secret": [second, first]})
        assert transfer(call_id).execute(context(store, try_number=2)) == call_id
        assert asked(sandbox, TRANSFER) == 1

    def test_a_corrected_destination_is_another_transfer(self, sandbox, call_id):
        store = TaskStateInMemory()
        transfer(call_id).execute(context(store))
        transfer(call_id, transfer_to="sip:anna@example.org").execute(context(store, try_number=2))
        assert asked(sandbox, TRANSFER) == 2

    def test_one_that_was_turned_away_is_sent_again_by_the_retry(self, sandbox, call_id):
        store = TaskStateInMemory()
        sandbox.fault("throttled", path=TRANSFER, retry_after=0)
        with pytest.raises(Throttled):
            transfer(call_id).execute(context(store))
        sandbox.clear_faults()
        assert transfer(call_id).execute(context(store, try_number=2)) == call_id

    def test_a_vendor_that_is_away_leaves_the_retry_free_to_transfer(self, sandbox, call_id):
        store = TaskStateInMemory()
        operator = transfer(call_id)
        sandbox.stop()
        with pytest.raises(NotSent):
            operator.execute(context(store))
        sandbox.start()
        assert transfer(call_id).execute(context(store, try_number=2)) == call_id

    def test_without_a_task_state_a_retry_looks_first_whether_the_call_is_over(self, sandbox, call_id):
        MrAssistantHook().end_call(call_id)
        with pytest.raises(AirflowFailException, match="is ended: it cannot be transferred"):
            transfer(call_id).execute(task_context(try_number=2))
        assert asked(sandbox, TRANSFER) == 0

    def test_a_call_that_is_over_or_unknown_fails_for_good(self, sandbox, call_id):
        MrAssistantHook().end_call(call_id)
        for unwell in (call_id, "no-such-call"):
            with pytest.raises(AirflowFailException, match="rejected the request"):
                transfer(unwell).execute(context())

    def test_a_refused_key_fails_for_good(self, sandbox, call_id):
        sandbox.fault("key_refused", path=TRANSFER)
        with pytest.raises(AirflowFailException, match="refused the key"):
            transfer(call_id).execute(context())

    @pytest.mark.parametrize("name", ["call_id", "transfer_to", "transfer_type", "play_dialtone"])
    @pytest.mark.parametrize("value", ["", " ", "None"])
    def test_an_argument_that_rendered_to_nothing_fails_by_its_name_before_anything_is_sent(
        self, sandbox, call_id, name, value
    ):
        before = len(sandbox.requests)
        with pytest.raises(ConfigurationError, match=f"^{name} was given and comes to nothing"):
            rendered(transfer(**{"call_id": call_id, name: "{{ params.found }}"}), found=value)
        assert len(sandbox.requests) == before

    def test_arguments_come_from_templates_and_the_number_is_not_shown(self, sandbox, call_id):
        template = transfer(
            call_id="{{ params.call }}",
            transfer_to="tel:{{ params.colleague }}",
            transfer_type="{{ params.kind }}",
            play_dialtone="{{ params.dialtone }}",
        )
        operator = rendered(template, call=call_id, colleague="+12025550199", kind="warm", dialtone="true")
        assert operator.execute(context()) == call_id
        shown = {name: str(getattr(operator, name)) for name in operator.template_fields}
        assert shown["call_id"] == call_id
        assert "2025550199" not in json.dumps(shown)

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            ({"transfer_to": "+12025550199"}, "transfer_to must be tel:"),
            ({"transfer_type": "hot"}, "transfer_type must be one of"),
        ],
    )
    def test_what_cannot_work_is_said_when_the_dag_is_parsed_or_for_good(self, call_id, arguments, words):
        with pytest.raises(ConfigurationError, match=words) as error:
            transfer(call_id, **arguments)
        assert "2025550199" not in str(error.value)
        (name,) = arguments
        operator = rendered(transfer(call_id, **{name: "{{ params.found }}"}), found=arguments[name])
        with pytest.raises(AirflowFailException, match=words):
            operator.execute(context())

    def test_a_refusal_that_repeats_the_address_does_not_show_it(self, sandbox, call_id):
        sandbox.fault("rejected", path=TRANSFER)
        with pytest.raises(AirflowFailException) as error:
            transfer(call_id, transfer_to="sip:anna.private@example.org").execute(context())
        assert "anna" not in str(error.value)


class TestEnd:
    def test_a_call_is_ended(self, sandbox, call_id):
        assert end(call_id).execute(context()) == call_id
        assert MrAssistantHook().get_call(call_id).status == "ended"

    def test_a_call_that_has_ended_is_no_error_even_where_the_vendor_refuses(self, sandbox, call_id):
        end(call_id).execute(context())
        assert end(call_id).execute(context()) == call_id
        sandbox.fault("rejected", path=END)
        assert end(call_id).execute(context()) == call_id

    @pytest.mark.parametrize("fault", ["drop_answer_after_accepting", "error_after_accepting", "unreadable_answer"])
    def test_a_lost_answer_is_no_error_once_the_call_has_ended(self, sandbox, call_id, fault):
        sandbox.fault(fault, path=END)
        assert end(call_id).execute(context()) == call_id

    def test_a_call_that_goes_on_and_is_not_ended_fails_for_good(self, sandbox, call_id):
        sandbox.fault("rejected", path=END)
        with pytest.raises(AirflowFailException, match="rejected the request"):
            end(call_id).execute(context())

    def test_whether_it_was_ended_is_tried_again_where_nobody_knows(self, sandbox, call_id):
        sandbox.fault("error_before_accepting", path=END)
        with pytest.raises(OutcomeUnknown):
            end(call_id).execute(context())

    def test_a_call_that_does_not_exist_fails_for_good(self, sandbox):
        with pytest.raises(AirflowFailException, match="404"):
            end("no-such-call").execute(context())

    @pytest.mark.parametrize("value", ["", "None"])
    def test_a_call_that_a_template_did_not_find_fails_by_its_name(self, sandbox, value):
        with pytest.raises(ConfigurationError, match=r"^call_id was given and comes to nothing"):
            rendered(end("{{ params.found }}"), found=value)
        assert sandbox.requests == []


class TestConfiguration:
    def configure(self, **arguments):
        given = {"task_id": "configure", "agent_id": AGENT, "phone_numbers": NUMBERS, "schedules": SCHEDULES}
        return MrAssistantConfigureOutboundOperator(**{**given, **arguments})

    def test_a_configuration_is_written_and_its_state_returned_without_a_number(self, sandbox):
        told = self.configure().execute(context())
        assert told == {
            "can_call_now": True,
            "next_available_time": None,
            "total_calls_today": 0,
            "calls_remaining_today": 7,
        }
        assert MrAssistantHook().get_outbound_config(AGENT).phone_numbers[0].daily_limit == 7

    def test_numbers_and_schedules_come_from_templates_and_the_numbers_are_not_shown(self, sandbox):
        template = self.configure(
            agent_id="{{ params.agent }}",
            phone_numbers="{{ params.numbers | tojson }}",
            schedules="{{ params.schedules | tojson }}",
        )
        operator = rendered(template, agent=AGENT, numbers=NUMBERS, schedules=SCHEDULES)
        assert operator.execute(context())["can_call_now"]
        assert "2025550190" not in json.dumps({name: str(getattr(operator, name)) for name in operator.template_fields})

    @pytest.mark.parametrize("name", ["agent_id", "phone_numbers", "schedules", "default_schedule_id"])
    def test_an_argument_that_rendered_to_nothing_fails_by_its_name(self, sandbox, name):
        with pytest.raises(ConfigurationError, match=f"^{name} was given and comes to nothing"):
            rendered(self.configure(**{name: "{{ params.found }}"}), found="None")
        assert sandbox.requests == []

    def test_an_agent_that_another_task_did_not_hand_over_is_not_the_connections(self, sandbox, monkeypatch):
        connect(sandbox, monkeypatch, extra={"agent_id": AGENT})
        with DAG("d", schedule=None, render_template_as_native_obj=True):
            operator = self.configure(agent_id="{{ params.missing }}")
        with pytest.raises(ConfigurationError, match=r"^agent_id was given and comes to nothing"):
            operator.render_template_fields({"params": {"missing": None}, "task": operator})
        assert sandbox.requests == []

    def test_what_cannot_work_fails_for_good(self, sandbox):
        for arguments in ({"phone_numbers": []}, {"schedules": [{"max_concurrent_calls": 0}]}):
            with pytest.raises(AirflowFailException):
                self.configure(**arguments).execute(context())
