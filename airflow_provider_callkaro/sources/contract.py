"""What every source of contact rows offers.

An operator reads a list, a query and a file alike: one row after the other, and never all of them at once. Users may
write a source of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from airflow_provider_callkaro.calls.row_schema import ContactRow

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

__all__ = ["ContactRow", "ContactSource", "templated_values"]


@runtime_checkable
class ContactSource(Protocol):
    """Where contact rows come from.

    :param template_fields: the attributes that Airflow renders before the task runs. Where the source has a
        ``template_ext`` (file endings), a text in one of them that ends so is the name of a template file.
    """

    template_fields: Sequence[str]

    def rows(self, context: Context) -> Iterator[ContactRow]:
        """The rows in the source's own order, read as they are asked for.

        Write it as a generator, and close what it holds open in a ``finally``: an operator that stops early closes the
        generator. It runs on the task's main thread and may read connections and XComs.

        :param context: the task's context.
        :raises ConfigurationError: the source cannot be read as it is described.
        """

    def total(self, context: Context) -> int | None:
        """How many rows there are; None if only reading the source would tell."""


def templated_values(source: ContactSource) -> list[object]:
    """The values of a source that Airflow renders, for `XComArg.apply_upstream_relationship`.

    Airflow finds the upstream task of an XComArg only in an operator's own fields, not in an object that a field holds.
    """
    return [getattr(source, name) for name in source.template_fields]
