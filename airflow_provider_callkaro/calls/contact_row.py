"""One row of a list, as a source gives it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

ContactRow: TypeAlias = Mapping[str, Any] | str | None
"""Columns by name, or a plain number. None is a row that could not be read; it is passed on, so that it is counted and
rejected and not lost."""
