"""Keys for keyed ledgers, as connections would have them."""

from __future__ import annotations

from airflow_provider_callkaro.ledger.digests import LedgerKey, LedgerKeys

SECRETS = {"k1": "0123456789abcdef" * 4, "k2": "fedcba9876543210" * 4, "k3": "the third secret".replace(" ", "-") * 4}


def keys(*ids: str) -> LedgerKeys:
    """Keys of these names, the first one to write."""
    return LedgerKeys(tuple(LedgerKey(id=id_, secret=SECRETS[id_]) for id_ in ids))
