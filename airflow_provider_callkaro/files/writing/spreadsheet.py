"""Cells of a CSV that a person may open in a spreadsheet, which runs any text that looks like a formula.

A text that begins with ``=``, ``+``, ``-``, ``@``, a tab or a line break gets an apostrophe in front, so that it is
shown and not run. A plain number (``+919876543210``, ``-1.5``) stays as it is: it is no formula, and files are joined
by it. A text that begins with apostrophes and then a formula gets one more, so that `cell_text` finds each text again.
Programs should read JSON Lines or Parquet, where nothing is changed.
"""

from __future__ import annotations

import re

# Spreadsheets skip some invisible characters, and some take the wide forms for = + - @. Where the comma is a decimal
# point, ; and tab separate cells, and quotation marks inside a cell do not keep its lines together.
_UNSEEN = "\0\x0b\x0c\x85\xa0\xad\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202f\u205f\u2060\u3000\ufeff"
_RUN = rf"'*[ \"{_UNSEEN}]*[=+\-@\uff1d\uff0b\uff0d\uff20]"
_FORMULA = re.compile(rf"(?:^|(?<=[;\t\r\n]))(?={_RUN})|^(?='*[\t\r\n])")
_MARK = re.compile(rf"(?:^|(?<=[;\t\r\n]))'(?={_RUN})|^'(?='*[\t\r\n])")
_FIRST = frozenset("=+-@\uff1d\uff0b\uff0d\uff20\t\r\n \"'" + _UNSEEN)
_PARTS = frozenset(";\t\r\n")
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?")


def plain_cell(text: str) -> str:
    """The text for the cell of a CSV, with an apostrophe in front of whatever may be a formula."""
    if (text[:1] not in _FIRST and _PARTS.isdisjoint(text)) or _NUMBER.fullmatch(text):
        return text
    return _FORMULA.sub("'", text)


def cell_text(cell: str) -> str:
    """The text that `plain_cell` made this cell of."""
    return _MARK.sub("", cell) if "'" in cell else cell
