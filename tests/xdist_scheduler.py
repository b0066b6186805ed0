"""The scheduler that `spreading` describes; apart, because only a run with workers needs pytest-xdist."""

from __future__ import annotations

from typing import Any

import pytest
from spreading import unit_of
from xdist.scheduler import LoadScopeScheduling


class ByAirflow(LoadScopeScheduling):
    """Sends whole files to a worker, and files that share an Airflow to the same one, in the order of collection."""

    def __init__(self, config: pytest.Config, log: Any = None) -> None:
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return unit_of(nodeid)
