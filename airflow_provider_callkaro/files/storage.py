"""The storage that a path names, and how the path may be shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from airflow_provider_callkaro.exceptions import ConfigurationError

_PACKAGES = {
    "s3": "apache-airflow-providers-amazon[s3fs]",
    "s3a": "apache-airflow-providers-amazon[s3fs]",
    "gs": "apache-airflow-providers-google",
    "gcs": "apache-airflow-providers-google",
    "abfs": "apache-airflow-providers-microsoft-azure",
    "abfss": "apache-airflow-providers-microsoft-azure",
    "adl": "apache-airflow-providers-microsoft-azure",
}
_WITHOUT_FOLDERS = frozenset(_PACKAGES)  # a name there may hold slashes; making its "folder" could make a bucket


def shown(path: str) -> str:
    """The path as a message may have it: without a login, a query or a fragment, where signatures and keys stand."""
    if "://" not in path:
        return path
    scheme, _, rest = path.partition("://")
    place = rest.partition("?")[0].partition("#")[0]
    host, slash, name = place.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{name}"


def storage_of(path: str, *, conn_id: str | None = None) -> Any:
    """The place that a path names, as an ObjectStoragePath: looked up but not touched.

    :param conn_id: the Airflow connection that opens the storage; None takes the storage's default.
    :raises ConfigurationError: Airflow has no storage of that kind here.
    """
    from airflow.providers.common.compat.sdk import ObjectStoragePath

    try:
        target = ObjectStoragePath(Path(path).expanduser() if path.startswith("~") else path, conn_id=conn_id)
        target.fs  # noqa: B018 - the library of the storage is looked up only here
    except (ValueError, ImportError):
        package = _PACKAGES.get(_scheme(path), "the provider of its storage")
        raise ConfigurationError(
            f"Airflow cannot reach {shown(path)} here: install {package}, or give another path"
        ) from None
    return target


def local_path(target: Any) -> Path | None:
    """Where a place lies on this machine, behind its symbolic links; None where it lies elsewhere."""
    from fsspec.implementations.local import LocalFileSystem

    if not isinstance(target.fs, LocalFileSystem):
        return None
    return Path(target.fs._strip_protocol(target.path)).resolve()  # as its `open` reads the path: ~ and all


def make_folder(target: Any) -> None:
    """Make the folder of a place, in a storage that has folders."""
    if _scheme(str(target)) not in _WITHOUT_FOLDERS:
        target.parent.mkdir(parents=True, exist_ok=True)


def _scheme(path: str) -> str:
    return urlsplit(path).scheme.lower()
