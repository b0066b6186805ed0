"""The parts of a list that several tasks share, as a DAG's author writes them down for `expand`."""

from __future__ import annotations

from airflow_provider_callkaro.exceptions import ConfigurationError

MAX_SHARDS = 1_024  # Airflow refuses to map over more, unless [core] max_map_length is raised


def shards(count: int) -> list[list[int]]:
    """The parts of a list for a fan-out that is mapped over them: ``.expand(shard=shards(4))``.

    Each row of the list belongs to exactly one part: the part is chosen by the row's key, the same on every machine.

    :param count: how many parts, 1 to 1024.
    :return: ``[index, count]`` of each part.
    :raises ConfigurationError: the count is no such number.
    """
    check_count(count)
    return [[index, count] for index in range(count)]


def check_count(count: object) -> None:
    """Refuse what is no number of parts. Raises ConfigurationError if it is none."""
    if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= MAX_SHARDS:
        raise ConfigurationError(f"shards must be a whole number from 1 to {MAX_SHARDS}, written without quotes")
