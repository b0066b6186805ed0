"""What is kept of what a vendor says, beyond what became of the call: nothing, unless it is asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace

from airflow_provider_callkaro.vendors.call_event import CallEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """What is kept of an event beyond its facts. All of it is about a person.

    :param transcript: what was said.
    :param recording: the address of the recording.
    :param payload: the delivery as it came. It holds the number in clear, in a keyed ledger too.
    :param suppressions: whom not to call again, for `SuppressedByOutcomes`.
    """

    transcript: bool = False
    recording: bool = False
    payload: bool = False
    suppressions: bool = False

    def of(self, event: CallEvent) -> CallEvent:
        """The event without what is not kept."""
        return replace(
            event,
            transcript=event.transcript if self.transcript else None,
            recording_url=event.recording_url if self.recording else None,
            payload=event.payload if self.payload else None,
        )


FACTS_ALONE = Keep()
"""Nothing beyond the facts."""
