"""Where contact rows come from: a list or an upstream task, a query, files, the files that asset events name."""

from __future__ import annotations

from airflow_provider_callkaro.sources.assets import AssetContacts
from airflow_provider_callkaro.sources.files import FileContacts
from airflow_provider_callkaro.sources.sql import SqlContacts

__all__ = ["AssetContacts", "FileContacts", "SqlContacts"]
