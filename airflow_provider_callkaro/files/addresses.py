"""The address under which a person's browser opens a file in object storage, signed in there as that person.

A link is stored and shown to many, so it holds no login, no query and no signature: the storage asks who comes.
"""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import quote, urlsplit

from airflow_provider_callkaro.files.storage import connection_in, redacted_path

_GOOGLE, _AMAZON = ("gs", "gcs"), ("s3", "s3a", "s3n")
_OPENED_BY = {
    **dict.fromkeys(_GOOGLE, "https://storage.cloud.google.com/{bucket}/{name}"),
    **dict.fromkeys(_AMAZON, "https://console.aws.amazon.com/s3/object/{bucket}?prefix={name}"),
}


def browser_address(path: str) -> str | None:
    """The address of a file for a browser; None where a browser cannot open it: a file of this machine, a storage
    without pages of its own, or one that only looks like Amazon's."""
    place = urlsplit(redacted_path(path))
    scheme = place.scheme.lower()
    if scheme in ("http", "https"):
        return place.geturl()
    bucket, name = place.netloc, place.path.lstrip("/")
    if scheme not in _OPENED_BY or not bucket or not name or (scheme in _AMAZON and _is_elsewhere(path)):
        return None
    return _OPENED_BY[scheme].format(bucket=quote(bucket, safe=""), name=quote(name))


def _is_elsewhere(path: str) -> bool:
    """Whether the connection, or this machine, sends what is for Amazon's storage to another one."""
    from airflow.providers.common.compat.sdk import AirflowNotFoundException, BaseHook

    if os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL"):
        return True
    try:
        extra: Any = BaseHook.get_connection(connection_in(path) or "aws_default").extra_dejson
    except AirflowNotFoundException:
        return False
    services = extra.get("service_config")
    service = services.get("s3", {}) if isinstance(services, dict) else {}
    return bool(extra.get("endpoint_url") or (isinstance(service, dict) and service.get("endpoint_url")))
