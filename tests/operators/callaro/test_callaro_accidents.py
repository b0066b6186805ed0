"""A campaign run in one task, where two tries meet, answers come late, or Callaro says what no page of it says."""

from __future__ import annotations

import http.server
import json
import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException
from airflow_task_state import TaskStateInMemory
from running_campaign import context_of, run_operator
from test_callaro_run import CAMPAIGNS, ENDLESS, PATHS, QUICK, Killed, Line, act, connected, waiting_try

from airflow_provider_callkaro.exceptions import OutcomeUnknown
from airflow_provider_callkaro.hooks.callaro import CallaroHook
from airflow_provider_callkaro.operators.callaro import CallaroCreateCampaignOperator, CallaroLaunchCampaignOperator
from airflow_provider_callkaro.sandbox import Sandbox

IMPATIENT = {"wait_timeout": timedelta(milliseconds=100)}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with connected(QUICK) as sandbox:
        yield sandbox


@pytest.fixture
def endless() -> Iterator[Sandbox]:
    """A vendor whose campaigns do not end by themselves."""
    with connected(ENDLESS) as sandbox:
        yield sandbox


@pytest.fixture(params=["Airflow 3.3", "an earlier Airflow"])
def store(request: pytest.FixtureRequest) -> TaskStateInMemory | None:
    return TaskStateInMemory() if request.param == "Airflow 3.3" else None


class OtherVendor:
    """A Callaro that answers as nobody has written down: other words, other ids, late.

    :ivar campaigns: by their ids.
    :ivar rung: what was launched or resumed, in order.
    :ivar looks: how often a launched campaign was shown as a draft.
    """

    draft = "draft"
    launched = "running"
    keeps_names = True
    answer_to_launch: dict[str, Any] | None = None
    shows_after = 0  # looks at a launched campaign for which it is called a draft still

    def __init__(self) -> None:
        self.campaigns: dict[int, dict[str, Any]] = {}
        self.rung: list[str] = []
        self.looks = 0

    def answer(self, method: str, path: str, fields: Any) -> tuple[int, Any]:
        """Status and body for a request, by its path under that of the campaigns."""
        path, _, query = path.partition("?")
        if path == "" and method == "POST":
            number = 500 + len(self.campaigns)
            name = fields["name"] if self.keeps_names else re.sub(r" \[.*\]", "", fields["name"])
            self.campaigns[number] = {"id": number, "name": name, "status": self.draft}
            return 201, {"data": dict(self.campaigns[number])}
        if path == "":
            return 200, {"data": list(self.campaigns.values()) if "page=1&" in query else []}
        _, number, *action = path.split("/")
        campaign = self.campaigns[int(number)]
        if action:
            if action[0] in ("launch", "resume"):
                self.rung.append(f"{action[0]} {number}")
            campaign |= {"status": "paused" if action[0] == "pause" else self.launched}
            if action[0] == "launch":
                return 200, self.answer_to_launch or {"data": dict(campaign)}
        if self.rung and self.looks < self.shows_after:
            self.looks += 1
            return 200, {"data": campaign | {"status": self.draft}}
        return 200, {"data": dict(campaign)}


@contextmanager
def serving(vendor: OtherVendor) -> Iterator[OtherVendor]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            path = self.path.removeprefix(CAMPAIGNS)
            status, answer = vendor.answer(self.command, path, json.loads(body) if body else None)
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_PATCH = do_GET  # noqa: N815 - the server's names

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
    with pytest.MonkeyPatch.context() as patch:
        connection = {"conn_type": "callaro", "host": f"http://127.0.0.1:{server.server_port}", "password": "sk_x"}
        patch.setenv("AIRFLOW_CONN_CALLARO_DEFAULT", json.dumps(connection))
        yield vendor
    server.shutdown()
    server.server_close()


@pytest.fixture
def other() -> Iterator[OtherVendor]:
    with serving(OtherVendor()) as vendor:
        yield vendor


def in_background(act: Callable[[], Any]) -> tuple[threading.Thread, list[Any]]:
    ended: list[Any] = []

    def go() -> None:
        try:
            ended.append(act())
        except BaseException as error:
            ended.append(error)

    thread = threading.Thread(target=go, daemon=True)
    thread.start()
    return thread, ended


def try_in_background(*, attempt: int, store: Any) -> tuple[threading.Thread, list[Any]]:
    operator = run_operator()
    return in_background(lambda: operator.execute(context_of(attempt=attempt, store=store)))


@pytest.mark.parametrize("held", ["list", "create", None])
def test_two_tries_that_are_alive_at_once_launch_once_in_all(sandbox, store, held):
    if held is not None:
        sandbox.fault("hold_before_accepting", path=PATHS[held], first=2)
    tries = [try_in_background(attempt=attempt, store=store) for attempt in (1, 2)]
    if held is not None:
        sandbox.wait_for_held(2, timeout=30)
        sandbox.release()
    for thread, _ in tries:
        thread.join(30)
    outcomes = [ended[0] for _, ended in tries]
    assert sum(campaign.launches for campaign in sandbox.callaro_campaigns) <= 1
    assert all(isinstance(each, dict) or "several campaigns of this task" in str(each) for each in outcomes)
    if held == "create":
        ids = [re.findall(r"\b12[34]\b", str(outcome)) for outcome in outcomes]
        assert [sorted(each) for each in ids] == [["123", "124"]] * 2
        assert [each.launches for each in sandbox.callaro_campaigns] == [0, 0]


def test_a_launch_that_arrives_after_that_of_the_next_try_launches_nothing_more(sandbox, store):
    sandbox.fault("hold_before_accepting", path=PATHS["launch"], first=1)
    first, ended = try_in_background(attempt=1, store=store)
    sandbox.wait_for_held(1, timeout=30)
    second = run_operator().execute(context_of(attempt=2, store=store))
    sandbox.release()
    first.join(30)
    assert ended == [second]
    assert [campaign.launches for campaign in sandbox.callaro_campaigns] == [1]


def test_a_request_to_create_that_arrives_late_never_leads_to_two_launches(sandbox, monkeypatch):
    connection = json.loads(sandbox.airflow_connections["callaro_default"])
    extra = connection.get("extra") or {}
    extra = json.loads(extra) if isinstance(extra, str) else extra
    hasty = connection | {"extra": {**extra, "read_timeout": 0.2}}
    monkeypatch.setenv("AIRFLOW_CONN_CALLARO_DEFAULT", json.dumps(hasty))
    sandbox.fault("hold_before_accepting", path=PATHS["create"], first=1)
    with pytest.raises(OutcomeUnknown):
        run_operator().execute(context_of())
    monkeypatch.setenv("AIRFLOW_CONN_CALLARO_DEFAULT", sandbox.airflow_connections["callaro_default"])

    def arrive() -> None:
        sandbox.release()
        assert act(sandbox, "pause", 999) == 404  # everything that was released has been done

    with pytest.raises(AirflowFailException, match="several campaigns"), Line(sandbox).tapped({1: ("before", arrive)}):
        run_operator().execute(context_of(attempt=2))
    with pytest.raises(AirflowFailException, match="several campaigns"):
        run_operator().execute(context_of(attempt=3))
    assert [campaign.launches for campaign in sandbox.callaro_campaigns] == [0, 0]


def test_a_create_task_refuses_to_choose_between_two_of_its_campaigns(sandbox):
    operator = CallaroCreateCampaignOperator(task_id="run", name="Renewals", agent_id=42)
    operator.execute(context_of())
    hook = CallaroHook()
    twin = hook.create_campaign({"name": sandbox.callaro_campaigns[0].name, "agent_id": 42})
    with pytest.raises(AirflowFailException, match=f"123, {twin.id}"):
        operator.execute(context_of(attempt=2))
    hook.update_campaign(twin.id, {"name": "Another one"})
    assert operator.execute(context_of(attempt=3)) == 123


def test_the_one_that_is_left_of_two_campaigns_is_run_by_a_cleared_task(sandbox, store):
    hook = CallaroHook()

    def twin() -> None:
        hook.create_campaign({"name": sandbox.callaro_campaigns[0].name, "agent_id": 42})

    with pytest.raises(AirflowFailException, match="123, 124"), Line(sandbox).tapped({2: ("before", twin)}):
        run_operator().execute(context_of(store=store))
    hook.update_campaign(123, {"name": "Another one"})
    assert run_operator().execute(context_of(attempt=2, store=store))["campaign_id"] == 124
    assert [campaign.launches for campaign in sandbox.callaro_campaigns] == [0, 1]


def test_what_no_retry_would_find_again_is_launched_only_where_the_task_remembers_it(other):
    other.keeps_names = False
    other.launched = "completed"
    with pytest.raises(AirflowFailException, match=r"Airflow 3\.3 or later.*\"list\" route"):
        run_operator().execute(context_of())
    assert other.rung == []
    store = TaskStateInMemory()
    for attempt in (1, 2):
        assert run_operator().execute(context_of(attempt=attempt, store=store))["campaign_id"] == 501
    assert other.rung == ["launch 501"]


class TestTheFieldsOfADraft:
    """What an earlier try left as a draft is launched as this try was told."""

    def test_a_cleared_task_launches_what_it_was_corrected_to(self, sandbox, store):
        with pytest.raises(AirflowFailException, match="not fit to be launched"):
            run_operator(capacity_maximum={"contacts": 2}).execute(context_of(store=store))
        corrected = {"agent_id": 77, "extra_fields": {"contacts": [{"phone_e164": "+12025550199"}]}}
        run_operator(capacity_maximum={"contacts": 2}, **corrected).execute(context_of(attempt=2, store=store))
        assert sandbox.rings_per_number() == {"+12025550199": 1}
        assert [ring.agent_id for ring in sandbox.rings] == ["77"]

    def test_what_callaro_does_not_show_is_corrected_where_the_task_remembers_it(self, other):
        store = TaskStateInMemory()
        other.launched = "completed"
        sent: list[Any] = []
        answer = other.answer

        def listening(method: str, path: str, fields: Any) -> tuple[int, Any]:
            if method == "PATCH":
                sent.append(fields)
                return 200, {"data": other.campaigns[500]}
            return (404, {"error": "no"}) if path.endswith("capacity_preview") else answer(method, path, fields)

        other.answer = listening
        for attempt, agent in ((1, 42), (2, 42), (3, 77), (4, 77)):
            with pytest.raises(AirflowFailException):
                run_operator(agent_id=agent, capacity_minimum={"contacts": 1}).execute(
                    context_of(attempt=attempt, store=store)
                )
        assert [fields["agent_id"] for fields in sent] == [77]
        assert "name" not in sent[0]

    def test_a_draft_that_is_as_it_should_be_is_left_alone(self, sandbox, store):
        for attempt in (1, 2):
            with pytest.raises(AirflowFailException, match="not fit"):
                run_operator(capacity_maximum={"contacts": 2}, campaign_phone_number_ids=["101", 102]).execute(
                    context_of(attempt=attempt, store=store)
                )
        assert not [each for each in sandbox.requests if each.endpoint.startswith("PATCH")]


class TestALaunchThatShowsLate:
    """Callaro took the launch, and calls the campaign a draft for a while."""

    def test_it_is_waited_for_and_not_launched_again(self, other, capsys, caplog):
        store = TaskStateInMemory()
        other.launched = "draft"
        for attempt in (1, 2):
            with pytest.raises(AirflowException, match="is draft, and wait_timeout is over: a retry of the task waits"):
                run_operator(**IMPATIENT).execute(context_of(attempt=attempt, store=store))
        assert other.rung == ["launch 500"]
        assert "it is not launched again" in capsys.readouterr().out + caplog.text

    @pytest.mark.parametrize("answer", [{"data": {}}, {"message": "accepted"}, {"status": "success"}])
    def test_a_yes_that_says_nothing_is_waited_for_and_never_sent_again(self, other, answer):
        store = TaskStateInMemory()
        other.launched, other.answer_to_launch = "draft", answer
        for attempt in (1, 2, 3):
            with pytest.raises(AirflowException, match="is draft, and wait_timeout is over"):
                run_operator(**IMPATIENT).execute(context_of(attempt=attempt, store=store))
        assert other.rung == ["launch 500"]

    def test_a_yes_that_calls_itself_an_error_is_looked_at_by_the_next_try_before_it_launches(self, other):
        store = TaskStateInMemory()
        other.launched, other.shows_after = "completed", 3
        other.answer_to_launch = {"success": False, "message": "busy"}
        with pytest.raises(OutcomeUnknown, match="called it an error"):
            run_operator().execute(context_of(store=store))
        assert run_operator().execute(context_of(attempt=2, store=store))["state"] == "completed"
        assert other.rung == ["launch 500"]

    def test_a_launch_task_looks_again_too_before_it_launches_once_more(self, other):
        store = TaskStateInMemory()
        campaign_id = CallaroHook().create_campaign({"name": "Renewals", "agent_id": 42}).id
        other.launched, other.shows_after = "running", 3
        other.answer_to_launch = {"success": False, "message": "busy"}
        launch = CallaroLaunchCampaignOperator(task_id="run", campaign_id=campaign_id)
        launch.hook = CallaroHook(sleep=lambda seconds: None)
        with pytest.raises(OutcomeUnknown, match="called it an error"):
            launch.execute(context_of(store=store))
        assert launch.execute(context_of(attempt=2, store=store)) == campaign_id
        assert other.rung == ["launch 500"]

    def test_the_successor_of_a_worker_that_died_on_it_looks_again_before_it_launches(self, other):
        store = TaskStateInMemory()
        other.launched, other.shows_after = "completed", 3
        answer = other.answer
        dead: list[bool] = []

        def dying(method: str, path: str, fields: Any) -> tuple[int, Any]:
            told = answer(method, path, fields)
            if path.endswith("/launch"):
                dead.append(True)
            return told

        other.answer = dying

        class Dying(TaskStateInMemory):
            def set(self, key: str, value: Any, *, retention: timedelta | None = None) -> None:
                if dead:
                    raise Killed
                super().set(key, value, retention=retention)

        before = Dying()
        with pytest.raises(Killed):
            run_operator().execute(context_of(store=before))
        store.texts = before.texts
        assert run_operator().execute(context_of(attempt=2, store=store))["state"] == "completed"
        assert other.rung == ["launch 500"]


class TestPauses:
    """Only what this task paused is resumed by it, and it is resumed however often that has to be tried."""

    def ended(self, endless: Sandbox, store: TaskStateInMemory) -> None:
        operator = run_operator()
        thread, _ = waiting_try(operator, context_of(store=store), endless, state="running")
        operator.on_kill()
        thread.join(30)
        assert endless.callaro_campaigns[0].status == "paused"

    def test_a_pause_that_came_after_ours_is_not_resumed(self, endless):
        store = TaskStateInMemory()
        self.ended(endless, store)
        assert [act(endless, "resume", 123), act(endless, "pause", 123)] == [200, 200]
        with pytest.raises(AirflowException, match="campaign 123 is paused, and wait_timeout is over: a retry"):
            run_operator(**IMPATIENT).execute(context_of(attempt=2, store=store))
        assert endless.callaro_campaigns[0].status == "paused"

    def test_a_pause_under_a_name_of_callaros_own_is_not_taken_for_ours(self, other):
        store = TaskStateInMemory()
        other.launched = "auto_paused"
        operator = run_operator(**IMPATIENT)
        with pytest.raises(AirflowException, match="campaign 500 is auto_paused, and wait_timeout is over"):
            operator.execute(context_of(store=store))
        operator.on_kill()  # as Airflow calls it after an execution_timeout
        assert other.campaigns[500]["status"] == "paused"
        with pytest.raises(AirflowException, match="campaign 500 is paused"):
            run_operator(**IMPATIENT).execute(context_of(attempt=2, store=store))
        assert other.rung == ["launch 500"]

    def test_a_resume_that_got_lost_is_sent_by_the_try_after(self, endless):
        store = TaskStateInMemory()
        self.ended(endless, store)
        endless.fault("error_before_accepting", path=PATHS["resume"], first=5)
        with pytest.raises(OutcomeUnknown):
            run_operator(**IMPATIENT).execute(context_of(attempt=2, store=store))
        with pytest.raises(AirflowException, match="campaign 123 is running, and wait_timeout is over: it goes on"):
            run_operator(**IMPATIENT).execute(context_of(attempt=3, store=store))
        assert endless.callaro_campaigns[0].resumes == 1

    def test_a_task_that_is_ended_before_it_could_resume_leaves_that_to_the_next_try(self, endless):
        store = TaskStateInMemory()
        self.ended(endless, store)
        operator = run_operator()
        with pytest.raises(AirflowException, match="ended"), Line(endless).tapped({0: ("after", operator.on_kill)}):
            operator.execute(context_of(attempt=2, store=store))
        with pytest.raises(AirflowException, match="campaign 123 is running"):
            run_operator(**IMPATIENT).execute(context_of(attempt=3, store=store))


def test_a_task_that_is_ended_while_callaro_has_it_wait_stops_its_campaign_at_once(endless):
    operator = run_operator()
    del vars(operator)["hook"]  # the operator's own, which does wait
    thread, ended = waiting_try(operator, context_of(), endless, state="running")
    endless.fault("throttled", path=PATHS["get"], first=1, retry_after=600)
    endless.wait_for_requests(len(endless.requests) + 1, timeout=30)
    operator.on_kill()
    thread.join(30)
    assert "Airflow ended the task" in str(ended)
    assert [campaign.status for campaign in endless.callaro_campaigns] == ["paused"]


class TestWordsThatNobodyKnows:
    """Nothing is launched from a state that nobody knows, and the run says so instead of waiting for ever."""

    def test_a_draft_under_another_name_fails_for_good_and_says_what_to_do(self, other, store):
        other.draft = "created"
        with pytest.raises(AirflowFailException, match=r'calls it "created".*"states": \{"created": "draft"\}'):
            run_operator().execute(context_of(store=store))
        assert other.rung == []

    def test_a_cleared_task_launches_it_once_the_connection_says_what_the_word_means(self, other, store, monkeypatch):
        other.draft, other.launched = "created", "completed"
        with pytest.raises(AirflowFailException, match="no state that is known"):
            run_operator().execute(context_of(store=store))
        connection = json.loads(os.environ["AIRFLOW_CONN_CALLARO_DEFAULT"]) | {
            "extra": {"states": {"created": "draft"}}
        }
        monkeypatch.setenv("AIRFLOW_CONN_CALLARO_DEFAULT", json.dumps(connection))
        assert run_operator().execute(context_of(attempt=2, store=store))["state"] == "completed"
        assert other.rung == ["launch 500"]

    def test_an_answer_that_tells_no_state_fails_for_good(self, other, store):
        other.draft = ""
        with pytest.raises(AirflowFailException, match="nothing in Callaro's answer says how it stands"):
            run_operator().execute(context_of(store=store))
        assert other.rung == []

    def test_an_end_under_another_name_is_named_when_the_wait_is_over(self, other, store):
        other.launched = "finished"
        for attempt in (1, 2):
            with pytest.raises(AirflowException, match="campaign 500 is finished, and wait_timeout is over"):
                run_operator(**IMPATIENT).execute(context_of(attempt=attempt, store=store))
        assert other.rung == ["launch 500"]


def test_a_launch_that_is_answered_with_a_job_is_not_taken_for_the_campaign(other):
    other.answer_to_launch = {"data": {"id": 987, "status": "completed"}}
    with pytest.raises(AirflowException, match="campaign 500 is running, and wait_timeout is over"):
        run_operator(**IMPATIENT).execute(context_of())
    assert other.rung == ["launch 500"]
