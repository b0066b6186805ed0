"""From a calling policy to the rules of one run: this reads who must not be called, and gives the caps their ledger."""

from __future__ import annotations

import logging
from collections.abc import Container, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.half_made import shown_half_made
from airflow_provider_callkaro.sources.contract import ContactSource, templated_values
from airflow_provider_callkaro.sources.inline import RowContacts
from airflow_provider_callkaro.sources.outcomes import SuppressedByOutcomes
from airflow_provider_callkaro.tasks.arguments import is_template

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_callkaro.calls.phone import NumberReader
    from airflow_provider_callkaro.calls.policy import CallingPolicy
    from airflow_provider_callkaro.dispatch.preparation import Rules
    from airflow_provider_callkaro.ledger.contract import CallCaps, CallLedger
    from airflow_provider_callkaro.tasks.account import Account

log = logging.getLogger(__name__)

_PLACES_SHOWN = 20  # of entries that cannot be read
_CAPS_NEED_SQL = "the policy's max_calls and min_gap count calls over many runs: set ledger_conn_id to a SQL connection"


class Suppression:
    """Who must not be called: a source of contacts, a callable that returns numbers, or a collection of numbers.

    A template field that holds it renders what is inside, and shows nothing of it.

    :param who: as the policy has it; None suppresses no one.
    :param on_bad_entry: as the policy has it: ``"fail"`` or ``"skip_row"``.
    """

    template_fields = ("source",)

    def __init__(self, who: Any, *, on_bad_entry: str = "fail") -> None:
        self._on_bad_entry = on_bad_entry
        self._callable = who if callable(who) else None
        self._called: object = None
        self.source: ContactSource | None = None
        if who is not None and self._callable is None:
            entries = sorted(who) if isinstance(who, (set, frozenset)) else who
            self.source = entries if isinstance(entries, ContactSource) else RowContacts(entries, argument="suppress")

    @classmethod
    def of(cls, policy: CallingPolicy | None) -> Self:
        """Whom a policy protects; nobody without one."""
        return cls(None) if policy is None else cls(policy.suppress, on_bad_entry=policy.on_bad_entry)

    @shown_half_made
    def __repr__(self) -> str:
        return f"suppressed: {self.source or ('a callable' if self._callable else 'nobody')}"

    @property
    def templated(self) -> list[object]:
        """The values that may refer to an upstream task."""
        return [] if self.source is None else templated_values(self.source)

    def read(self, context: Context, numbers: NumberReader) -> Container[str]:
        """Everybody on the list, in little memory. Raises ConfigurationError if an entry cannot be read as a number, so
        it is not known whom it protects. Raises LedgerError if the outcomes that name people could not be read."""
        if isinstance(self.source, SuppressedByOutcomes):
            from airflow_provider_callkaro.tasks.suppressed import EitherOf, people_of

            beside = type(self)(self.source.beside, on_bad_entry=self._on_bad_entry)
            return EitherOf(people_of(self.source), beside.read(context, numbers))
        from airflow_provider_callkaro.dispatch.intake import CompactSet

        suppressed, unread, is_empty = CompactSet(), 0, True
        places: list[int] = []
        reads_rows = not isinstance(self.source, (RowContacts, type(None)))
        for place, entry in enumerate(self._entries(context), start=1):
            is_unread = entry is None and reads_rows  # a source's word for such a row
            value = _number_of(entry)
            if not is_unread and (value is None or value == ""):
                continue
            number = None if is_unread else numbers.read(value)
            if number is not None:
                suppressed.add(number)
                is_empty = False
                continue
            if self._on_bad_entry == "fail":
                raise ConfigurationError(
                    f"entry {place} of suppress cannot be read as a phone number, so nobody is called: correct it, or "
                    'set default_region if it lacks a country code; on_bad_entry="skip_row" goes on without it'
                )
            unread += 1
            places += [place] if len(places) < _PLACES_SHOWN else []
        if unread and is_empty:
            raise ConfigurationError(
                f"none of {unread} entries of suppress can be read as a phone number, so they protect nobody, and "
                "nobody is called: set default_region if they lack a country code, or see that it is the right list"
            )
        if unread:
            log.warning(
                "%d entries of suppress cannot be read as phone numbers and protect nobody; they are in row %s%s",
                unread,
                ", ".join(map(str, places)),
                ", …" if unread > len(places) else "",
            )
        return suppressed

    def _entries(self, context: Context) -> Iterable[object]:
        if self._callable is not None:
            entries = self._callable()
            if entries is self._called and isinstance(entries, Iterator):
                raise ConfigurationError(
                    "suppress returned an iterator that has been read before and protects nobody any more: return a "
                    "list, or a new iterator at each call"
                )
            self._called = entries
            return list(entries)
        return () if self.source is None else self.source.rows(context)


def read_policy(policy: object) -> CallingPolicy | None:
    """The calling policy that an argument means: one itself, or the name of a rule pack, such as ``in-promotional``.
    Raises ConfigurationError if it is neither."""
    if policy is None:
        return None
    from airflow_provider_callkaro.calls.policy import CallingPolicy

    if isinstance(policy, str) and not is_template(policy):
        return CallingPolicy.rules(policy)
    if not isinstance(policy, CallingPolicy):
        raise ConfigurationError(
            'policy must be a CallingPolicy or the name of a rule pack, such as "in-promotional"'
            f"{'; it takes no template' if is_template(policy) else ''}"
        )
    return policy


def check_policy(policy: CallingPolicy, *, ledger_conn_id: str | None) -> None:
    """When the DAG is parsed: refuse a policy that lacks what it needs. Raises ConfigurationError if it has caps, and
    no SQL ledger is named."""
    if (policy.max_calls is not None or policy.min_gap is not None) and not ledger_conn_id:
        raise ConfigurationError(_CAPS_NEED_SQL)


def caps_of(policy: CallingPolicy | None) -> CallCaps | None:
    """How often the policy lets one person be called, as the ledger checks it; None where it sets no limit."""
    if policy is None or (policy.max_calls is None and policy.min_gap is None):
        return None
    from airflow_provider_callkaro.ledger.contract import CallCaps

    return CallCaps(max_calls=policy.max_calls, per=policy.per, min_gap=policy.min_gap)


def rules_for(
    policy: CallingPolicy,
    *,
    when_closed: str,
    due: datetime,
    expires_after: timedelta | None,
    account: Account,
    suppressed: Container[str],
    ledger: CallLedger,
) -> Rules:
    """The rules of one run. ``due``: when the run was due. ``ledger``: knows when a number was called before; the caps
    ask it. Raises ConfigurationError if the zone in which the vendor reads times of day is not known."""
    from airflow_provider_callkaro.dispatch.caps import CallHistory, Caps
    from airflow_provider_callkaro.dispatch.hours import CallingHours, WhenClosed, utc_now
    from airflow_provider_callkaro.dispatch.preparation import Rules

    takes_times_of_day = "min_trigger_time" in account.row_schema.fields
    if account.schedule_timezone is None and takes_times_of_day:
        raise ConfigurationError(
            "a policy needs the zone in which the vendor reads times of day, so that its redials keep to the hours: "
            f'set "schedule_timezone" in the extra of connection "{account.connection_id}", such as "Asia/Kolkata"'
        )
    hours = CallingHours(
        policy=policy,
        when_closed=WhenClosed(when_closed),
        due=due,
        expires_after=expires_after,
        vendor_zone=account.schedule_timezone if takes_times_of_day else None,
        now=utc_now,
        rings_for=account.rings_for,
    )
    if caps_of(policy) is None:
        return Rules(hours=hours, suppressed=suppressed)
    if not isinstance(ledger, CallHistory):
        raise ConfigurationError(_CAPS_NEED_SQL)
    caps = Caps(history=ledger, max_calls=policy.max_calls, per=policy.per, min_gap=policy.min_gap, now=utc_now)
    return Rules(hours=hours, caps=caps, suppressed=suppressed)


def _number_of(entry: object) -> object:
    """The number of one entry: a plain number, or a row with a column to_number, or with one column only."""
    if not isinstance(entry, Mapping):
        return entry
    columns = {str(name).lower(): value for name, value in entry.items()}
    if "to_number" in columns:
        return columns["to_number"]
    if len(columns) == 1:
        return next(iter(columns.values()))
    raise ConfigurationError("the rows of suppress have no column to_number: select that one column, nobody is called")
