"""A contact row is data: it chooses neither who speaks, nor how often or where it rings, nor what leaves the house."""

from __future__ import annotations

import json
import re
import sys
from types import MappingProxyType

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from airflow_task_state import TaskStateInMemory
from fanning_out import connect, context_of
from task_context import task_context

from airflow_provider_callkaro.calls import CallingPolicy
from airflow_provider_callkaro.calls.call import MAX_METADATA_BYTES
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.operators.callkaro import (
    CallKaroFanOutCallsOperator,
    CallKaroOutboundCallOperator,
    CallKaroPreflightOperator,
)
from airflow_provider_callkaro.operators.mrassistant import (
    MrAssistantCreateCampaignOperator,
    MrAssistantOutboundCallOperator,
    MrAssistantPreflightOperator,
)
from airflow_provider_callkaro.sources import FileContacts

NUMBER = "+919876543210"
AGENT = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
OTHER_AGENT = "4d91d4dd-1e55-4c61-9999-9ee36847163b"
STEERING = {
    "CallKaro": {
        "agent_id": "debt-collector",
        "batch_id": "68433b7b0dee98e59245ebab",
        "call_key": "k1",
        "timezone": "Etc/GMT-9",
        "number_of_retries": "007",
        "gap_between_retries": "0017",
    },
    "MrAssistant": {
        "agent_id": OTHER_AGENT,
        "from_number": "+911122334455",
        "call_key": "k1",
        "timezone": "Etc/GMT-9",
    },
}
FAN_OUTS = {"CallKaro": CallKaroFanOutCallsOperator, "MrAssistant": MrAssistantCreateCampaignOperator}
PREFLIGHTS = {"CallKaro": CallKaroPreflightOperator, "MrAssistant": MrAssistantPreflightOperator}
SINGLE_CALLS = {"CallKaro": CallKaroOutboundCallOperator, "MrAssistant": MrAssistantOutboundCallOperator}


@pytest.fixture(autouse=True)
def _connected(sandbox, monkeypatch, tmp_path):
    connect(sandbox, monkeypatch, tmp_path)
    monkeypatch.setenv("AIRFLOW_CONN_MRASSISTANT_DEFAULT", sandbox.airflow_connections["mrassistant_default"])


def operator(vendor, contacts, *, kinds=FAN_OUTS, **arguments):
    named = {"name": "Renewals"} if vendor == "MrAssistant" else {}
    return kinds[vendor](task_id="calls", contacts=contacts, **{"agent_id": AGENT, **named, **arguments})


def run(vendor, contacts, *, kinds=FAN_OUTS, context=None, **arguments):
    context = context or context_of(store=TaskStateInMemory())
    return operator(vendor, contacts, kinds=kinds, **arguments).execute(context)


def sent(sandbox) -> str:
    return json.dumps([ring.body for ring in sandbox.rings], default=repr)


def said(capfd) -> str:
    return "".join(capfd.readouterr())


def jsonl(folder, rows) -> FileContacts:
    path = folder / "people.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    return FileContacts(path)


@pytest.mark.parametrize("kinds", [FAN_OUTS, PREFLIGHTS])
@pytest.mark.parametrize("vendor", FAN_OUTS)
def test_a_list_whose_rows_would_steer_is_refused_whole_and_says_the_way_out(sandbox, vendor, kinds):
    for field, value in STEERING[vendor].items():
        with pytest.raises(ConfigurationError) as refused:
            run(vendor, [{"to_number": NUMBER, "name": "Asha", field: value}], kinds=kinds)
        assert f'row_fields=["{field}"]' in str(refused.value)
        assert f'column_map={{"{field}": None}}' in str(refused.value)
        assert value not in str(refused.value)
        assert ("may be rung again" in str(refused.value)) is (field == "call_key")
    assert sandbox.rings == []


@pytest.mark.parametrize("vendor", FAN_OUTS)
def test_a_later_row_that_would_steer_is_rejected_and_the_others_ring(sandbox, vendor, tmp_path):
    fields = STEERING[vendor]
    rows = [{"to_number": "+919876500001"}]
    rows += [{"to_number": f"+9198766000{row:02d}", name.upper(): fields[name]} for row, name in enumerate(fields)]
    rows += [{"to_number": "+919876500003", **dict.fromkeys(fields)}]
    summary = run(vendor, jsonl(tmp_path, rows))
    assert (summary["accepted"], summary["reasons"]) == (2, {"field_not_allowed": len(fields)})
    assert set(sandbox.rings_per_number()) == {"+919876500001", "+919876500003"}
    assert all(value not in sent(sandbox) for value in fields.values())


@pytest.mark.parametrize("vendor", FAN_OUTS)
def test_five_keys_of_one_person_do_not_ring_them_five_times(sandbox, vendor, tmp_path):
    rows = [{"to_number": NUMBER}, *({"to_number": NUMBER, "call_key": f"k{key}"} for key in range(5))]
    run(vendor, jsonl(tmp_path, rows))
    assert sandbox.rings_per_number() == {NUMBER: 1}


@pytest.mark.parametrize("vendor", FAN_OUTS)
@pytest.mark.parametrize("way", ["row_fields", "column_map"])
def test_what_the_dag_names_a_row_may_set(sandbox, vendor, way):
    row = {"to_number": NUMBER, "speaker": OTHER_AGENT}
    if way == "row_fields":
        row["agent_id"] = row.pop("speaker")
    named = {"row_fields": ["agent_id"]} if way == "row_fields" else {"column_map": {"speaker": "agent_id"}}
    assert run(vendor, [row], **named)["accepted"] == 1
    assert sandbox.rings[0].agent_id == OTHER_AGENT


def test_a_column_that_is_mapped_names_itself_and_not_its_field(sandbox, tmp_path):
    """Whoever leaves the column out of a row of JSON cannot set the field by its own name."""
    rows = [{"to_number": "+919876500001", "customer": "c1"}, {"to_number": "+919876500001", "call_key": "k2"}]
    summary = run("CallKaro", jsonl(tmp_path, rows), column_map={"customer": "call_key"})
    assert (summary["accepted"], summary["reasons"]) == (1, {"field_not_allowed": 1})


def test_a_policy_in_recipients_zones_asks_the_row_for_its_zone_and_no_other_does(sandbox):
    row = {"to_number": NUMBER, "timezone": "Asia/Kolkata"}
    assert run("CallKaro", [row], policy=CallingPolicy(timezone="recipient"))["accepted"] == 1
    for policy, row_fields in (
        (CallingPolicy(timezone="UTC"), None),
        (CallingPolicy(timezone="recipient"), ["language"]),
    ):
        with pytest.raises(ConfigurationError, match=r'row_fields=\["timezone"\]'):
            run("CallKaro", [row], policy=policy, row_fields=row_fields)


def test_a_row_may_be_left_nothing_but_its_number(sandbox):
    with pytest.raises(ConfigurationError, match=re.escape('row_fields=["language", "priority"]')):
        run("CallKaro", [{"to_number": NUMBER, "language": "hi", "priority": 3}], row_fields=[])
    rows = [{"to_number": NUMBER, "language": "hi", "priority": 3, "schedule_at": "2030-01-01T10:30:00"}]
    assert run("CallKaro", rows)["accepted"] == 1


@pytest.mark.parametrize("vendor", FAN_OUTS)
def test_a_field_that_hides_in_the_rows_metadata_is_no_field(sandbox, vendor):
    hidden = STEERING[vendor]
    assert run(vendor, [{"to_number": NUMBER, "metadata": {**hidden, "to_number": "+919876500009"}}])["accepted"] == 1
    (ring,) = sandbox.rings
    assert (ring.to_number, ring.agent_id) == (NUMBER, AGENT)
    assert "from_number" not in ring.body
    assert ring.metadata == {**hidden, "to_number": "+919876500009"}


class TestWhatGoesAlong:
    """Every column that is no field goes to the vendor, unless the DAG says which; and it is said which do."""

    ROW = MappingProxyType(
        {
            "to_number": NUMBER,
            "name": "Asha",
            "ssn": "123-45-6789",
            "metadata": {"city": "Pune", "pan": "ABCDE1234F"},
        }
    )

    @pytest.mark.parametrize("vendor", FAN_OUTS)
    def test_only_what_is_named_does(self, sandbox, vendor, capfd):
        assert run(vendor, [self.ROW], metadata_columns=["NAME", "city"])["accepted"] == 1
        assert sandbox.rings[0].metadata == {"name": "Asha", "city": "Pune"}
        assert all(secret not in sent(sandbox) for secret in ("123-45-6789", "ABCDE1234F"))
        assert "go along" not in said(capfd)

    def test_a_misspelt_name_is_said_and_rings_everybody(self, sandbox, capfd):
        rows = [{"to_number": number, "name": "Asha"} for number in ("+919876500001", "+919876500002")]
        assert run("CallKaro", rows, metadata_columns=["NAME", "ctiy", "98765 43210"])["accepted"] == 2
        text = said(capfd)
        assert text.count("metadata_columns names what the first row has not: ••••••, ctiy") == 1
        run("CallKaro", [self.ROW], metadata_columns=["pan"], context=context_of("other", store=TaskStateInMemory()))
        assert "has not" not in said(capfd)  # it may stand in a row's own metadata

    def test_the_rows_own_mapping_goes_whole_where_it_is_named(self, sandbox):
        run("CallKaro", [self.ROW], metadata_columns=["metadata"])
        assert sandbox.rings[0].metadata == self.ROW["metadata"]
        run("CallKaro", [self.ROW], metadata_columns=[], context=context_of("other", store=TaskStateInMemory()))
        assert "metadata" not in sandbox.rings[1].body

    @pytest.mark.parametrize("vendor", FAN_OUTS)
    def test_unnamed_it_is_said_once_by_name_and_no_value_is(self, sandbox, vendor, capfd, tmp_path):
        rows = [{**self.ROW, "to_number": number} for number in ("+919876500001", "+919876500002")]
        rows.append({"to_number": "+919876500003", "name": "Ravi", "ravi@example.com": 1, "98765 43210": 2, "dob": 3})
        assert run(vendor, jsonl(tmp_path, rows))["accepted"] == 3
        text = said(capfd)
        assert re.findall(r"go along to the vendor as metadata: (.*?)\. metadata_columns", text) == [
            "name, ssn, metadata",
            "••••••, ••••••, dob",
        ]
        for private in ("Asha", "123-45", "Pune", "ABCDE", "ravi@", "43210"):
            assert private not in text

    def test_a_call_that_the_dag_itself_writes_is_told_nothing_about_it(self, sandbox, capfd):
        CallKaroOutboundCallOperator(
            task_id="call", to_number=NUMBER, agent_id="a", metadata={"name": "Asha"}, call_key="k"
        ).execute(task_context(task_id="call", store=TaskStateInMemory()))
        assert sandbox.rings[0].metadata == {"name": "Asha"}
        assert "go along" not in said(capfd)


@pytest.mark.parametrize("vendor", FAN_OUTS)
@pytest.mark.parametrize("inside", [False, True])
def test_metadata_has_a_bound_in_bytes_of_json(sandbox, vendor, inside):
    small, large = "x" * (MAX_METADATA_BYTES - 9), "é" * (MAX_METADATA_BYTES // 6)  # {"n":""} takes 8 bytes
    rows = [{"to_number": f"+91987650000{row}", "n": text} for row, text in enumerate((small, large, small + "xx"))]
    if inside:
        rows = [{"to_number": row["to_number"], "metadata": {"n": row["n"]}} for row in rows]
    summary = run(vendor, rows)
    assert (summary["accepted"], summary["reasons"]) == (1, {"metadata_too_large": 2})


def test_metadata_for_all_calls_has_the_same_bound(sandbox):
    with pytest.raises(ConfigurationError, match=f"metadata is more than {MAX_METADATA_BYTES} bytes"):
        run("CallKaro", [NUMBER], call_options={"metadata": {"n": "x" * MAX_METADATA_BYTES}})


def test_a_field_that_is_none_is_told_before_anybody_is_rung(sandbox):
    with pytest.raises(ConfigurationError, match="row_fields names from_number, which is no field of a call"):
        run("CallKaro", [NUMBER], row_fields=["from_number"])
    assert sandbox.rings == []


class TestWhichNumbersMayBeRung:
    """A number in a list may cost whoever rings it, or belong to nobody."""

    ROWS = (
        "+919876543210",  # India
        "+13035550123",  # Colorado
        "+18765230123",  # Jamaica, with the same country code
        "+18005550123",  # toll-free, of no country
        "+979123456789",  # international premium rate
        "+88216123456",  # a satellite
        "+10",  # nobody's
    )

    @pytest.mark.parametrize("vendor", FAN_OUTS)
    def test_countries_need_no_library(self, sandbox, vendor, monkeypatch):
        monkeypatch.setitem(sys.modules, "phonenumbers", None)
        summary = run(vendor, list(self.ROWS), allowed_countries=["in", "US"])
        assert set(sandbox.rings_per_number()) == {"+919876543210", "+13035550123"}
        assert summary["reasons"] == {"country_not_allowed": 5}

    @pytest.mark.parametrize("vendor", FAN_OUTS)
    def test_types_are_told_by_the_numbering_plans(self, sandbox, vendor):
        rows = ["+919876543210", "+447400123456", "+442079460123", "+449098790000", "+1900555123", *self.ROWS[3:]]
        summary = run(vendor, rows, allowed_number_types=["mobile"])
        assert set(sandbox.rings_per_number()) == {"+919876543210", "+447400123456"}
        assert summary["reasons"] == {"number_type_not_allowed": 5, "impossible_number": 2}

    def test_without_the_library_types_are_refused_and_not_ignored(self, sandbox, monkeypatch):
        monkeypatch.setitem(sys.modules, "phonenumbers", None)
        with pytest.raises(ConfigurationError, match=r"allowed_number_types needs .*\[phone\]"):
            run("CallKaro", list(self.ROWS), allowed_number_types=["mobile"])
        assert sandbox.rings == []

    @pytest.mark.parametrize("vendor", FAN_OUTS)
    def test_the_preflight_shows_them(self, sandbox, vendor):
        report = run(
            vendor, list(self.ROWS), kinds=PREFLIGHTS, allowed_countries=["IN", "US"], allowed_number_types=["mobile"]
        )
        assert (report["would_ring"], report["rejected"]) == (2, 5)
        assert report["reasons"] == {"country_not_allowed": 5}
        assert "country_not_allowed" in report["text"]
        assert sandbox.rings == []

    @pytest.mark.parametrize("vendor", SINGLE_CALLS)
    @pytest.mark.parametrize(
        ("number", "arguments", "words"),
        [
            ("+13035550123", {"allowed_countries": ["IN"]}, "no country that allowed_countries names"),
            ("+449098790000", {"allowed_number_types": ["mobile"]}, "of type premium_rate"),
        ],
    )
    def test_one_call_keeps_to_them_too(self, sandbox, vendor, number, arguments, words):
        call = SINGLE_CALLS[vendor](task_id="call", to_number=number, agent_id=AGENT, **arguments)
        with pytest.raises(AirflowFailException, match=words) as failed:
            call.execute(task_context(task_id="call", store=TaskStateInMemory()))
        assert number not in str(failed.value)
        assert sandbox.rings == []
