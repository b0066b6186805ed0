"""Airflow's task-state store as the ledger meets it, kept in a dict: the rules were measured on Airflow 3.3.

Values travel as JSON, a value must not be None, and what is larger than Airflow advises is taken but noted. Whoever
gave a value in or got one out can change it without changing what is stored.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

ADVISED_BYTES = 65_535  # of one value's JSON text; source: [state_store] max_value_storage_bytes
LONGEST_KEY = 512  # characters; source: the column of Airflow's table

try:
    from airflow.sdk import NEVER_EXPIRE  # noqa: F401

    _IS_THERE = True
except ImportError:
    _IS_THERE = False

needs_task_state = pytest.mark.skipif(not _IS_THERE, reason="this Airflow has no task state: 3.3 or later")


class TaskStateInMemory:
    """One task instance's store; it outlives the tries, as Airflow's does.

    :ivar texts: what is stored, as the JSON text of each key.
    :ivar writes: the keys in the order in which they were written.
    """

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.writes: list[str] = []
        self.largest = 0

    def get(self, key: str, default: Any = None) -> Any:
        return json.loads(self.texts[key]) if key in self.texts else default

    def set(self, key: str, value: Any, *, retention: timedelta | None = None) -> None:
        if value is None:
            raise ValueError("Cannot set value as None")
        if not 0 < len(key) <= LONGEST_KEY:
            raise ValueError("the key must have 1 to 512 characters")
        _check_json(value)
        text = json.dumps(value, allow_nan=False)
        self.largest = max(self.largest, len(text))
        self.texts[key] = text
        self.writes.append(key)

    def copy(self) -> TaskStateInMemory:
        """The store as it is now: what a process that is killed at this moment leaves behind."""
        twin = TaskStateInMemory()
        twin.texts = dict(self.texts)
        return twin


def _check_json(value: Any) -> None:
    """Refuse what the store refuses: anything but JSON's own types, and text that no UTF-8 can carry."""
    if isinstance(value, dict):
        for name, item in value.items():
            if type(name) is not str:
                raise TypeError("the name of a value must be text")
            _check_json(name)
            _check_json(item)
    elif isinstance(value, list):
        for item in value:
            _check_json(item)
    elif isinstance(value, str):
        value.encode("utf-8")
    elif not isinstance(value, int | float | bool | None):
        raise TypeError(f"a {type(value).__name__} is no JSON")
