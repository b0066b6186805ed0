"""What Airflow stores of a task, written and rendered, mapped or not, holds nothing private; nor does a failure."""

from __future__ import annotations

import json
import logging
import re
from datetime import timedelta

import pytest
from airflow.providers.common.compat.sdk import DAG, task_group
from airflow.sdk import literal
from airflow.sdk.execution_time.task_runner import _serialize_rendered_fields
from airflow.serialization.serialized_objects import DagSerialization
from handing_over import NOT_TEMPLATED, OPERATORS, SENSORS, Upstream, arguments_of, taken_over
from test_whole_signatures import documented

from airflow_provider_callkaro.calls import CallingPolicy, ScheduleWindow
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.operators.callaro import CallaroExportResultsOperator, CallaroImportContactsOperator
from airflow_provider_callkaro.operators.callkaro import (
    CallKaroFanOutCallsOperator,
    CallKaroOutboundCallOperator,
    CallKaroPreflightOperator,
)
from airflow_provider_callkaro.operators.mrassistant import MrAssistantCreateCampaignOperator
from airflow_provider_callkaro.sources import AssetContacts, FileContacts, SqlContacts

PLANTED = "Planted-Private"
MAPPINGS = frozenset(
    {"capacity_body", "capacity_query", "context", "extra_fields", "fields", "options"}
    | {"timezones_body", "timezones_query"}
)
PRIVATE = [(operator, name) for operator in OPERATORS for name in sorted(operator.never_shown)]
WAYS = {"webhook_url": '"webhook_url" in the extra', "webhook_secret": '"webhook_secret" in the extra'}


def named(value):
    return value.__name__ if isinstance(value, type) else None


def needed(operator, *, beside=()):
    """The arguments that an operator cannot do without, as templates that hold nothing."""
    templates = {name: ["{{ x }}"] if name == "contacts" else "{{ x }}" for name in arguments_of(operator)}
    return {name: value for name, value in templates.items() if name not in beside}


def planted(name):
    """A value of the argument's kind with the planted text in it, or with the number where it has room for no text."""
    if name == "contacts":
        return [{"to_number": "+919876543210", "name": PLANTED}]
    kinds = {
        "call_options": {"metadata": {"name": PLANTED}},
        "custom_headers": {"X-Name": PLANTED},
        "from_number": "+919876543210",
        "to_number": f"+{PLANTED}",
        "transfer_to": f"sip:{PLANTED}@example.org",
        "webhook_url": f"https://example.org/{PLANTED}",
    }
    return kinds.get(name, {"remark": PLANTED} if name in MAPPINGS else PLANTED)


def serialized(dag):
    return json.dumps(DagSerialization.to_dict(dag))


@pytest.mark.parametrize("operator", OPERATORS, ids=named)
def test_what_is_said_to_be_never_shown_is_what_airflow_shows_nothing_of(operator):
    said = {name for name, text in documented(operator).items() if re.search(r"never\s+shown", text)}
    assert said == operator.never_shown


@pytest.mark.parametrize(("operator", "name"), PRIVATE, ids=named)
def test_a_private_argument_is_in_neither_view_of_a_task(operator, name):
    with DAG("outreach", schedule=None) as dag:
        operator(task_id="task", **{**needed(operator, beside=[name]), name: planted(name)})
    assert PLANTED not in serialized(dag)
    assert "919876543210" not in serialized(dag)
    task = taken_over(dag, None, x="something")
    shown = json.dumps(_serialize_rendered_fields(task))
    assert PLANTED not in shown
    assert "919876543210" not in shown


def mapped(operator, place, name, value):
    """A mapped task with a value in one of the places of which Airflow stores what stands there."""
    others = needed(operator, beside=[name])
    connection = next(key for key in others if key.endswith("_conn_id"))
    del others[connection]
    match place:
        case "partial":
            return operator.partial(task_id="task", **others, **{name: value}).expand(**{connection: ["a", "b"]})
        case "expand":
            return operator.partial(task_id="task", **others).expand(**{name: [value, value]})
        case "expand_kwargs":
            return operator.partial(task_id="task", **others).expand_kwargs([{name: value}])
        case "default_args":
            return operator.partial(task_id="task", **others).expand(**{connection: ["a", "b"]})


@pytest.mark.parametrize(("operator", "name"), PRIVATE, ids=named)
@pytest.mark.parametrize("place", ["partial", "expand", "expand_kwargs", "default_args"])
def test_a_private_literal_is_refused_where_airflow_would_store_it(operator, name, place):
    value = planted(name)
    defaults = {name: value} if place == "default_args" else {}
    with DAG("outreach", schedule=None, default_args=defaults), pytest.raises(ConfigurationError) as refused:
        mapped(operator, place, name, value)
    message = str(refused.value)
    assert message.startswith(
        f"{operator.__name__}: {name} is never shown, but Airflow stores what stands in {place} in clear"
    )
    assert WAYS.get(name, "") in message
    assert PLANTED not in message
    if place == "default_args":  # where a task that is not mapped takes it from the same place
        with DAG("outreach", schedule=None, default_args=defaults), pytest.raises(ConfigurationError, match=name):
            operator(task_id="task", **needed(operator, beside=[name]))


@pytest.mark.parametrize(("operator", "name"), PRIVATE, ids=named)
def test_what_is_fetched_when_the_task_runs_may_stand_there(operator, name):
    kept = {key: value for key, value in needed(operator).items() if key not in (name, "agent_id")}
    fetched = ["{{ conn.secrets.password }}"] if name == "contacts" else "{{ conn.secrets.password }}"
    with DAG("outreach", schedule=None) as dag:
        rows = Upstream(task_id="rows")
        operator.partial(task_id="a", **kept, **{name: fetched}).expand_kwargs([{}])
        operator.partial(task_id="b", **kept, **{name: rows.output}).expand_kwargs([{}])
        operator.partial(task_id="c", **kept).expand(**{name: rows.output})
        operator.partial(task_id="d", **kept).expand_kwargs(rows.output)
        operator.partial(task_id="e", **kept).expand_kwargs([{name: rows.output}, rows.output])
    assert set(dag.task_dict) == {"rows", *"abcde"}


@pytest.mark.parametrize("way", ["expand", "expand_kwargs"])
def test_what_a_mapped_group_of_tasks_hands_on_is_written_there_in_clear_too(way):
    def calls(number):
        return CallKaroOutboundCallOperator(task_id="task", to_number=number)

    def mapped_over(given):
        group = task_group(group_id="group")(calls)
        group.expand(number=given) if way == "expand" else group.expand_kwargs([{"number": each} for each in given])

    with DAG("outreach", schedule=None), pytest.raises(ConfigurationError, match="to_number is never shown") as refused:
        mapped_over(["+919876543210"])
    assert "9876" not in str(refused.value)
    with DAG("outreach", schedule=None) as dag:
        mapped_over(["{{ params.first }}", "{{ params.second }}"])
    assert dag.has_task("group.task")


@pytest.mark.parametrize("way", ["expand", "expand_kwargs"])
@pytest.mark.parametrize(
    ("operator", "hand_on"),
    [
        (CallKaroFanOutCallsOperator, lambda given: {"contacts": [{"to_number": given}]}),
        (CallKaroFanOutCallsOperator, lambda given: {"contacts": [given], "agent_id": "asha"}),
        (
            CallKaroOutboundCallOperator,
            lambda given: {"to_number": "{{ params.number }}", "metadata": {"deep": [{"name": given}]}},
        ),
    ],
)
def test_nor_may_a_group_hand_it_on_within_a_list_or_a_mapping(operator, hand_on, way):
    def calls(given):
        return operator(task_id="task", **hand_on(given))

    group = task_group(group_id="group")(calls)
    given = {"given": ["+919876543210"]} if way == "expand" else [{"given": "+919876543210"}]
    mapped_over = (lambda: group.expand(**given)) if way == "expand" else (lambda: group.expand_kwargs(given))
    with DAG("outreach", schedule=None), pytest.raises(ConfigurationError, match="is never shown") as refused:
        mapped_over()
    assert "9876" not in str(refused.value)


def test_airflows_own_word_for_a_literal_is_one():
    partial = CallKaroOutboundCallOperator.partial(task_id="task")
    with pytest.raises(ConfigurationError, match="to_number is never shown"):
        partial.expand(to_number=[literal("+919876543210")])


def test_sources_policies_and_settings_of_calls_may_stand_beside_expand_and_show_nothing():
    policy = CallingPolicy(
        windows=[ScheduleWindow("10:00", "19:00")], timezone="Asia/Kolkata", suppress={"+919876543210"}
    )
    query = f"select * from t where name = '{PLANTED}' and phone = 919876543210 -- {PLANTED}"
    source = SqlContacts(query, conn_id="w", parameters={"day": PLANTED})
    with DAG("outreach", schedule=None) as dag:
        CallKaroFanOutCallsOperator.partial(
            task_id="task", contacts=source, policy=policy, call_options={"priority": 5, "language": "hi"}
        ).expand(shard=[(0, 2), (1, 2)])
    assert PLANTED not in serialized(dag)
    assert "9876543210" not in serialized(dag)


PATHS = [
    (CallKaroFanOutCallsOperator, "report_path", {"contacts": []}),
    (CallKaroPreflightOperator, "page_path", {"contacts": []}),
    (CallaroExportResultsOperator, "path", {"campaign_id": 1}),
    (CallaroImportContactsOperator, "path", {"column_mapping": {"p": "phone_e164"}}),
]


@pytest.mark.parametrize(("operator", "name", "others"), PATHS, ids=named)
def test_a_path_is_shown_without_what_opens_it(operator, name, others):
    path = f"https://user:{PLANTED}@files.example.org/{{{{ day }}}}.csv?X-Amz-Signature={PLANTED}"
    with DAG("outreach", schedule=None) as dag:
        operator(task_id="task", **{name: path}, **others)
    assert PLANTED not in serialized(dag)
    task = taken_over(dag, None, day="monday")
    assert getattr(task, name).value == path.replace("{{ day }}", "monday")
    assert _serialize_rendered_fields(task)[name] == "https://files.example.org/monday.csv"
    lists = {key: value for key, value in others.items() if key != "contacts"}
    with pytest.raises(ConfigurationError, match=f"{name} is never shown") as refused:
        operator.partial(task_id="task", **lists, **{name: path}).expand_kwargs([{}])
    assert PLANTED not in str(refused.value)
    operator.partial(task_id="task", **lists, **{name: "s3://conn_id@bucket/{{ day }}.csv"}).expand_kwargs([{}])


@pytest.mark.parametrize(
    "source",
    [
        FileContacts(f"https://user:{PLANTED}@files.example.org/a.csv?sig={PLANTED}"),
        AssetContacts(f"s3://user:{PLANTED}@bucket/a.csv"),
        SqlContacts(f"select $${PLANTED}$$", conn_id="w"),
        SqlContacts(f"select 'it\\'s {PLANTED}'", conn_id="w"),
        SqlContacts(f'select "{PLANTED}"', conn_id="w"),
        SqlContacts(f"select 1 /* {PLANTED}", conn_id="w"),
        SqlContacts(f"select 'open, {PLANTED}", conn_id="w"),
    ],
    ids=str,
)
def test_a_source_is_shown_without_what_was_written_into_it(source):
    with DAG("outreach", schedule=None) as dag:
        CallKaroFanOutCallsOperator(
            task_id="task",
            contacts=source,
            policy=CallingPolicy(windows=[ScheduleWindow("10:00", "19:00")], timezone="UTC", suppress=source),
        )
    assert PLANTED not in serialized(dag)


FAILING = [
    (f"{PLANTED} 100 {{% off", "the template is broken in line 1"),
    (f"{PLANTED} {{{{ nowhere.to_be_found }}}}", "nowhere is undefined"),
    (f"{PLANTED} {{{{ known['{PLANTED}'] }}}}", "something in the template is undefined"),
    (f"{PLANTED} {{{{ 1 / 0 }}}}", "ZeroDivisionError in "),
    (f"{{% include '{PLANTED}.txt' %}}", "a template file that it names is not there"),
]


@pytest.mark.parametrize(("operator", "name"), PRIVATE, ids=named)
@pytest.mark.parametrize(("text", "why"), FAILING, ids=[why for _, why in FAILING])
def test_a_template_that_fails_says_which_and_why_and_nothing_else(operator, name, text, why, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    value = [{"name": text}] if name == "contacts" else text
    with DAG("outreach", schedule=None) as dag:
        operator(task_id="task", **{**needed(operator, beside=[name]), name: value})
    with pytest.raises(ConfigurationError) as failed:
        taken_over(dag, None, x="something", known={})
    assert str(failed.value).startswith(f"{name} cannot be rendered: {why}")
    assert (failed.value.__context__, failed.value.__cause__) == (None, None)
    assert PLANTED not in "".join([str(failed.value), caplog.text, *capfd.readouterr()])


@pytest.mark.parametrize("text", [f"{PLANTED}.sql", f"/{PLANTED}/a.sql", ".sql"])
@pytest.mark.parametrize("operator", [CallKaroFanOutCallsOperator, MrAssistantCreateCampaignOperator], ids=named)
def test_a_text_that_ends_like_a_file_is_a_text(operator, text, caplog):
    with DAG("outreach", schedule=None) as dag:
        name = {"name": "n"} if operator is MrAssistantCreateCampaignOperator else {}
        operator(task_id="task", contacts=[{"note": text}], call_options={"metadata": {"note": text}}, **name)
    dag.get_task("task").resolve_template_files()
    task = taken_over(dag, None)
    assert (task.contacts.value, task.call_options.value) == ([{"note": text}], {"metadata": {"note": text}})
    assert PLANTED not in caplog.text


def test_a_query_is_read_from_its_file_and_rendered(tmp_path):
    (tmp_path / "people.sql").write_text("select '{{ day }}' {% include 'rest.sql' %}")
    (tmp_path / "rest.sql").write_text("from {{ table }}")
    with DAG("outreach", schedule=None, template_searchpath=[str(tmp_path)]) as dag:
        CallKaroFanOutCallsOperator(task_id="task", contacts=SqlContacts("people.sql", conn_id="w"))
    assert taken_over(dag, None, day="monday", table="people").contacts.sql == "select 'monday' from people"
    (tmp_path / "people.sql").unlink()
    with pytest.raises(ConfigurationError, match=r"^contacts\.sql cannot be rendered: a template file that it names"):
        taken_over(dag, None)


@pytest.mark.parametrize("sensor", SENSORS, ids=named)
def test_sensors_say_as_little(sensor, caplog):
    name = "start" if sensor.__name__ == "ScheduleWindowSensor" else arguments_of(sensor)[0]
    others = {"end": "19:00", "timezone": "UTC"} if name == "start" else NOT_TEMPLATED.get(sensor, {})
    if sensor.__name__ == "CallaroDispatchHealthSensor":
        others = {"maximum": {"failure_rate": 0.2}}
    with DAG("outreach", schedule=None) as dag:
        sensor(task_id="task", poke_interval=60, timeout=timedelta(hours=1), **{name: f"{PLANTED} {{% off"}, **others)
    with pytest.raises(ConfigurationError, match=f"^{name} cannot be rendered: the template is broken in line 1"):
        taken_over(dag, None)
    assert PLANTED not in caplog.text
