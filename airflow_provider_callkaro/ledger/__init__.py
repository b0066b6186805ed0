"""Who has been rung. Every ledger keeps one contract: claim before the send, settle after it.

Begin at `contract`. ``memory`` is the shortest ledger, ``task_state/`` keeps one run in Airflow's task state, ``sql/``
keeps all runs in a database, and ``upkeep/`` is what people do to a SQL ledger, ``audit/`` is its trail. ``digests``
keys a ledger, ``run_record`` keeps who a run is. The room imports ``calls`` and ``exceptions``, and nothing of Airflow.
"""
