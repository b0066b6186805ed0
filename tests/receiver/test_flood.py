"""A flood, with strangers in it, while the database stops and hangs: what is acknowledged is written, all of it."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter
from itertools import chain

import pytest
import sqlalchemy
from delivering import LEDGER, define_callkaro, make_ledger
from ledger_databases import database_on
from real_airflow.ports import free_port

from benchmarks.flood import SECRET, Delivery, Flood, bad, good
from benchmarks.unreliable_database import UnreliableDatabase

CALLS = 1_500
START = """
import sys, pymysql
pymysql.install_as_MySQLdb()  # whose own driver needs a compiler to install
from airflow_provider_callkaro.receiver.__main__ import main
sys.exit(main())
"""


@pytest.fixture(params=["postgresql", "mariadb"])
def database(request, define):
    """A database, and a proxy before it that the receiver knows as its ledger."""
    server = request.getfixturevalue(request.param)
    with database_on(server) as url, UnreliableDatabase(host=server.host, port=server.port) as proxy:
        make_ledger(url)
        name = url.rpartition("/")[2]
        define(
            *(LEDGER,),
            conn_type=server.connection_type,
            host="127.0.0.1",
            port=proxy.port,
            login=server.user,
            schema=name,
        )
        define_callkaro(define, secret=SECRET)
        proxy.url = url
        yield proxy


@pytest.fixture
def receiver(database):
    """The receiver as a process of its own: its port, and its log when it has ended."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-c", START, "--connection", "callkaro_default", "--port", str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    lines = iter(process.stdout.readline, "")
    assert any(line.startswith("Listens at") for line in lines)
    yield port
    process.send_signal(signal.SIGTERM)
    log = process.communicate(timeout=120)[0]
    assert process.returncode == -signal.SIGTERM  # once everything is answered, as uvicorn does
    assert "Traceback" not in log
    assert "Customer" not in log
    assert SECRET not in log


def written(url):
    engine = sqlalchemy.create_engine(url)
    with engine.connect() as connection:
        found = connection.execute(sqlalchemy.text("select call_id from voice_call_outcomes")).scalars()
        return Counter(found)


@pytest.mark.services
@pytest.mark.slow
def test_what_is_acknowledged_is_written_whatever_the_database_does(database, receiver):
    answers: Counter[int] = Counter()
    troubles = iter(
        [(200, 300, database.stop), (503, 50, database.start), (200, 500, database.hang), (503, 64, database.go_on)]
    )
    coming = [next(troubles)]

    def make_trouble(status):
        """After so many answers with a status the database does the next thing."""
        answers[status] += 1
        awaited, count, do = coming[0]
        if answers[awaited] == count:
            do()
            answers.clear()
            coming[0] = next(troubles, (0, -1, None))

    deliveries = shuffled(chain(good(CALLS), good(CALLS // 3), bad(30)))
    flood = Flood(port=receiver, deliveries=deliveries, connections=64, on_answer=make_trouble)
    flood.run()
    assert coming[0] == (0, -1, None)  # all of it has happened
    assert written(database.url) == dict.fromkeys(flood.acknowledged, 1)
    assert len(flood.acknowledged) == CALLS
    statuses = {kind: {status for of, status in flood.answers if of == kind} for kind, _ in flood.answers}
    assert statuses["good"] == {200, 503}  # and each within the five seconds of the vendor
    for kind in ("wrong secret", "no secret", "unknown connection"):
        assert statuses[kind] == {401}
    assert statuses["malformed"] == statuses["nested"] == {400}
    assert statuses["too long"] <= {413, 0}  # closed before all of it was sent


def shuffled(deliveries: chain[Delivery]):
    from random import Random

    mixed = list(deliveries)
    Random(1).shuffle(mixed)
    return iter(mixed)
