"""How these tests place calls: through the front door, over real sockets, with ledgers that outlive the run.

Every run that comes to an end is checked here: its outcomes add up to its rows, and the report has one line per row.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_callkaro.calls.outcome import Outcome
from airflow_provider_callkaro.calls.row import RowReader
from airflow_provider_callkaro.calls.row_schema import CALL_FIELDS
from airflow_provider_callkaro.dispatch.limits import Limits, Shard, Stop, redial_states
from airflow_provider_callkaro.dispatch.preparation import Rules
from airflow_provider_callkaro.dispatch.run import run_calls
from airflow_provider_callkaro.dispatch.tally import RowOutcome, Summary
from airflow_provider_callkaro.ledger.contract import CallLedger, Claim, ClaimRefusal, Entry, Settlement
from airflow_provider_callkaro.transport.asynchronous import AsyncTransport
from airflow_provider_callkaro.transport.retry import RetryPolicy
from airflow_provider_callkaro.transport.target import Target
from airflow_provider_callkaro.vendors.callkaro.api import CallKaro
from airflow_provider_callkaro.vendors.mrassistant.api import ROW_SCHEMA, CampaignSettings, MrAssistant
from airflow_provider_callkaro.vendors.mrassistant.campaigns import MrAssistantCampaigns

DND_NUMBER = "+919876599999"  # of somebody whom the sandbox refuses to ring
if TYPE_CHECKING:
    from airflow_provider_callkaro.sandbox import Sandbox

AGENT = "6803fa770b666a64ab1694c1e"
UUID_AGENT = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
IMPATIENT = RetryPolicy(attempts=3, throttled_attempts=4, base_delay=0.01, max_delay=0.02, max_retry_after=5.0)

OpenLedger = Callable[[str], CallLedger]


def numbers(count: int, *, start: int = 0) -> list[str]:
    """As many different phone numbers."""
    return [f"+9198765{index:05d}" for index in range(start, start + count)]


def rows(count: int, *, start: int = 0) -> list[dict[str, Any]]:
    """As many contact rows, each of another person."""
    return [{"to_number": number, "name": "Asha", "city": "Pune"} for number in numbers(count, start=start)]


class LedgerAround:
    """A ledger that passes everything on to a real one; a test overrides what it wants to see or to go wrong."""

    def __init__(self, ledger: CallLedger) -> None:
        self.ledger = ledger
        self.commits = 0

    def __enter__(self) -> LedgerAround:
        self.ledger.__enter__()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.ledger.__exit__(*exc_info)

    def commit(self, *, settle: Sequence[Settlement] = (), claim: Sequence[Claim] = ()) -> Mapping[str, ClaimRefusal]:
        self.commits += 1
        return self.ledger.commit(settle=settle, claim=claim)

    def state_of(self, keys: Sequence[str]) -> Mapping[str, Entry]:
        return self.ledger.state_of(keys)


@dataclass(slots=True)
class Lines:
    """Takes the outcome of each row, as a report does."""

    rows: list[RowOutcome] = field(default_factory=list)

    def add(self, row: RowOutcome) -> None:
        self.rows.append(row)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a run came to.

    :param rows: the outcome of each row, in the order of the rows.
    """

    summary: Summary
    rows: Sequence[RowOutcome]

    def numbers_that_ended(self, *outcomes: Outcome) -> set[int]:
        """The places in the list, from 0, of the rows that ended so."""
        return {row.row_number - 1 for row in self.rows if row.outcome in outcomes}

    def check_that_it_adds_up(self) -> None:
        summary = self.summary
        counted = Counter(row.outcome for row in self.rows)
        assert summary.total == len(self.rows) == len({row.row_number for row in self.rows})
        for outcome in Outcome:
            assert getattr(summary, outcome.value) == counted[outcome]
        assert summary.reasons == Counter(str(row.reason) for row in self.rows if row.reason is not None)
        for row in self.rows:
            assert (row.reason is None) == (row.outcome is Outcome.ACCEPTED)
            assert row.call_id is None or row.outcome is Outcome.ACCEPTED


class Caller:
    """Places calls at a sandbox, run after run, with the ledger that each run opens anew.

    :param open_ledger: gives a ledger for the run of that name; two calls with one name are two tries of that run.
    """

    path = "/call/outbound"
    """Where the sandbox is asked to ring somebody."""

    def vendor(self) -> Any:
        """What one run speaks to."""
        return CallKaro()

    def reader(self) -> RowReader:
        """How the vendor's rows are read."""
        return RowReader(agent_id=AGENT, row_fields=CALL_FIELDS)

    def headers(self, api_key: str) -> dict[str, str]:
        """What proves who calls."""
        return CallKaro.headers(api_key)

    def __init__(self, sandbox: Sandbox, open_ledger: OpenLedger) -> None:
        self.sandbox = sandbox
        self.open_ledger = open_ledger

    def place(
        self,
        rows: Iterable[Any],
        *,
        run: str = "monday",
        limits: Limits | None = None,
        policy: RetryPolicy = IMPATIENT,
        ledger: CallLedger | None = None,
        stop: Stop | None = None,
        redial: str | Sequence[str] | None = None,
        shard: Shard | None = None,
        dry_run: bool = False,
        total: int | None = None,
        say: Callable[[Any], None] = lambda _: None,
        rules: Rules | None = None,
        on_failure: Callable[[Summary], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        jitter: Callable[[], float] = lambda: 0.0,
        report: Any = None,
        on_row: Callable[[int, object], None] | None = None,
        around: Callable[[AsyncTransport], Any] = lambda transport: transport,
        api_key: str | None = None,
        base_url: str | None = None,
        connect_timeout: float = 10.0,
        read_timeout: float = 30.0,
        keeper: Any = None,
    ) -> Run:
        """Do what an operator does for one try of one run.

        :param around: puts something around the transport, to look at what it does or to fail in its place.
        :return: the summary and the row outcomes, checked against each other and, for a list, against its rows.
        """
        limits = limits or Limits()
        lines = report or Lines()
        vendor = self.vendor()
        target = Target(
            vendor=vendor.name,
            base_url=base_url or self.sandbox.url,
            headers=self.headers(api_key or self.sandbox.api_key),
            connect_timeout=connect_timeout,
            read_timeout=read_timeout,
        )
        summary = run_calls(
            rows=rows,
            read=self.reader().read,
            vendor=vendor,
            transport=around(AsyncTransport(target, max_connections=limits.max_concurrency, wall=wall)),
            ledger=ledger or self.open_ledger(run),
            limits=limits,
            stop=stop or Stop(clock=clock),
            say=say,
            total=total,
            redial=redial_states(redial),
            report=lines,
            on_row=on_row,
            shard=shard,
            dry_run=dry_run,
            policy=policy,
            rules=rules,
            keeper=keeper,
            on_failure=on_failure,
            clock=clock,
            wall=wall,
            jitter=jitter,
        )
        run_that_ended = Run(summary=summary, rows=sorted(lines.rows, key=lambda row: row.row_number))
        run_that_ended.check_that_it_adds_up()
        if isinstance(rows, Sequence) and shard is None:
            assert summary.total == len(rows)
        return run_that_ended

    def entries(self, *keys: str, run: str = "monday") -> Mapping[str, Entry]:
        """What the ledger of that run says of the keys now."""
        with self.open_ledger(run) as ledger:
            return ledger.state_of(keys)

    def most_rings(self) -> int:
        """How often the number that rang most often rang."""
        return max(self.sandbox.rings_per_number().values(), default=0)


class CampaignCaller(Caller):
    """Places calls through MrAssistant's campaigns, some calls in each."""

    path = "/campaigns"
    targets_per_campaign = 3

    def vendor(self) -> Any:
        settings = CampaignSettings(name="Renewals")
        return MrAssistantCampaigns(MrAssistant(), settings, targets_per_campaign=self.targets_per_campaign)

    def reader(self) -> RowReader:
        return RowReader(agent_id=UUID_AGENT, row_schema=ROW_SCHEMA, row_fields=ROW_SCHEMA.columns)

    def headers(self, api_key: str) -> dict[str, str]:
        return MrAssistant.headers(api_key)
