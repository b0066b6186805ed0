"""MrAssistant's hook; `hook` holds it, `outbound` the methods for its outbound engine."""

from airflow_provider_callkaro.hooks.mrassistant.hook import MrAssistantHook

__all__ = ["MrAssistantHook"]
