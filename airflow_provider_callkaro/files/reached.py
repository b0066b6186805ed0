"""How far the reading of a source has come."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Reached:
    """How many rows a reader has given; up to date whenever it is not giving rows.

    :param rows: rows, those that could not be read among them.
    """

    rows: int = 0
