"""CallKaro's hook; `hook` holds it, `connection` what its connection says."""

from airflow_provider_callkaro.hooks.callkaro.hook import CallKaroHook

__all__ = ["CallKaroHook"]
