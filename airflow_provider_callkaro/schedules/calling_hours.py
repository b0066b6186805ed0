"""A timetable of calling hours: a DAG runs when hours begin."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.timetables.base import DagRunInfo, DataInterval, Timetable
from pendulum import instance

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.schedules.openings import (
    hours_as_json,
    hours_from_json,
    hours_in_words,
    hours_of,
    last_start,
    next_start,
)

if TYPE_CHECKING:
    from airflow.timetables.base import TimeRestriction
    from pendulum import DateTime

    from airflow_provider_callkaro.calls.policy import CallingPolicy

_LONGEST_LEAD = timedelta(days=1)


class CallingHoursTimetable(Timetable):
    """Runs a DAG each time that calling hours begin, and its data interval reaches back to the run before.

    With two windows a day there are two runs a day; windows that touch are one. A DAG with ``catchup=False`` that is
    switched on within the hours runs at once.

    :param policy: the hours, in one time zone, or the name of a rule pack. Its closed dates and holidays have no run.
        Its caps and ``suppress`` mean nothing here: give the policy to the operator too.
    :param lead: how long before the hours begin the DAG runs, for what has to be ready by then. From nothing (the
        default) to one day.
    :raises ConfigurationError: the hours are those of each recipient, or ``lead`` is out of range.
    """

    def __init__(self, policy: CallingPolicy | str, *, lead: timedelta = timedelta(0)) -> None:
        self._policy = hours_of(policy, what="CallingHoursTimetable")
        if not isinstance(lead, timedelta) or not timedelta(0) <= lead <= _LONGEST_LEAD:
            raise ConfigurationError("lead must be a timedelta from nothing to one day")
        self._lead = lead
        self.description = f"When calling hours begin: {hours_in_words(self._policy)}"

    @property
    def summary(self) -> str:
        """A few words for the list of DAGs."""
        return "calling hours"

    def serialize(self) -> dict[str, Any]:
        """The timetable as Airflow keeps it with the DAG."""
        return {"hours": hours_as_json(self._policy), "lead": self._lead.total_seconds()}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> CallingHoursTimetable:
        """The timetable of what `serialize` gave."""
        return cls(hours_from_json(data["hours"]), lead=timedelta(seconds=data["lead"]))

    def infer_manual_data_interval(self, *, run_after: DateTime) -> DataInterval:
        """The interval of a run that a person starts: that of the last run by the hours."""
        end = self._last(run_after)
        if end is None:
            return DataInterval.exact(run_after)
        return self._run_at(end).data_interval

    def next_dagrun_info(
        self, *, last_automated_data_interval: DataInterval | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        """The next run; None where no hours begin any more, within 400 days or before the DAG's end."""
        earliest = restriction.earliest
        if last_automated_data_interval is None and earliest is None:
            return None
        at = self._next(last_automated_data_interval.end) if last_automated_data_interval is not None else None
        if earliest is not None and (last_automated_data_interval is None or (at is not None and at < earliest)):
            at = self._next(earliest - timedelta(seconds=1))
        if at is not None and not restriction.catchup:
            at = max(at, self._first_not_missed(datetime.now(UTC)) or at)
        if at is None or (restriction.latest is not None and at > restriction.latest):
            return None
        return self._run_at(at)

    def _first_not_missed(self, now: datetime) -> datetime | None:
        """The run of the hours that are open, or else of the next ones."""
        last = self._last(now)
        if last is not None:
            closes = self._policy.closes_at(last + self._lead)
            if closes is None or now < closes:
                return last
        return self._next(now)

    def _next(self, after: datetime) -> datetime | None:
        start = next_start(self._policy, after + self._lead)
        return None if start is None else start - self._lead

    def _last(self, until: datetime) -> datetime | None:
        start = last_start(self._policy, until + self._lead)
        return None if start is None else start - self._lead

    def _run_at(self, at: datetime) -> DagRunInfo:
        before = self._last(at - timedelta(seconds=1)) or at
        return DagRunInfo.interval(start=instance(before), end=instance(at))
