"""Which columns are read, and what they are called in the table to which they are written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.tasks.outcome_table import checked_identifier


def column_pairs(argument: str, columns: object) -> dict[str, str]:
    """Column that is read to column of the table. Raises ConfigurationError if they are no names."""
    if isinstance(columns, (list, tuple)) and columns:
        pairs = {name: name for name in columns if isinstance(name, str)}
    else:
        pairs = dict(columns) if isinstance(columns, Mapping) else {}
    if not pairs or len(pairs) != len(columns):  # type: ignore[arg-type]
        raise ConfigurationError(f'{argument} must be a list of different names, such as ["customer_id"], or a mapping')
    return {name: checked_identifier(argument, target) for name, target in pairs.items()}


def written_columns(
    keys: dict[str, str], columns: dict[str, str], fixed_values: Mapping[str, Any] | None
) -> tuple[dict[str, str], dict[str, str], dict[str, Any]]:
    """The columns of the key, of what is written, and of what is the same everywhere. Raises ConfigurationError if two
    of them are one column of the table."""
    fixed = dict(fixed_values or {})
    targets = [*keys.values(), *columns.values(), *(checked_identifier("fixed_values", name) for name in fixed)]
    if len(set(targets)) != len(targets):
        raise ConfigurationError(
            "key_columns, columns and fixed_values write one column of the table twice: name each once"
        )
    return keys, columns, fixed
