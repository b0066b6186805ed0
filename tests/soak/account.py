"""The account: what the vendors saw against what was promised and what the runs say of themselves.

Pure: it gets the vendors' log, the lists, the summaries and the reports. What it finds names runs, tasks and a digest
of a number, never a number.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from airflow_provider_callkaro.sandbox import Endpoint, Ring
from tests.soak.lists import ListTask, Run
from tests.soak.witness import Testimony

OUTCOMES = ("accepted", "rejected", "skipped", "unknown", "pending")
SHOWN = 5  # findings of a kind
Span = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldByTask:
    """What one task instance that calls a list left: its summary, and the lines of its report.

    :param map_index: -1 where it is not mapped.
    """

    run: Run
    task: ListTask
    map_index: int
    summary: Mapping[str, Any] | None
    lines: Sequence[Mapping[str, str]] | None


@dataclass(slots=True)
class Account:
    """The figures, and what is wrong. ``findings``: sentences by promise."""

    figures: dict[str, object] = field(default_factory=dict)
    findings: dict[str, list[str]] = field(default_factory=dict)

    def wrong(self, promise: str, sentence: str) -> None:
        """Note a broken promise."""
        self.findings.setdefault(promise, []).append(sentence)


def digest(number: str) -> str:
    """What stands for a number in a finding."""
    return hashlib.sha256(number.encode()).hexdigest()[:10]


def judge_rings(account: Account, testimony: Testimony, runs: Iterable[Run]) -> None:
    """Nobody is rung twice, and nobody who was on no list."""
    owners = {number: run.run_id for run in runs for number in _numbers_of(run)}
    rings = [ring for ring in testimony.rings if not ring.deleted]
    per_number = Counter(ring.to_number for ring in rings)
    account.figures["numbers rung"] = len(per_number)
    account.figures["most rings of a number"] = max(per_number.values(), default=0)
    for number, count in per_number.items():
        if count > 1:
            times = ", ".join(f"{ring.received_at:%H:%M:%S.%f}" for ring in rings if ring.to_number == number)
            account.wrong("nobody twice", f"{owners.get(number)}: {digest(number)} rang {count} times, at {times}")
        if number not in owners:
            account.wrong("nobody twice", f"{digest(number)} rang and is in no list")


def _numbers_of(run: Run) -> list[str]:
    return [
        *(number for task in run.dag.lists for number in run.contact_list(task.place).numbers),
        *run.conf_numbers,
    ]


def judge_hours(account: Account, rings: Iterable[Ring], *, agents: Collection[str], spans: Sequence[Span]) -> None:
    """Nobody is rung outside the hours, by the vendor's clock.

    :param agents: whose calls are bound to the hours.
    :param spans: the hours, in order, in seconds since 1970 UTC.
    """
    bound = [ring for ring in rings if ring.agent_id in agents]
    outside = [(ring, lateness) for ring in bound if (lateness := outside_by(ring.received_at, spans)) > 0]
    account.figures["rings within hours"] = len(bound) - len(outside)
    account.figures["rings outside hours"] = len(outside)
    for ring, lateness in outside:
        account.wrong(
            "never at a wrong hour",
            f"{digest(ring.to_number)} rang at {ring.received_at:%H:%M:%S.%f}, {lateness:.3f} s from the hours",
        )


def outside_by(moment: datetime, spans: Sequence[Span]) -> float:
    """How many seconds a moment is from the nearest span; 0 within one."""
    at = moment.timestamp()
    place = bisect_right([start for start, _ in spans], at) - 1
    if place >= 0 and at < spans[place][1]:
        return 0.0
    distances = [at - spans[place][1]] if place >= 0 else []
    distances += [spans[place + 1][0] - at] if place + 1 < len(spans) else []
    return max(min(distances, default=float("inf")), 1e-6)


def judge_rows(account: Account, told: Iterable[ToldByTask], rings: Iterable[Ring]) -> None:
    """Each row that went in comes out in one state, and the vendor agrees with it."""
    rung = {ring.to_number for ring in rings}
    rows_in = rows_out = 0
    totals: Counter[str] = Counter()
    by_list: dict[tuple[str, str], list[ToldByTask]] = {}
    for each in told:
        by_list.setdefault((each.run.run_id, each.task.task_id), []).append(each)
    for (run_id, task_id), parts in by_list.items():
        phones = parts[0].run.contact_list(parts[0].task.place).phones
        rows_in += len(phones)
        where = f"{run_id} {parts[0].run.dag.dag_id}.{task_id}"
        if any(part.summary is None or part.lines is None for part in parts):
            missing = sum(part.summary is None for part in parts), sum(part.lines is None for part in parts)
            account.wrong(
                "no row lost", f"{where}: {missing[0]} of {len(parts)} left no summary, {missing[1]} no report"
            )
            continue
        found = [line for part in parts for line in part.lines or ()]
        rows_out += len(found)
        for part in parts:
            _judge_summary(account, where, part)
            totals.update({name: part.summary[name] for name in OUTCOMES} if part.summary else {})
        _judge_lines(account, where, phones, found, rung)
    account.figures["rows in"] = rows_in
    account.figures["rows out"] = rows_out
    account.figures |= {f"rows {name}": totals[name] for name in OUTCOMES}


def _judge_summary(account: Account, where: str, part: ToldByTask) -> None:
    summary, lines = part.summary or {}, part.lines or ()
    counts = {name: summary.get(name, 0) for name in OUTCOMES}
    if sum(counts.values()) != summary.get("total"):
        account.wrong("no row lost", f"{where}[{part.map_index}]: {counts} do not add up to {summary.get('total')}")
    states = Counter(line["state"] for line in lines)
    if +states != +Counter(counts):
        account.wrong("no row lost", f"{where}[{part.map_index}]: the summary says {counts}, the report {dict(states)}")
    if counts["pending"]:
        account.wrong("no row lost", f"{where}[{part.map_index}]: {counts['pending']} rows were never dialled")


def _judge_lines(
    account: Account, where: str, phones: Sequence[str], lines: Sequence[Mapping[str, str]], rung: Collection[str]
) -> None:
    rows = Counter(int(line["row"]) for line in lines)
    lost = [row for row in range(1, len(phones) + 1) if not rows[row]]
    twice = [row for row, count in rows.items() if count > 1]
    if lost or twice or len(rows) != len(phones):
        account.wrong(
            "no row lost", f"{where}: of {len(phones)} rows {len(lost)} are in no report, {len(twice)} more than once"
        )
    for line in lines:
        number = phones[int(line["row"]) - 1] if int(line["row"]) <= len(phones) else ""
        if line["state"] == "accepted" and number not in rung:
            account.wrong("no row lost", f"{where}: row {line['row']} ({digest(number)}) is accepted and never rang")
        if line["state"] == "rejected" and number in rung:
            account.wrong("no row lost", f"{where}: row {line['row']} ({digest(number)}) is rejected and rang")


def judge_singles(account: Account, rings: Iterable[Ring], succeeded: Iterable[Run]) -> None:
    """Whoever a run that succeeded was to ring, beside its lists, was rung."""
    rung = {ring.to_number for ring in rings if not ring.deleted}
    for run in succeeded:
        missed = [digest(number) for number in run.conf_numbers[: run.dag.rung] if number not in rung]
        if missed:
            account.wrong(
                "no row lost", f"{run.run_id} {run.dag.dag_id} succeeded and has not rung {', '.join(missed)}"
            )


def judge_campaigns(account: Account, testimony: Testimony, runs: Iterable[Run]) -> None:
    """No campaign is launched twice, and no run launches more than it should."""
    most = max((campaign.launches for campaign in testimony.callaro_campaigns), default=0)
    account.figures["campaigns launched"] = sum(campaign.launches > 0 for campaign in testimony.callaro_campaigns)
    account.figures["most launches of a campaign"] = most
    if most > 1:
        account.wrong("one launch per campaign", f"a campaign was launched {most} times")
    for run in runs:
        own = [each for each in testimony.callaro_campaigns if each.name.startswith(f"{run.run_id} ")]
        launches = sum(campaign.launches for campaign in own)
        if launches > run.dag.launches:
            account.wrong(
                "one launch per campaign",
                f"{run.run_id} {run.dag.dag_id} launched {launches} campaigns rather than {run.dag.launches}",
            )


def judge_rate(
    account: Account, testimony: Testimony, *, path: Endpoint, rate: int | None, in_flight: int | None
) -> None:
    """In no second more starts than the budget, in no moment more in flight; None where there is no budget.

    :param path: the endpoint of the account that has the budget.
    """
    requests = [request for request in testimony.requests if request.endpoint == path]
    worst = worst_second([request.received_at.timestamp() for request in requests])
    most = most_at_once(
        [(each.received_at.timestamp(), each.answered_at.timestamp()) for each in requests if each.answered_at]
    )
    account.figures[f"starts at {path}"] = len(requests)
    account.figures["worst second"] = worst if rate is None else f"{worst} (budget {rate})"
    account.figures["most in flight"] = most if in_flight is None else f"{most} (budget {in_flight})"
    if rate is not None and worst > rate:
        account.wrong("within the budget", f"{worst} starts in one second, with a budget of {rate}")
    if in_flight is not None and most > in_flight:
        account.wrong("within the budget", f"{most} in flight, with a budget of {in_flight}")


def worst_second(moments: Iterable[float]) -> int:
    """How many of the moments lie in one second, at most: any second, not that of a clock."""
    ordered = sorted(moments)
    worst = first = 0
    for last, moment in enumerate(ordered):
        while moment - ordered[first] >= 1:
            first += 1
        worst = max(worst, last - first + 1)
    return worst


def most_at_once(spans: Iterable[Span]) -> int:
    """How many spans overlap at one moment, at most; one that ends as another begins does not."""
    changes = sorted(change for start, end in spans for change in ((start, 1), (end, -1)))
    now = most = 0
    for _, change in changes:
        now += change
        most = max(most, now)
    return most
