"""A sandbox of its own for every test that dials."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from airflow_provider_callkaro.sandbox import Sandbox


@pytest.fixture
def no_example_logs_a_number(stage: Stage) -> Iterator[None]:
    """Whatever an example does, no number of anybody is in the logs of its tasks."""
    yield
    examples = [each.read_text() for each in ROOT.glob("example_dags/*.py")]
    names = {name for text in examples for name in re.findall(r'DAG\(\s*"(\w+)"', text)}
    assert "multi_agent_campaign" in names
    assert stage.numbers_logged(names) == []


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A vendor of this test's own."""
    with Sandbox() as vendor:
        yield vendor
