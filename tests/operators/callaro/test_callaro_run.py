"""A campaign run in one task, whatever happens to it: made once, launched once, nobody rung twice, and a named end."""

from __future__ import annotations

import asyncio
import csv
import http.client
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException, TaskDeferred
from airflow_task_state import TaskStateInMemory
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from running_campaign import NUMBERS, context_of, run_operator

from airflow_provider_callkaro.exceptions import ConfigurationError, VendorError
from airflow_provider_callkaro.sandbox import Sandbox
from airflow_provider_callkaro.triggers.callaro_run import CallaroRunTrigger

CAMPAIGNS = "/api/v1/bulk_call_campaigns"
WORKER = Path(__file__).with_name("running_campaign.py")
QUICK = 0.03  # seconds of dialling
ENDLESS = 3_600.0
LOST = [
    "error_before_accepting",
    "reset_before_accepting",
    "throttled",
    "unavailable",
    "error_after_accepting",
    "reset_after_accepting",
    "drop_answer_after_accepting",
    "truncated_answer",
    "unreadable_answer",
    "answer_without_id",
]
PATHS = {
    "list": f"GET {CAMPAIGNS}",
    "create": f"POST {CAMPAIGNS}",
    "get": f"GET {CAMPAIGNS}/{{id}}",
    "capacity": f"{CAMPAIGNS}/{{id}}/capacity_preview",
    "timezones": f"{CAMPAIGNS}/{{id}}/audience_timezone_analysis",
    "launch": f"{CAMPAIGNS}/{{id}}/launch",
    "pause": f"{CAMPAIGNS}/{{id}}/pause",
    "resume": f"{CAMPAIGNS}/{{id}}/resume",
    "cancel": f"{CAMPAIGNS}/{{id}}/cancel",
    "export": f"{CAMPAIGNS}/{{id}}/results_export",
}


class Killed(BaseException):
    """The worker is dead from here on."""


class Line:
    """The line between the worker and the vendor: something may happen at each request that goes over it.

    :ivar launches: how each campaign stood when a launch of it was sent.
    """

    def __init__(self, vendor: Sandbox) -> None:
        self.launches: list[str] = []
        self._vendor = vendor
        self._events: dict[int, tuple[str, Callable[[], None]]] = {}
        self._requests = 0
        self._send = requests.Session.send

    def send(self, session: Any, request: Any, **options: Any) -> Any:
        when, happen = self._events.pop(self._requests, ("", None))
        self._requests += 1
        if when == "before" and happen is not None:
            happen()
        if request.url.endswith("/launch"):
            campaign_id = request.url.split("/")[-2]
            self.launches += [each.status for each in self._vendor.callaro_campaigns if str(each.id) == campaign_id]
        answer = self._send(session, request, **options)
        if when == "after" and happen is not None:
            happen()
        return answer

    @contextmanager
    def tapped(self, events: dict[int, tuple[str, Callable[[], None]]]) -> Iterator[None]:
        """Let things happen.

        :param events: by the number of the request, from 0: whether it happens before the vendor has the request or
            after the vendor has answered, and what.
        """
        self._events, self._requests = dict(events), 0
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(requests.Session, "send", lambda session, *a, **o: self.send(session, *a, **o))
            patch.setattr(time, "sleep", lambda seconds: None)  # between two tries of the transport
            yield


def act(sandbox: Sandbox, action: str, campaign_id: int) -> int:
    """What somebody does in Callaro's dashboard."""
    connection = http.client.HTTPConnection(sandbox.url.removeprefix("http://"), timeout=30)
    connection.request("POST", f"{CAMPAIGNS}/{campaign_id}/{action}", headers={"X-Api-Key": sandbox.api_key})
    status = connection.getresponse().status
    connection.close()
    return status


@contextmanager
def connected(seconds: float) -> Iterator[Sandbox]:
    with Sandbox(callaro_dial_seconds=seconds) as sandbox, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_CONN_CALLARO_DEFAULT", sandbox.airflow_connections["callaro_default"])
        yield sandbox


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with connected(QUICK) as sandbox:
        yield sandbox


@pytest.fixture
def endless() -> Iterator[Sandbox]:
    """A vendor whose campaigns do not end by themselves."""
    with connected(ENDLESS) as sandbox:
        yield sandbox


def the_campaign(sandbox: Sandbox) -> Any:
    (campaign,) = sandbox.callaro_campaigns
    return campaign


def test_a_campaign_goes_from_its_draft_to_its_results_in_one_task(sandbox, tmp_path):
    path = tmp_path / "results.csv"
    result = run_operator(
        export_path=str(path), capacity_minimum={"contacts": 1}, timezones_maximum={"outside_window": "0"}
    ).execute(context_of(store=TaskStateInMemory()))
    assert result == {"campaign_id": 123, "state": "completed", "export": str(path), "rows": 3}
    assert sandbox.rings_per_number() == dict.fromkeys(NUMBERS, 1)
    with path.open(newline="") as file:
        assert sorted(row["phone_e164"] for row in csv.DictReader(file)) == sorted(NUMBERS)


def test_a_cleared_task_returns_what_there_is_and_rings_nobody(sandbox):
    for store in (TaskStateInMemory(), None):
        first = run_operator().execute(context_of(run_id=str(store), store=store))
        assert run_operator().execute(context_of(run_id=str(store), attempt=2, store=store)) == first
    assert [campaign.launches for campaign in sandbox.callaro_campaigns] == [1, 1]


def test_a_campaign_beyond_a_limit_is_not_launched(sandbox):
    with pytest.raises(AirflowFailException, match="not fit to be launched: capacity: contacts is 3, above 2"):
        run_operator(capacity_maximum={"contacts": 2}).execute(context_of())
    assert the_campaign(sandbox).status == "draft"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"export_path": "results.xlsx"}, "export_path must end in .*: that says how the file is written"),
        ({"export_path": "nosuch://bucket/results.csv"}, "provider of its storage"),
        ({"capacity_maximum": {"contacts": "many"}}, "must be a number"),
    ],
)
def test_what_cannot_work_is_said_before_a_campaign_is_made(sandbox, options, said):
    with pytest.raises(ConfigurationError, match=said):
        run_operator(**options).execute(context_of())
    assert sandbox.requests == []


@pytest.mark.parametrize(
    "options", [{"on_kill": "stop"}, {"poll_interval": 0}, {"wait_timeout": timedelta(0)}, {"poll_interval": -1}]
)
def test_arguments_that_cannot_work_are_refused_when_the_dag_is_read(options):
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        run_operator(**options)


def waiting_try(operator: Any, context: Any, sandbox: Sandbox, *, state: str) -> tuple[threading.Thread, list[Any]]:
    """A try in a thread of its own, that waits while its campaign is in a state."""
    ended: list[Any] = []

    def execute() -> None:
        try:
            ended.append(operator.execute(context))
        except BaseException as error:
            ended.append(error)

    thread = threading.Thread(target=execute, daemon=True)
    thread.start()
    wait_for_state(sandbox, state)
    return thread, ended


def wait_for_state(sandbox: Sandbox, state: str) -> None:
    """Ask until the campaign is in that state, and has been looked at twice since."""
    for _ in range(20_000):
        if any(campaign.status == state for campaign in sandbox.callaro_campaigns):
            looks = len(sandbox.requests)
            sandbox.wait_for_requests(looks + 2, timeout=30)
            return
        sandbox.wait_for_requests(len(sandbox.requests) + 1, timeout=30)
    raise AssertionError(f"no campaign came to be {state}")


@pytest.mark.parametrize(
    ("on_kill", "state"), [("pause", "paused"), ("cancel", "cancelled"), ("leave", "running")], ids=lambda word: word
)
def test_a_task_that_airflow_ends_does_to_its_campaign_what_it_was_told(endless, on_kill, state):
    operator = run_operator(on_kill=on_kill)
    thread, ended = waiting_try(operator, context_of(store=TaskStateInMemory()), endless, state="running")
    operator.on_kill()
    thread.join(30)
    assert isinstance(ended[0], AirflowException)
    assert the_campaign(endless).status == state


def test_what_our_own_end_paused_is_resumed_by_the_next_try_and_only_once(endless):
    store = TaskStateInMemory()
    for attempt in (1, 2):
        operator = run_operator()
        thread, _ = waiting_try(operator, context_of(attempt=attempt, store=store), endless, state="running")
        assert the_campaign(endless).resumes == attempt - 1
        operator.on_kill()
        thread.join(30)
        assert the_campaign(endless).status == "paused"


class DeafTaskState(TaskStateInMemory):
    """Takes nothing more once it is deaf, as Airflow's does from a try that has been replaced."""

    deaf = False

    def set(self, *arguments, **options):
        if self.deaf:
            raise RuntimeError("404")
        super().set(*arguments, **options)


def test_a_pause_that_cannot_be_remembered_is_said_and_waits_for_somebody(endless, capsys, caplog):
    store = DeafTaskState()
    operator = run_operator()
    thread, _ = waiting_try(operator, context_of(store=store), endless, state="running")
    store.deaf = True
    operator.on_kill()
    thread.join(30)
    assert "waits until somebody resumes or cancels it in Callaro" in capsys.readouterr().out + caplog.text
    store.deaf = False
    with pytest.raises(AirflowException, match="campaign 123 is paused, and wait_timeout is over"):
        run_operator(wait_timeout=timedelta(milliseconds=100)).execute(context_of(attempt=2, store=store))
    assert the_campaign(endless).resumes == 0


@pytest.mark.parametrize("remembers", [True, False], ids=["Airflow 3.3", "an earlier Airflow"])
def test_what_somebody_paused_is_waited_for_and_never_resumed(endless, remembers, capsys, caplog):
    store = TaskStateInMemory() if remembers else None
    operator = run_operator()
    thread, _ = waiting_try(operator, context_of(store=store), endless, state="running")
    assert act(endless, "pause", 123) == 200
    wait_for_state(endless, "paused")
    operator.on_kill()  # paused already: not by us
    thread.join(30)
    impatient = run_operator(wait_timeout=timedelta(milliseconds=100))
    with pytest.raises(AirflowException, match="campaign 123 is paused, and wait_timeout is over"):
        impatient.execute(context_of(attempt=2, store=store))
    assert "as far as this task knows not by it" in capsys.readouterr().out + caplog.text
    assert (the_campaign(endless).status, the_campaign(endless).resumes) == ("paused", 0)


def test_what_was_resumed_by_hand_and_paused_by_hand_is_no_longer_ours_to_resume(endless):
    store = TaskStateInMemory()
    operator = run_operator()
    thread, _ = waiting_try(operator, context_of(store=store), endless, state="running")
    operator.on_kill()
    thread.join(30)
    assert act(endless, "resume", 123) == 200
    thread, ended = waiting_try(run_operator(), context_of(attempt=2, store=store), endless, state="running")
    assert act(endless, "pause", 123) == 200
    wait_for_state(endless, "paused")
    assert (the_campaign(endless).status, the_campaign(endless).resumes) == ("paused", 1)
    assert act(endless, "cancel", 123) == 200
    thread.join(30)
    assert "campaign 123 is cancelled" in str(ended[0])


def test_a_task_that_reaches_its_execution_timeout_pauses_its_campaign_and_its_retry_resumes_it(endless):
    store = TaskStateInMemory()
    operator = run_operator(wait_timeout=timedelta(milliseconds=50))
    with pytest.raises(AirflowException, match="wait_timeout is over"):
        operator.execute(context_of(store=store))
    operator.on_kill()  # as Airflow calls it after the time is up
    assert the_campaign(endless).status == "paused"
    with pytest.raises(AirflowException, match="wait_timeout is over"):
        run_operator(wait_timeout=timedelta(milliseconds=50)).execute(context_of(attempt=2, store=store))
    assert (the_campaign(endless).status, the_campaign(endless).resumes) == ("running", 1)


def test_a_campaign_that_somebody_cancels_fails_the_task_for_good_naming_its_state(endless):
    thread, ended = waiting_try(run_operator(), context_of(), endless, state="running")
    assert act(endless, "cancel", 123) == 200
    thread.join(30)
    assert isinstance(ended[0], AirflowFailException)
    assert "campaign 123 is cancelled" in str(ended[0])


def test_an_export_that_breaks_off_is_fetched_by_the_next_try_without_a_second_launch(sandbox, tmp_path):
    sandbox.fault("truncated_answer", path=PATHS["export"])
    path = tmp_path / "results.jsonl"
    with pytest.raises(VendorError), Line(sandbox).tapped({}):
        run_operator(export_path=str(path)).execute(context_of())
    assert not path.exists()
    sandbox.clear_faults()
    assert run_operator(export_path=str(path)).execute(context_of(attempt=2))["rows"] == 3
    assert the_campaign(sandbox).launches == 1


class TestDeferring:
    """The wait in the triggerer, up to what Airflow does with it."""

    @pytest.fixture
    def deferred(self, endless):
        with pytest.raises(TaskDeferred) as raised:
            run_operator(deferrable=True, poll_interval=60).execute(context_of())
        assert the_campaign(endless).status == "running"
        return raised.value

    def trigger_of(self, deferred: TaskDeferred, **others: Any) -> CallaroRunTrigger:
        """The trigger as the triggerer makes it from what Airflow stored."""
        path, arguments = deferred.trigger.serialize()
        assert path == "airflow_provider_callkaro.triggers.callaro_run.CallaroRunTrigger"
        return CallaroRunTrigger(**json.loads(json.dumps(arguments)) | others)

    def test_it_waits_through_a_pause_and_goes_on_when_the_campaign_ends(self, endless, deferred):
        trigger = self.trigger_of(deferred, poll_interval=0.005)
        assert act(endless, "pause", 123) == 200

        async def first_event() -> Any:
            waiting = asyncio.ensure_future(anext(trigger.run()))
            await asyncio.to_thread(endless.wait_for_requests, len(endless.requests) + 3, timeout=30)
            assert not waiting.done()
            assert await asyncio.to_thread(act, endless, "cancel", 123) == 200
            return await waiting

        event = asyncio.run(first_event()).payload
        assert event == {"status": "cancelled"}
        assert deferred.method_name == "execute_complete"
        with pytest.raises(AirflowFailException, match="campaign 123 is cancelled"):
            run_operator().execute_complete(context_of(), event, **deferred.kwargs)

    def test_a_completed_campaign_is_exported_after_the_wait(self, sandbox, tmp_path):
        options = {"export_path": str(tmp_path / "results.jsonl")}
        first = run_operator(**options).execute(context_of())
        assert first["state"] == "completed"
        assert run_operator(**options).execute_complete(context_of(), {"status": "completed"}, campaign_id=123) == first
        assert run_operator(**options).execute_complete(context_of(), {"status": "completed"}) == first

    def test_a_refusal_that_the_triggerer_met_fails_for_good(self, endless):
        with pytest.raises(AirflowFailException, match="refused the key"):
            run_operator().execute_complete(context_of(), {"error": "Callaro refused the key"}, campaign_id=123)

    def test_a_short_poll_is_waited_for_on_the_worker_first(self, endless):
        operator = run_operator(deferrable=True, wait_timeout=timedelta(milliseconds=50))
        with pytest.raises(AirflowException, match="wait_timeout is over"):
            operator.execute(context_of())

    @pytest.mark.parametrize(("on_kill", "state"), [("pause", "paused"), ("cancel", "cancelled"), ("leave", "running")])
    def test_a_deferred_task_that_somebody_ends_stops_its_campaign(self, endless, deferred, on_kill, state):
        trigger = self.trigger_of(deferred, at_kill=on_kill)
        asyncio.run(trigger.on_kill())
        asyncio.run(trigger.on_kill())  # two triggerers may run it
        assert the_campaign(endless).status == state

    def test_the_end_of_a_trigger_that_nobody_asked_for_stops_nothing(self, endless, deferred):
        asyncio.run(self.trigger_of(deferred).cleanup())
        assert the_campaign(endless).status == "running"

    def test_a_campaign_that_could_not_be_stopped_is_named_in_the_log(self, endless, deferred, capsys, caplog):
        endless.fault("key_refused", path=PATHS["pause"])
        asyncio.run(self.trigger_of(deferred).on_kill())
        assert "Campaign 123 may go on ringing" in capsys.readouterr().out + caplog.text


@pytest.mark.parametrize("at", ["create", "launch", "export"])
@pytest.mark.parametrize("fault", ["hold_before_accepting", "hold_after_accepting"])
def test_a_worker_killed_by_the_kernel_leaves_one_campaign_and_one_launch(sandbox, tmp_path, at, fault):
    sandbox.fault(fault, path=PATHS[at], first=1)
    options = {"export_path": str(tmp_path / "results.csv"), "wait_timeout": None}
    worker = subprocess.Popen([sys.executable, str(WORKER), json.dumps(options)], stdout=subprocess.PIPE)
    try:
        sandbox.wait_for_held(1, timeout=120)
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.communicate()
    assert worker.returncode == -signal.SIGKILL
    sandbox.release()  # what was on its way is accepted now, after the death of its sender
    wait_for_nobody_held(sandbox)
    result = run_operator(export_path=str(tmp_path / "results.csv")).execute(context_of(attempt=2))
    assert (result["campaign_id"], result["rows"]) == (123, 3)
    assert the_campaign(sandbox).launches == 1
    assert sandbox.rings_per_number() == dict.fromkeys(NUMBERS, 1)


def wait_for_nobody_held(sandbox: Sandbox) -> None:
    """The next answer comes after everything that was released has been done: there is one event loop."""
    assert act(sandbox, "pause", 999) == 404


EVENTS = ["kill", "kill", "end the task", "pause", "resume", "launch", "cancel"]
MOMENTS = st.tuples(st.integers(0, 12), st.sampled_from(["before", "after"]), st.sampled_from(EVENTS))
FAULTS = st.tuples(st.sampled_from(LOST), st.sampled_from(sorted(PATHS)), st.integers(0, 2))


class Histories(RuleBasedStateMachine):
    """Anything that may befall a run: lost answers, dead workers, retries, clears, other people, the next run."""

    vendor: Sandbox

    @initialize(
        remembers=st.booleans(),
        on_kill=st.sampled_from(["pause", "cancel", "leave"]),
        limits=st.sampled_from([{}, {"capacity_minimum": {"contacts": 1}}]),
    )
    def begin(self, remembers: bool, on_kill: str, limits: dict[str, Any]) -> None:
        self.vendor.reset()
        self.options = {"on_kill": on_kill, "wait_timeout": timedelta(milliseconds=100), **limits}
        self.remembers = remembers
        self.stores: dict[str, TaskStateInMemory | None] = {}
        self.ended: list[str] = []
        self.tries = 0

    @rule(faults=st.lists(FAULTS, max_size=2), moments=st.lists(MOMENTS, max_size=2))
    def a_try(self, faults: list[tuple[str, str, int]], moments: list[tuple[int, str, str]]) -> None:
        """A try of the run that is not at its end: the first one, or a retry."""
        for kind, path, after in faults:
            self.vendor.fault(kind, path=PATHS[path], first=1, after=after)
        run = f"run {len(self.ended) + 1}"
        if _is_over(self.attempt(run, moments)):
            self.ended.append(run)

    @rule(which=st.integers(0, 3), moments=st.lists(MOMENTS, max_size=2))
    def a_cleared_task(self, which: int, moments: list[tuple[int, str, str]]) -> None:
        """A try of a run that has been at its end. What is drawn must not depend on that: it is a matter of time."""
        if self.ended:
            self.attempt(self.ended[which % len(self.ended)], moments)

    @rule(action=st.sampled_from(["pause", "resume", "launch", "cancel"]))
    def somebody(self, action: str) -> None:
        """Somebody does the same to every campaign there is."""
        for campaign in self.vendor.callaro_campaigns:
            with suppress(OSError, http.client.HTTPException):  # faults befall everybody
                act(self.vendor, action, campaign.id)

    def attempt(self, run: str, moments: list[tuple[int, str, str]]) -> Any:
        """One try, and how it ended."""
        operator = run_operator(**self.options)

        def happening(what: str) -> Callable[[], None]:
            def happen() -> None:
                if what == "kill":
                    raise Killed
                if what == "end the task":
                    operator.on_kill()
                else:
                    self.somebody(what)

            return happen

        if run not in self.stores:
            self.stores[run] = TaskStateInMemory() if self.remembers else None
        self.tries += 1
        events = {number: (when, happening(what)) for number, when, what in moments}
        line = Line(self.vendor)
        try:
            with line.tapped(events):
                return operator.execute(context_of(run_id=run, attempt=self.tries, store=self.stores[run]))
        except (Killed, VendorError, AirflowException) as ended:
            return ended
        finally:
            if not moments:  # nobody else can have been quicker
                assert set(line.launches) <= {"draft"}

    @invariant()
    def one_campaign_for_each_run(self) -> None:
        names = [campaign.name for campaign in self.vendor.callaro_campaigns]
        assert len(set(names)) == len(names) <= len(self.stores)

    @invariant()
    def one_launch_for_each_campaign(self) -> None:
        assert all(campaign.launches <= 1 for campaign in self.vendor.callaro_campaigns)

    @invariant()
    def nobody_rung_twice_by_a_campaign(self) -> None:
        rings = [(ring.batch_id, ring.to_number) for ring in self.vendor.rings]
        assert len(set(rings)) == len(rings)

    def teardown(self) -> None:
        """Once nothing more happens, every run comes to an end that it can name."""
        self.vendor.clear_faults()
        self.somebody("resume")
        self.options |= {"wait_timeout": None}
        for run in self.stores:
            assert _is_over(self.attempt(run, []))
        self.one_campaign_for_each_run()
        self.one_launch_for_each_campaign()
        self.nobody_rung_twice_by_a_campaign()


def _is_over(ended: Any) -> bool:
    """Whether a try came to the end of its run, and said which."""
    if isinstance(ended, dict):
        return ended["state"] == "completed"
    return isinstance(ended, AirflowFailException) and "is cancelled: it did not" in str(ended)


def test_no_history_of_accidents_makes_a_second_campaign_or_a_second_launch(sandbox):
    class WithThisVendor(Histories):
        vendor = sandbox

    run_state_machine_as_test(WithThisVendor, settings=settings(stateful_step_count=15))
