"""What every source of contact rows offers.

An operator takes its rows from any object with this shape, so that a list, a query and a file are read alike: one row
after the other, and never all of them at once. A user may write a source of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from airflow_provider_callkaro.calls.contact_row import ContactRow

__all__ = ["ContactRow", "ContactSource", "templated_values"]


@runtime_checkable
class ContactSource(Protocol):
    """Where contact rows come from.

    :param template_fields: the attributes that Airflow renders before the task runs. Where the source has a
        ``template_ext`` (file endings), a text in one of them that ends so is the name of a template file.
    """

    template_fields: Sequence[str]

    def rows(self, context: Mapping[str, Any]) -> Iterator[ContactRow]:
        """The rows in the source's own order, lazily.

        A generator: what it holds open is closed when it is exhausted or closed, so close it after an early stop. To be
        used on the main thread, because it may read connections and XComs.

        :param context: the task's context.
        :raises ConfigurationError: the source cannot be read as it is described.
        """
        ...

    def total(self, context: Mapping[str, Any]) -> int | None:
        """How many rows there will be, where that is known without reading the source, else None."""
        ...


def templated_values(source: ContactSource) -> list[Any]:
    """What Airflow renders of a source, to be handed to `XComArg.apply_upstream_relationship`.

    Airflow finds the upstream task of an XComArg only in an operator's own fields, not in an object that a field holds.
    """
    return [getattr(source, name) for name in source.template_fields]
