"""`make soak`: everything at once, killed and frozen at random, and then the account.

A whole Airflow runs DAGs of every operator against the sandbox: Celery with a broker of its own, two workers, and
PostgreSQL for Airflow, for the ledger and for the lists. Meanwhile its parts are killed and frozen, by a schedule that
a seed decides, and the vendors fail. Then the faults end, the runs are driven to their end as somebody on duty would,
and the vendors' own log says whether a promise was broken.

Begin with `__main__` (the order of a soak) and `plan` (what happens when). `cluster` runs Airflow on `databases` and
`brokers`, all of them `programs`; `faults` breaks them; `traffic` starts runs of ``dags/`` with the `lists`; `settling`
ends them; `account` judges what the `witness`, a sandbox in a process that nobody kills, has seen.
"""
