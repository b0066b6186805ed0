"""The triggers: what a deferred task waits for, without a worker.

A trigger may run twice, so it only sleeps or reads: it imports hooks, and neither dispatch, ledger nor sources. Airflow
stores the path and the arguments of a trigger, so both stay as they are. Begin with `schedule_window`.
"""
