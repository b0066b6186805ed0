"""Lets time pass in a SQL ledger: it goes by the database's clock alone, so its rows are moved back instead."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy


def let_time_pass(engine: sqlalchemy.Engine, by: timedelta, *, scope: str = "%") -> None:
    """Make everything that stands in the scopes LIKE ``scope`` as much older."""
    with engine.begin() as connection:
        select = sqlalchemy.text("SELECT id, claimed_at, settled_at FROM voice_call_ledger WHERE scope LIKE :scope")
        update = sqlalchemy.text(
            "UPDATE voice_call_ledger SET claimed_at = :claimed, settled_at = :settled WHERE id = :id"
        )
        moved = [
            {"id": id_, "claimed": _moved(claimed_at, by), "settled": _moved(settled_at, by)}
            for id_, claimed_at, settled_at in connection.execute(select, {"scope": scope})
        ]
        if moved:
            connection.execute(update, moved)


def _moved(value: datetime | str | None, by: timedelta) -> str | None:
    if value is None:
        return None
    instant = datetime.fromisoformat(value) if isinstance(value, str) else value
    return (instant - by).isoformat(" ", "microseconds")
