"""The ledger in a SQL database.

Begin at `ledger` (`SqlLedger`), then `commit`: one transaction that settles and claims (`claiming`). The
tables are described in `table`, their SQL is in `statements` and `dialects`, and `session` runs transactions again
where a busy database refuses them. `keys` and `names` are about ledgers that hold digests instead of phone numbers.
"""
