"""Rows from what asset events point at: every file of the run, once, in order, and a word where there is none."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.files.path_confinement import path_below
from airflow_provider_callkaro.sources import AssetContacts


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    """Three files of one contact each, named after it."""
    for name in ("asha", "ravi", "meera"):
        (tmp_path / f"{name}.jsonl").write_text(json.dumps({"name": name}) + "\n")
    return tmp_path


def context(*events: dict[str, Any]) -> dict[str, Any]:
    """The context of a run that these events triggered, made of this Airflow's own classes."""
    try:
        from airflow.sdk.execution_time.comms import AssetEventDagRunReferenceResult
        from airflow.sdk.execution_time.context import TriggeringAssetEventsAccessor
    except ImportError:
        return context_before_airflow_3(*events)
    made = [
        AssetEventDagRunReferenceResult(
            asset={"name": event.get("name", event["uri"]), "uri": event["uri"], "extra": {}},
            extra=event.get("extra", {}),
            source_task_id=None,
            source_dag_id=None,
            source_run_id=None,
            source_map_index=None,
            source_aliases=[{"name": alias} for alias in event.get("aliases", ())],
            timestamp=datetime(2026, 6, 1, tzinfo=UTC) + timedelta(minutes=event.get("minute", number)),
        )
        for number, event in enumerate(events)
    ]
    return {"triggering_asset_events": TriggeringAssetEventsAccessor.build(made)}


def context_before_airflow_3(*events: dict[str, Any]) -> dict[str, Any]:
    """The same as Airflow 2 has it: dataset events, by URI."""
    from airflow.models.dataset import DatasetEvent, DatasetModel

    by_uri: dict[str, list[Any]] = {}
    for number, event in enumerate(events):
        made = DatasetEvent(
            extra=event.get("extra", {}),
            timestamp=datetime(2026, 6, 1, tzinfo=UTC) + timedelta(minutes=event.get("minute", number)),
        )
        made.dataset = DatasetModel(uri=event["uri"])
        by_uri.setdefault(event["uri"], []).append(made)
    return {"triggering_dataset_events": by_uri}


def names(source: AssetContacts, run: dict[str, Any]) -> list[str]:
    return [row["name"] for row in source.rows(run)]


def test_the_file_an_event_names_is_read_and_else_the_asset_itself(lists: Path) -> None:
    run = context(
        {"uri": "s3://warehouse/renewals", "extra": {"path": f"{lists}/asha.jsonl"}},
        {"uri": f"file://{lists}/ravi.jsonl"},
    )
    assert names(AssetContacts(base_path=lists), run) == ["asha", "ravi"]


def test_the_oldest_event_comes_first_whatever_its_asset(lists: Path) -> None:
    run = context(
        {"uri": "s3://warehouse/a", "extra": {"path": f"{lists}/asha.jsonl"}, "minute": 5},
        {"uri": "s3://warehouse/a", "extra": {"path": f"{lists}/ravi.jsonl"}, "minute": 1},
        {"uri": "s3://warehouse/b", "extra": {"path": f"{lists}/meera.jsonl"}, "minute": 3},
    )
    assert names(AssetContacts(base_path=lists), run) == ["ravi", "meera", "asha"]


def test_a_file_that_two_events_name_is_read_once(lists: Path) -> None:
    run = context(
        {"uri": f"file://{lists}/asha.jsonl", "aliases": ["renewals"]},
        {"uri": f"file://{lists}/asha.jsonl"},
        {"uri": "s3://warehouse/renewals", "extra": {"path": f"{lists}/asha.jsonl"}},
        {"uri": "s3://warehouse/renewals", "extra": {"path": f"{lists}/*.jsonl"}},
    )
    assert names(AssetContacts(base_path=lists), run) == ["asha", "meera", "ravi"]


def test_one_asset_of_several_can_be_taken(lists: Path) -> None:
    from airflow.providers.common.compat.sdk import Asset

    run = context(
        {"uri": f"file://{lists}/asha.jsonl", "name": "renewals"},
        {"uri": f"file://{lists}/ravi.jsonl", "name": "birthdays"},
    )
    assert names(AssetContacts(Asset(uri=f"file://{lists}/ravi.jsonl")), run) == ["ravi"]
    assert names(AssetContacts(f"file://{lists}/asha.jsonl"), run) == ["asha"]
    if "triggering_asset_events" in run:
        assert names(AssetContacts("birthdays"), run) == ["ravi"]
        assert names(AssetContacts(Asset(name="renewals", uri=f"file://{lists}/asha.jsonl")), run) == ["asha"]


def test_the_path_may_stand_under_another_key(lists: Path) -> None:
    run = context({"uri": "s3://warehouse/renewals", "extra": {"export": f"{lists}/asha.jsonl"}})
    assert names(AssetContacts(path_key="export", base_path=f"file://{lists}"), run) == ["asha"]


def test_options_reach_the_reader(lists: Path) -> None:
    (lists / "export").write_text("to_number;name\n+919876543210;asha\n")
    run = context({"uri": f"file://{lists}/export"})
    assert names(AssetContacts(format="csv", delimiter=";"), run) == ["asha"]


@pytest.mark.parametrize("run", [{}, {"triggering_asset_events": {}}, {"triggering_dataset_events": {}}])
def test_a_manual_run_is_told_that_it_has_no_events(run: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"a manual run has none.*FileContacts"):
        names(AssetContacts(), run)


def test_a_run_of_other_assets_is_told_which_one_is_missing(lists: Path) -> None:
    run = context({"uri": f"file://{lists}/asha.jsonl"})
    with pytest.raises(ConfigurationError, match="no asset event of s3://warehouse/renewals"):
        names(AssetContacts("s3://warehouse/renewals"), run)


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ({"uri": "renewals"}, r'asset "renewals" has no URI that is a file.*extra\["path"\]'),
        ({"uri": "file:///a.csv", "extra": {"path": ["a.csv"]}}, r'extra\["path"\] .* is no text'),
        ({"uri": "file:///nowhere/a.csv"}, "no file is at /nowhere/a.csv"),
        ({"uri": "nosuch://warehouse/renewals"}, "nosuch://warehouse/renewals"),
    ],
)
def test_an_event_that_names_no_file_is_an_error_before_the_first_row(
    lists: Path, event: dict[str, Any], message: str
) -> None:
    rows = AssetContacts().rows(context({"uri": f"file://{lists}/asha.jsonl"}, event))
    with pytest.raises(ConfigurationError, match=message):
        next(rows)


def test_nothing_is_asked_of_the_context_before_the_first_row() -> None:
    class Untouchable(dict[str, Any]):
        def get(self, *_: Any) -> Any:
            raise AssertionError

        __getitem__ = get

    AssetContacts().rows(Untouchable())


def test_the_rendered_view_shows_which_asset() -> None:
    assert str(AssetContacts()) == "rows of the files that the events of the triggering assets name"
    assert str(AssetContacts("renewals", conn_id="minio")) == (
        "rows of the files that the events of asset renewals name through connection minio"
    )
    assert str(AssetContacts(base_path="s3://lists/in")) == (
        "rows of the files that the events of the triggering assets name below s3://lists/in"
    )


def test_a_path_without_a_slash_is_meant_from_the_base(lists: Path) -> None:
    run = context({"uri": "s3://warehouse/renewals", "extra": {"path": "asha.jsonl"}})
    assert names(AssetContacts(base_path=lists), run) == ["asha"]


def test_without_a_base_the_assets_own_place_is_the_base(lists: Path) -> None:
    run = context({"uri": f"file://{lists}", "name": "lists", "extra": {"path": f"{lists}/asha.jsonl"}})
    assert names(AssetContacts(), run) == ["asha"]
    for uri in (f"file://{lists}/ravi.jsonl", "s3://warehouse/renewals", "callback_requests"):
        run = context({"uri": uri, "extra": {"path": f"{lists}/asha.jsonl"}})
        with pytest.raises(ConfigurationError, match="set base_path to the folder below which such files lie"):
            names(AssetContacts(), run)


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "{lists}/../outside/secret.jsonl",
        "../outside/secret.jsonl",
        "sub/../../outside/secret.jsonl",
        "{lists}-secret/secret.jsonl",
        "file://{outside}/secret.jsonl",
        "FILE://{outside}/secret.jsonl",
        "file:{outside}/secret.jsonl",
        "local://{outside}/secret.jsonl",
        "file://localhost{outside}/secret.jsonl",
        "//localhost{lists}/asha.jsonl",
        "%2e%2e/outside/secret.jsonl",
        "..%2foutside%2fsecret.jsonl",
        "..\\outside\\secret.jsonl",
        "..\t/outside/secret.jsonl",
        " {outside}/secret.jsonl",
        "~/secret.jsonl\n",
        "simplecache::file://{outside}/secret.jsonl",
        "out.jsonl",
        "out/secret.jsonl",
        "out",
        "*/secret.jsonl",
        "s3://other_conn@bucket/secret.jsonl",
        "file://other_conn@{lists}/asha.jsonl",
        "s3://warehouse/renewals/secret.jsonl",
    ],
)
def test_an_event_chooses_no_file_elsewhere(tmp_path_factory: pytest.TempPathFactory, path: str) -> None:
    root = tmp_path_factory.mktemp("root")
    lists, outside = root / "lists", root / "outside"
    for folder in (lists, outside, root / "lists-secret"):
        folder.mkdir()
        (folder / "secret.jsonl").write_text(json.dumps({"name": "secret"}) + "\n")
    (lists / "secret.jsonl").unlink()
    (lists / "asha.jsonl").write_text(json.dumps({"name": "asha"}) + "\n")
    (lists / "out.jsonl").symlink_to(outside / "secret.jsonl")
    (lists / "out").symlink_to(outside)
    run = context({"uri": "s3://warehouse/renewals", "extra": {"path": path.format(lists=lists, outside=outside)}})
    rows = AssetContacts(base_path=lists, conn_id="minio").rows(run)
    with pytest.raises(ConfigurationError, match=r"s3://warehouse/renewals\" names|no file is at") as caught:
        next(rows)
    assert "other_conn" not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "taken"),
    [
        ("s3://lists/in/2026/a.csv", "s3://lists/in/2026/a.csv"),
        ("S3://lists/in", "s3://lists/in"),
        ("2026/*.csv", "s3://lists/in/2026/*.csv"),
        ("s3://lists/in/day=2026-01-01%2000%3A00/a.csv", "s3://lists/in/day=2026-01-01%2000%3A00/a.csv"),
        ("s3://lists/inside/a.csv", None),
        ("s3://LISTS/in/a.csv", None),
        ("s3://lists.evil.example/in/a.csv", None),
        ("s3a://lists/in/a.csv", None),
        ("s3://lists/in/../out/a.csv", None),
        ("s3://key:secret@lists/in/a.csv", None),
        ("/in/a.csv", None),
        ("file:///in/a.csv", None),
    ],
)
def test_in_object_storage_bucket_and_folder_are_the_authors(path: str, taken: str | None) -> None:
    def below() -> str:
        return path_below(path, "s3://lists/in/", whose="an event", way_out="set base_path")

    if taken is not None:
        assert below() == taken
        return
    with pytest.raises(ConfigurationError, match="an event names") as caught:
        below()
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("base", ["", "  ", "s3://other_conn@lists/in"])
def test_a_base_that_is_none_is_refused(base: str) -> None:
    with pytest.raises(ConfigurationError, match="base_path"):
        AssetContacts(base_path=base)
    source = AssetContacts(base_path="{{ var.value.lists }}")
    source.base_path = base  # as a template renders
    with pytest.raises(ConfigurationError, match="base_path"):
        names(source, context({"uri": "s3://lists/in/a.csv"}))


@pytest.mark.parametrize("wrong", [{"format": "docx"}, {"delimiter": ""}, {"encoding": "utf-9"}])
def test_a_wrong_option_of_an_asset_is_refused_when_the_dag_is_parsed(wrong: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        AssetContacts(**wrong)
