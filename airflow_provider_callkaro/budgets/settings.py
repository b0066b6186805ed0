"""What a budget allows: what the connection's extra says, and over it what the command line says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_callkaro.budgets.limits import CallBudget


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one budget. ``connection``: of its extra. ``overrides``: of the command line; None takes a limit
    away that the extra sets."""

    connection: Mapping[str, Any]
    overrides: Mapping[str, Any]

    @classmethod
    def from_json(cls, *, connection: str, overrides: str) -> Settings:
        """The settings in a row of the table."""
        return cls(connection=json.loads(connection), overrides=json.loads(overrides))

    def budget(self, name: str) -> CallBudget:
        """What holds now. ``name``: of the budget, for messages. Raises ConfigurationError if it is no budget."""
        return CallBudget.read({**self.connection, **self.overrides}, where=f'the call budget "{name}"')

    def with_overrides(self, changes: Mapping[str, Any]) -> Settings:
        """With further overrides; an empty value stands for no limit."""
        changed = {key: None if value == "" else value for key, value in changes.items()}
        return Settings(connection=self.connection, overrides={**self.overrides, **changed})
