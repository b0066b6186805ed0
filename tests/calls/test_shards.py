"""A list that is cut in parts loses nobody and gives nobody to two of them."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_callkaro.calls import shards
from airflow_provider_callkaro.dispatch.limits import Shard
from airflow_provider_callkaro.exceptions import ConfigurationError


@given(count=st.integers(min_value=1, max_value=1_024), key=st.text(max_size=20))
def test_each_key_belongs_to_exactly_one_part(count, key):
    parts = [Shard(index=index, count=of) for index, of in shards(count)]
    assert len(parts) == count
    assert sum(part.holds(key) for part in parts) == 1


def test_the_parts_are_what_airflow_can_store():
    assert shards(3) == [[0, 3], [1, 3], [2, 3]]


@pytest.mark.parametrize("count", [0, -1, 1_025, 2.0, True, "4", None, "{{ params.parts }}"])
def test_what_is_no_number_of_parts_is_refused_when_the_dag_is_parsed(count):
    with pytest.raises(ConfigurationError, match="shards must be a whole number from 1 to 1024"):
        shards(count)


def test_it_costs_a_dag_file_nothing():
    code = (
        "import sys\nfrom airflow_provider_callkaro.calls import shards\nshards(4)\n"
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) & {"airflow", "pendulum", "phonenumbers", "sqlalchemy"} == set()
