"""What a task of ours does, whichever operator it belongs to: who the run is, what it remembers, and how it ends.

Begin with `list_run`: one task's way through a list of contacts. The room imports the rooms below it (dispatch,
sources, hooks, triggers, ledger, calls) and Airflow; it knows no operator.
"""
