"""The list of those who asked not to be called again, as the outcomes of earlier calls say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.sources.contract import ContactRow

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

_REASONS = ("asked", "invalid_number")


class SuppressedByOutcomes:
    """Whom outcomes say not to call, for ``suppress`` of a `CallingPolicy`.

    The table is fed where the vendor's connection has ``"suppressions"`` in ``webhooks.keep``. In a keyed ledger it
    holds digests; a run finds people in it all the same, and nobody can read it as a list.

    :param ledger_conn_id: the SQL connection of the ledger. Templated.
    :param reasons: what counts: ``"asked"`` (they asked not to be called), ``"invalid_number"``. Default: both.
    :param beside: another list that counts too, as ``suppress`` takes it; None: no other.
    :raises ConfigurationError: a reason that does not exist.
    """

    template_fields: Sequence[str] = ("ledger_conn_id", "beside")

    def __init__(
        self,
        ledger_conn_id: str,
        *,
        reasons: Sequence[str] = _REASONS,
        beside: Any = None,
    ) -> None:
        if isinstance(reasons, str) or not set(reasons) <= set(_REASONS) or not reasons:
            raise ConfigurationError('reasons must be a list of "asked" and "invalid_number"')
        self.ledger_conn_id = ledger_conn_id
        self.reasons = tuple(reasons)
        self.beside = beside

    def __repr__(self) -> str:
        return f"SuppressedByOutcomes({getattr(self, 'ledger_conn_id', None)!r})"

    def rows(self, context: Context) -> Iterator[ContactRow]:  # noqa: ARG002
        """None: the list can be asked, not read. Raises ConfigurationError."""
        raise ConfigurationError(
            "SuppressedByOutcomes is no list of contacts: give it to suppress of a CallingPolicy, nobody is called"
        )

    def total(self, context: Context) -> int | None:  # noqa: ARG002
        """Not known."""
        return None
