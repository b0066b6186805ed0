"""The figures as a page shows them: the steps of the funnel, the reasons, and what somebody should look at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from airflow_provider_callkaro.board.calls import UNRESOLVED
from airflow_provider_callkaro.board.chart import Chart
from airflow_provider_callkaro.board.figures import MAY_RING, RunFigures
from airflow_provider_callkaro.board.outcomes import RunOutcomes
from airflow_provider_callkaro.calls.disposition import Disposition
from airflow_provider_callkaro.calls.outcome import Outcome, Reason
from airflow_provider_callkaro.ledger.contract import EntryState

_REASONS = frozenset(Reason)
_HEADINGS = {
    Outcome.REJECTED: "Rejected, by reason",
    Outcome.SKIPPED: "Skipped, by reason",
    Outcome.UNKNOWN: "Unknown, by reason",
    Outcome.PENDING: "Pending, by reason",
}
_WORDS = {str(Reason.NO_ANSWER): "no answer from the vendor's API", str(Reason.CAP): "called too often"}


class StepKind(StrEnum):
    """How a step of the funnel is drawn."""

    WAY = "way"
    ASIDE = "aside"
    ATTENTION = "attention"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of the funnel. ``percent``: of the rows, from 0 to 100."""

    name: str
    count: int
    percent: float
    note: str
    kind: StepKind = StepKind.WAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Todo:
    """Calls that somebody should look at. ``link``: to the list of them; empty without one. ``command``: settles one
    of them; empty without one."""

    name: str
    count: int
    meaning: str
    advice: str
    link: str = ""
    command: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a page shows of the calls of a run.

    :param tables: each with its heading; of what is counted and how often, most frequent first.
    :param tasks: name and link of each of the tasks.
    :param campaigns: likewise of each of the vendor's campaigns.
    :param calls_link: to the calls one by one; empty in a file, and where there are none.
    """

    steps: Sequence[Step]
    tables: Sequence[tuple[str, Sequence[tuple[str, int]]]]
    todo: Sequence[Todo]
    chart: Chart | None
    tasks: Sequence[tuple[str, str]] = ()
    campaigns: Sequence[tuple[str, str]] = ()
    calls_link: str = ""


def shown_of(
    figures: RunFigures,
    *,
    conn_id: str,
    tasks: Sequence[tuple[str, str]] = (),
    campaigns: Sequence[tuple[str, str]] = (),
    calls_link: str = "",
    state_links: Mapping[str, str] | None = None,
) -> Shown:
    """What a page shows of these figures.

    :param conn_id: of the ledger's connection, for the commands.
    :param state_links: the list of the calls in a state, by state; None in a file.
    """
    reasons = _reasons(figures)
    tables = [("Outcomes", _outcomes(figures.outcomes))]
    tables += [
        (heading, [(_WORDS.get(name, name), count) for name, count in reasons.items() if _outcome_of(name) is outcome])
        for outcome, heading in _HEADINGS.items()
    ]
    return Shown(
        steps=_steps(figures),
        tables=[(heading, counts) for heading, counts in tables if counts],
        todo=list(_todo(figures, conn_id=conn_id, links=state_links or {})),
        chart=figures.chart,
        tasks=tasks,
        campaigns=campaigns,
        calls_link=calls_link if figures.calls else "",
    )


def _steps(figures: RunFigures) -> list[Step]:
    rows, states = figures.rows, figures.states
    rejected = max(rows.get(Outcome.REJECTED, 0), states.get(EntryState.REJECTED, 0))
    unknown = states.get(EntryState.UNKNOWN, 0)
    total = max(rows.get("total", 0), figures.calls)
    of_list = "of the list" if "total" in rows else "claimed by now: the list has not been counted yet"

    def step(name: str, count: int, note: str, kind: StepKind = StepKind.WAY) -> Step:
        return Step(name=name, count=count, percent=round(100 * count / total, 2) if total else 0, note=note, kind=kind)

    steps = [step("Rows", total, of_list)]
    if rows:
        steps.append(step("Skipped", rows.get(Outcome.SKIPPED, 0), "by a rule; nobody was rung", StepKind.ASIDE))
    steps.append(step("Rejected", rejected, "by the checks or by the vendor", StepKind.ASIDE))
    if unknown:
        steps.append(step("Unknown", unknown, "may have rung", StepKind.ATTENTION))
    accepted = states.get(EntryState.ACCEPTED, 0)
    steps.append(step("Accepted", accepted, "taken by the vendor"))
    if (outcomes := figures.outcomes) is not None:
        reached = outcomes.dispositions.get(Disposition.REACHED, 0)
        steps.append(step("Reached", reached, f"{outcomes.total:,} calls have an outcome"))
        steps.append(step("Converted", outcomes.converted, "reached their goal"))
    return steps


def _outcomes(outcomes: RunOutcomes | None) -> list[tuple[str, int]]:
    if outcomes is None:
        return []
    missing = (("awaiting their outcome", outcomes.awaiting), ("unresolved", outcomes.unresolved))
    return [*outcomes.dispositions.items(), *((name, count) for name, count in missing if count)]


def _todo(figures: RunFigures, *, conn_id: str, links: Mapping[str, str]) -> Iterable[Todo]:
    if unknown := figures.states.get(EntryState.UNKNOWN, 0):
        yield Todo(
            name="unknown",
            count=unknown,
            meaning="They may have rung: the vendor's answer was lost. Nobody redials them without being asked to.",
            advice="An outcome from the vendor settles them by itself. If none comes, ask the vendor whether they "
            "rang, and settle each one.",
            link=links.get(EntryState.UNKNOWN, ""),
            command=f"airflow callkaro ledger resolve called --conn-id {conn_id} --call ID",
        )
    if ringing := figures.states.get(MAY_RING, 0):
        yield Todo(
            name=MAY_RING,
            count=ringing,
            meaning="They were claimed less than an hour ago, and no try has settled them yet.",
            advice="While the task runs this is as it should be. If it was killed, they become unknown after an hour.",
            link=links.get(MAY_RING, ""),
        )
    if (outcomes := figures.outcomes) is not None and outcomes.unresolved:
        yield Todo(
            name="unresolved",
            count=outcomes.unresolved,
            meaning="The vendor took them, and what became of them has not come in time.",
            advice="Look whether the vendor's webhooks arrive. An outcome that comes late is counted as any other.",
            link=links.get(UNRESOLVED, ""),
        )
    if outcomes is not None and outcomes.ambiguous:
        yield Todo(
            name="ambiguous, in the whole ledger",
            count=outcomes.ambiguous,
            meaning="These outcomes could be about several calls. They are kept aside and counted nowhere.",
            advice="Let the calls carry a reference (call_reference), by which an outcome finds its call.",
        )
    if pending := figures.rows.get(Outcome.PENDING, 0):
        yield Todo(
            name="pending",
            count=pending,
            meaning="They were not dispatched: the window closed, the vendor throttled, or the run was stopped.",
            advice="The next try of the task dispatches them; nobody is rung twice. If there is none, clear the task.",
        )


def _reasons(figures: RunFigures) -> dict[str, int]:
    """How many rows ended for each reason, most frequent first: as the ledger has it, and else as the list was counted.

    A call whose state has changed since the list was counted has the reason that the ledger has now.
    """
    held: Counter[str] = Counter()
    for (_, reason), count in figures.reasons.items():
        held[reason] += count
    others = {name: count for name, count in figures.row_reasons.items() if not _may_change(name)}
    merged = {**others, **held}
    for name in others.keys() & held.keys():
        merged[name] = max(others[name], held[name])
    return dict(sorted(merged.items(), key=lambda item: (-item[1], item[0])))


def _may_change(name: str) -> bool:
    """Whether a row that was counted for this reason may have been settled since then."""
    return _outcome_of(name) is Outcome.UNKNOWN


def _outcome_of(name: str) -> Outcome:
    return Reason(name).outcome if name in _REASONS else Outcome.REJECTED
