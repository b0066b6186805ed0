"""One mistake must not condemn a list: a wrong path, agent or campaign, a field that all rows share.

The vendor then refuses everybody in the same words. Nobody is marked for it, few are asked, and the corrected run rings
everybody. What the vendor holds against one person is that person's alone.
"""

from __future__ import annotations

import time

import pytest
from placing_calls import DND_NUMBER, CampaignCaller, LedgerAround, numbers, rows

from airflow_provider_callkaro.calls.outcome import Outcome, Reason
from airflow_provider_callkaro.dispatch.limits import Limits, Stop
from airflow_provider_callkaro.dispatch.refusals import UNIFORM_REFUSALS
from airflow_provider_callkaro.exceptions import AllRejected
from airflow_provider_callkaro.ledger.contract import EntryState

LIST_REFUSED = "the vendor refused every call of the list in the same way"


def with_agent(contacts, agent_id):
    return [dict(row, agent_id=agent_id) for row in contacts]


def check_that_nobody_is_marked(caller, run, *, count: int) -> None:
    assert isinstance(run.summary.refusal, AllRejected)
    assert run.summary.stopped == LIST_REFUSED
    assert (run.summary.pending, run.summary.rejected) == (count, 0)
    assert set(run.summary.reasons) <= {Reason.LIST_REFUSED, Reason.STOPPED}
    assert len(caller.sandbox.requests) <= UNIFORM_REFUSALS
    assert caller.sandbox.rings == []


@pytest.mark.slow
@pytest.mark.parametrize("window", [1, 8, 64])
def test_a_wrong_path_costs_twenty_requests_and_the_corrected_run_rings_everybody(durable_caller, window) -> None:
    limits = Limits(max_concurrency=window)
    run = durable_caller.place(rows(2_000), base_url=durable_caller.sandbox.url + "/v9", limits=limits)
    assert "404" in str(run.summary.refusal)
    check_that_nobody_is_marked(durable_caller, run, count=2_000)
    assert durable_caller.entries(*numbers(2_000)) == {}
    tuesday = durable_caller.place(rows(2_000), run="tuesday")
    assert tuesday.summary.accepted == 2_000
    assert durable_caller.most_rings() == 1


@pytest.mark.parametrize("words", ["unknown agent", None])
def test_an_agent_that_does_not_exist_is_named_and_nobody_is_marked(caller, words) -> None:
    """Also where each refusal says an id of its own, and where the rows have no agent at all."""
    contacts = with_agent(rows(300), "unknown agent")
    run = caller.place(contacts)
    assert "agent" in str(run.summary.refusal).lower()
    check_that_nobody_is_marked(caller, run, count=300)
    assert caller.place(rows(300)).summary.accepted == 300


def test_a_redial_of_the_rejected_that_meets_the_same_mistake_leaves_them_as_they_were(durable_caller) -> None:
    """Otherwise one failed redial would use up the only one that there is, and the scope would be dead."""
    durable_caller.sandbox.fault("rejected")  # "Number … is not reachable": that is about the people
    durable_caller.place(rows(60))
    before = durable_caller.entries(*numbers(60))
    assert {entry.state for entry in before.values()} == {EntryState.REJECTED}
    durable_caller.sandbox.clear_faults()
    wrong = durable_caller.sandbox.url + "/v9"
    run = durable_caller.place(rows(60), run="tuesday", redial="rejected", base_url=wrong)
    assert (run.summary.stopped, run.summary.pending) == (LIST_REFUSED, 60)
    assert durable_caller.entries(*numbers(60)) == before
    mended = durable_caller.place(rows(60), run="wednesday", redial="rejected")
    assert mended.summary.accepted == 60
    assert durable_caller.most_rings() == 1


@pytest.mark.parametrize("count", [2, 5, 19, 20, 21])
def test_a_short_list_that_is_refused_to_the_last_call_is_refused_as_a_list(caller, count) -> None:
    run = caller.place(with_agent(rows(count), "unknown agent"))
    check_that_nobody_is_marked(caller, run, count=count)
    assert caller.entries(*numbers(count)) == {}
    assert caller.place(rows(count)).summary.accepted == count


def test_a_single_call_that_is_refused_is_rejected(caller) -> None:
    run = caller.place(with_agent(rows(1), "unknown agent"))
    assert (run.summary.rejected, run.summary.stopped) == (1, None)


def test_once_a_call_was_accepted_refusals_are_about_the_people(caller) -> None:
    contacts = [
        *with_agent(rows(5), "unknown agent"),
        *rows(1, start=5),
        *with_agent(rows(300, start=6), "unknown agent"),
    ]
    run = caller.place(contacts, limits=Limits(max_concurrency=1))
    assert (run.summary.accepted, run.summary.rejected, run.summary.stopped) == (1, 305, None)
    assert caller.entries(numbers(1)[0])[numbers(1)[0]].state is EntryState.REJECTED


def test_people_who_must_not_be_disturbed_do_not_condemn_the_list(caller) -> None:
    """The number is at fault each time, and the words are the same each time."""
    caller.sandbox.fault("rejected")  # "Number … is not reachable"
    run = caller.place(rows(60))
    assert (run.summary.rejected, run.summary.stopped) == (60, None)
    dnd = [{"to_number": DND_NUMBER, "call_key": str(index)} for index in range(60)]
    run = caller.place(dnd, run="tuesday")
    assert (run.summary.rejected, run.summary.stopped) == (60, None)


def test_people_who_must_not_be_disturbed_do_not_hide_that_the_list_is_wrong(caller) -> None:
    contacts = []
    for index, row in enumerate(with_agent(rows(200), "unknown agent")):
        contacts.append({"to_number": DND_NUMBER, "call_key": str(index)} if index % 3 == 0 else row)
    run = caller.place(contacts, limits=Limits(max_concurrency=1))
    assert run.summary.stopped == LIST_REFUSED
    assert {row.outcome for row in run.rows if row.reason == Reason.DO_NOT_DISTURB} == {Outcome.REJECTED}
    assert run.summary.rejected + run.summary.pending == 200


def test_a_run_that_is_stopped_before_it_knows_leaves_the_refused_to_the_next_try(caller) -> None:
    stop = Stop(clock=time.monotonic)

    class Stopping(LedgerAround):
        def commit(self, *, settle=(), claim=()):
            if len(caller.sandbox.requests) >= 5:
                stop.ask("Airflow ended the task")
            return super().commit(settle=settle, claim=claim)

    wrong = with_agent(rows(200), "unknown agent")
    run = caller.place(
        wrong, stop=stop, ledger=Stopping(caller.open_ledger("monday")), limits=Limits(max_concurrency=1)
    )
    assert run.summary.stopped == "Airflow ended the task"
    assert (run.summary.pending, run.summary.rejected) == (200, 0)
    assert caller.entries(*numbers(200)) == {}


def test_a_refusal_that_waits_for_the_others_stays_claimed_until_it_is_known_what_it_means(caller) -> None:
    """Nobody else may ring somebody about whom nothing is decided, and what a kill would leave unknown is bounded."""
    most: list[int] = []

    class Watching(LedgerAround):
        def commit(self, *, settle=(), claim=()):
            lost = super().commit(settle=settle, claim=claim)
            entries = caller.entries(*numbers(200), run="somebody who looks on")
            most.append(len(entries))
            assert {entry.state for entry in entries.values()} <= {EntryState.CLAIMED}
            return lost

    ledger = Watching(caller.open_ledger("monday"))
    caller.place(with_agent(rows(200), "unknown agent"), ledger=ledger, limits=Limits(max_concurrency=4))
    assert max(most) <= UNIFORM_REFUSALS + 2 * 4
    assert most[-1] == 0


@pytest.mark.parametrize("rows_given", [10, 90])
def test_campaigns_that_are_all_refused_alike_mark_none_of_their_targets(sandbox, caller, rows_given) -> None:
    campaigns = CampaignCaller(sandbox, caller.open_ledger)
    run = campaigns.place(rows(rows_given), base_url=sandbox.url + "/v9", limits=Limits(max_concurrency=4))
    check_that_nobody_is_marked(caller, run, count=rows_given)
    assert campaigns.place(rows(rows_given)).summary.accepted == rows_given
