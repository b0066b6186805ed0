"""What a task tells through Airflow's own metrics: counts and times, by connection, and nothing of a person.

Each metric goes out twice, as Airflow's own do: ``voice_calls.<name>`` with tags, and, for a StatsD without tags,
``voice_calls.<connection>.<name>``. ``docs/observability.md`` lists them.
"""

from __future__ import annotations

import logging
import re
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self

from airflow_provider_callkaro.calls.outcome import Outcome

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_callkaro.dispatch.progress import Snapshot
    from airflow_provider_callkaro.dispatch.tally import RowOutcome, Summary

PREFIX = "voice_calls"
COUNTED = (Outcome.ACCEPTED, Outcome.REJECTED, Outcome.SKIPPED, Outcome.UNKNOWN)
_SWITCHES = ("statsd_on", "statsd_datadog_enabled", "otel_on")  # in Airflow's section [metrics]
_LONGEST_SEGMENT = 100  # letters of a connection's id in the name of a metric
_NO_LETTER = re.compile(r"[^A-Za-z0-9_-]")

_log = logging.getLogger(__name__)


class TaskMetrics:
    """Sends the metrics of one try. A metric that cannot be sent is left out, and the run goes on.

    :param stats: Airflow's `Stats`, with ``incr``, ``gauge`` and ``timing``.
    :param connection_id: of the vendor's connection.
    :param tags: what each metric with tags says beside ``conn_id``.
    """

    def __init__(self, *, stats: Any, connection_id: str, tags: dict[str, str]) -> None:
        self._stats = stats
        self._tags = {"conn_id": connection_id, **tags}
        self._segment = _NO_LETTER.sub("_", connection_id)[:_LONGEST_SEGMENT]

    @classmethod
    def of(cls, context: Context, *, connection_id: str) -> Self | None:
        """The metrics of a task; None where Airflow sends none."""
        from airflow.providers.common.compat.sdk import Stats, conf

        if not any(conf.getboolean("metrics", switch, fallback=False) for switch in _SWITCHES):
            return None
        ti = context["ti"]
        return cls(stats=Stats, connection_id=connection_id, tags={"dag_id": ti.dag_id, "task_id": ti.task_id})

    def send(self, kind: str, name: str, value: Any) -> None:
        """Send one metric, by both of its names. ``kind``: ``incr``, ``gauge`` or ``timing``."""
        try:
            send: Callable[..., None] = getattr(self._stats, kind)
            send(f"{PREFIX}.{name}", value, tags=self._tags)
            send(f"{PREFIX}.{self._segment}.{name}", value)
        except Exception as error:
            _log.debug("The metric %s could not be sent (%s)", name, type(error).__name__)


class RunMetrics(TaskMetrics):
    """The metrics of a run over a list. It takes each row's outcome as a report does; for the main thread only."""

    def __init__(self, *, stats: Any, connection_id: str, tags: dict[str, str]) -> None:
        super().__init__(stats=stats, connection_id=connection_id, tags=tags)
        self._new: Counter[Outcome] = Counter()
        self._earlier: Counter[Outcome] = Counter()
        self._sent: Counter[Outcome] = Counter()
        self._began = time.monotonic()

    def begin(self) -> Self:
        """Note that a pass over the list begins; what comes of its rows is added to this."""
        for counter in (self._new, self._earlier, self._sent):
            counter.clear()
        self._began = time.monotonic()
        return self

    def add(self, row: RowOutcome) -> None:
        """Note one row, which is not counted again if an earlier try has settled it."""
        (self._earlier if row.earlier else self._new)[row.outcome] += 1

    def progress(self, snapshot: Snapshot) -> None:
        """Send what has come since the last time, and how fast the run is."""
        for outcome in COUNTED:
            self._count(outcome, self._new[outcome])
        self.send("gauge", "rate", snapshot.calls_per_second)

    def end(self, summary: Summary) -> None:
        """Send the rest of a pass that has ended, however it did; rows that it lost count by the summary."""
        for outcome in COUNTED:
            self._count(outcome, getattr(summary, outcome.value) - self._earlier[outcome])
        self.send("incr", "sent", summary.dialled)
        self.send("gauge", "pending", summary.pending)
        self.send("gauge", "rate", 0)
        self.send("timing", "duration", timedelta(seconds=time.monotonic() - self._began))

    def wait(self, seconds: float) -> None:
        """Send how long the task waits until the next call may ring."""
        self.send("timing", "wait", timedelta(seconds=max(0.0, seconds)))

    def _count(self, outcome: Outcome, rows: int) -> None:
        if (more := rows - self._sent[outcome]) > 0:
            self._sent[outcome] = rows
            self.send("incr", outcome.value, more)
