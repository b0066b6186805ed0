"""The audit trail of a SQL ledger: `chain` says what a line is and how a trail is verified, `trail` keeps the table."""
