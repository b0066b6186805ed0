"""The list of the vendors that the sandbox stands in for: a new one is a line here."""

from __future__ import annotations

from airflow_provider_callkaro.sandbox.callaro.vendor import Callaro
from airflow_provider_callkaro.sandbox.callkaro.vendor import CallKaro
from airflow_provider_callkaro.sandbox.mrassistant.vendor import MrAssistant
from airflow_provider_callkaro.sandbox.vendor import Vendor

VENDORS: tuple[type[Vendor], ...] = (
    CallKaro,  # the first one answers at paths that no vendor has
    Callaro,
    MrAssistant,
)
