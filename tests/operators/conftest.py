"""A sandbox of its own for every test that dials."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from stage import Stage

from airflow_provider_callkaro.sandbox import Sandbox

EXAMPLES = Path(__file__).parents[2] / "example_dags"


@pytest.fixture
def no_example_logs_a_number(stage: Stage) -> Iterator[None]:
    """Whatever an example does, no number of anybody is in the logs of its tasks."""
    yield
    examples = [each.read_text() for each in EXAMPLES.glob("*.py")]
    names = {name for text in examples for name in re.findall(r'DAG\(\s*"(\w+)"', text)}
    assert "multi_agent_campaign" in names
    assert stage.numbers_logged(names) == []


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A vendor of this test's own."""
    with Sandbox() as vendor:
        yield vendor
