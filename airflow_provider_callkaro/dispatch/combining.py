"""One summary of a list that several tasks shared: totals that add up, and never the look of a whole that it is not.

A summary is what a fan-out returned, as Airflow's XCom gives it back: data, read here with care. A part that left none
(it was skipped, or died before its end) is missing, and the combined summary says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Self

from airflow_provider_callkaro.calls.masking import mask_text
from airflow_provider_callkaro.calls.outcome import Outcome, Reason
from airflow_provider_callkaro.dispatch.limits import Shard
from airflow_provider_callkaro.dispatch.tally import Summary
from airflow_provider_callkaro.exceptions import ConfigurationError

MAX_CAMPAIGNS_SHOWN = 100  # ours, as in a single summary: an XCom has a bounded size
MAX_PARTS_SHOWN = 10  # in a message
MAX_REASON = 64  # characters; as in the ledger

_COUNTS = ("total", *(outcome.value for outcome in Outcome))


@dataclass(frozen=True, slots=True, kw_only=True)
class PartSummary:
    """What one task's summary says.

    :param name: what to call it in a message.
    :param shard: which part of the list it took; None where it does not say, because it took a list of its own.
    :param counts: the total and the five outcomes, by name.
    :param unread: whether an unknown number of rows was left unread.
    :param campaign: what it says of its campaign or campaigns.
    :param report: where its report is; None where there is none.
    """

    name: str
    shard: Shard | None
    counts: Mapping[str, int]
    reasons: Mapping[str, int]
    unread: bool
    campaign: Mapping[str, Any]
    report: str | None

    @classmethod
    def of(cls, number: int, summary: object) -> Self:
        """Read a summary. ``number``: its place among the summaries, from 1. Raises ConfigurationError if it is no
        summary of a fan-out, or its counts do not add up."""
        name = f"summary {number}"
        if not isinstance(summary, Mapping) or not all(_is_count(summary.get(each)) for each in _COUNTS):
            raise ConfigurationError(
                f"{name} is not what a fan-out returns: give summaries the output of the fan-out, calls.output"
            )
        counts = {each: int(summary[each]) for each in _COUNTS}
        if counts["total"] != sum(counts[outcome] for outcome in Outcome):
            raise ConfigurationError(f"the outcomes of {name} do not add up to its total: give it as the task left it")
        reasons = summary.get("reasons") or {}
        if not isinstance(reasons, Mapping) or not all(map(_is_count, reasons.values())):
            raise ConfigurationError(f"the reasons of {name} are no counts: give it as the task left it")
        shard = _shard_of(name, summary.get("shard"))
        report = summary.get("report")
        return cls(
            name=name if shard is None else f"part {shard.index + 1} of {shard.count}",
            shard=shard,
            counts=counts,
            reasons=_readable(reasons),
            unread=bool(summary.get("unread")),
            campaign={each: summary[each] for each in ("batch_id", "campaigns", "created") if each in summary},
            report=report if isinstance(report, str) and report else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CombinedSummary:
    """The summary of all parts.

    :param summary: the counts of the parts that left one, added up. ``unread`` where a part is missing too.
    :param campaign: the campaigns of all parts.
    :param parts: the summaries that there are, in the order of their parts.
    :param expected: how many parts there should be.
    :param of_one_list: whether each summary says which part of one list it is.
    """

    summary: Summary
    campaign: Mapping[str, Any]
    parts: Sequence[PartSummary]
    expected: int
    of_one_list: bool

    @property
    def missing(self) -> int:
        """How many parts left no summary."""
        return self.expected - len(self.parts)

    @property
    def left(self) -> int:
        """Rows that a further try would still call. Those of a dry run are none, unless another part has a report: a
        dry run writes none, so that part was a real one, and this one still has to be."""
        if any(part.report is not None for part in self.parts):
            return self.summary.pending
        return sum(max(0, part.counts[Outcome.PENDING] - part.reasons.get(Reason.DRY_RUN, 0)) for part in self.parts)

    @property
    def whole(self) -> bool:
        """Whether all parts are there, and came to the end of their rows."""
        return not (self.missing or self.left or self.summary.unread)

    def missing_parts(self) -> str:
        """The missing parts for a message, as far as they are known: which, else how many."""
        if not self.of_one_list or not self.parts:
            return f"{self.missing} of {self.expected} summaries"
        there = {part.shard.index for part in self.parts if part.shard is not None}
        absent = (str(index + 1) for index in range(self.expected) if index not in there)
        shown = ", ".join(islice(absent, MAX_PARTS_SHOWN))
        return f"the summary of part {shown}{', …' if next(absent, None) else ''} of {self.expected}"

    def as_xcom(self, *, report: str | None) -> dict[str, Any]:
        """The combined summary as an operator returns it: that of a fan-out, ``shards`` and ``missing``. ``report``:
        where the combined report is; None where there is none."""
        combined = self.summary.as_xcom(campaign=self.campaign, report=report)
        return {**combined, "shards": self.expected, "missing": self.missing}


def combine(summaries: Iterable[object], *, shards: int | None = None) -> CombinedSummary:
    """Add up the summaries of all parts; their order does not matter.

    :param summaries: what the tasks returned; None for a task that returned nothing, as Airflow has it in a list of
        outputs.
    :param shards: how many there should be; None takes what the summaries themselves say.
    :raises ConfigurationError: one is no summary, the parts are not those of one list, one is there twice, or nothing
        says how many there should be.
    """
    given = list(summaries)
    parts = [PartSummary.of(number, one) for number, one in enumerate(given, start=1) if one is not None]
    of_one_list = all(part.shard is not None for part in parts)
    expected = _expected(parts, shards, given=len(given))
    if of_one_list:
        parts.sort(key=lambda part: part.shard.index if part.shard is not None else 0)
    counts: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for part in parts:
        counts.update(part.counts)
        reasons.update(part.reasons)
    summary = Summary(
        total=counts["total"],
        accepted=counts[Outcome.ACCEPTED],
        rejected=counts[Outcome.REJECTED],
        skipped=counts[Outcome.SKIPPED],
        unknown=counts[Outcome.UNKNOWN],
        pending=counts[Outcome.PENDING],
        reasons=dict(reasons.most_common()),
        dialled=0,
        resumed=0,
        unread=len(parts) < expected or any(part.unread for part in parts),
    )
    return CombinedSummary(
        summary=summary, campaign=_campaigns(parts), parts=parts, expected=expected, of_one_list=of_one_list
    )


def _expected(parts: Sequence[PartSummary], shards: int | None, *, given: int) -> int:
    counts = {None if part.shard is None else part.shard.count for part in parts}
    if len(counts) > 1:
        raise ConfigurationError(
            f"the summaries are of lists cut in {_listed(counts)} parts, so a row may be in two of them: clear all "
            "parts together after a change of their number, or trigger a new run"
        )
    said = next(iter(counts), None)
    expected = said if shards is None else shards
    if expected is None:
        raise ConfigurationError(
            "the summaries do not say how many there should be, so none of them would be missed: set shards"
        )
    if (said or expected) != expected:
        raise ConfigurationError(f"the summaries are of a list cut in {said} parts, and shards is {shards}: correct it")
    indexes = [part.shard.index for part in parts if part.shard is not None]
    if len(set(indexes)) != len(indexes) or given > expected:
        raise ConfigurationError(
            f"there are {given} summaries of {expected} parts, and a part counts once: give summaries the output "
            "of one mapped task"
        )
    return expected


def _readable(reasons: Mapping[Any, int]) -> Mapping[str, int]:
    """The reasons as a log may show them: a reason can be any text by now, and no number may be read in it."""
    shown: Counter[str] = Counter()
    for reason, count in reasons.items():
        shown[mask_text(str(reason), limit=MAX_REASON)] += count
    return shown


def _listed(counts: Iterable[int | None]) -> str:
    return " and ".join(sorted("no" if count is None else str(count) for count in counts))


def _campaigns(parts: Sequence[PartSummary]) -> dict[str, Any]:
    """The campaigns of all parts: the one that they share, and those that each has made."""
    campaign: dict[str, Any] = {}
    shared = {str(part.campaign["batch_id"]) for part in parts if part.campaign.get("batch_id")}
    if any("batch_id" in part.campaign for part in parts):
        campaign["batch_id"] = shared.pop() if len(shared) == 1 else None
    if any("created" in part.campaign for part in parts):
        counts = [part.campaign.get("campaigns") for part in parts]
        campaign["campaigns"] = sum(count for count in counts if isinstance(count, int))
        campaign["created"] = [one for _, one in zip(range(MAX_CAMPAIGNS_SHOWN), _created(parts), strict=False)]
    return campaign


def _created(parts: Sequence[PartSummary]) -> Iterator[object]:
    for part in parts:
        created = part.campaign.get("created")
        if isinstance(created, (list, tuple)):
            yield from created


def _shard_of(name: str, given: object) -> Shard | None:
    if given is None:
        return None
    if not isinstance(given, (list, tuple)) or len(given) != 2 or not all(map(_is_count, given)):
        raise ConfigurationError(f"{name} does not say which part of the list it is: give it as the task left it")
    return Shard(index=given[0], count=given[1])


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
