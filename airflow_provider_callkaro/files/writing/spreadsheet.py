"""Cells of a CSV that a person may open in a spreadsheet, which runs what looks like a formula.

A text that begins with ``=``, ``+``, ``-``, ``@``, a tab or a line break is written behind an apostrophe, so that it is
shown and not run. A plain number (``+919876543210``, ``-1.5``) stays as it is: it can only be itself, and files are
joined by it. Who reads such a file by machine may take JSON Lines or Parquet, where nothing is changed.
"""

from __future__ import annotations

import re

# Readers pass over some of what cannot be seen. The wide forms are what some spreadsheets take for the same. Where the
# comma is a decimal point, ; and tab part the cells, and quotation marks that stand within them hold no lines together.
_UNSEEN = "\0\x0b\x0c\x85\xa0\xad\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202f\u205f\u2060\u3000\ufeff"
_FORMULA = re.compile(rf"(?:^|(?<=[;\t\r\n]))(?=[ \"{_UNSEEN}]*[=+\-@\uff1d\uff0b\uff0d\uff20])|^(?=[\t\r\n])")
_FIRST = frozenset('=+-@\uff1d\uff0b\uff0d\uff20\t\r\n "' + _UNSEEN)
_PARTS = frozenset(";\t\r\n")
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?")


def plain_cell(text: str) -> str:
    """A text as the cell of a CSV has it."""
    if (text[:1] not in _FIRST and _PARTS.isdisjoint(text)) or _NUMBER.fullmatch(text):
        return text
    return _FORMULA.sub("'", text)
