"""A customer called ``{{ conn.crm.password }}`` gets no secret: what comes from elsewhere is data, however it comes."""

from __future__ import annotations

import pytest
from airflow.providers.common.compat.sdk import DAG
from handing_over import NOT_TEMPLATED, OPERATORS, SENSORS, Upstream, arguments_of, taken_over, texts_in

from airflow_provider_callkaro.operators.callaro import CallaroImportContactsOperator, CallaroUpdateCampaignOperator
from airflow_provider_callkaro.operators.callkaro import CallKaroFanOutCallsOperator, CallKaroOutboundCallOperator
from airflow_provider_callkaro.operators.mrassistant import (
    MrAssistantCreateCampaignOperator,
    MrAssistantOutboundCallOperator,
)
from airflow_provider_callkaro.sources import FileContacts, SqlContacts

HOSTILE = "{{ secret }}"
BROKEN = "100 {% off"
SECRET = "what-the-connection-holds"
NUMBER = "+919876543210"


@pytest.mark.parametrize("hostile", [HOSTILE, BROKEN, f"{HOSTILE}.sql"])
@pytest.mark.parametrize("operator", [*OPERATORS, *SENSORS], ids=lambda operator: operator.__name__)
def test_what_expand_kwargs_brings_from_upstream_is_no_template(operator, hostile):
    kinds = {"contacts": [hostile], "days": [hostile], "fixed_values": {"remark": hostile}}
    given = {name: kinds.get(name, hostile) for name in arguments_of(operator)}
    if operator.__name__ == "ScheduleWindowSensor":
        given = {name: given[name] for name in ("start", "end", "timezone")}
    others = NOT_TEMPLATED.get(operator, {})
    with DAG("outreach", schedule=None) as dag:
        operator.partial(task_id="task", **others).expand_kwargs(Upstream(task_id="rows").output)
    task = taken_over(dag, [given], secret=SECRET)
    for name in given:
        assert set(texts_in(getattr(task, name))) - {"remark"} == {hostile}, name


PLACES = [
    (CallKaroFanOutCallsOperator, "contacts", [{"to_number": NUMBER, "name": HOSTILE}], {}),
    (CallKaroFanOutCallsOperator, "call_options", {"metadata": {"notes": [{"said": HOSTILE}]}}, {"contacts": []}),
    (CallKaroOutboundCallOperator, "metadata", {"name": HOSTILE}, {"to_number": "{{ number }}"}),
    (CallKaroOutboundCallOperator, "to_number", HOSTILE, {}),
    (MrAssistantOutboundCallOperator, "context", {"name": HOSTILE}, {"to_number": "{{ number }}"}),
    (MrAssistantOutboundCallOperator, "custom_headers", {"X-Name": HOSTILE}, {"to_number": "{{ number }}"}),
    (MrAssistantCreateCampaignOperator, "context", {"name": HOSTILE}, {"name": "n", "contacts": []}),
    (MrAssistantCreateCampaignOperator, "contacts", [{"to_number": NUMBER, "name": HOSTILE}], {"name": "n"}),
    (CallaroUpdateCampaignOperator, "fields", {"audience": [HOSTILE]}, {"campaign_id": 1}),
    (CallaroImportContactsOperator, "options", {"tag": HOSTILE}, {"path": "a.csv", "column_mapping": {"p": "q"}}),
]


@pytest.mark.parametrize(
    ("operator", "name", "data", "others"), PLACES, ids=lambda value: getattr(value, "__name__", None)
)
@pytest.mark.parametrize("way", ["as it is", "in a mapping", "expand", "expand_kwargs", "a mapping of expand_kwargs"])
def test_an_upstream_tasks_output_is_no_template(operator, name, data, others, way):
    returned = [data] if way == "expand" else [{name: data}] if way == "expand_kwargs" else data
    with DAG("outreach", schedule=None) as dag:
        output = Upstream(task_id="rows").output
        match way:
            case "as it is":
                operator(task_id="task", **{name: output}, **others)
            case "in a mapping":
                operator(task_id="task", **{name: [output] if name == "contacts" else {"in": [output]}}, **others)
            case "expand":
                operator.partial(task_id="task", **others).expand(**{name: output})
            case "expand_kwargs":
                operator.partial(task_id="task", **others).expand_kwargs(output)
            case _:
                operator.partial(task_id="task", **others).expand_kwargs([{name: output}])
    task = taken_over(dag, returned, secret=SECRET, number=NUMBER)
    texts = set(texts_in(getattr(task, name)))
    assert HOSTILE in texts
    assert SECRET not in texts
    if "to_number" in others:
        assert task.to_number.value == NUMBER, "what the author wrote beside it is rendered"


def test_what_a_template_found_is_not_rendered_again():
    with DAG("outreach", schedule=None) as dag:
        CallKaroFanOutCallsOperator(
            task_id="task",
            contacts="{{ ti.xcom_pull('rows') }}",
            call_options={"metadata": {"who": "{{ ti.xcom_pull('rows')[0].name }}"}},
            agent_id="{{ agent }}",
        )
    task = taken_over(dag, [{"to_number": NUMBER, "name": HOSTILE}], secret=SECRET, agent="asha")
    assert list(task.contacts.rows({})) == [{"to_number": NUMBER, "name": HOSTILE}]
    assert task.call_options.value == {"metadata": {"who": HOSTILE}}
    assert task.agent_id == "asha"


@pytest.mark.parametrize("mapped", [False, True])
def test_a_source_of_the_dags_own_is_rendered_for_each_task_anew(mapped):
    source = SqlContacts(
        "select * from t where d = :d", conn_id="w", parameters={"d": "{{ day }}", "of": ["{{ day }}"]}
    )
    with DAG("outreach", schedule=None) as dag:
        if mapped:
            partial = CallKaroFanOutCallsOperator.partial(task_id="task", contacts=source)
            partial.expand(agent_id=["{{ agent }}", "b"])
        else:
            CallKaroFanOutCallsOperator(task_id="task", contacts=source, agent_id="{{ agent }}")
    for day in (HOSTILE, "2026-06-01"):
        task = taken_over(dag, None, secret=SECRET, day=day, agent="asha")
        assert task.contacts.parameters == {"d": day, "of": [day]}
        assert task.agent_id == "asha"


def test_the_values_of_a_source_come_from_upstream_unrendered():
    with DAG("outreach", schedule=None) as dag:
        output = Upstream(task_id="rows").output
        source = SqlContacts("select 1", conn_id="w", parameters={"names": [output], "all": output})
        CallKaroFanOutCallsOperator(task_id="task", contacts=source)
    task = taken_over(dag, HOSTILE, secret=SECRET)
    assert task.contacts.parameters == {"names": [HOSTILE], "all": HOSTILE}


def test_a_source_within_default_args_or_a_loop_of_tasks_is_rendered_once():
    paths = FileContacts("{{ place }}/{{ day }}.csv")
    with DAG("outreach", schedule=None) as dag:
        CallKaroFanOutCallsOperator(task_id="task", contacts=paths)
        CallKaroFanOutCallsOperator(task_id="other", contacts=paths)
    task = taken_over(dag, None, place="{{ day }}", day="monday")
    assert task.contacts.path == "{{ day }}/monday.csv"
    assert paths.path == "{{ place }}/{{ day }}.csv"
