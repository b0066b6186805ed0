"""The storage that a path names, and how the path may be shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from airflow_provider_callkaro.exceptions import ConfigurationError
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
_NO_STORAGE = frozenset(vendor.connection_type for vendor in VENDORS)  # types whose password goes to a vendor alone
_WITHOUT_CONNECTION = frozenset({"", "file", "local"})
_WITHOUT_FOLDERS = frozenset(_PACKAGES)  # a name there may hold slashes; making its "folder" could make a bucket


def redacted_path(path: str) -> str:
    """The path as a message may have it: without a login, a query or a fragment, where signatures and keys stand."""
    if "://" not in path:
        return path
    scheme, _, rest = path.partition("://")
    place = rest.partition("?")[0].partition("#")[0]
    host, slash, name = place.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{name}"


def connection_in(path: str) -> str | None:
    """What stands before the ``@`` of a path's host: the connection that opens it, as ``ObjectStoragePath`` has it."""
    try:
        named, at, _ = urlsplit(path).netloc.rpartition("@")
    except ValueError:  # brackets that never close: no storage takes it
        return None
    return named if at else None


def holds_a_secret(path: str) -> bool:
    """Whether a path holds a password or a signature. A name alone before ``@`` is a connection's, for Airflow."""
    return "://" in path and ("?" in path or ":" in urlsplit(path).netloc.rpartition("@")[0])


def storage_of(path: str, *, conn_id: str | None = None) -> Any:
    """The place that a path names, as an ObjectStoragePath: looked up but not touched.

    :param conn_id: the Airflow connection that opens the storage; None takes the storage's default.
    :raises ConfigurationError: Airflow has no storage of that kind here, the connection is of another kind, or the path
        names another one, or a login.
    """
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
        target.fs  # noqa: B018 - the library of the storage is looked up only here
    except (ValueError, ImportError):
        package = _PACKAGES.get(_scheme(path), "the provider of its storage")
        raise ConfigurationError(
            f"Airflow cannot reach {redacted_path(path)} here: install {package}, or give another path"
        ) from None
    return target


def _check_connection(target: Any, path: str) -> None:
    """Refuse a connection of another kind, before its password goes to a storage that must not have it.

    A storage's library takes the login and the password of any connection for its own.
    """
    from airflow.providers.common.compat.sdk import AirflowNotFoundException, BaseHook

    # which a path can name as well; where it stands depends on the version
    conn_id = getattr(target, "conn_id", None) or (getattr(target, "storage_options", None) or {}).get("conn_id")
    scheme = _scheme(path)
    if conn_id is None or scheme in _WITHOUT_CONNECTION:
        return
    try:
        kind, right = BaseHook.get_connection(conn_id).conn_type or "", _CONNECTION_TYPES.get(scheme)
    except AirflowNotFoundException:
        return  # the storage says so itself, where it needs one
    if kind in _NO_STORAGE if right is None else kind not in right:
        needed = "a storage's" if right is None else " or ".join(f'"{each}"' for each in right)
        raise ConfigurationError(
            f'connection "{conn_id}", which is to open {redacted_path(path)}, is of type "{kind}" and not of type '
            f"{needed}: name another connection; its password was sent to nobody"
        )


def local_path(target: Any) -> Path | None:
    """Where a place lies on this machine, as its path says and through no link; None where it lies elsewhere."""
    from fsspec.implementations.local import LocalFileSystem

    if not isinstance(target.fs, LocalFileSystem):
        return None
    return Path(target.fs._strip_protocol(target.path)).absolute()  # as its `open` reads the path: ~ and all


def make_folder(target: Any) -> None:
    """Make the folder of a place, in a storage that has folders."""
    if _scheme(str(target)) not in _WITHOUT_FOLDERS:
        target.parent.mkdir(parents=True, exist_ok=True)


def _scheme(path: str) -> str:
    return urlsplit(path).scheme.lower()
