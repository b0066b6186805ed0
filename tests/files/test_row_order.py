"""Lines that come in any order leave in the order of their rows, each once, however few fit into memory."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_callkaro.files.reading.row_order import in_row_order

LINES = st.lists(
    st.fixed_dictionaries({"row": st.integers(min_value=1, max_value=30), "detail": st.none() | st.text(max_size=5)}),
    max_size=60,
)


@given(lines=LINES, held=st.integers(min_value=1, max_value=20), max_files=st.integers(min_value=2, max_value=4))
def test_the_order_is_that_of_the_rows_and_lines_of_one_row_keep_theirs(lines, held, max_files):
    assert list(in_row_order(iter(lines), held=held, max_files=max_files)) == sorted(
        lines, key=lambda line: line["row"]
    )


def test_a_source_that_fails_gives_no_line():
    def failing():
        yield {"row": 1}
        raise OSError("broken")

    with pytest.raises(OSError, match="broken"):
        next(in_row_order(failing()))
