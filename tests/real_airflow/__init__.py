"""A real Airflow for tests.

:class:`RealAirflow` runs the whole of it (API server, scheduler, DAG processor, triggerer, workers) as child processes
for as long as a ``with`` block lasts, and does and sees through the REST API what a user could. :func:`dag_test` runs
one DAG file by ``dag.test()`` under any Airflow from 2.11 on. Neither imports Airflow into the test process.
"""

from .one_dag import DagResult, TaskResult, dag_test
from .rest import Refused
from .running import RealAirflow
from .views import PATIENCE
from .waiting import AirflowStuck, wait_until

__all__ = ["PATIENCE", "AirflowStuck", "DagResult", "RealAirflow", "Refused", "TaskResult", "dag_test", "wait_until"]
