"""Names by which the columns of a file can be told apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from airflow_provider_callkaro.calls.masking import mask_text
from airflow_provider_callkaro.exceptions import ConfigurationError


def check_names(columns: Sequence[str], *, name: str) -> None:
    """Refuse columns that have no name, or the same.

    :param name: the file's name, for messages.
    :raises ConfigurationError: a column has no name, or two have one.
    """
    if not all(columns):
        raise ConfigurationError(f"contacts: column {columns.index('') + 1} of {name} has no name: give it one")
    twice = sorted(mask_text(column) for column, count in Counter(columns).items() if count > 1)
    if twice:
        raise ConfigurationError(f"contacts: {name} has two columns named {', '.join(twice)}: rename one")
