"""Stand-ins for the vendors that run on this machine, ring no phone, and count how often each number would have rung.

Start it with ``python -m airflow_provider_callkaro.sandbox`` to develop a DAG, or with ``with Sandbox() as sandbox:``
in a test. Both speak real HTTP over a real socket, validate as the vendor's documentation says, and fail on demand in
every way a vendor can fail. CallKaro, Callaro and MrAssistant share one port: their paths differ.

This room imports nothing of the rest of the package: a stand-in that shared code with the client would share its
mistakes. It never refuses to ring a number twice, because its count has to be able to show a double ring.

Begin with `server` (start, stop, faults) and `app` (the way of one request). Each vendor has a folder, whose `vendor`
decides what is accepted; `vendor` beside them is their contract, and `known` lists them. `request_log` counts,
`faults`, `active_faults` and `fault_responses` make requests fail, and `holds` makes them wait. `webhooks` tells what
became of the calls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_callkaro.sandbox.callaro.campaigns import CallaroCampaign
    from airflow_provider_callkaro.sandbox.callaro.reading import CallaroImport
    from airflow_provider_callkaro.sandbox.callkaro.vendor import Campaign
    from airflow_provider_callkaro.sandbox.endpoints import Endpoint
    from airflow_provider_callkaro.sandbox.faults import Fault, FaultKind, RetryAfterForm
    from airflow_provider_callkaro.sandbox.mrassistant.vendor import MrAssistantCampaign
    from airflow_provider_callkaro.sandbox.request_log import Request, Ring
    from airflow_provider_callkaro.sandbox.server import Sandbox
    from airflow_provider_callkaro.sandbox.webhooks.events import Delivery
    from airflow_provider_callkaro.sandbox.webhooks.fates import Ending
    from airflow_provider_callkaro.sandbox.webhooks.webhook import Webhook

__all__ = [
    "CallaroCampaign",
    "CallaroImport",
    "Campaign",
    "Delivery",
    "Ending",
    "Endpoint",
    "Fault",
    "FaultKind",
    "MrAssistantCampaign",
    "Request",
    "RetryAfterForm",
    "Ring",
    "Sandbox",
    "Webhook",
]

_HOMES = {
    "CallaroCampaign": "callaro.campaigns",
    "CallaroImport": "callaro.reading",
    "Campaign": "callkaro.vendor",
    "Delivery": "webhooks.events",
    "Ending": "webhooks.fates",
    "Endpoint": "endpoints",
    "Fault": "faults",
    "FaultKind": "faults",
    "MrAssistantCampaign": "mrassistant.vendor",
    "Request": "request_log",
    "RetryAfterForm": "faults",
    "Ring": "request_log",
    "Sandbox": "server",
    "Webhook": "webhooks.webhook",
}


def __getattr__(name: str) -> Any:
    """Import a public name on first use, so that the sandbox costs nothing to those who do not start it."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    try:
        home = import_module(f"{__name__}.{_HOMES[name]}")
    except ModuleNotFoundError as error:
        if error.name not in ("pydantic", "starlette", "uvicorn"):
            raise
        raise ModuleNotFoundError(
            f"the sandbox needs {error.name}: pip install 'airflow-provider-callkaro[sandbox]'", name=error.name
        ) from error
    return getattr(home, name)
