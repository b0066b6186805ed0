"""Callaro's hook; `hook` holds it, the other files the groups of its methods and what its connection says."""

from airflow_provider_callkaro.hooks.callaro.hook import CallaroHook

__all__ = ["CallaroHook"]
