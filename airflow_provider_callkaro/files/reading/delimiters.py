"""What separates the cells of a CSV: told by the author or by the file, or found from its first line.

It is found only where no other character could be it. A wrong one would put cells into other columns.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence

from airflow_provider_callkaro.exceptions import ConfigurationError

_NAMES = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a vertical bar"}
_TOLD_BY_FILE = re.compile(r"\ufeff?\"?sep=(.)\"?\s*", re.IGNORECASE)  # how spreadsheets say it, in a line of its own


def check_delimiter(delimiter: str | None) -> str | None:
    """The delimiter, if it can be one; None stays None. Raises ConfigurationError if it is not a single character, or
    one that a CSV uses otherwise."""
    if delimiter is None:
        return None
    if not isinstance(delimiter, str) or len(delimiter) != 1 or delimiter in '"\r\n':
        raise ConfigurationError("delimiter must be one character, such as a comma, a semicolon or a tab")
    return delimiter


def told_by_file(line: str) -> str | None:
    """The delimiter that a line ``sep=;`` names; None for any other line."""
    told = _TOLD_BY_FILE.fullmatch(line)
    return told[1] if told else None


def found_delimiter(lines: Sequence[str], *, name: str) -> str:
    """The one character that separates the names of the columns; a comma where there is one column. ``lines``: the
    file's first lines, the header among them. ``name``: the file's name, for messages. Raises ConfigurationError if
    there are several such characters, and no column ``to_number`` tells which it is."""
    splits = {delimiter: cells for delimiter in _NAMES if len(cells := _cells(lines, delimiter)) > 1}
    if len(splits) > 1:
        known = [one for one, cells in splits.items() if "to_number" in {cell.strip().lower() for cell in cells}]
        if len(known) != 1:
            could = " or ".join(_NAMES[one] for one in splits)
            raise ConfigurationError(
                f"contacts: {could} could separate the names in the first line of {name}: say which one with "
                'delimiter=, such as delimiter=";"'
            )
        return known[0]
    return next(iter(splits), ",")


def _cells(lines: Sequence[str], delimiter: str) -> list[str]:
    """The cells of the first line that is not blank; none if it is not written so: a quotation would be cut in two."""
    try:
        cells = next((cells for cells in csv.reader(lines, delimiter=delimiter, strict=True) if any(cells)), [])
    except csv.Error:
        return []
    return [] if any('"' in cell for cell in cells) else cells
