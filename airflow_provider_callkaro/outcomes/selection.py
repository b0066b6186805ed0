"""Which calls of the ledger are meant: those of a scope, of a run, of a campaign, or all."""
# ruff: noqa: S608

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import Connection

from airflow_provider_callkaro.ledger.run_record import RunRecord
from airflow_provider_callkaro.ledger.sql.names import Names
from airflow_provider_callkaro.ledger.sql.scopes import scopes_of
from airflow_provider_callkaro.ledger.sql.session import execute
from airflow_provider_callkaro.ledger.sql.table import CAMPAIGNS_TABLE, RUNS_TABLE
from airflow_provider_callkaro.ledger.sql.values import digest, distinct

_AFTER_EVERY_ID = "g"  # sorts after every hexadecimal digit, in every collation


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which calls: all conditions together. Without one, all.

    :param scope: the name of a scope.
    :param campaign: the vendor's id of a campaign.
    :param run: of a task instance.
    """

    scope: str | None = None
    campaign: str | None = None
    run: str | None = None

    def condition(self, connection: Connection, *, names: Names, mark: str = "") -> tuple[str, dict[str, Any]]:
        """The condition for a row ``l`` of the ledger, and its parameters. A call is one row: those of further scopes
        are not meant.

        :param mark: at the beginning of each parameter's name, where one statement has several conditions.
        """
        parts, values = ["l.number <> ''"], dict[str, Any]()
        if self.scope is not None:
            parts.append(_in_scope(scopes_of([self.scope])[0].digits, f"{mark}scope", values))
        if self.run is not None:
            run = distinct(self.run)
            scope = _scope_of_run(connection, self.run, names=names)
            if scope is not None:
                parts.append(_in_scope(scope, f"{mark}run", values))
            parts.append(f"l.run IN :{mark}runs")
            values[f"{mark}runs"] = list(names.runs(run))
        if self.campaign is not None:
            parts.append(self._in_campaign(connection, values, mark))
        return " AND ".join(parts), values

    @staticmethod
    def bounds(values: Mapping[str, Any], *, mark: str = "") -> str:
        """The bounds of the scope for the outcomes ``o`` that are joined: no database concludes them from those of the
        ledger. ``values``: the parameters of the condition."""
        scopes = [name for name in (f"{mark}scope", f"{mark}run") if f"{name}_start" in values]
        return "".join(f" AND o.ledger_id >= :{name}_start AND o.ledger_id < :{name}_end" for name in scopes)

    def _in_campaign(self, connection: Connection, values: dict[str, Any], mark: str) -> str:
        # A vendor that takes many calls per request gives its campaign's id as that of the calls.
        values[f"{mark}campaign"] = self.campaign
        query = f"SELECT scope, run FROM {CAMPAIGNS_TABLE} WHERE campaign_id = :campaign"
        parts = [f"l.call_id = :{mark}campaign"]
        for place, (scope, run) in enumerate(execute(connection, query, campaign=self.campaign).all()):
            of_run = f"{mark}campaign_run_{place}"
            values[of_run] = run
            parts.append(f"({_in_scope(scope, f'{mark}campaign_{place}', values)} AND l.run = :{of_run})")
        return f"({' OR '.join(parts)})"


def _in_scope(digits: str, name: str, values: dict[str, Any]) -> str:
    values[f"{name}_start"], values[f"{name}_end"] = digits, digits + _AFTER_EVERY_ID
    return f"l.id >= :{name}_start AND l.id < :{name}_end"


def _scope_of_run(connection: Connection, run: str, *, names: Names) -> str | None:
    """The digits of the scope in which a run claims; None where its record is not there."""
    plain = distinct(run)
    ids = [digest(run) if text == plain else text for text in names.runs(plain)]
    try:
        found = execute(connection, f"SELECT record FROM {RUNS_TABLE} WHERE id IN :ids", ids=ids).scalars().first()
        record = None if found is None else RunRecord.from_state(json.loads(found))
    except ValueError:
        return None
    return None if record is None else scopes_of(record.scopes[:1])[0].digits
