"""A query as it may be shown: what is selected from where, and nothing that was written into it.

Airflow stores the query and shows it. Values belong into its parameters, but nobody can be kept from writing a name or
a number between quotes, so whatever stands there is left out. Where the text does not say for certain where a value
ends, none of it is shown.
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
    """The query without literals, comments and what may be a number; a ``.sql`` file's name as it is."""
    if _DOUBTFUL.search(sql):
        return NOT_SHOWN
    plain = _LEFT_OUT.sub(lambda match: " " if match.group()[0] in "-/" else "…", sql)
    if _LEFT_OPEN.search(plain):
        return NOT_SHOWN
    return mask_text(_NUMBER.sub("…", plain), limit=LONGEST)
