"""The settings under which a test runs Airflow: its own everything, and as little waiting as Airflow allows.

Airflow's defaults suit a data centre: five minutes until a dead worker is noticed, five until a new DAG file is seen.
Each value here that shortens a wait says which, so that a test which hangs can be judged against it.
"""

from __future__ import annotations

import base64
import os
import secrets
from pathlib import Path

LOOPBACK = "127.0.0.1"

QUICK = {
    # The scheduler's nap when it found nothing to do; at a nap of 0.1 s it takes a fifth of a core to do nothing.
    "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.3",
    # A dead supervisor is noticed when the heartbeats it should send stay away for heartbeat_timeout (see below).
    "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "0.5",
    # A killed task may leave children that hold its sockets open; its supervisor waits for them this long.
    "AIRFLOW__WORKERS__SOCKET_CLEANUP_TIMEOUT": "2",
    # A new or changed DAG file is seen within a second or two; an unchanged one is not parsed again.
    "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "1",
    "AIRFLOW__DAG_PROCESSOR__BUNDLE_REFRESH_CHECK_INTERVAL": "1",
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "3600",
    "AIRFLOW__DAG_PROCESSOR__PRINT_STATS_INTERVAL": "0",
    "AIRFLOW__CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL": "0",
    "AIRFLOW__CORE__MIN_SERIALIZED_DAG_FETCH_INTERVAL": "0",
    # How late the timeout of a deferred task may be noticed.
    "AIRFLOW__SCHEDULER__TRIGGER_TIMEOUT_CHECK_INTERVAL": "1",
}

QUIET = {
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
    "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
    "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
    # The fully qualified name would be asked of a name server, which a sandboxed machine does not have.
    "AIRFLOW__CORE__HOSTNAME_CALLABLE": "socket.gethostname",
    "AIRFLOW__LOGGING__COLORED_CONSOLE_LOG": "False",
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    # A machine busy with other tests answers late, and late is not broken.
    "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "120",
}


def without_airflow() -> dict[str, str]:
    """Copy this process's environment without any Airflow setting or connection: the children get their own."""
    return {name: value for name, value in os.environ.items() if not name.lstrip("_").startswith("AIRFLOW")}


def sqlite_url(home: Path) -> str:
    """Return the SQLAlchemy URL of the metadata database that lies in ``home``."""
    return f"sqlite:///{home / 'airflow.db'}"


def home_and_dags(*, home: Path, dags: Path) -> dict[str, str]:
    """Return the settings that every way of running Airflow needs: where it lives and where its DAGs are."""
    return {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
        "AIRFLOW__CORE__FERNET_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        **QUIET,
    }


def service_settings(
    *,
    home: Path,
    dags: Path,
    port: int,
    database_url: str,
    executor: str,
    parallelism: int,
    heartbeat_timeout: int,
) -> dict[str, str]:
    """Return the settings for the four components of one Airflow.

    :param port: where the API server listens, on loopback.
    :param database_url: SQLAlchemy URL of the metadata database; must be empty or an Airflow database.
    :param parallelism: how many tasks run at once; the LocalExecutor starts as many workers.
    :param heartbeat_timeout: whole seconds without a heartbeat after which a running task counts as dead.
    """
    api = f"http://{LOOPBACK}:{port}"
    return {
        **home_and_dags(home=home, dags=dags),
        **QUICK,
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database_url,
        "AIRFLOW__CORE__EXECUTOR": executor,
        "AIRFLOW__CORE__PARALLELISM": str(parallelism),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{api}/execution/",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / "passwords.json"),
        "AIRFLOW__API__HOST": LOOPBACK,
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": api,
        "AIRFLOW__API__SECRET_KEY": secrets.token_hex(16),
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(64),
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": str(heartbeat_timeout),
    }
