"""How the tests are spread over pytest's worker processes (``pytest -n 4``).

The tests of one file run on one worker, so that what a file shares is made once. Files that need the same running
Airflow run on one worker too: an Airflow costs more than what most tests do with it. What takes longest comes first,
so that no worker is left with it at the end. More workers than cores pay, because a test under a real Airflow waits
for most of its time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from real_airflow import RealAirflow

AIRFLOWS = {
    "test_calling_hours.py": "the first stage",
    "test_callaro_run_under_airflow.py": "the first stage",
    "test_preflight_under_airflow.py": "the first stage",
    "test_vendor_examples.py": "the first stage",
    "test_workers_killed_under_airflow.py": "the second stage",
    "test_example_dags.py": "the second stage",
    "test_operators_under_airflow.py": "the second stage",
    "test_callaro_under_airflow.py": "the second stage",
    "test_sensor_under_airflow.py": "the first stage",
    "test_outcomes_under_airflow.py": "the first stage",
    "test_back_in_the_dag.py": "the first stage",
    "test_real_airflow.py": "the first stage",
    "test_board_over_http.py": "the teams",
    "test_board_in_a_browser.py": "the teams",
    "test_receiver_in_airflow.py": "the first stage",
}
"""Which files share an Airflow. Every worker that runs one of them starts an Airflow, so there are few groups."""

shared_airflows: list[RealAirflow] = []
"""The Airflows that several tests of this process share."""


def duration_rank(item: pytest.Item) -> int:
    """What to sort tests by, so that the longest come first; the order is kept otherwise."""
    if item.get_closest_marker("airflow"):
        return 0
    return 1 if item.get_closest_marker("slow") else 2


def needs_airflow(item: pytest.Item) -> bool:
    """Whether the test runs under a real Airflow, or in a file whose other tests do."""
    return item.get_closest_marker("airflow") is not None or item.path.name in AIRFLOWS


def unit_of(nodeid: str) -> str:
    """What a worker takes as a whole: a file, or the files that share an Airflow."""
    file = nodeid.partition("::")[0]
    return AIRFLOWS.get(file.rpartition("/")[2], file)
