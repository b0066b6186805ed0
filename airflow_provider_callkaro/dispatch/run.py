"""One run, put together from its parts: the function that operators, tests and the benchmark call."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterable

from airflow_provider_callkaro.calls.call import Call
from airflow_provider_callkaro.dispatch.batching import CallVendor, ManyCallsVendor, batcher_for
from airflow_provider_callkaro.dispatch.budgeting import Keeper
from airflow_provider_callkaro.dispatch.dialler import Dialler
from airflow_provider_callkaro.dispatch.dispatcher import Dispatcher
from airflow_provider_callkaro.dispatch.flow_control import FlowControl
from airflow_provider_callkaro.dispatch.intake import Intake
from airflow_provider_callkaro.dispatch.kept_share import KeptShare
from airflow_provider_callkaro.dispatch.limits import Limits, Shard, Stop
from airflow_provider_callkaro.dispatch.outcome_recorder import OutcomeRecorder
from airflow_provider_callkaro.dispatch.preparation import Observe, Preparation, Rules
from airflow_provider_callkaro.dispatch.progress import Progress, Snapshot
from airflow_provider_callkaro.dispatch.report import RowSink
from airflow_provider_callkaro.dispatch.tally import Summary, Tally
from airflow_provider_callkaro.dispatch.transport import Transport
from airflow_provider_callkaro.ledger.contract import CallLedger, EntryState
from airflow_provider_callkaro.transport.retry import RetryPolicy

_log = logging.getLogger(__name__)


def run_calls(
    *,
    rows: Iterable[object],
    read: Callable[[object], Call],
    vendor: CallVendor | ManyCallsVendor,
    transport: Transport,
    ledger: CallLedger,
    limits: Limits,
    stop: Stop,
    say: Callable[[Snapshot], None],
    keep: Callable[[Snapshot], None] | None = None,
    total: int | None = None,
    redial: frozenset[EntryState] = frozenset(),
    report: RowSink | None = None,
    shard: Shard | None = None,
    on_row: Callable[[int, object], None] | None = None,
    rules: Rules | None = None,
    dry_run: bool = False,
    observe: Observe | None = None,
    policy: RetryPolicy | None = None,
    keeper: Keeper | None = None,
    on_failure: Callable[[Summary], None] | None = None,
    clock: Callable[[], float] = time.monotonic,
    wall: Callable[[], float] = time.time,
    jitter: Callable[[], float] = random.random,
) -> Summary:
    """Place one call per contact row, each at most once in the ledger's scope.

    With a vendor that takes many calls per request, ``max_concurrency`` and ``stop_after_unknown`` count requests.

    :param rows: contact rows, read lazily.
    :param read: turns a row into a call, or raises `InvalidCall`.
    :param ledger: who has been rung; opened and closed here.
    :param say: logs a snapshot of the run: every few seconds at first, then ever more rarely.
    :param keep: keeps a snapshot of the run where others look at it, every few seconds; None keeps none.
    :param total: rows in the list; None where that is not known.
    :param redial: earlier outcomes to dispatch once more, on purpose.
    :param report: takes one line per row; the caller publishes it.
    :param shard: the part of the rows to take; None takes all.
    :param on_row: called with the number of each row that is taken, and the row, before its outcome is reported.
    :param rules: when and how often a call may ring, and who must not be called; None lets every call ring.
    :param dry_run: read and look up everything, send nothing.
    :param observe: called with every call as the row asks for it, and with the call as it would go out or what holds it
        back.
    :param policy: how failures are retried; None for the default.
    :param keeper: keeps the run's share of a budget that others share; opened and closed here. None: no budget.
    :param on_failure: called with the summary of a run that fails, after everything is settled that can be and before
        the error is raised. Rows that were read and did not go out count as pending, and so do those known to be
        unread.
    :param clock: seconds of a monotonic clock.
    :param wall: seconds since 1970 UTC, to know what is too late.
    :param jitter: from 0 to 1, for the waits between attempts.
    :return: the summary, whose counts add up to the rows.
    :raises ConfigurationError: the list cannot be right; nothing was sent.
    :raises LedgerError: no call could be claimed durably any more.
    """
    policy = policy or RetryPolicy()
    tally = Tally()
    batcher = batcher_for(vendor)
    flow = FlowControl(
        max_concurrency=limits.max_concurrency,
        calls_per_second=limits.calls_per_second,
        calls_per_request=batcher.calls_per_request,
        stop_after_unknown=limits.stop_after_unknown,
        share=None if keeper is None else keeper.lease,
    )
    dialler = Dialler(
        transport=transport,
        vendor=batcher.name,
        read=batcher.read,
        flow=flow,
        policy=policy,
        clock=clock,
        wall=wall,
        random=jitter,
        gather=max(1, limits.max_concurrency // 4),
    )
    recorder = OutcomeRecorder(ledger=ledger, tally=tally, report=report, redial=redial, policy=policy, random=jitter)
    dispatcher = Dispatcher(
        intake=Intake(rows=rows, read=read, shard=shard, on_row=on_row),
        preparation=Preparation(recorder=recorder, rules=rules, observe=observe),
        batcher=batcher,
        recorder=recorder,
        tally=tally,
        dialler=dialler,
        flow=flow,
        stop=stop,
        progress=Progress(total=total, say=say, keep=keep, clock=clock),
        clock=clock,
        share=KeptShare(keeper, flow=flow, dialler=dialler, stop=stop, clock=clock),
    )
    try:
        with ledger:
            return dispatcher.rehearse() if dry_run else dispatcher.run()
    except BaseException as error:
        if on_failure is not None:
            _hand_over(on_failure, dispatcher.account(failed=error, total=total if shard is None else None))
        raise


def _hand_over(on_failure: Callable[[Summary], None], summary: Summary) -> None:
    try:
        on_failure(summary)
    except Exception:  # the task fails with the error that ended the run
        _log.exception("The summary of the run that failed could not be kept: %s", summary)
