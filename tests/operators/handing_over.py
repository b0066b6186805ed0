"""How Airflow hands values to a task of ours, mapped or not, without a whole Airflow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any

from airflow.providers.common.compat.sdk import DAG, BaseOperator
from task_context import TaskInstance

from airflow_provider_callkaro.operators import callaro, callkaro, mrassistant
from airflow_provider_callkaro.sensors.callaro import CallaroCampaignSensor, CallaroDispatchHealthSensor
from airflow_provider_callkaro.sensors.mrassistant import MrAssistantCallSensor, MrAssistantOutboundOpenSensor
from airflow_provider_callkaro.sensors.schedule_window import ScheduleWindowSensor

OPERATORS = [getattr(module, name) for module in (callkaro, callaro, mrassistant) for name in module.__all__]
SENSORS = [
    CallaroCampaignSensor,
    CallaroDispatchHealthSensor,
    MrAssistantCallSensor,
    MrAssistantOutboundOpenSensor,
    ScheduleWindowSensor,
]
NOT_TEMPLATED: dict[Any, dict[str, Any]] = {
    callkaro.CallKaroReportToSqlOperator: {"key_columns": ["customer_id"]},
    MrAssistantCallSensor: {"target_statuses": ["ended"]},
}
"""What an operator needs beside its templated arguments."""


class Upstream(BaseOperator):
    """A task that another one takes something from."""

    def execute(self, context: Any) -> None:
        """Nothing: what it returned is said by the context."""


class Rows(TaskInstance):
    """A task instance behind a task that returned something."""

    def __init__(self, returned: Any, *, map_index: int) -> None:
        super().__init__(task_id="task", run_id="manual__1", try_number=1)
        self.map_index = map_index
        self.task: Any = None
        self.returned = returned

    def xcom_pull(self, *_: Any, **__: Any) -> Any:
        """What the upstream task returned."""
        return self.returned


def arguments_of(operator: Any) -> list[str]:
    """The templated arguments, by the names that the user gives them."""
    return [name for name in operator.template_fields if name != "suppression"]


def taken_over(dag: DAG, returned: Any, **variables: Any) -> Any:
    """The DAG's one task of ours, as a worker has it once Airflow has rendered it.

    :param returned: what the upstream tasks returned.
    :param variables: what templates may use.
    """
    task = dag.get_task("task")
    mapped = hasattr(task, "expand_input")
    ti = Rows(returned, map_index=0 if mapped else -1)
    run = SimpleNamespace(conf={}, run_id="manual__1")
    context = {"ti": ti, "task": task, "dag": dag, "dag_run": run, "params": {}, **variables}
    if not mapped:
        task = task.prepare_for_execution()
    task.render_template_fields(context, dag.get_template_env())
    return ti.task if mapped else task


def texts_in(value: Any) -> Iterator[str]:
    """Every text that an object holds, however deep, as it would be sent."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from texts_in(key)
            yield from texts_in(each)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for each in value:
            yield from texts_in(each)
    elif hasattr(value, "template_fields"):
        for name in value.template_fields:
            yield from texts_in(getattr(value, name))
