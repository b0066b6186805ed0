"""A StatsD as Airflow meets one: a UDP socket that keeps what it is sent.

A datagram over loopback is in the socket's buffer when the send returns, so nothing here waits.
"""

from __future__ import annotations

import socket
from typing import Self

_LARGEST = 65_535  # bytes of a datagram


class StatsdListener:
    """Listens on a port of its own, within a ``with`` block."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self._socket.bind(("127.0.0.1", 0))
        self._lines: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.lines()
        self._socket.close()

    @property
    def environment(self) -> dict[str, str]:
        """Settings of an Airflow that sends its metrics here, with tags."""
        return {
            "AIRFLOW__METRICS__STATSD_ON": "True",
            "AIRFLOW__METRICS__STATSD_HOST": "127.0.0.1",
            "AIRFLOW__METRICS__STATSD_PORT": str(self._socket.getsockname()[1]),
            "AIRFLOW__METRICS__STATSD_PREFIX": "airflow",
            "AIRFLOW__METRICS__STATSD_INFLUXDB_ENABLED": "True",
        }

    def lines(self) -> list[str]:
        """Every metric so far, one line each, such as ``airflow.dagbag_size:1|g``."""
        while self._socket.fileno() != -1:
            try:
                datagram = self._socket.recv(_LARGEST, socket.MSG_DONTWAIT)
            except BlockingIOError:
                break
            self._lines += datagram.decode().splitlines()
        return list(self._lines)

    def total(self, name: str) -> float:
        """The sum of a counter, or the last value of a gauge; 0 if there is none of that name."""
        sent = [line.rpartition(":")[2].split("|") for line in self.lines() if _name(line) == name]
        values = [float(value) for value, *_ in sent]
        return sum(values) if not sent or sent[0][1] == "c" else values[-1]

    def names(self) -> set[str]:
        """The names of the metrics, without tags."""
        return {_name(line) for line in self.lines()}


class stats_as_configured:  # noqa: N801 - reads as a function
    """Airflow's `Stats` as the configuration has it, and as it was afterwards."""

    def __enter__(self) -> None:
        self._set_up()

    def __exit__(self, *_: object) -> None:
        from airflow.providers.common.compat.sdk import Stats

        try:
            from airflow.sdk.observability import stats
        except ImportError:
            Stats.instance = None
        else:
            from airflow.sdk._shared.observability.metrics.base_stats_logger import NoStatsLogger

            stats.initialize(factory=NoStatsLogger, export_legacy_names=True)

    def _set_up(self) -> None:
        from airflow.providers.common.compat.sdk import Stats

        try:
            from airflow.sdk.observability import stats
            from airflow.sdk.observability.metrics.stats_utils import get_stats_factory
        except ImportError:
            from airflow.metrics.statsd_logger import get_statsd_logger

            type(Stats).factory, Stats.instance = get_statsd_logger, None
        else:
            stats.initialize(factory=get_stats_factory(), export_legacy_names=True)


def _name(line: str) -> str:
    return line.rpartition(":")[0].partition(",")[0]
