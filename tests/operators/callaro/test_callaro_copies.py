"""Clones, prefills and templates: what is made is made once, and an audience stays out of XComs."""

from __future__ import annotations

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from airflow_task_state import TaskStateInMemory
from test_callaro_operators import (  # noqa: F401 - fixtures
    CAMPAIGNS,
    CONTACTS,
    TaskRun,
    asked,
    campaign_id,
    run,
    sandbox,
    slow_sandbox,
)

from airflow_provider_callkaro.exceptions import OutcomeUnknown, Throttled
from airflow_provider_callkaro.hooks.callaro import CallaroHook
from airflow_provider_callkaro.operators.callaro import (
    CallaroCloneCampaignOperator,
    CallaroClonePrefillOperator,
    CallaroSaveAsTemplateOperator,
)

TEMPLATES = f"{CAMPAIGNS}/{{id}}/save_as_template"
LOST = ["reset_after_accepting", "drop_answer_after_accepting", "error_after_accepting"]


def save(**arguments):
    operator = CallaroSaveAsTemplateOperator(task_id="campaign", campaign_id=123, **arguments)
    operator.hook = CallaroHook(sleep=lambda seconds: None)
    return operator


class TestPrefill:
    def test_settings_are_shown_and_an_audience_is_not(self, sandbox, campaign_id):  # noqa: F811
        told = CallaroClonePrefillOperator(task_id="prefill", campaign_id=campaign_id).execute({})
        assert told["fields"]["agent_id"] == 42
        assert told["fields"]["campaign_phone_number_ids"] == [101, 102]
        assert told["other_fields"] == ["contacts"]
        assert CONTACTS[0]["phone_e164"] not in str(told)

    def test_a_clone_can_carry_all_of_it(self, sandbox, run, campaign_id, monkeypatch):  # noqa: F811
        sent = []
        send = CallaroHook.clone
        monkeypatch.setattr(
            CallaroHook, "clone", lambda hook, of, fields: sent.append(fields) or send(hook, of, fields)
        )

        def clone():
            return CallaroCloneCampaignOperator(
                task_id="campaign",
                campaign_id=campaign_id,
                name="Q3",
                extra_fields={"concurrency_limit": 5},
                prefill=True,
            ).execute(run.attempt())

        assert clone() == clone() == 124
        ((fields),) = sent
        assert fields["contacts"] == CONTACTS
        assert (fields["concurrency_limit"], fields["agent_id"]) == (5, 42)
        assert fields["name"].startswith("Q3 [")
        assert "status" not in fields


class TestTemplates:
    def test_a_template_is_made_once_however_often_the_task_is_tried(self, sandbox, campaign_id):  # noqa: F811
        run = TaskRun(store=TaskStateInMemory())  # noqa: F811
        assert [save(name="Winback").execute(run.attempt()) for _ in range(3)] == [1, 1, 1]
        assert asked(sandbox, TEMPLATES) == 1

    @pytest.mark.parametrize("fault", LOST)
    def test_one_that_may_have_been_made_is_not_made_again_unasked(self, sandbox, run, campaign_id, fault):  # noqa: F811
        sandbox.fault(fault, path=TEMPLATES, first=1)
        with pytest.raises(OutcomeUnknown):
            save().execute(run.attempt())
        with pytest.raises(AirflowFailException, match="repeat_unknown=True"):
            save().execute(run.attempt())
        assert asked(sandbox, TEMPLATES) == 1
        assert save(repeat_unknown=True).execute(run.attempt()) == 2

    def test_one_that_was_certainly_not_made_is_made_by_the_next_try(self, sandbox, campaign_id):  # noqa: F811
        run = TaskRun(store=TaskStateInMemory())  # noqa: F811
        sandbox.fault("throttled", path=TEMPLATES, first=20, retry_after=0)
        with pytest.raises(Throttled):
            save().execute(run.attempt())
        assert save().execute(run.attempt()) == 1
