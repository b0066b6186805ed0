"""Named placeholders of a query, in the style that the database's driver takes.

Drivers differ: SQLite and Oracle take ``:day``, PostgreSQL, MySQL and Snowflake ``%(day)s``, others only ``?``. An
author writes ``:day`` for any of them; what is written in the driver's own style stays as it is. Values are bound by
the driver and never written into the text.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from typing import Any

_TOKEN = re.compile(
    r"(?P<text>'(?:[^']|'')*'|\"[^\"]*\"|`[^`]*`|--[^\n]*|/\*.*?\*/|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)"
    r"|(?P<cast>::)"
    r"|(?<![\w:]):(?P<colon>[A-Za-z_]\w*)"
    r"|%\((?P<percent>[A-Za-z_]\w*)\)s",
    re.DOTALL,
)
_NAMED = frozenset({"sqlite3"})  # drivers that take :day besides what their paramstyle says
_PERCENT = frozenset({"pyformat", "format"})


def bound(sql: str, parameters: Any, *, connection: object) -> tuple[str, Any]:
    """The statement and its parameters, as the driver takes them.

    :param parameters: a mapping of names; anything else is handed on as it is, with the statement.
    :param connection: of the driver (PEP 249).
    """
    if not isinstance(parameters, Mapping):
        return sql, parameters
    style = _style_of(connection)
    found = [token for token in _TOKEN.finditer(sql) if _name_in(token) in parameters]
    if style is None or not found:
        return sql, parameters
    if style in _PERCENT:
        return _with_percent(sql, found), parameters
    text, names = _replaced(sql, found, "?" if style == "qmark" else ":{}" if style == "named" else None)
    return text, (parameters if style == "named" else [parameters[name] for name in names])


def _style_of(connection: object) -> str | None:
    """The style of the driver (PEP 249), which a module above the connection's class says; None where none does."""
    for kind in type(connection).__mro__:
        names = kind.__module__.split(".")
        for length in range(len(names), 0, -1):
            name = ".".join(names[:length])
            if name in _NAMED:
                return "named"
            style = getattr(sys.modules.get(name), "paramstyle", None)
            if isinstance(style, str):
                return style
    return None


def _name_in(token: re.Match[str]) -> str | None:
    return token["colon"] or token["percent"]


def _with_percent(sql: str, found: list[re.Match[str]]) -> str:
    """The statement with ``%(name)s``. Where it has no such placeholder yet, each other ``%`` means itself, and is
    doubled, because the driver reads it."""
    doubled = any(token["percent"] for token in found)
    parts, end = [], 0
    for token in found:
        between = sql[end : token.start()]
        parts += [between if doubled else between.replace("%", "%%"), f"%({_name_in(token)})s"]
        end = token.end()
    rest = sql[end:]
    return "".join([*parts, rest if doubled else rest.replace("%", "%%")])


def _replaced(sql: str, found: list[re.Match[str]], placeholder: str | None) -> tuple[str, list[str]]:
    """The statement with other placeholders, and the names in their order. ``placeholder``: None numbers them."""
    had_percent = any(token["percent"] for token in found)
    parts, names, end = [], [], 0
    for number, token in enumerate(found, start=1):
        between, name = sql[end : token.start()], str(_name_in(token))
        parts += [between.replace("%%", "%") if had_percent else between]
        parts += [f":{number}" if placeholder is None else placeholder.format(name)]
        names.append(name)
        end = token.end()
    rest = sql[end:]
    return "".join([*parts, rest.replace("%%", "%") if had_percent else rest]), names
