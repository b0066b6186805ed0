"""The ledger in Airflow's task state: one task instance of one run. Begin at `ledger` (`TaskStateLedger`)."""
