"""A sandbox of its own for every test that dials."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from airflow_provider_callkaro.sandbox import Sandbox


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A vendor of this test's own."""
    with Sandbox() as vendor:
        yield vendor
