"""What the entry point of an installed package does: Airflow finds the plugin."""

from airflow_provider_callkaro.plugin import CallKaroPlugin

__all__ = ["CallKaroPlugin"]
