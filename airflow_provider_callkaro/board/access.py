"""Who may see what on the board. Airflow authenticates no plugin's app, so the board asks for the user by itself.

Each request is judged anew, by Airflow's own auth manager: who the user is, whether they may read the runs of the DAG,
and whether they may see numbers in full. Whoever may edit the connection of the ledger may: they can reach its content
anyway.
"""

from __future__ import annotations

from typing import Annotated, Any

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import ConnectionDetails, DagAccessEntity
from airflow.api_fastapi.core_api.security import get_user, requires_access_dag
from airflow.models.connection import Connection
from airflow.models.dag import DagModel
from airflow.utils.session import create_session
from fastapi import Depends, HTTPException
from sqlalchemy import select

User = Annotated[Any, Depends(get_user)]
"""The logged-in user; without one the request is answered with 401."""
may_read_runs = Depends(requires_access_dag("GET", DagAccessEntity.RUN))
"""For a route with ``dag_id`` in its path: without the right to read that DAG the request is answered with 403."""


def readable_dags(user: Any) -> frozenset[str]:
    """The DAGs that the user may read."""
    return frozenset(get_auth_manager().get_authorized_dag_ids(user=user))


def check_dag_exists(dag_id: str) -> None:
    """Answer 404 for a DAG that Airflow does not know: nobody can tell whose it was."""
    with create_session() as session:
        if session.scalar(select(DagModel.dag_id).where(DagModel.dag_id == dag_id)) is None:
            raise HTTPException(404, "Airflow has no such DAG")


def may_see_numbers(user: Any, *, conn_id: str) -> bool:
    """Whether numbers may be shown in full: to whoever may edit the connection of their ledger."""
    details = {"conn_id": conn_id}
    if (team_of := getattr(Connection, "get_team_name", None)) is not None:  # Airflow 3.2 and later
        details["team_name"] = team_of(conn_id)
    allowed: bool = get_auth_manager().is_authorized_connection(
        method="PUT", details=ConnectionDetails(**details), user=user
    )
    return allowed
