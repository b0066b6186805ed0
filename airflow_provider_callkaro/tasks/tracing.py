"""A span for each run over a list, in the trace of its task, where Airflow's tracing is on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_callkaro.dispatch.tally import Summary

NAME = "voice_calls.run"


class RunSpan:
    """The span of one run; without tracing it keeps nothing. ``span``: Airflow's or OpenTelemetry's, or None."""

    def __init__(self, span: Any) -> None:
        self._span = span

    def note(self, **attributes: str | int | bool) -> None:
        """Note facts of the run: counts and names of the DAG's author, nothing of a person."""
        if self._span is not None:
            for name, value in attributes.items():
                self._span.set_attribute(f"voice_calls.{name}", value)

    def note_summary(self, summary: Summary) -> None:
        """Note the counts of a pass; of several passes, the last one's stay."""
        counts = ("total", "accepted", "rejected", "skipped", "unknown", "pending")
        self.note(**{name: getattr(summary, name) for name in counts}, sent=summary.dialled)


@contextmanager
def span_of_run() -> Iterator[RunSpan]:
    """A span around a run. Of an error it has the name of the class alone: a message may quote what must not leave."""
    failure: BaseException | None = None
    with _opened() as span:
        run = RunSpan(span)
        try:
            yield run
        except BaseException as error:
            failure = error
            run.note(ended_with=type(error).__name__)
    if failure is not None:
        raise failure


def _opened() -> AbstractContextManager[Any]:
    """The span, by Airflow's own tracer where it has one, else by OpenTelemetry's, which Airflow sets up."""
    from contextlib import nullcontext

    try:
        from airflow.traces.tracer import Trace
    except ImportError:
        pass
    else:
        airflows: AbstractContextManager[Any] = Trace.start_span(span_name=NAME)
        return airflows
    try:
        from opentelemetry import trace
    except ImportError:
        return nullcontext()
    return trace.get_tracer(__name__).start_as_current_span(NAME)
