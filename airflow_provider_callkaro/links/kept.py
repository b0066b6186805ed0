"""A link whose address the task leaves in an XCom, where each version of Airflow finds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from airflow.providers.common.compat.sdk import BaseOperator, BaseOperatorLink, Context, XCom

if TYPE_CHECKING:
    from airflow.models.taskinstancekey import TaskInstanceKey


class KeptLink(BaseOperatorLink):
    """The common part of the links; not to be used by itself."""

    key: ClassVar[str]
    """The XCom of the address: ``_link_`` and the name of the class, under which Airflow 3 itself looks for it."""

    @classmethod
    def keep(cls, context: Context, address: str | None) -> None:
        """Make the link visible while the task runs; without an address there is none."""
        if address:
            context["ti"].xcom_push(key=cls.key, value=address)

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002 - Airflow's signature
        """The address that the task left; empty where it left none."""
        return XCom.get_value(key=self.key, ti_key=ti_key) or ""
