"""One budget of calls for many tasks: leases of rate and concurrency, kept in the ledger's database.

Begin at `limits` (`CallBudget`: what an account allows) and `lease` (`Lease`: what one worker may do now). ``tokens``
are the rights to start calls, ``answer_times`` and ``usage`` what a worker measures, ``messages`` what it tells the
database and hears from it. The room imports ``ledger``, ``calls`` and ``exceptions``, and nothing of Airflow.
"""
