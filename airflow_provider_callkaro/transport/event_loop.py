"""The event loop of the fan-out: uvloop's, which takes less CPU per request than the standard library's.

Airflow 3's API server runs on it too. Sensors and triggers run in Airflow's own loops.
"""

from __future__ import annotations

from asyncio import AbstractEventLoop


def new_event_loop() -> AbstractEventLoop:
    """A new loop, to be run in one thread and closed there."""
    import uvloop

    return uvloop.new_event_loop()
