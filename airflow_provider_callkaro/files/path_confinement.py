"""Paths from a stranger, such as in an asset event, confined to a folder that the DAG's author chose.

A path that two readers could understand differently is refused, never corrected: the storage must open exactly what was
checked here. Such a path may not name the connection that opens it either.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.files.storage import connection_in, redacted_path

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

_PARTS = re.compile(r"(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?://([^/]*))?(.*)", re.DOTALL)
_ON_THIS_MACHINE = frozenset({"", "file", "local"})
_UNCLEAR = re.compile(
    r"[\x00-\x1f\x7f\\]"  # URL parsers drop some of these, and some systems take a backslash for a slash
    r"|^\s|\s$|::"  # with this, fsspec opens one storage through another
    r"|%(?:2[eEfF5]|5[cC]|[01][0-9a-fA-F]|7[fF])"  # . / % \ and control characters, for a reader that decodes them
    r"|(?:^|/)\.{1,2}(?:/|$)"
)


def path_below(path: str, base: str, *, whose: str, way_out: str) -> str:
    """The path to open, which is at or below ``base``. A path that does not begin with a slash is relative to it.

    Symbolic links are not followed here: ask `stays_below` about each file that is found.

    :param base: the folder that the author chose.
    :param whose: what named the path, for messages.
    :param way_out: what the author can do about it, for messages.
    :raises ConfigurationError: the path is elsewhere, names a connection, or can be understood in two ways.
    """
    if connection_in(path) is not None:
        raise ConfigurationError(
            f"{whose} names a path with a connection or a login before its @: which connection opens it is said with "
            "conn_id; take it out of the path"
        )
    scheme, host, name = _parts(path)
    if _UNCLEAR.search(path) or (host and scheme in _ON_THIS_MACHINE):
        raise ConfigurationError(
            f"{whose} names a path that can be understood in two ways (a step such as .., a backslash, an escape): "
            "write it plainly"
        )
    base_scheme, base_host, base_name = _place(base)
    if not scheme and host is None and not name.startswith("/"):
        name = f"{base_name.rstrip('/')}/{name}"
    elif (_kind(scheme), host or "") != (_kind(base_scheme), base_host) or not _is_below(
        _real(name, scheme), _real(base_name, base_scheme)
    ):
        raise ConfigurationError(f"{whose} names a path that is not below {redacted_path(base)}: {way_out}")
    return name if _kind(base_scheme) == "" else f"{base_scheme}://{base_host}{name}"


def stays_below(filesystem: AbstractFileSystem, name: str, base: str) -> bool:
    """Whether a file on this machine is below ``base`` once its symbolic links are followed; true for any other."""
    from fsspec.implementations.local import LocalFileSystem

    if not isinstance(filesystem, LocalFileSystem):
        return True
    return _is_below(_real(name, ""), _real(_place(base)[2], ""))


def _parts(path: str) -> tuple[str, str | None, str]:
    scheme, host, name = _PARTS.fullmatch(path).groups()  # type: ignore[union-attr]  # the pattern matches any text
    return (scheme or "").lower(), host, name


def _place(base: str) -> tuple[str, str, str]:
    """The scheme, host and path of the base; a path on this machine is made absolute."""
    scheme, host, name = _parts(base)
    if _kind(scheme) == "":
        return "", "", os.path.abspath(os.path.expanduser(f"{host or ''}{name}"))
    return scheme, host or "", name


def _kind(scheme: str) -> str:
    return "" if scheme in _ON_THIS_MACHINE else scheme


def _real(name: str, scheme: str) -> str:
    return name if _kind(scheme) else os.path.realpath(name)


def _is_below(name: str, base: str) -> bool:
    top = base.rstrip("/")
    return name in (base, top) or name.startswith(f"{top}/")
