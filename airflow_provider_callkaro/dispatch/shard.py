"""The part of a list that one of several tasks takes."""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

from airflow_provider_callkaro.exceptions import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """The part of a list that one of several tasks takes. Each row belongs to exactly one part. ``index``: which part,
    from 0. Raises ConfigurationError if the index is not within the count."""

    index: int
    count: int

    def __post_init__(self) -> None:
        if not 0 <= self.index < self.count:
            raise ConfigurationError(
                f"shard must be (index, count) with index from 0 to count - 1, not ({self.index}, {self.count})"
            )

    def holds(self, key: str) -> bool:
        """Whether the row of this key belongs here; the same on every machine."""
        return crc32(key.encode()) % self.count == self.index
