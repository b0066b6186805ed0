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
        look = getattr(XCom, "get_all", None)
        if look is None or ti_key.map_index != -1:
            return XCom.get_value(key=self.key, ti_key=ti_key) or ""
        # Airflow 3 asks when the task ends, and logs an error for each single XCom that is not there
        found = look(key=self.key, dag_id=ti_key.dag_id, task_id=ti_key.task_id, run_id=ti_key.run_id)
        return next(iter(found or ()), None) or ""
