"""What people do to a SQL ledger, beside the runs that use it: look, resolve, prune, erase, carry over.

Begin at `database` (`Upkeep`); ``commands/`` calls the rest.
"""
