"""An argument that was given and renders to nothing fails the task by name: it never falls back to a default."""

from __future__ import annotations

import pytest
from airflow.providers.common.compat.sdk import DAG
from running_campaign import run_operator

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.operators.callaro import (
    CallaroCloneCampaignOperator,
    CallaroCreateCampaignOperator,
    CallaroExportResultsOperator,
    CallaroImportContactsOperator,
    CallaroLaunchCampaignOperator,
    CallaroPreflightOperator,
    CallaroSaveAsTemplateOperator,
    CallaroUpdateCampaignOperator,
)
from airflow_provider_callkaro.sensors.callaro import CallaroCampaignSensor, CallaroDispatchHealthSensor

TEMPLATE = "{{ nothing }}"


def create(**arguments):
    return CallaroCreateCampaignOperator(task_id="t", **{"name": "Winback", **arguments})


@pytest.mark.parametrize("nothing", [None, "", "  ", "None"])
@pytest.mark.parametrize(
    ("make", "path"),
    [
        (lambda: create(name=TEMPLATE), "name"),
        (lambda: create(timezone=TEMPLATE), "timezone"),
        (lambda: create(agent_id=TEMPLATE), "agent_id"),
        (lambda: create(concurrency_limit=TEMPLATE), "concurrency_limit"),
        (lambda: create(campaign_phone_number_ids=[101, TEMPLATE]), "campaign_phone_number_ids[1]"),
        (lambda: create(extra_fields={"segment": {"id": TEMPLATE}}), "extra_fields.segment.id"),
        (lambda: create(extra_fields=TEMPLATE), "extra_fields"),
        (lambda: create(callaro_conn_id=TEMPLATE), "callaro_conn_id"),
        (lambda: run_operator(export_path=TEMPLATE), "export_path"),
        (lambda: run_operator(stale_runs=TEMPLATE), "stale_runs"),
        (lambda: run_operator(capacity_maximum={"minutes": TEMPLATE}), "capacity_maximum.minutes"),
        (lambda: run_operator(timezones_allowed={"status": [TEMPLATE]}), "timezones_allowed.status[0]"),
        (lambda: CallaroLaunchCampaignOperator(task_id="t", campaign_id=TEMPLATE), "campaign_id"),
        (lambda: CallaroUpdateCampaignOperator(task_id="t", campaign_id=1, fields={"a": TEMPLATE}), "fields.a"),
        (lambda: CallaroCloneCampaignOperator(task_id="t", campaign_id=1, name=TEMPLATE), "name"),
        (lambda: CallaroSaveAsTemplateOperator(task_id="t", campaign_id=1, name=TEMPLATE), "name"),
        (lambda: CallaroPreflightOperator(task_id="t", campaign_id=1, capacity_query=TEMPLATE), "capacity_query"),
        (lambda: CallaroExportResultsOperator(task_id="t", path="a.csv", from_date=TEMPLATE), "from_date"),
        (
            lambda: CallaroImportContactsOperator(
                task_id="t", path="a.csv", column_mapping={"p": "phone_e164"}, file_conn_id=TEMPLATE
            ),
            "file_conn_id",
        ),
        (lambda: CallaroCampaignSensor(task_id="t", campaign_id=TEMPLATE), "campaign_id"),
        (lambda: CallaroDispatchHealthSensor(task_id="t", campaign_id=1, maximum={"a": TEMPLATE}), "maximum.a"),
    ],
)
def test_it_is_said_before_anything_is_sent(make, path, nothing):
    with DAG("outreach", schedule=None):
        task = make()
    with pytest.raises(ConfigurationError) as error:
        task.render_template_fields({"nothing": nothing})
    assert str(error.value).startswith(f"{path} was given and comes to nothing once it is rendered")


class NoXCom:
    """A task instance for which nothing was pushed."""

    task = None

    def xcom_pull(self, **_):
        return None


def test_an_xcom_that_is_not_there_is_said_too():
    with DAG("outreach", schedule=None):
        made = create()
        launch = CallaroLaunchCampaignOperator(task_id="launch", campaign_id="{{ ti.xcom_pull(task_ids='campain') }}")
    del made
    with pytest.raises(ConfigurationError, match=r"^campaign_id was given"):
        launch.render_template_fields({"ti": NoXCom()})


def test_what_was_not_given_may_stay_none_and_what_renders_to_something_stays():
    with DAG("outreach", schedule=None):
        task = create(timezone="{{ zone }}", extra_fields={"note": None, "empty": "", "zero": "{{ 0 }}"})
    task.render_template_fields({"zone": "Asia/Kolkata"})
    assert (task.timezone, task.agent_id, task.concurrency_limit) == ("Asia/Kolkata", None, None)
    assert task.extra_fields.value == {"note": None, "empty": "", "zero": "0"}


def test_a_native_template_that_gives_none_is_said_too():
    with DAG("outreach", schedule=None, render_template_as_native_obj=True) as dag:
        task = create(agent_id=TEMPLATE)
    with pytest.raises(ConfigurationError, match=r"^agent_id was given"):
        task.render_template_fields({"nothing": None}, dag.get_template_env())
