"""Keeps the lease of one run: renews it in time, and says in the log what it waits for."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from typing import Self

from airflow_provider_callkaro.budgets.lease import Lease
from airflow_provider_callkaro.budgets.limits import CallBudget
from airflow_provider_callkaro.budgets.messages import Exhausted, Grant
from airflow_provider_callkaro.budgets.renewal import Run
from airflow_provider_callkaro.budgets.store import OUTCOMES_EVERY, BudgetStore
from airflow_provider_callkaro.exceptions import ConfigurationError, LedgerError

REREAD_EVERY = 5.0  # seconds between two readings of the connection
WAIT_BEFORE_SAYING = 2.0  # seconds without any token or slot, before the log says so

_EXHAUSTED = {
    Exhausted.HOUR: 'the calls of the hour in the budget "%s" are used up',
    Exhausted.DAY: 'the calls of the day in the budget "%s" are used up',
    Exhausted.MONEY: 'the money of the day in the budget "%s" is spent',
}
_log = logging.getLogger(__name__)


class BudgetKeeper:
    """The lease of one run. Opened with ``with``; used from the main thread only, as the store is.

    :param store: of the budget; the keeper opens and closes it.
    :param lease: what the event loop asks.
    :param run: whose lease it is.
    :param conn_id: the connection whose budget it is.
    :param read: what the connection's extra says now, with a time zone; None if it cannot be read, or says nothing.
    :param clock: seconds of a monotonic clock, the one that the event loop uses too.
    """

    def __init__(
        self,
        *,
        store: BudgetStore,
        lease: Lease,
        run: Run,
        conn_id: str,
        read: Callable[[], CallBudget | None],
        clock: Callable[[], float],
    ) -> None:
        self.lease = lease
        """What the event loop asks."""
        self._store = store
        self._run = run
        self._conn_id = conn_id
        self._read = read
        self._clock = clock
        self._worker = secrets.token_hex(16)
        self._budget: CallBudget | None = None
        self._read_at = clock()
        self._trued_up_at: float | None = None
        self._served_at = clock()
        self._has_said_waiting = False
        self._has_said_renamed = False
        self._failure: LedgerError | ConfigurationError | None = None
        self._reads_badly = False

    def __enter__(self) -> Self:
        """Open the store and take a first lease. Raises LedgerError if the tables are missing and cannot be made,
        ConfigurationError if what the connection and the command line say together is no budget."""
        self._store.__enter__()
        self._offer()
        if self._budget is not None:
            _log.info('Calls keep to the budget "%s": %s', self._store.name, _in_words(self._budget))
        self._renew(backlog=True)
        if isinstance(self._failure, ConfigurationError) and self._budget is not None:
            self._store.__exit__()
            raise self._failure
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Give everything back. Raises nothing: what cannot be given back runs out by itself."""
        self.lease.close()
        try:
            self._store.release(self._worker, holding=self.lease.report(now=self._clock(), backlog=False))
        except (LedgerError, ConfigurationError):
            _log.warning('The share of the budget "%s" was not given back: it runs out by itself', self._store.name)
        finally:
            self._store.__exit__(*exc_info)

    @property
    def due_at(self) -> float:
        """When the next renewal is due; minus infinity for at once."""
        return self.lease.due_at

    @property
    def exhausted(self) -> str | None:
        """Half a sentence that says why the run has to end; None while it may go on."""
        limit = self.lease.exhausted
        return None if limit is None or not limit.ends_the_run else _EXHAUSTED[limit] % self._store.name

    def turn(self, *, now: float, backlog: bool) -> bool:
        """Renew the lease if that is due.

        :param backlog: whether calls would start at once if there were tokens and slots for them. Judge it without the
            lease: a worker that has nothing and says that it needs nothing gets nothing.
        :return: whether a grant came, so that calls may start that could not before.
        """
        if not self.lease.due(now=now):
            return False
        if now - self._read_at >= REREAD_EVERY:
            self._offer()
        if not self._renew(backlog=backlog):
            return False
        self._true_up(now)
        self._say_what_it_waits_for(now, backlog=backlog)
        return True

    def _renew(self, *, backlog: bool) -> bool:
        began = self._clock()
        holding = self.lease.report(now=began, backlog=backlog)
        try:
            grant = self._store.renew(self._worker, run=self._run, holding=holding)
        except (LedgerError, ConfigurationError) as error:  # settings that are wrong now can be mended while runs wait
            if self._failure is None:
                _log.warning("No call starts until the share of the budget is renewed: %s", error)
            self._failure = error
            return False
        if self._failure is not None:
            _log.info('The share of the budget "%s" is renewed again', self._store.name)
        self._failure = None
        self._say_what_changed(self.lease.last_grant, grant)
        self.lease.grant(grant, began=began, now=self._clock())
        return True

    def _offer(self) -> None:
        """Write what the connection says, if that is new. A failure is tried again with the next reading."""
        self._read_at = self._clock()
        budget = self._reading()
        if budget is None or budget == self._budget:
            return
        if self._budget is not None and budget.name != self._budget.name:
            if not self._has_said_renamed:
                words = (
                    'The connection names another budget now: this run keeps to "%s" as it was read last, until it ends'
                )
                _log.warning(words, self._store.name)
            self._has_said_renamed = True
            return
        try:
            self._store.offer(budget, conn_id=self._conn_id, read_ago=self._clock() - self._read_at)
        except LedgerError as error:
            _log.warning("The call budget of the connection could not be written: %s", error)
            return
        if self._budget is not None:
            _log.info('The budget "%s" was changed: %s', self._store.name, _in_words(budget))
        self._budget = budget

    def _reading(self) -> CallBudget | None:
        try:
            budget = self._read()
        except Exception as error:  # a secrets backend that does not answer stops no run
            if not self._reads_badly:
                _log.warning(
                    "The connection was not read again (%s): its budget holds as it was read last", type(error).__name__
                )
            self._reads_badly = True
            return None
        self._reads_badly = False
        return budget

    def _true_up(self, now: float) -> None:
        has_price = self._budget is not None and self._budget.max_cost_per_day is not None
        if not has_price or (self._trued_up_at is not None and now - self._trued_up_at < OUTCOMES_EVERY):
            return
        self._trued_up_at = now
        try:
            self._store.true_up()
        except (LedgerError, ConfigurationError) as error:
            _log.warning("What today's calls took is counted as expected, not as their outcomes say: %s", error)

    def _say_what_changed(self, before: Grant, grant: Grant) -> None:
        name = self._store.name
        if grant.factor < 1 and before.factor >= 1:
            _log.warning('The vendor asked to slow down: %.0f %% of the budget "%s" for now', 100 * grant.factor, name)
        if grant.exhausted is not None and before.exhausted is None:
            words = _EXHAUSTED[grant.exhausted] % name
            _log.warning("No call starts: %s; it begins anew in %.0f s", words, grant.resumes_in)
        if before.others != grant.others and grant.others and not before.others:
            _log.info('The budget "%s" is shared with %s', name, ", ".join(grant.others))

    def _say_what_it_waits_for(self, now: float, *, backlog: bool) -> None:
        grant = self.lease.last_grant
        has_tokens = grant.tokens is None or grant.kept > 0 or bool(grant.tokens)
        if not backlog or (has_tokens and grant.slots != 0):
            self._served_at, self._has_said_waiting = now, False
        elif now - self._served_at >= WAIT_BEFORE_SAYING and not self._has_said_waiting:
            self._has_said_waiting = True
            holders = ", ".join(grant.others) or "a run that has just ended"
            _log.info('Waiting for the budget "%s", which is held by %s', self._store.name, holders)


def _in_words(budget: CallBudget) -> str:
    return ", ".join(f"{key} = {value}" for key, value in budget.as_mapping().items())
