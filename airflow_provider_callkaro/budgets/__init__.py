"""One budget of calls for many tasks: leases of rate and concurrency, kept in the ledger's database.

Begin at `limits` (`CallBudget`: what an account allows), `keeper` (`BudgetKeeper`: what a run opens) and `lease`
(`Lease`: what one worker may do now, by its ``tokens`` and slots). ``messages`` are what a worker tells the database
and hears from it, `store` (`BudgetStore`) is the transaction between them, and ``renewal`` what it does to the
``book``: pure, with ``sharing`` and ``allowances``. The room imports ``ledger``, ``calls`` and ``exceptions``, and
nothing of Airflow.
"""
