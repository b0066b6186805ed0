"""The part of the Callaro hook that sends and receives files. Half a file is never sent, and never taken for whole."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, BinaryIO

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.hooks.callaro.connection import CallaroConnection
from airflow_provider_callkaro.hooks.vendor import VendorHook
from airflow_provider_callkaro.vendors.callaro.answers import CampaignId
from airflow_provider_callkaro.vendors.callaro.api import Callaro
from airflow_provider_callkaro.vendors.http import Request

if TYPE_CHECKING:
    from airflow_provider_callkaro.transport.download import Download

MOST_BYTES = 64 << 20  # of a file that is sent; ours: the vendor's limit is not documented
_PIECE = 1 << 20  # bytes read at once


class CallaroFilesHook(VendorHook[CallaroConnection]):
    """Exports of Callaro's and imports of contacts; use `CallaroHook`, which has them."""

    @property
    def _vendor(self) -> Callaro:
        return self.connection.vendor

    def results_export(self, campaign_id: CampaignId, *, page: int = 1) -> AbstractContextManager[Download]:
        """What became of a campaign's calls, as a file that is read piece by piece. It holds phone numbers.

        :param page: from 1; of an export that says it has several.
        """
        return self._download(self._vendor.results_export(campaign_id, page=page))

    def export_campaigns(self, *, page: int = 1) -> AbstractContextManager[Download]:
        """The campaigns, as a file that is read piece by piece.

        :param page: as in `results_export`.
        """
        return self._download(self._vendor.export_campaigns(page=page))

    def import_contacts(
        self,
        file: BinaryIO,
        column_mapping: Mapping[str, str],
        options: Mapping[str, Any] | None = None,
        *,
        filename: str | None = None,
    ) -> dict[str, Any]:
        """Import contacts from a CSV file, which is read in pieces and held in memory, up to 64 MiB.

        :param file: the open file.
        :param column_mapping: which column is what. Source: page on contacts, import in bulk.
        :param options: as Callaro takes them.
        :param filename: what the file is called at Callaro's; default: as it is called here.
        :return: what Callaro says of the import.
        :raises ConfigurationError: the file is longer than that, or empty; nothing was sent.
        :raises OutcomeUnknown: it may have been imported; it is not sent again, so that no contact
            is in it twice.
        """
        name = filename or os.path.basename(str(getattr(file, "name", "") or ""))
        request = self._vendor.import_contacts(
            bounded(file), filename=name or "contacts.csv", column_mapping=column_mapping, options=options
        )
        return self._ask(request, self._vendor.read_object)

    def contact_import_errors(self, import_id: CampaignId, *, page: int = 1) -> AbstractContextManager[Download]:
        """Which lines of an import were refused, as a file that is read piece by piece. It holds phone numbers.

        :param page: as in `results_export`.
        """
        return self._download(self._vendor.contact_import_errors(import_id, page=page))

    def _download(self, request: Request) -> AbstractContextManager[Download]:
        return self._transport.download(request, self._vendor.read_refusal)


def bounded(file: BinaryIO) -> bytes:
    """What a file holds.

    :raises ConfigurationError: it is longer than `MOST_BYTES`, or empty.
    """
    content = bytearray()
    while piece := file.read(_PIECE):
        content += piece
        if len(content) > MOST_BYTES:
            raise ConfigurationError(
                f"the file of contacts is longer than {MOST_BYTES >> 20} MiB: import it in parts, nothing was sent"
            )
    if not content:
        raise ConfigurationError("the file of contacts is empty: nothing was sent")
    return bytes(content)
