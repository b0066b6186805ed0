"""A stand-in for CallKaro that runs on this machine, rings nobody, and counts how often each number would have rung.

Two front doors: ``python -m airflow_provider_callkaro.sandbox`` for a person who develops a DAG, and
``with Sandbox() as sandbox:`` for a test. Both speak real HTTP over a real socket, validate as the vendor's
documentation says, and can be told to fail in every way a vendor can fail.

The sandbox imports nothing of the rest of the package: a stand-in that shared code with the client would share its
mistakes. It never refuses to ring a number twice, because its count has to be able to show a double ring.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_callkaro.sandbox.book import Campaign, Request, Ring
    from airflow_provider_callkaro.sandbox.faults import Endpoint, Fault, FaultKind, RetryAfterForm
    from airflow_provider_callkaro.sandbox.server import Sandbox

__all__ = ["Campaign", "Endpoint", "Fault", "FaultKind", "Request", "RetryAfterForm", "Ring", "Sandbox"]

_HOMES = {
    "Campaign": "book",
    "Endpoint": "faults",
    "Fault": "faults",
    "FaultKind": "faults",
    "Request": "book",
    "RetryAfterForm": "faults",
    "Ring": "book",
    "Sandbox": "server",
}


def __getattr__(name: str) -> Any:
    """Import a public name on first use, so that the sandbox costs nothing to those who do not start it."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    try:
        home = import_module(f"{__name__}.{_HOMES[name]}")
    except ModuleNotFoundError as error:
        if error.name not in ("starlette", "uvicorn"):
            raise
        raise ModuleNotFoundError(
            f"the sandbox needs {error.name}: pip install 'airflow-provider-callkaro[sandbox]'", name=error.name
        ) from error
    return getattr(home, name)
