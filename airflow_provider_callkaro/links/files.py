"""The links from a task to the files that it wrote, where a browser can open them: the report, the preflight page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_callkaro.links.kept import KeptLink

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


class _FileLink(KeptLink):
    """The common part of the links to files."""

    @classmethod
    def show(cls, context: Context, path: str | None) -> None:
        """Make the link visible once the file is written. A file that no browser can open, such as a local one, has no
        link."""
        if path:
            from airflow_provider_callkaro.files.addresses import browser_address

            cls.keep(context, browser_address(path))


class CallReportLink(_FileLink):
    """Opens the report of a fan-out in its object storage. The storage itself asks who may see it."""

    name = "Report"
    key = "_link_CallReportLink"


class PreflightPageLink(_FileLink):
    """Opens the page of a preflight in its object storage. The storage itself asks who may see it."""

    name = "Preflight page"
    key = "_link_PreflightPageLink"
