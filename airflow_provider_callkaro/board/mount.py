"""What Airflow's plugin says of the board: where it is mounted, and where the UI leads to it.

Airflow loads the plugin in every process, so nothing of the board is imported before it is asked for the first time.
"""

from __future__ import annotations

from typing import Any

PREFIX = "/callkaro/board"
_PATH = PREFIX.removeprefix("/")  # relative to Airflow's own address, which may have a path
_NAME = "Voice calls"

VIEWS = [
    {"name": _NAME, "href": f"{_PATH}/", "destination": "nav", "url_route": "voice_calls", "category": "browse"},
    {
        "name": _NAME,
        "href": f"{_PATH}/dags/{{DAG_ID}}/runs/{{RUN_ID}}",
        "destination": "dag_run",
        "url_route": "voice_calls_of_run",
    },
    {
        "name": _NAME,
        "href": f"{_PATH}/dags/{{DAG_ID}}/runs/{{RUN_ID}}/tasks/{{TASK_ID}}",
        "destination": "task_instance",
        "url_route": "voice_calls_of_task",
    },
]
"""Where the UI of Airflow 3.1 and later leads to the board."""


class LazyBoard:
    """The board as an ASGI app, imported by its first request."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        from airflow_provider_callkaro.board.app import app

        await app(scope, receive, send)


MOUNTED = {"app": LazyBoard(), "url_prefix": PREFIX, "name": "CallKaro board"}
"""The entry of the plugin's ``fastapi_apps``."""
