"""The storage that a path names, the connection that opens it, and the path without its secrets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from airflow_provider_callkaro.exceptions import ConfigurationError

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import ObjectStoragePath
from airflow_provider_callkaro.vendors.known import VENDORS

_PACKAGES = {
    "s3": "apache-airflow-providers-amazon[s3fs]",
    "s3a": "apache-airflow-providers-amazon[s3fs]",
    "gs": "apache-airflow-providers-google",
    "gcs": "apache-airflow-providers-google",
    "abfs": "apache-airflow-providers-microsoft-azure",
    "abfss": "apache-airflow-providers-microsoft-azure",
    "adl": "apache-airflow-providers-microsoft-azure",
}
_AZURE = ("adls", "wasb", "azure_data_lake", "azure")
_CONNECTION_TYPES = {
    "s3": ("aws",),
    "s3a": ("aws",),
    "s3n": ("aws",),
    "gs": ("google_cloud_platform",),
    "gcs": ("google_cloud_platform",),
    "abfs": _AZURE,
    "abfss": _AZURE,
    "adl": _AZURE,
    "oss": ("oss",),
}
_NO_STORAGE = frozenset(vendor.connection_type for vendor in VENDORS)  # types whose password only the vendor may get
_WITHOUT_CONNECTION = frozenset({"", "file", "local"})
_WITHOUT_FOLDERS = frozenset(_PACKAGES)  # slashes are part of a name there, and a "folder" could be a bucket


def redacted_path(path: str) -> str:
    """The path for a message: without login, query and fragment, which may hold keys and signatures."""
    if "://" not in path:
        return path
    scheme, _, rest = path.partition("://")
    place = rest.partition("?")[0].partition("#")[0]
    host, slash, name = place.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{name}"


def connection_in(path: str) -> str | None:
    """The text before the ``@`` of a path's host, where ``ObjectStoragePath`` expects a connection; None if none."""
    try:
        named, at, _ = urlsplit(path).netloc.rpartition("@")
    except ValueError:  # such as an open bracket; no storage takes it
        return None
    return named if at else None


def holds_a_secret(path: str) -> bool:
    """Whether a path holds a password or a signature. A bare name before ``@`` is that of a connection."""
    return "://" in path and ("?" in path or ":" in urlsplit(path).netloc.rpartition("@")[0])


def storage_of(path: str, *, conn_id: str | None = None) -> ObjectStoragePath:
    """The path as an ObjectStoragePath. The storage is looked up, but nothing is read or written there. ``conn_id``:
    the Airflow connection that opens the storage; None takes the storage's default. Raises ConfigurationError if this
    Airflow has no such storage, the connection is of another type, or the path names another connection or a login."""
    from airflow.providers.common.compat.sdk import ObjectStoragePath

    named = connection_in(path)
    if named and ":" in named:
        raise ConfigurationError(
            f"{redacted_path(path)} was given with a login and a password, which paths show to many: keep them in an "
            "Airflow connection"
        )
    if named and conn_id not in (None, named):
        raise ConfigurationError(
            f'{redacted_path(path)} was given with another connection before its @ than conn_id, which is "{conn_id}": '
            "take it out of the path"
        )
    try:
        target = ObjectStoragePath(Path(path).expanduser() if path.startswith("~") else path, conn_id=conn_id)
        _check_connection(target, path)
        target.fs  # noqa: B018 - only this imports the library of the storage
    except (ValueError, ImportError):
        package = _PACKAGES.get(_scheme(path), "the provider of its storage")
        raise ConfigurationError(
            f"Airflow cannot reach {redacted_path(path)} here: install {package}, or give another path"
        ) from None
    return target


def _check_connection(target: ObjectStoragePath, path: str) -> None:
    """Refuse a connection of another type before its password is sent to the wrong place.

    The library of a storage uses the login and the password of any connection.
    """
    from airflow.providers.common.compat.sdk import AirflowNotFoundException, BaseHook

    # A path can name a connection too; each version keeps it in another attribute.
    conn_id = getattr(target, "conn_id", None) or (getattr(target, "storage_options", None) or {}).get("conn_id")
    scheme = _scheme(path)
    if conn_id is None or scheme in _WITHOUT_CONNECTION:
        return
    try:
        kind, right = BaseHook.get_connection(conn_id).conn_type or "", _CONNECTION_TYPES.get(scheme)
    except AirflowNotFoundException:
        return  # the storage itself says so if it needs one
    if kind in _NO_STORAGE if right is None else kind not in right:
        needed = "a storage's" if right is None else " or ".join(f'"{each}"' for each in right)
        raise ConfigurationError(
            f'connection "{conn_id}", which is to open {redacted_path(path)}, is of type "{kind}" and not of type '
            f"{needed}: name another connection; its password was sent to nobody"
        )


def local_path(target: ObjectStoragePath) -> Path | None:
    """The absolute path on this machine, with no link followed; None for another storage."""
    from fsspec.implementations.local import LocalFileSystem

    if not isinstance(target.fs, LocalFileSystem):
        return None
    return Path(target.fs._strip_protocol(target.path)).absolute()  # as its `open` reads the path: ~ and all


def make_folder(target: ObjectStoragePath) -> None:
    """Make the folder of a path, if its storage has folders."""
    if _scheme(str(target)) not in _WITHOUT_FOLDERS:
        target.parent.mkdir(parents=True, exist_ok=True)


def _scheme(path: str) -> str:
    return urlsplit(path).scheme.lower()
