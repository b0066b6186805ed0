"""Where contact rows come from: a list or an upstream task, a query, files, the files that asset events name.

Begin with `contract.ContactSource`, which a user's own source implements too. A source yields one row after the other
and never holds a whole list; a row that cannot be read is None, and no error quotes a row. The room imports ``files``,
``calls`` and ``exceptions``, and asks Airflow for connections only when rows are read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_callkaro.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from airflow_provider_callkaro.sources.assets import AssetContacts
    from airflow_provider_callkaro.sources.files import FileContacts
    from airflow_provider_callkaro.sources.outcomes import SuppressedByOutcomes
    from airflow_provider_callkaro.sources.sql import SqlContacts

__all__ = ["AssetContacts", "FileContacts", "SqlContacts", "SuppressedByOutcomes"]

__getattr__ = lazy_exports(
    __name__,
    {
        "AssetContacts": "assets",
        "FileContacts": "files",
        "SqlContacts": "sql",
        "SuppressedByOutcomes": "outcomes",
    },
)
