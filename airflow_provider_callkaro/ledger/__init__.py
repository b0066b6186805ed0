"""Who has been rung: one contract, a ledger in Airflow's task state, a SQL ledger, a memory ledger."""
