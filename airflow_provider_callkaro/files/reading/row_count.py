"""How far the reading of a source has come, for the message when it ends early."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class RowCount:
    """How many rows a reader has given, those that it could not read among them.

    A reader sets it when it stops or fails; a reader of batches, after each batch.
    """

    rows: int = 0
