"""Calls with their outcomes as lines of a table or a file: one per call, beside the contact row's own columns.

Without a report a call is told by the key that its row had itself. With one, the lines are those of the report, so that
they hold whatever columns of the row the report was given; that also works beside a keyed ledger, which holds no key in
clear. A phone number, a transcript and a recording are in a line only if they are asked for by name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from airflow_provider_callkaro.calls.outcome import Outcome
from airflow_provider_callkaro.exceptions import ConfigurationError

if TYPE_CHECKING:
    from airflow_provider_callkaro.outcomes.calls import CallWithOutcome
    from airflow_provider_callkaro.outcomes.reading import StoredOutcome
    from airflow_provider_callkaro.outcomes.store import OutcomeStore
    from airflow_provider_callkaro.tasks.outcome_calls import OutcomeCalls

USUAL_COLUMNS = (
    *("outcome", "vendor_word", "attempts", "duration_seconds", "converted", "asked_not_to_be_called", "happened_at"),
    "call_id",
)
"""What is written unless the author names the columns."""
INTERVAL = "data_interval_start"
_BATCH = 500  # lines of a report that are looked up together
_CALLED = (Outcome.ACCEPTED, Outcome.UNKNOWN)

_OF_CALLS: dict[str, Callable[[CallWithOutcome], Any]] = {
    "call_key": lambda call: call.own_key,
    "outcome": lambda call: call.word,
    "call_id": lambda call: call.call_id,
    "to_number": lambda call: None if call.number is None else f"+{call.number}",
}
_OF_OUTCOMES: dict[str, Callable[[StoredOutcome], Any]] = {
    "vendor": lambda found: found.vendor,
    "vendor_word": lambda found: found.vendor_word,
    "campaign_id": lambda found: found.campaign_id,
    "attempts": lambda found: found.attempt + 1,
    "duration_seconds": lambda found: found.duration_seconds,
    "converted": lambda found: found.converted,
    "asked_not_to_be_called": lambda found: found.asked_not_to_be_called,
    "happened_at": lambda found: found.happened_at,
    "received_at": lambda found: found.received_at,
    "fields": lambda found: dict(found.fields),
    "call_link": lambda found: found.call_link,
    "recording_url": lambda found: found.recording_url,
    "transcript": lambda found: found.transcript,
}
KNOWN_COLUMNS = (*_OF_CALLS, *_OF_OUTCOMES, INTERVAL)
"""What may be written of a call."""


@dataclass(slots=True)
class LineCounts:
    """What the lines hold. ``words``: calls by what became of them. ``asked_not_to_be_called``: calls
    among them in which the person did. ``without_call``: lines of the report that say
    accepted or unknown, whose call is not found in the ledger, or not for certain."""

    words: Counter[str] = field(default_factory=Counter)
    asked_not_to_be_called: int = 0
    without_call: int = 0

    def as_xcom(self) -> dict[str, Any]:
        """The counts by name."""
        return {
            "without_call": self.without_call,
            "outcomes": dict(sorted(self.words.items())),
            "asked_not_to_be_called": self.asked_not_to_be_called,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeLines:
    """Makes the lines.

    :param interval: what stands in ``data_interval_start``, aware.
    :param as_instant: how an instant is written; in UTC.
    """

    calls: OutcomeCalls
    unresolved_after: timedelta
    interval: datetime
    as_instant: Callable[[datetime], str]
    counts: LineCounts = field(default_factory=LineCounts)

    def of_ledger(self) -> Iterator[dict[str, Any]]:
        """A line for each call that is meant. Raises LedgerError if the ledger could not be read."""
        with self._store() as store:
            for selection in self.calls.selections():
                for call in store.calls(selection, unresolved_after=self.unresolved_after):
                    yield self._line(call)

    def of_report(self, report: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
        """A line for each line of a report whose call may have rung: its columns, and what became of the call. Raises
        LedgerError if the ledger could not be read."""
        from airflow_provider_callkaro.outcomes.calls import CallName

        called = (line for line in report if line.get("state") in _CALLED)
        with self._store() as store:
            while batch := list(islice(called, _BATCH)):
                names = [
                    CallName(scopes=self.calls.scopes, own_key=_text(line.get("call_key")), call_id=line.get("call_id"))
                    for line in batch
                ]
                found = store.calls_named(names, unresolved_after=self.unresolved_after)
                for line, call in zip(batch, found, strict=True):
                    if call is None:
                        self.counts.without_call += 1
                    else:
                        own = self._line(call)
                        yield {**line, **own, "call_key": line.get("call_key") or own["call_key"]}

    def _line(self, call: CallWithOutcome) -> dict[str, Any]:
        self.counts.words[call.word] += 1
        outcome = call.outcome
        self.counts.asked_not_to_be_called += outcome is not None and outcome.asked_not_to_be_called
        line = {name: read(call) for name, read in _OF_CALLS.items()}
        line |= {name: None if outcome is None else read(outcome) for name, read in _OF_OUTCOMES.items()}
        line[INTERVAL] = self.interval
        return {
            name: self.as_instant(value.astimezone(UTC)) if isinstance(value, datetime) else value
            for name, value in line.items()
        }

    @contextmanager
    def _store(self) -> Iterator[OutcomeStore]:
        from airflow_provider_callkaro.hooks.ledger import ledger_keys, sql_engine
        from airflow_provider_callkaro.outcomes.store import OutcomeStore

        engine = sql_engine(self.calls.ledger_conn_id)
        try:
            with OutcomeStore(engine, keys=ledger_keys(self.calls.ledger_conn_id)) as store:
                yield store
        finally:
            engine.dispose()


def check_columns(argument: str, columns: Sequence[str]) -> None:
    """Refuse a column that no call has. Raises ConfigurationError, naming it."""
    wrong = [name for name in columns if name not in KNOWN_COLUMNS]
    if wrong:
        raise ConfigurationError(
            f"{argument} names {', '.join(wrong)}, which no outcome has: use {', '.join(KNOWN_COLUMNS)}; for columns "
            "of the contact rows give report_path, a report that has them"
        )


def _text(value: object) -> str | None:
    return None if value in (None, "") else str(value)
