"""What a DAG's author asks of a list, as one frozen value that checks itself.

The operator makes it twice: when the DAG is parsed, so that an argument that cannot work fails there, and when the task
runs, from the rendered arguments. What is still a template in the DAG is checked then.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from airflow_provider_callkaro.calls.coercion import read_whole_number
from airflow_provider_callkaro.calls.options import refuse_next_window
from airflow_provider_callkaro.calls.row_rights import checked_names
from airflow_provider_callkaro.dispatch.limits import Limits, Shard, check_rank, redial_states
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.ledger.contract import EntryState
from airflow_provider_callkaro.sources.inline import RowContacts
from airflow_provider_callkaro.tasks.argument_values import (
    check_flag,
    check_region,
    check_span,
    check_whole,
    no_template,
)
from airflow_provider_callkaro.tasks.arguments import is_template, unredacted
from airflow_provider_callkaro.tasks.instants import read_instant
from airflow_provider_callkaro.tasks.rules import Suppression, check_policy, read_policy
from airflow_provider_callkaro.tasks.staleness import StaleRuns, checked_stale_runs

if TYPE_CHECKING:
    from airflow_provider_callkaro.calls.number_rules import NumberRules
    from airflow_provider_callkaro.calls.policy import CallingPolicy
    from airflow_provider_callkaro.calls.row_schema import RowSchema
    from airflow_provider_callkaro.dispatch.report_columns import ReportColumns
    from airflow_provider_callkaro.sources.contract import ContactSource

WHEN_CLOSED = ("wait", "schedule", "stop")
WARN_OR_FAIL = ("warn", "fail")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListSettings:
    """What a DAG's author asks of a list. Each field is the operators' argument of the same name; see there.

    :param contacts: where the rows come from.
    :param suppression: who must not be called, as the policy says.

    :raises ConfigurationError: an argument that cannot work, naming it.
    """

    contacts: ContactSource
    policy: CallingPolicy | None = None
    when_closed: str = "wait"
    soft_fail: bool = False
    schedule_at: datetime | str | None = None
    expires_after: timedelta | None = None
    stale_runs: str = "skip"
    stale_after: timedelta = timedelta(days=1)
    ledger_conn_id: str | None = None
    ledger_scope: str | None = None
    redial: str | Sequence[str] | None = None
    call_reference: bool = True
    agent_id: str | None = None
    batch_id: str | None = None
    default_region: str | None = None
    call_options: Mapping[str, Any] | None = field(default=None, repr=False)
    column_map: Mapping[str, str | None] | None = None
    row_fields: Sequence[str] | None = None
    metadata_columns: Sequence[str] | None = None
    allowed_countries: Sequence[str] | None = None
    allowed_number_types: Sequence[str] | None = None
    suppression: Suppression = field(default_factory=lambda: Suppression(None))
    calls_per_second: float | None = None
    max_concurrency: int = 64
    stop_after_unknown: int | None = 20
    priority: int = 0
    weight: float = 1.0
    on_unknown: str = "warn"
    on_none_accepted: str = "fail"
    max_rejected: float | None = None
    min_rows: int = 0
    max_rows: int | None = None
    shard: tuple[int, int] | None = None
    report_path: str | None = None
    report_columns: Sequence[str] | Mapping[str, str] | None = None
    dry_run: bool = False

    def __post_init__(self) -> None:
        _check_word("when_closed", self.when_closed, WHEN_CLOSED)
        _check_word("on_unknown", self.on_unknown, WARN_OR_FAIL)
        _check_word("on_none_accepted", self.on_none_accepted, WARN_OR_FAIL)
        checked_stale_runs("skip" if is_template(self.stale_runs) else self.stale_runs, self.stale_after)
        _check_max_rejected(self.max_rejected)
        check_whole("min_rows", self.min_rows, least=0)
        if self.max_rows is not None:
            otherwise = ", and not below min_rows, or None"
            check_whole("max_rows", self.max_rows, least=max(1, self.min_rows), otherwise=otherwise)
        check_flag("soft_fail", self.soft_fail)
        check_flag("dry_run", self.dry_run)
        check_flag("call_reference", self.call_reference)
        check_region(self.default_region)
        for name in ("row_fields", "metadata_columns"):
            if getattr(self, name) is not None:
                checked_names(name, getattr(self, name))
        self.allowed_numbers  # noqa: B018 - checks its words
        self._check_report_columns()
        if self.expires_after is not None:
            check_span("expires_after", self.expires_after)
        if self.policy is not None:
            check_policy(self.policy, ledger_conn_id=self.ledger_conn_id)
        elif self.expires_after is not None:
            raise ConfigurationError("expires_after needs a policy, which tells when a call may ring")
        options = self.call_options if isinstance(self.call_options, Mapping) else {}
        for moment in (self.schedule_at, options.get("schedule_at")):
            refuse_next_window(moment, has_policy=self.policy is not None)
        object.__setattr__(self, "shard", _read_shard(self.shard))
        self.limits  # noqa: B018 - checks its values
        check_rank(self.priority, self.weight)
        if not is_template(self.redial) and not _has_template(self.redial):
            self.redialled  # noqa: B018 - checks its words

    def _check_report_columns(self) -> None:
        """Refuse columns that cannot be in the report; those of rows in the DAG itself are known already."""
        columns = self.columns_of_report()
        if columns is None:
            return
        if self.report_path is None:
            raise ConfigurationError("report_columns needs report_path, which says where the report is written")
        if isinstance(self.contacts, RowContacts) and isinstance(self.contacts.value, (list, tuple)):
            for row in self.contacts.value[:1]:
                columns.check(1, row)

    @classmethod
    def of(cls, operator: object, **others: object) -> Self:
        """The settings that an operator's own attributes of the same names make.

        :param others: fields that come before the attributes. A field that neither has keeps its default.
        :raises ConfigurationError: the policy names whom not to call, and the operator does not read that.
        """
        names = {each.name for each in fields(cls)}
        values = {name: unredacted(value) for name, value in vars(operator).items() if name in names} | others
        policy = values["policy"] = read_policy(values.get("policy"))
        if policy is not None and policy.suppress is not None and "suppression" not in values:
            raise ConfigurationError(
                "the policy has suppress, which this operator does not read: its class needs "
                "self.suppression = Suppression(policy.suppress), in template_fields too"
            )
        return cls(**values)

    @property
    def limits(self) -> Limits:
        """How fast the run may go, and when it gives up."""
        return Limits(
            max_concurrency=self.max_concurrency,
            calls_per_second=self.calls_per_second,
            stop_after_unknown=self.stop_after_unknown,
        )

    @property
    def allowed_numbers(self) -> NumberRules | None:
        """Which numbers may be rung; None allows all."""
        if self.allowed_countries is None and self.allowed_number_types is None:
            return None
        from airflow_provider_callkaro.calls.number_rules import NumberRules

        return NumberRules(countries=self.allowed_countries, types=self.allowed_number_types)

    def fields_of_rows(self, row_schema: RowSchema) -> Collection[str] | None:
        """The fields that a row may set; None leaves that to the vendor's cautious choice.

        Under a policy in recipients' zones a row may set its zone, unless the author names the fields of rows.
        """
        if self.row_fields is not None or self.policy is None:
            return self.row_fields
        from airflow_provider_callkaro.calls.policy import RECIPIENT

        asks = {"timezone"} if self.policy.timezone == RECIPIENT else set()
        return (row_schema.row_fields | asks).intersection(row_schema.columns)

    def columns_of_report(self, row_schema: RowSchema | None = None) -> ReportColumns | None:
        """What each line of the report says of its row beside the outcome; None: nothing."""
        if self.report_columns is None:
            return None
        from airflow_provider_callkaro.dispatch.report_columns import ReportColumns

        aliases = None if row_schema is None else row_schema.aliases
        return ReportColumns(self.report_columns, column_map=self.column_map, aliases=aliases)

    @property
    def part(self) -> Shard | None:
        """The part of the list that this task takes; None takes the whole list."""
        return None if self.shard is None else Shard(index=self.shard[0], count=self.shard[1])

    @property
    def redialled(self) -> frozenset[EntryState]:
        """The states of earlier dispatches that are dispatched once more, on purpose."""
        return redial_states(self.redial)

    @property
    def stale_choice(self) -> StaleRuns:
        """What the run does if it is stale."""
        return checked_stale_runs(self.stale_runs, self.stale_after)

    @property
    def waits(self) -> bool:
        """Whether the run waits for calls that may not ring yet, and goes through its list again."""
        return self.policy is not None and self.when_closed != "stop" and not self.dry_run

    @property
    def options(self) -> dict[str, Any]:
        """The fields of every call whose row does not say otherwise."""
        options = {**(self.call_options or {})}
        if self.schedule_at:
            options["schedule_at"] = self.schedule_at
        if "schedule_at" in options:
            options["schedule_at"] = read_instant(options["schedule_at"])
        return options


def _check_word(name: str, value: object, words: Sequence[str]) -> None:
    if value not in words:
        quoted = [f'"{word}"' for word in words]
        raise ConfigurationError(f"{name} must be {', '.join(quoted[:-1])} or {quoted[-1]}")


def _check_max_rejected(limit: Any) -> None:
    if limit is None or (isinstance(limit, int) and not isinstance(limit, bool) and limit >= 0):
        return
    if not isinstance(limit, float) or not 0 <= limit <= 1:
        raise ConfigurationError(
            "max_rejected must be a count, or a fraction from 0.0 to 1.0: 5 allows five rows, 0.05 five of a hundred"
        )


def _read_shard(shard: Any) -> tuple[int, int] | None:
    if shard is None:
        return None
    given = [read_whole_number(part) for part in shard] if isinstance(shard, (list, tuple)) else []
    parts = [part for part in given if isinstance(part, int) and not isinstance(part, bool)]
    if len(given) != 2 or len(parts) != 2:
        raise ConfigurationError(
            "shard must be two whole numbers, (index, count), as .expand(shard=shards(4)) gives them"
            f"{no_template(shard)}"
        )
    part = Shard(index=parts[0], count=parts[1])
    return part.index, part.count


def _has_template(value: object) -> bool:
    return isinstance(value, (list, tuple)) and any(map(is_template, value))
