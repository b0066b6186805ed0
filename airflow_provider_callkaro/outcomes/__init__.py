"""What became of the calls: events of the vendors, matched with the ledger's rows and kept beside them.

Begin at `store` (`OutcomeStore`). ``attempts`` folds what many deliveries say of one attempt, ``matching`` finds the
call in the ledger, ``recording`` is the one transaction that writes, ``counting`` and ``reading`` read. ``references``
makes what a call carries so that its outcome finds it. The room imports ``vendors``, ``ledger``, ``calls`` and
``exceptions``, and nothing of Airflow.
"""
