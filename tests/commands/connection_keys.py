"""Secrets as the ledger's connection has them, and the keys that they make."""

from __future__ import annotations

from airflow_provider_callkaro.ledger.digests import LedgerKeys, read_keys


def secrets_of(*ids: str) -> list[str]:
    """Secrets of these names, the first one to write."""
    return [f"{id_}:{id_ * 20}" for id_ in ids]


def keys(*ids: str) -> LedgerKeys:
    """What a task reads of them."""
    found = read_keys(secrets_of(*ids), where="the ledger's connection")
    assert found is not None
    return found
