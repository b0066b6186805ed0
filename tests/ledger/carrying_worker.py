"""A worker of its own process that carries a ledger over to the key k1, in small batches, and says so after each.

Run as ``python carrying_worker.py URL``.
"""

from __future__ import annotations

import sys

import sqlalchemy
from ledger_secrets import keys

from airflow_provider_callkaro.ledger.upkeep.carry_over import carry_over

if __name__ == "__main__":
    carry_over(
        sqlalchemy.create_engine(sys.argv[1]), keys("k1"), batch=20, on_batch=lambda done: print(done.rows, flush=True)
    )
