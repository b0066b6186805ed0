"""What is known of some attempts once a delivery is added to what is stored, and which calls they are about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy.engine import Connection

from airflow_provider_callkaro.outcomes.attempts import AttemptKey, greater, merged
from airflow_provider_callkaro.outcomes.matching import Identity, Match, matches
from airflow_provider_callkaro.outcomes.stored import StoredAttempt
from airflow_provider_callkaro.vendors.call_event import CallEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of some attempts.

    :param stored: as the table holds them.
    :param events: what the table and the delivery say together of each.
    :param found: the ledger's row of each call of the vendor.
    """

    stored: Mapping[AttemptKey, StoredAttempt] = field(repr=False)
    events: Mapping[AttemptKey, CallEvent] = field(repr=False)
    found: Mapping[str, Match] = field(repr=False)

    @property
    def touched(self) -> set[str]:
        """The ids of the ledger's rows that they are about, and were about before."""
        every = [*self.found.values(), *(each.match for each in self.stored.values())]
        return {match.ledger_id for match in every if match.ledger_id is not None}


def what_is_known(
    connection: Connection,
    said: Mapping[AttemptKey, CallEvent],
    *,
    stored: Mapping[AttemptKey, StoredAttempt],
    numbers: Mapping[str, frozenset[str]],
) -> Known:
    """Add what was said to what is stored, and find the calls. ``numbers``: for each call of the vendor, every text
    that may represent its number in the ledger."""
    events = {key: each.event for key, each in stored.items()}
    for key, event in said.items():
        events[key] = merged(events[key], event) if key in events else merged(event, event)
    found = _matches(connection, _identities(events, numbers), stored)
    return Known(stored=stored, events=events, found=found)


def _identities(events: Mapping[AttemptKey, CallEvent], numbers: Mapping[str, frozenset[str]]) -> dict[str, Identity]:
    """Whom each call of the vendor means, by what all its attempts say."""
    found: dict[str, Identity] = {}
    for key, event in events.items():
        earlier = found.get(key.vendor_call) or Identity(
            vendor=event.vendor,
            referred_id=None,
            call_id=None,
            campaign_id=None,
            numbers=numbers.get(key.vendor_call, frozenset()),
        )
        found[key.vendor_call] = Identity(
            vendor=event.vendor,
            referred_id=greater(earlier.referred_id, event.reference),
            call_id=greater(earlier.call_id, event.call_id),
            campaign_id=greater(earlier.campaign_id, event.campaign_id),
            numbers=earlier.numbers | ({event.number} if event.number is not None else set()),
        )
    return found


def _matches(
    connection: Connection, identities: Mapping[str, Identity], stored: Mapping[AttemptKey, StoredAttempt]
) -> dict[str, Match]:
    """The row of each call. Where nothing new was said of a call, it keeps the row that was found before: the ledger
    may hold more calls to the same number by now."""
    found = matches(connection, identities)
    before = {key.vendor_call: each.match for key, each in stored.items()}
    known = _identities({key: each.event for key, each in stored.items()}, {})
    return {
        call: before[call]
        if call in before
        and before[call].by.found
        and not match.by.found
        and _said(known[call]) == _said(identities[call])
        else match
        for call, match in found.items()
    }


def _said(identity: Identity) -> tuple[str | None, ...]:
    return identity.referred_id, identity.call_id, identity.campaign_id
