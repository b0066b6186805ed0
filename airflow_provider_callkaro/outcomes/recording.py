"""The one transaction that writes outcomes: attempts, which of them are final, and the ledger's rows that they resolve.

It may run twice, and several receivers may run it at once. What it writes depends on what came, never on the order. Of
two that write the same new attempt, one is refused by the database and runs again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import bindparam, literal_column
from sqlalchemy.engine import Connection

from airflow_provider_callkaro.ledger.sql.names import Names, erased_among, lock_key
from airflow_provider_callkaro.ledger.sql.session import begin_writing
from airflow_provider_callkaro.ledger.sql.statements import MAX_ROWS, Statements
from airflow_provider_callkaro.ledger.sql.table import StoredRow
from airflow_provider_callkaro.ledger.sql.values import chunks
from airflow_provider_callkaro.outcomes.attempts import (
    AttemptKey,
    Ending,
    final_of,
    first_call_id,
    key_of_event,
    merged,
)
from airflow_provider_callkaro.outcomes.known import what_is_known
from airflow_provider_callkaro.outcomes.matching import MatchedBy, referred_ids
from airflow_provider_callkaro.outcomes.references import References
from airflow_provider_callkaro.outcomes.resolving import lock_calls, resolve
from airflow_provider_callkaro.outcomes.rows import (
    endings_of,
    has_key,
    lock_attempts,
    stored_attempts,
    without_reference,
)
from airflow_provider_callkaro.outcomes.stored import StoredAttempt, values_of
from airflow_provider_callkaro.outcomes.suppressing import suppress, suppression_in
from airflow_provider_callkaro.outcomes.tables import outcomes
from airflow_provider_callkaro.outcomes.turns import wait_for_turn
from airflow_provider_callkaro.vendors.call_event import CallEvent

_CHUNK = MAX_ROWS // 5  # rows of an insert; each has 25 parameters


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What a record has changed; a replay changes nothing.

    :param new: attempts that were not known.
    :param changed: attempts of which more is known now.
    :param same: attempts about which nothing was new.
    :param ambiguous: attempts among them that could be about several calls, and are kept aside.
    :param unknown_resolved: calls that were unknown in the ledger, and are accepted now.
    """

    new: int = 0
    changed: int = 0
    same: int = 0
    ambiguous: int = 0
    unknown_resolved: int = 0

    def __add__(self, other: Recorded) -> Recorded:
        return Recorded(
            new=self.new + other.new,
            changed=self.changed + other.changed,
            same=self.same + other.same,
            ambiguous=self.ambiguous + other.ambiguous,
            unknown_resolved=self.unknown_resolved + other.unknown_resolved,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Events that come from one connection of a vendor."""

    conn_id: str
    events: Sequence[CallEvent] = field(repr=False)


@dataclass(slots=True, kw_only=True)
class Recording:
    """One transaction. ``suppresses``: whether it keeps whom not to call again. ``ascii_only``: of the session.
    ``takes_turns``: whether the database has the locks for it; see `turns`."""

    statements: Statements
    names: Names
    references: References
    suppresses: bool = False
    ascii_only: bool = False
    takes_turns: bool = True

    def record(self, connection: Connection, delivery: Delivery) -> Recorded:
        """Record events, within a transaction. Raises KeysChanged if the ledger was put under another key."""
        begin_writing(connection, self.statements)
        may_be_erased = lock_key(connection, statements=self.statements, names=self.names)
        if self.takes_turns:
            wait_for_turn(connection, delivery.events, statements=self.statements)
        said, numbers = self._said(connection, delivery, may_be_erased=may_be_erased)
        return self._write(connection, said, numbers=numbers, conn_id=delivery.conn_id)

    def match_again(self, connection: Connection, vendor_calls: Collection[str]) -> Recorded:
        """Look for the ledger's rows of calls of the vendor again, within a transaction; see `record`."""
        begin_writing(connection, self.statements)
        lock_key(connection, statements=self.statements, names=self.names)
        return self._write(connection, {}, numbers={}, conn_id="", vendor_calls=vendor_calls)

    def _said(
        self, connection: Connection, delivery: Delivery, *, may_be_erased: bool
    ) -> tuple[dict[AttemptKey, CallEvent], dict[str, frozenset[str]]]:
        """What the events say of each attempt, in the ledger's texts, and for each call the texts of its number."""
        referred = referred_ids(
            connection,
            {event.reference for event in delivery.events if event.reference is not None},
            references=self.references,
            names=self.names,
        )
        erased: Collection[str] = ()
        if may_be_erased:
            digits = {event.number for event in delivery.events if event.number is not None}
            erased = erased_among(connection, names=self.names, numbers=digits)
        said: dict[AttemptKey, CallEvent] = {}
        numbers: dict[str, frozenset[str]] = {}
        for event in delivery.events:
            key = key_of_event(event, conn_id=delivery.conn_id)
            if key is None or event.number in erased:  # nothing is written of who was erased
                continue
            texts = () if event.number is None else self.names.numbers(event.number)
            known = replace(
                event,
                number=texts[0] if texts else None,
                reference=None if event.reference is None else referred.get(event.reference),
            )
            said[key] = merged(said[key], known) if key in said else known
            numbers[key.vendor_call] = numbers.get(key.vendor_call, frozenset()).union(texts)
        return said, numbers

    def _write(
        self,
        connection: Connection,
        said: Mapping[AttemptKey, CallEvent],
        *,
        numbers: Mapping[str, frozenset[str]],
        conn_id: str,
        vendor_calls: Collection[str] = (),
    ) -> Recorded:
        about = {key.vendor_call for key in said}.union(vendor_calls)
        known = what_is_known(connection, said, stored=stored_attempts(connection, about), numbers=numbers)
        # The ledger's rows are locked before any attempt. Whoever marks the attempts of a call holds its row, so no two
        # connections that tell of the same calls wait for each other.
        calls = lock_calls(connection, known.touched, statements=self.statements)
        stored = lock_attempts(connection, about)
        if stored != known.stored:
            known = what_is_known(connection, said, stored=stored, numbers=numbers)
            calls |= lock_calls(connection, known.touched - calls.keys(), statements=self.statements)
        events, found = known.events, known.found
        attempts = {
            key: StoredAttempt(
                key=key,
                conn_id=stored[key].conn_id if key in stored else conn_id,
                event=event,
                match=found[key.vendor_call],
                is_final=False,
            )
            for key, event in events.items()
        }
        resolved = self._set_finals(connection, attempts, calls)
        new, changed = self._save(connection, attempts, stored)
        if self.suppresses:
            self._suppress(connection, attempts.values(), calls)
        asked = said.keys() or stored.keys()
        done = Recorded(
            new=len(new),
            changed=len(changed & asked),
            same=len(asked) - len(new) - len(changed & asked),
            ambiguous=sum(found[key.vendor_call].by is MatchedBy.AMBIGUOUS for key in asked),
            unknown_resolved=resolved,
        )
        # A reference also tells whose call an id is: what came under it alone, through another connection, may match.
        named = {key.vendor_call for key in new | changed if found[key.vendor_call].by is MatchedBy.REFERENCE}
        call_ids = {each.call_id for key, each in events.items() if key.vendor_call in named and each.call_id}
        left = without_reference(connection, call_ids) - {key.vendor_call for key in events}
        if left:
            self._write(connection, {}, numbers={}, conn_id="", vendor_calls=left)
        return done

    def _suppress(
        self, connection: Connection, attempts: Iterable[StoredAttempt], calls: Mapping[str, StoredRow]
    ) -> None:
        """Keep whom not to call again: the number that was called, and the one that the vendor names."""
        found = []
        for each in attempts:
            call = calls.get(each.match.ledger_id or "")
            numbers = {each.event.number, None if call is None else call.row.number}
            found += [one for number in numbers if (one := suppression_in(each.event, number=number)) is not None]
        suppress(connection, found, statements=self.statements)

    def _set_finals(
        self, connection: Connection, attempts: dict[AttemptKey, StoredAttempt], calls: Mapping[str, StoredRow]
    ) -> int:
        """Mark the final attempt of each call, and resolve the calls that were unknown: how many."""
        endings: dict[str, dict[AttemptKey, Ending]] = {}
        marked: set[AttemptKey] = set()
        for ledger_id, is_final, ending in endings_of(connection, calls):
            if ending.key not in attempts:
                endings.setdefault(ledger_id, {})[ending.key] = ending
                marked.update([ending.key] if is_final else [])
        for key, each in attempts.items():
            if each.match.ledger_id is not None:
                endings.setdefault(each.match.ledger_id, {})[key] = _ending(each)
        finals = {final for some in endings.values() if (final := final_of(some.values())) is not None}
        for key, each in attempts.items():
            if key in finals:
                attempts[key] = replace(each, is_final=True)
        others = {key for some in endings.values() for key in some if key not in attempts}
        for key in sorted((marked - finals) | ((finals & others) - marked)):
            self._mark(connection, key, is_final=key in finals)
        call_ids = {ledger_id: first_call_id(some.values()) for ledger_id, some in endings.items()}
        heard = {ledger_id: row for ledger_id, row in calls.items() if ledger_id in call_ids}
        return resolve(connection, heard, call_ids, statements=self.statements)

    def _save(
        self,
        connection: Connection,
        attempts: Mapping[AttemptKey, StoredAttempt],
        stored: Mapping[AttemptKey, StoredAttempt],
    ) -> tuple[set[AttemptKey], set[AttemptKey]]:
        """Insert what is new and update what has changed. Returns the keys of both."""
        rows = {key: values_of(each, ascii_only=self.ascii_only) for key, each in attempts.items()}
        before = {key: values_of(each, ascii_only=self.ascii_only) for key, each in stored.items()}
        new = rows.keys() - before.keys()
        changed = {key for key in before if rows[key] != before[key]}
        now: Any = literal_column(self.statements.now)
        for some in chunks(sorted(new), size=_CHUNK):
            names: dict[str, Any] = {name: bindparam(name) for name in rows[some[0]]}
            insert = outcomes.insert().values(**names, received_at=now, changed_at=now)
            # One by one to MySQL: given several rows, its drivers look for the place of one by a regular expression.
            # Over so many columns that takes seconds, and then they send them one by one after all.
            apart = connection.dialect.name in ("mysql", "mariadb")
            given = [rows[key] for key in some]
            for each in given if apart else [given]:
                connection.execute(insert, each)
        for key in sorted(changed):
            values = {name: value for name, value in rows[key].items() if value != before[key][name]}
            connection.execute(outcomes.update().where(has_key(key)).values(**values, changed_at=now))
        return set(new), changed

    def _mark(self, connection: Connection, key: AttemptKey, *, is_final: bool) -> None:
        now: Any = literal_column(self.statements.now)
        connection.execute(outcomes.update().where(has_key(key)).values(is_final=int(is_final), changed_at=now))


def _ending(attempt: StoredAttempt) -> Ending:
    event = attempt.event
    return Ending(
        key=attempt.key,
        is_over=event.is_over,
        is_last=event.is_last,
        happened_at=event.happened_at,
        call_id=event.call_id,
    )
