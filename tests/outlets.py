"""What Airflow sends for each outlet of a task, kept."""

from __future__ import annotations

from typing import Any


class OutletEvents(dict[Any, Any]):
    """The events by their outlet, made when a task first asks."""

    def __missing__(self, outlet: Any) -> Outlet:
        self[outlet] = kept = Outlet()
        return kept


class Outlet:
    """``extra``: of the one event of an asset. ``added``: address and extra of each event of an alias."""

    def __init__(self) -> None:
        self.extra: dict[str, Any] | None = None
        self.added: list[tuple[str, dict[str, Any]]] = []

    def add(self, asset: Any, extra: dict[str, Any]) -> None:
        self.added.append((asset.uri, extra))
