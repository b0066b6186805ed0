"""What became of the accepted calls of some runs: counts of their final outcomes, and the outcome of single calls.

The counts come from an index that has all they need, and the calls of a scope side by side. Where other runs have
called in the same scope, each call is looked up to tell whose it is.
"""
# ruff: noqa: S608

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from sqlalchemy.engine import Connection

from airflow_provider_callkaro.board.ledgers import BoardLedger, ScopeRows
from airflow_provider_callkaro.calls.disposition import Disposition
from airflow_provider_callkaro.ledger.sql.session import execute
from airflow_provider_callkaro.ledger.sql.table import OUTCOMES_TABLE

_NO_OUTCOME = f"NOT EXISTS (SELECT 1 FROM {OUTCOMES_TABLE} o WHERE o.ledger_id = l.id AND o.is_final = 1)"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOutcomes:
    """What became of calls.

    :param dispositions: calls with a final outcome, by disposition.
    :param converted: of these, the calls that reached their goal.
    :param unresolved: accepted calls whose outcome has not come by the deadline.
    :param awaiting: accepted calls whose outcome may still come in time.
    :param ambiguous: outcomes of the ledger that could be about several of its calls, and are kept aside.
    """

    dispositions: Mapping[str, int] = field(default_factory=dict)
    converted: int = 0
    unresolved: int = 0
    awaiting: int = 0
    ambiguous: int = 0

    @property
    def total(self) -> int:
        """Calls with a final outcome."""
        return sum(self.dispositions.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOutcome:
    """The final outcome of one call. ``word``: the vendor's own."""

    disposition: str
    word: str | None
    duration_seconds: float | None


def outcomes_of(
    ledger: BoardLedger,
    places: Sequence[ScopeRows],
    *,
    shared: bool,
    open_calls: bool,
    accepted: int,
    unresolved_after: timedelta,
    all_due: bool | None,
) -> RunOutcomes | None:
    """The outcomes of the calls in these places; None where the ledger's database keeps no outcomes.

    :param shared: whether other runs have called in one of the scopes.
    :param open_calls: whether the scopes hold calls that are not accepted. An outcome may have come for one of them: it
        is counted once the call is accepted.
    :param accepted: how many of the calls are accepted.
    :param unresolved_after: how long after its claim a call may wait for its outcome.
    :param all_due: whether all calls are older than that, or none of them is; None where each has to be looked at.
    """
    if not ledger.upkeep.has(OUTCOMES_TABLE):
        return None
    dispositions: Counter[str] = Counter()
    converted = 0
    for place in places:
        counts, of_place = ledger.upkeep.read(partial(_counts, place, shared=shared))
        if open_calls and not shared:
            early, of_early = ledger.upkeep.read(partial(_early_counts, ledger, place))
            counts, of_place = Counter(counts) - early, of_place - of_early
        dispositions.update(counts)
        converted += of_place
    missing = max(0, accepted - dispositions.total())
    unresolved = missing if all_due else 0
    if missing and all_due is None:
        counted = (ledger.upkeep.read(partial(_unresolved, ledger, place, unresolved_after)) for place in places)
        unresolved = min(missing, sum(counted))
    return RunOutcomes(
        dispositions=dict(dispositions.most_common()),
        converted=converted,
        unresolved=unresolved,
        awaiting=missing - unresolved,
        ambiguous=ledger.upkeep.read(_ambiguous),
    )


def outcome_by_call(connection: Connection, ids: Sequence[str]) -> dict[str, CallOutcome]:
    """The final outcomes of these calls, by the ids of their rows."""
    query = (
        f"SELECT ledger_id, disposition, vendor_word, duration_seconds FROM {OUTCOMES_TABLE} "
        "WHERE ledger_id IN :ids AND is_final = 1"
    )
    return {
        str(id_): CallOutcome(disposition=disposition or Disposition.OTHER, word=word, duration_seconds=duration)
        for id_, disposition, word, duration in (execute(connection, query, ids=list(ids)) if ids else ())
    }


def without_outcome(ledger: BoardLedger, unresolved_after: timedelta) -> str:
    """The condition for a call, ``l`` in a query, to be unresolved."""
    deadline = ledger.upkeep.statements.ago(int(unresolved_after.total_seconds()))
    return f"l.state = 'accepted' AND l.claimed_at <= {deadline} AND {_NO_OUTCOME}"


def _counts(place: ScopeRows, connection: Connection, *, shared: bool) -> tuple[dict[str, int], int]:
    """Calls by disposition, and how many have converted. To count each word takes half the time of a grouping."""
    if shared:
        table = f"voice_call_ledger l JOIN {OUTCOMES_TABLE} o ON o.ledger_id = l.id"
        where = "l.id >= :start AND l.id < :end AND l.run IN :runs AND l.state = 'accepted'"
    else:
        table, where = f"{OUTCOMES_TABLE} o", "o.ledger_id >= :start AND o.ledger_id < :end"
    values = place.values if shared else {name: place.values[name] for name in ("start", "end")}
    words = [word for word in Disposition if word is not Disposition.OTHER]
    each = ", ".join(f"COUNT(CASE WHEN o.disposition = '{word}' THEN 1 END)" for word in words)
    query = (
        f"SELECT COUNT(*), COUNT(CASE WHEN o.converted = 1 THEN 1 END), {each} FROM {table} "
        f"WHERE {where} AND o.is_final = 1"
    )
    of_all, converted, *counts = map(int, execute(connection, query, **values).one())
    counted = dict(zip(map(str, words), counts, strict=True)) | {str(Disposition.OTHER): of_all - sum(counts)}
    return {word: count for word, count in counted.items() if count}, converted


def _early_counts(ledger: BoardLedger, place: ScopeRows, connection: Connection) -> tuple[Counter[str], int]:
    """As `_counts`, of the calls of a scope that are not accepted."""
    query = (
        f"SELECT o.disposition, COUNT(*), COUNT(CASE WHEN o.converted = 1 THEN 1 END) FROM {OUTCOMES_TABLE} o "
        f"WHERE o.is_final = 1 AND o.ledger_id IN (SELECT l.id FROM {ledger.table_for(connection, place)} "
        "WHERE l.id >= :start AND l.id < :end AND l.state <> 'accepted') GROUP BY o.disposition"
    )
    values = {name: place.values[name] for name in ("start", "end")}
    rows = execute(connection, query, **values).all()
    return Counter({word or str(Disposition.OTHER): int(calls) for word, calls, _ in rows}), sum(
        int(converted) for *_, converted in rows
    )


def _unresolved(ledger: BoardLedger, place: ScopeRows, after: timedelta, connection: Connection) -> int:
    query = (
        "SELECT COUNT(*) FROM voice_call_ledger l WHERE l.id >= :start AND l.id < :end AND l.run IN :runs "
        f"AND {without_outcome(ledger, after)}"
    )
    return int(execute(connection, query, **place.values).scalar_one())


def _ambiguous(connection: Connection) -> int:
    query = f"SELECT COUNT(*) FROM {OUTCOMES_TABLE} WHERE matched_by = 'ambiguous'"
    return int(execute(connection, query).scalar_one())
