"""Redaction of a query: its columns and tables are shown, the values in it are not.

Airflow stores and shows the query of a task. Values belong in its parameters, but a user may write a name or a number
into the text, so literals and comments are left out. If it is not certain where a literal ends, nothing is shown.
"""

from __future__ import annotations

import re

from airflow_provider_callkaro.calls.masking import mask_text

NOT_SHOWN = "a text that is not shown"
LONGEST = 2_000  # characters
# \' ends a text in one dialect and not in another, # begins a comment in one, and $$…$$ needs no quotes.
_DOUBTFUL = re.compile(r"\\|#|\$\w*\$")
_LEFT_OUT = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"", re.DOTALL)
_LEFT_OPEN = re.compile(r"['\"]|/\*|\*/")
_NUMBER = re.compile(r"(?<![\w:$])[0-9][\w.]*")  # and neither :1 nor $1, which are placeholders


def redacted_sql(sql: str) -> str:
    """The query without literals, comments and whatever may be a number; the name of a ``.sql`` file as it is."""
    if _DOUBTFUL.search(sql):
        return NOT_SHOWN
    plain = _LEFT_OUT.sub(lambda match: " " if match.group()[0] in "-/" else "…", sql)
    if _LEFT_OPEN.search(plain):
        return NOT_SHOWN
    return mask_text(_NUMBER.sub("…", plain), limit=LONGEST)
