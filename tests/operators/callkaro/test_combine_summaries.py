"""A list that several tasks shared ends as one summary and one report: each row once, and never whole if it is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowFailException, Asset
from airflow_task_state import TaskStateInMemory
from fanning_out import connect, context_of, fan_out, people
from outlets import OutletEvents

from airflow_provider_callkaro.calls import shards
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.files.reading.report_file import report_lines
from airflow_provider_callkaro.operators.callkaro import CallKaroCombineSummariesOperator, CallKaroFanOutCallsOperator
from airflow_provider_callkaro.operators.mrassistant import MrAssistantCreateCampaignOperator
from airflow_provider_callkaro.sources import SqlContacts
from airflow_provider_callkaro.tasks.redacted import ReportPath

LEDGER = {"ledger_conn_id": "call_ledger", "ledger_scope": "tonight"}
UUID_AGENT = "3c90c3cc-0d44-4b50-8888-8dd25736052a"


@pytest.fixture(autouse=True)
def connections(monkeypatch, sandbox, tmp_path):
    connect(sandbox, monkeypatch, tmp_path)
    monkeypatch.setenv("AIRFLOW_CONN_MRASSISTANT_DEFAULT", sandbox.airflow_connections["mrassistant_default"])


def a_list(count: int = 60) -> list[dict[str, Any]]:
    """People, some of them twice, and rows that cannot be calls."""
    rows = [row | {"customer": number} for number, row in enumerate(people(count))]
    return [*rows, *rows[:7], *({"to_number": f"none {row}", "customer": None} for row in range(9))]


def shared(folder: Path, rows: list[dict[str, Any]], *, count: int = 4, ending: str = "jsonl", **arguments: Any):
    """The summaries of all parts of a list, as XCom has them."""
    return [
        json.loads(
            json.dumps(
                fan_out(
                    context_of(map_index=index),
                    contacts=rows,
                    shard=shard,
                    report_path=str(folder / f"part-{index}.{ending}"),
                    report_columns=["customer"],
                    on_none_accepted="warn",
                    **{**LEDGER, **arguments},
                )
            )
        )
        for index, shard in enumerate(shards(count))
    ]


def combined(summaries: Any, **arguments: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the operator returns, and what it leaves in XCom before its report."""
    context = context_of()
    result = CallKaroCombineSummariesOperator(task_id="all", summaries=summaries, **arguments).execute(context)
    return result, context["ti"].xcoms["return_value"]


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [dict(line) for line in report_lines(str(path))]


def summary_of(index: int, count: int, folder: Path, rows: dict[int, str], **changed: Any) -> dict[str, Any]:
    """The summary of a part with these rows and their states, and its report."""
    report = folder / f"part-{index}.jsonl"
    report.write_text("".join(json.dumps({"row": row, "state": state}) + "\n" for row, state in rows.items()))
    states = {
        name: list(rows.values()).count(name) for name in ("accepted", "rejected", "skipped", "unknown", "pending")
    }
    ours = {"batch_id": None, "total": len(rows), **states, "reasons": {}, "report": str(report)}
    return {**ours, "shard": [index, count], **changed}


@pytest.mark.parametrize(("ending", "to"), [("jsonl", "jsonl"), ("csv", "csv"), ("csv", "parquet"), ("jsonl", "csv")])
def test_each_row_of_the_list_is_counted_once_and_has_one_line_in_its_place(sandbox, tmp_path, ending, to):
    rows = a_list()
    place = tmp_path / "reports" / f"all.{to}"
    result, left = combined(shared(tmp_path, rows, ending=ending), report_path=str(place))
    assert left == result
    assert result == {
        "batch_id": None,
        "total": 76,
        "accepted": 60,
        "rejected": 9,
        "skipped": 7,
        "unknown": 0,
        "pending": 0,
        "reasons": {"bad_number": 9, "duplicate": 7},
        "report": str(place),
        "shards": 4,
        "missing": 0,
    }
    assert sandbox.rings_per_number() == {person["to_number"]: 1 for person in people(60)}
    lines = lines_of(place)
    assert [str(line["row"]) for line in lines] == [str(number) for number in range(1, 77)]
    customers = ["" if row["customer"] is None else str(row["customer"]) for row in rows]
    assert ["" if line["customer"] is None else str(line["customer"]) for line in lines] == customers
    assert {line["call_id"] for line in lines if line["state"] == "accepted"} == {
        ring.call_id for ring in sandbox.rings
    }
    assert "98765" not in json.dumps(result)


def test_a_whole_list_in_one_task_reports_the_same(sandbox, tmp_path):
    whole = fan_out(context_of(), contacts=a_list(), report_path=str(tmp_path / "whole.csv"), **LEDGER)
    sandbox.reset()
    parts, _ = combined(shared(tmp_path, a_list(), ending="csv", ledger_scope="again"))
    outcomes = ("total", "accepted", "rejected", "skipped", "unknown", "pending", "reasons")
    assert {name: parts[name] for name in outcomes} == {name: whole[name] for name in outcomes}


@pytest.mark.parametrize("count", [4, 3, 5])
def test_a_list_that_is_cleared_calls_nobody_again_and_its_sum_is_the_list(sandbox, tmp_path, count):
    """With a SQL ledger the parts may be cut anew: whoever is now in another part has been called by the first."""
    shared(tmp_path, a_list())
    again, _ = combined(shared(tmp_path, a_list(), count=count), report_path=str(tmp_path / "all.csv"))
    assert sandbox.rings_per_number() == {person["to_number"]: 1 for person in people(60)}
    assert (again["total"], again["rejected"], again["pending"], again["unknown"]) == (76, 9, 0, 0)
    elsewhere = sum(again["reasons"].get(reason, 0) for reason in ("already_accepted", "claimed_by_another_run"))
    assert again["accepted"] + elsewhere == 60
    assert (again["accepted"] == 60) == (count == 4)
    assert len(lines_of(tmp_path / "all.csv")) == 76


def test_parts_with_a_memory_of_their_own_add_up_too(sandbox, tmp_path):
    summaries = [
        fan_out(context_of(map_index=index, store=TaskStateInMemory()), contacts=people(40), shard=shard)
        for index, shard in enumerate(shards(2))
    ]
    assert combined(summaries)[0]["accepted"] == 40 == len(sandbox.rings)


def test_the_campaigns_of_mrassistant_add_up(sandbox, tmp_path):
    summaries = []
    for index, shard in enumerate(shards(2)):
        operator = MrAssistantCreateCampaignOperator(
            task_id="calls",
            name="Renewals",
            agent_id=UUID_AGENT,
            contacts=people(40),
            shard=shard,
            report_path=str(tmp_path / f"{index}.jsonl"),
            targets_per_campaign=10,
            **LEDGER,
        )
        summaries.append(operator.execute(context_of(map_index=index)))
    result, _ = combined(summaries, report_path=str(tmp_path / "all.jsonl"))
    assert (result["total"], result["accepted"], result["campaigns"]) == (40, 40, len(sandbox.mrassistant_campaigns))
    assert {one["campaign_id"] for one in result["created"]} == {
        one.campaign_id for one in sandbox.mrassistant_campaigns
    }
    assert [line["row"] for line in lines_of(tmp_path / "all.jsonl")] == list(range(1, 41))


def test_a_part_that_left_no_summary_fails_the_task_and_is_in_what_it_leaves(sandbox, tmp_path):
    summaries, place = shared(tmp_path, a_list()), tmp_path / "all.csv"
    del summaries[2]
    context = context_of()
    operator = CallKaroCombineSummariesOperator(task_id="all", summaries=summaries, report_path=str(place))
    with pytest.raises(AirflowFailException, match="missing: the summary of part 3 of 4"):
        operator.execute(context)
    left = context["ti"].xcoms["return_value"]
    assert (left["missing"], left["unread"], left["report"]) == (1, True, None)
    assert left["total"] == sum(summary["total"] for summary in summaries)
    assert not place.exists()
    result, _ = combined(summaries, report_path=str(place), on_incomplete="warn")
    assert (result["missing"], result["unread"], result["report"]) == (1, True, str(place))
    assert len(lines_of(place)) == result["total"] < 76


def test_no_summary_at_all_is_no_empty_list():
    with pytest.raises(AirflowFailException, match="missing: 4 of 4 summaries"):
        combined([], shards=4)
    with pytest.raises(ConfigurationError, match="set shards"):
        combined([])


@pytest.mark.parametrize(
    ("changed", "message"),
    [({}, "1 of 4 rows are pending"), ({"unread": True}, "1 of 4 rows are pending; a list was not read to its end")],
)
def test_rows_that_are_left_fail_the_task_after_its_report(tmp_path, changed, message):
    summaries = [
        summary_of(0, 2, tmp_path, {1: "accepted", 4: "pending"}, **changed),
        summary_of(1, 2, tmp_path, {2: "accepted", 3: "unknown"}),
    ]
    place = tmp_path / "all.jsonl"
    with pytest.raises(AirflowFailException, match=f"^the list is not done: {message}. Clear those parts"):
        combined(summaries, report_path=str(place))
    assert [line["row"] for line in lines_of(place)] == [1, 2, 3, 4]
    result, _ = combined(summaries, on_incomplete="warn")
    assert (result["pending"], result["missing"], result.get("unread")) == (1, 0, changed.get("unread"))


def broken_off(tmp_path: Path) -> list[dict[str, Any]]:
    return [summary_of(0, 2, tmp_path, {1: "accepted"}), summary_of(1, 2, tmp_path, {2: "accepted", 3: "rejected"})]


def of_one_place(tmp_path: Path) -> list[dict[str, Any]]:
    first, second = broken_off(tmp_path)
    return [first, {**second, "report": first["report"]}]


def without_a_report(tmp_path: Path) -> list[dict[str, Any]]:
    first, second = broken_off(tmp_path)
    return [first, {**second, "report": None}]


def of_another_run(tmp_path: Path) -> list[dict[str, Any]]:
    first, second = broken_off(tmp_path)
    Path(first["report"]).write_text('{"row": 1}\n{"row": 9}\n')
    return [first, second]


def cut_short(tmp_path: Path) -> list[dict[str, Any]]:
    first, second = broken_off(tmp_path)
    Path(second["report"]).write_text('{"row": 2}\n')
    return [first, second]


def of_other_outcomes(tmp_path: Path) -> list[dict[str, Any]]:
    """As many lines as ever, and nobody of them was rung."""
    first, second = broken_off(tmp_path)
    Path(second["report"]).write_text('{"row": 2, "state": "skipped"}\n{"row": 3, "state": "total"}\n')
    return [first, second]


def of_one_place_in_two_spellings(tmp_path: Path) -> list[dict[str, Any]]:
    first, _ = broken_off(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path)
    spelled = f"file://{tmp_path}/link/part-0.jsonl"
    return [first, {**first, "shard": [1, 2], "report": spelled, "accepted": 1, "total": 1}]


def with_a_number_that_is_none(tmp_path: Path) -> list[dict[str, Any]]:
    first, second = broken_off(tmp_path)
    report = tmp_path / "part-0.csv"
    report.write_text(f"row,state\n{'9' * 5_000},accepted\n")
    return [{**first, "report": str(report)}, second]


def gone(tmp_path: Path) -> list[dict[str, Any]]:
    first, second = broken_off(tmp_path)
    Path(first["report"]).unlink()
    return [first, second]


def no_report(tmp_path: Path) -> list[dict[str, Any]]:
    first, second = broken_off(tmp_path)
    Path(first["report"]).write_text('{"row": "+919876543210"}\n')
    return [first, second]


@pytest.mark.parametrize(
    ("summaries", "message"),
    [
        (of_one_place, "two parts wrote their report to the same place"),
        (without_a_report, "part 2 of 2 wrote no report"),
        (of_another_run, "has 2 lines and its summary counts 1 rows"),
        (cut_short, "has 1 lines and its summary counts 2 rows"),
        (of_other_outcomes, "has other outcomes than its summary counts"),
        (of_one_place_in_two_spellings, "two parts wrote their report to the same place"),
        (with_a_number_that_is_none, "a line without the number of its row"),
        (gone, "there is no report at"),
        (no_report, "a line without the number of its row"),
    ],
)
def test_a_report_that_would_lose_or_repeat_a_line_is_not_written(tmp_path, summaries, message):
    place = tmp_path / "all.jsonl"
    place.write_text("of yesterday\n")
    context = context_of()
    operator = CallKaroCombineSummariesOperator(task_id="all", summaries=summaries(tmp_path), report_path=str(place))
    with pytest.raises(ConfigurationError, match=message) as refused:
        operator.execute(context)
    assert "9876" not in str(refused.value)
    assert place.read_text() == "of yesterday\n"
    left = context["ti"].xcoms["return_value"]
    assert left["total"] == sum(left[name] for name in ("accepted", "rejected"))  # it is there before the report,
    assert left["report"] is None  # and does not send anybody to that of yesterday


def test_a_fan_out_that_left_nothing_is_missing_too():
    context = context_of()
    operator = CallKaroCombineSummariesOperator(task_id="all", summaries=[], shards=1)
    operator.summaries = None  # what Airflow makes of the output of a task that was skipped
    with pytest.raises(AirflowFailException, match="missing: 1 of 1 summaries"):
        operator.execute(context)
    assert context["ti"].xcoms["return_value"]["missing"] == 1


@pytest.mark.parametrize("spelled", ["{}/part-0.jsonl", "file://{}/part-0.jsonl", "{}/sub/../part-0.jsonl"])
def test_the_report_of_a_part_is_not_written_over(tmp_path, spelled):
    summaries = broken_off(tmp_path)
    (tmp_path / "sub").mkdir()
    with pytest.raises(ConfigurationError, match="report_path is where a part has its report"):
        combined(summaries, report_path=spelled.format(tmp_path))
    assert lines_of(Path(summaries[0]["report"])) == [{"row": 1, "state": "accepted"}]


@pytest.mark.parametrize(("row", "warned"), [(3, False), (1, True), (4, True)])
def test_parts_that_read_the_list_in_different_orders_are_told_of(tmp_path, caplog, capfd, row, warned):
    summaries = [
        summary_of(0, 2, tmp_path, {1: "accepted", 2: "accepted"}),
        summary_of(1, 2, tmp_path, {row: "rejected"}),
    ]
    combined(summaries, report_path=str(tmp_path / "all.jsonl"))
    printed = capfd.readouterr()
    assert ("order by" in caplog.text + printed.out + printed.err) is warned
    assert len(lines_of(tmp_path / "all.jsonl")) == 3


def test_lists_of_their_own_stand_one_after_the_other(tmp_path):
    summaries = [summary_of(index, 2, tmp_path, {1: "accepted", 2: "rejected"}) for index in range(2)]
    for summary in summaries:
        del summary["shard"]
    result, _ = combined(summaries, shards=2, report_path=str(tmp_path / "all.jsonl"))
    assert result["total"] == 4
    assert [line["row"] for line in lines_of(tmp_path / "all.jsonl")] == [1, 2, 1, 2]


def test_a_single_task_is_a_list_of_one_part(sandbox):
    summary = fan_out(context_of(), contacts=people(3), **LEDGER)
    assert combined(summary, shards=1)[0]["total"] == 3


def test_an_asset_is_told_of_the_whole_list_and_of_no_part_of_it(tmp_path):
    asset = Asset("renewals")
    context = context_of() | {"outlet_events": OutletEvents()}
    operator = CallKaroCombineSummariesOperator(task_id="all", summaries=broken_off(tmp_path), outlets=[asset])
    operator.execute(context)
    told = context["outlet_events"][asset].extra
    assert (told["event"], told["total"], told["shards"], told["missing"]) == ("fan_out_ended", 3, 2, 0)
    context = context_of() | {"outlet_events": OutletEvents()}
    operator.summaries = broken_off(tmp_path)[:1]
    with pytest.raises(AirflowFailException, match="part 2 of 2"):
        operator.execute(context)
    assert not context["outlet_events"]


def test_the_combined_report_is_what_a_write_back_reads(tmp_path):
    result, _ = combined(broken_off(tmp_path), report_path=str(tmp_path / "all.jsonl"))
    assert ReportPath(result).path() == str(tmp_path / "all.jsonl")


def test_it_follows_the_task_whose_output_it_takes():
    with DAG("shared", schedule=None):
        contacts = SqlContacts("select 1", conn_id="warehouse")
        parts = CallKaroFanOutCallsOperator.partial(task_id="calls", contacts=contacts).expand(shard=shards(2))
        together = CallKaroCombineSummariesOperator(task_id="all", summaries=parts.output, shards=2)
    assert together.upstream_task_ids == {"calls"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"summaries": 4}, "summaries must be the output of the mapped task"),
        ({"summaries": "calls"}, "summaries must be the output of the mapped task"),
        ({"shards": 0}, "shards must be a whole number from 1 to 1024"),
        ({"shards": "4"}, "shards must be a whole number"),
        ({"report_path": "all.txt"}, "report_path must end in .csv, .*: that says how the file is written"),
        ({"report_path": ""}, "report_path is empty"),
        ({"on_incomplete": "wait"}, 'on_incomplete must be "fail" or "warn"'),
    ],
)
def test_what_cannot_work_is_refused_when_the_dag_is_parsed(arguments, message):
    with pytest.raises(ConfigurationError, match=message):
        CallKaroCombineSummariesOperator(task_id="all", **{"summaries": [], **arguments})


def test_a_place_that_cannot_be_written_is_refused_before_the_reports_are_read(tmp_path):
    (tmp_path / "folder").write_text("a file")
    with pytest.raises(ConfigurationError, match="report_path: nothing can be written"):
        combined(broken_off(tmp_path), report_path=str(tmp_path / "folder" / "all.csv"))
